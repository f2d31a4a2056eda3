#include "tests/golden/command_trees.h"

#include <simdjson.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"

namespace muster::golden {
namespace {

absl::StatusOr<std::string> ReadGzip(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return absl::NotFoundError(absl::StrCat("can't open ", path));
  std::string text;
  char chunk[16384];
  int size = 0;
  while ((size = gzread(file, chunk, sizeof(chunk))) > 0) text.append(chunk, size);
  gzclose(file);
  if (size < 0) return absl::DataLossError(absl::StrCat("can't unpack ", path));
  return text;
}

// An object is a menu, a list of strings a command.
bool ReadMenu(const simdjson::dom::element& element, Menu& menu) {
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return false;
  for (const auto field : object) {
    const std::string name(field.key.data(), field.key.size());
    simdjson::dom::array arguments;
    if (field.value.get(arguments) != simdjson::SUCCESS) {
      if (!ReadMenu(field.value, menu.menus[name])) return false;
      continue;
    }
    std::set<std::string>& names = menu.commands[name];
    for (const auto argument : arguments) {
      const char* text = nullptr;
      if (argument.get(text) != simdjson::SUCCESS) return false;
      names.insert(text);
    }
  }
  return true;
}

absl::StatusOr<CommandTree> ReadTree(const std::filesystem::path& path) {
  const std::string file_name = path.filename().native();
  const absl::string_view name = absl::StripSuffix(file_name, ".json.gz");
  CommandTree tree;
  ASSIGN_OR_RETURN(tree.version, routeros::ParseVersion(name));
  ASSIGN_OR_RETURN(const std::string text, ReadGzip(path));
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text).get(root) != simdjson::SUCCESS || !ReadMenu(root, tree.root)) {
    return absl::DataLossError(absl::StrCat(path.native(), " is no command tree"));
  }
  return tree;
}

}  // namespace

absl::StatusOr<std::vector<CommandTree>> ReadCommandTrees() {
  const char* data = std::getenv("MUSTER_TEST_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(data == nullptr ? "" : data) / "routeros-trees";
  std::error_code error;
  std::vector<CommandTree> trees;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".gz") continue;
    ASSIGN_OR_RETURN(CommandTree tree, ReadTree(entry.path()));
    trees.push_back(std::move(tree));
  }
  if (trees.empty()) return absl::NotFoundError(absl::StrCat("no trees in ", folder.native()));
  std::sort(trees.begin(), trees.end(), [](const CommandTree& left, const CommandTree& right) {
    return routeros::CompareVersions(left.version, right.version) < 0;
  });
  return trees;
}

const CommandTree& NearestTree(const std::vector<CommandTree>& trees,
                               const routeros::Version& version) {
  const auto family = routeros::FamilyOf(version);
  const CommandTree* nearest = &trees.front();
  for (const CommandTree& tree : trees) {
    if (routeros::CompareVersions(tree.version, version) > 0) break;
    nearest = &tree;
  }
  // Below the first tree of its family, the next one above it is nearer than another family's.
  for (const CommandTree& tree : trees) {
    const auto its_family = routeros::FamilyOf(nearest->version);
    if (!family.ok() || (its_family.ok() && *its_family == *family)) break;
    const auto other = routeros::FamilyOf(tree.version);
    if (other.ok() && *other == *family) return tree;
  }
  return *nearest;
}

}  // namespace muster::golden
