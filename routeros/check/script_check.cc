// Parses for one version and walks what came out: names that the tree lacks, names of later
// versions (deny list), and commands after which a router doesn't answer as it was. Scripts inside
// of scripts are checked by a checker of their own, so that their lines count from 1.
#include "routeros/check/script_check.h"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/sync/mutex.h"
#include "routeros/check/deny_list.h"
#include "routeros/language/builtins.h"
#include "routeros/language/parser.h"

namespace muster::routeros {
namespace {

using language::Argument;
using language::CommandTree;
using language::Node;
using language::NodeKind;

constexpr size_t kMostFindings = 100;
// Scripts in scripts in scripts.
// What lies deeper isn't looked at: nobody writes that by hand, and a text could nest for ever.
constexpr int kDeepest = 4;

// What a version lacks of kDenied, split into path and argument. A border that can't be read never
// warns.
struct Missing {
  const Denied* denied;
  absl::string_view path;
  absl::string_view argument;  // empty: the command or menu itself
};

std::vector<Missing> MissingIn(const Version& version) {
  std::vector<Missing> missing;
  for (const Denied& denied : kDenied) {
    const auto border = ParseVersion(denied.since);
    if (!border.ok() || CompareVersions(version, *border) >= 0) continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(denied.what, absl::MaxSplits(' ', 1));
    missing.push_back({&denied, parts.first, parts.second});
  }
  return missing;
}

// "/system/script/add", ":put".
std::string PathOf(const Node& node) {
  return absl::StrCat(node.menu->path, node.menu->path.empty() ? ":" : "/", node.command->name);
}

// The text of an argument that is written out; nullopt where it is computed or absent.
std::optional<std::string> TextOf(const Argument& argument) {
  if (!argument.value) return std::nullopt;
  const Node* value = argument.value.get();
  // ("text") is the same as "text".
  while (value->kind == NodeKind::kGroup) value = value->children[0].get();
  if (value->kind != NodeKind::kLiteral || !value->value.IsText()) return std::nullopt;
  return value->value.text();
}

// Arguments that hold a script which something starts later.
bool HoldsScript(absl::string_view path, absl::string_view name) {
  // In whatever menu: netwatch, ppp, dhcp and scheduler name them alike.
  static constexpr std::array<absl::string_view, 8> kNames = {
      "source", "on-event", "up-script", "down-script",
      "on-up",  "on-down",  "on-login",  "lease-script"};
  if (path == ":execute" && name == "script") return true;
  for (const absl::string_view known : kNames) {
    if (known == name) return true;
  }
  return false;
}

// How the name was written isn't in the parser's note, so the text is asked.
char ByteAt(absl::string_view text, uint32_t line, uint32_t column) {
  size_t start = 0;
  while (line-- > 1 && start != absl::string_view::npos) start = text.find('\n', start) + 1;
  return start + column - 1 < text.size() ? text[start + column - 1] : '\0';
}

// What some version or package has at the top: below it, without a dump, every name is taken.
void AddTopMenus(CommandTree* tree) {
  for (const absl::string_view name : absl::StrSplit(
           "app caps-man certificate console container disk dude driver environment file interface "
           "iot ip ipv6 lcd log lora metarouter mpls openflow partitions port ppp queue radius "
           "routing safe-mode snmp special-login store system task terminal tool tr069-client user "
           "user-manager zerotier",
           ' ')) {
    language::MenuSpec& menu = tree->root().Child(name);
    menu.guessed = true;
    menu.more_properties = true;
  }
}

// The tree of a version without a dump. Trees differ by major and minor version alone; those that
// were asked for are kept, as many as there are versions in use.
std::shared_ptr<const CommandTree> BareTree(const Version& version) {
  constexpr size_t kMostKept = 64;
  static auto* const mutex = new Mutex;
  static auto* const kept = new std::map<std::pair<int, int>, std::shared_ptr<const CommandTree>>;
  const MutexLock lock(*mutex);
  const std::pair<int, int> key(version.major, version.minor);
  if (const auto found = kept->find(key); found != kept->end()) return found->second;
  auto tree = std::make_shared<CommandTree>(Version{version.major, version.minor, 0, ""});
  language::AddBuiltins(tree.get());
  AddTopMenus(tree.get());
  if (kept->size() < kMostKept) kept->emplace(key, tree);
  return tree;
}

class Checker {
 public:
  Checker(const std::vector<Missing>& missing, const CommandTree& tree, int depth)
      : missing_(missing), tree_(tree), depth_(depth) {}

  void Check(absl::string_view script) {
    language::ParseOptions options;
    options.unknown_names = language::UnknownNames::kNote;
    // Notes unknown names and goes on, so that one report names them all.
    const language::ParseResult parsed = language::ParseScript(script, tree_, options);
    for (const language::SyntaxError& unknown : parsed.unknown) {
      // The commands of the language are the same on every board.
      const bool language = ByteAt(script, unknown.line, unknown.column) == ':';
      Add(language ? FindingKind::kSyntax : FindingKind::kUnknown, unknown.line, unknown.column,
          unknown.message);
    }
    // A syntax error ends the check: what follows it would be read wrongly.
    if (!parsed.program) {
      Add(FindingKind::kSyntax, parsed.error.line, parsed.error.column, parsed.error.message);
      return;
    }
    Walk(parsed.program->root);
  }

  ScriptReport& report() { return report_; }

 private:
  void Add(FindingKind kind, uint32_t line, uint32_t column, std::string text) {
    // More help nobody.
    if (report_.findings.size() >= kMostFindings) return;
    report_.findings.push_back({kind, line, column, std::move(text)});
  }

  // Into everything that could hold a command: functions, substitutions, filters.
  void Walk(const Node& node) {
    if (node.kind == NodeKind::kCommand) Command(node);
    for (const auto& child : node.children) Walk(*child);
    for (const auto& key : node.keys) {
      if (key) Walk(*key);
    }
    for (const Argument& argument : node.arguments) {
      if (argument.value) Walk(*argument.value);
    }
    if (node.filter) Walk(*node.filter);
  }

  void Command(const Node& node) {
    const std::string path = PathOf(node);
    FindNewer(node, path);
    FindRisks(path);
    for (const Argument& argument : node.arguments) {
      const std::optional<std::string> text = TextOf(argument);
      if (!text || depth_ >= kDeepest) continue;
      // Text for :parse is where a script keeps what a version may lack: it raises there and is
      // caught. So only what it would do counts, not what it lacks.
      if (path == ":parse") {
        LookInto(*text);
      } else if (HoldsScript(path, argument.name)) {
        CheckInner(*text, argument, path == ":execute");
      }
    }
  }

  void FindNewer(const Node& node, const std::string& path) {
    for (const Missing& missing : missing_) {
      absl::string_view rest = path;
      if (!absl::ConsumePrefix(&rest, missing.path)) continue;
      // A denied menu denies all below it.
      if (!rest.empty() && rest[0] != '/') continue;
      if (missing.argument.empty() || node.Find(missing.argument) != nullptr) {
        Add(FindingKind::kNewer, node.line, node.column,
            absl::StrCat(missing.denied->what, " came with ", missing.denied->since));
      }
    }
  }

  // By the resolved path, so that "/system reboot" and "/system/reboot" are one.
  void FindRisks(absl::string_view path) {
    report_.reboots |= path == "/system/reboot" || path == "/system/shutdown";
    report_.installs |=
        path == "/system/package/update/install" || path == "/system/package/downgrade" ||
        path == "/system/package/apply-changes" || path.rfind("/system/upgrade/", 0) == 0;
    report_.resets |= path == "/system/reset-configuration";
    report_.loads_backup |= path == "/system/backup/load";
  }

  void TakeRisks(const ScriptReport& inner) {
    report_.reboots |= inner.reboots;
    report_.installs |= inner.installs;
    report_.resets |= inner.resets;
    report_.loads_backup |= inner.loads_backup;
  }

  void LookInto(const std::string& text) {
    Checker inner(missing_, tree_, depth_ + 1);
    inner.Check(text);
    TakeRisks(inner.report());
  }

  void CheckInner(const std::string& text, const Argument& argument, bool runs) {
    Checker inner(missing_, tree_, depth_ + 1);
    inner.Check(text);
    for (const Finding& finding : inner.report().findings) {
      Add(finding.kind, argument.line, argument.column,
          absl::StrCat("in the script of ", argument.name, ", ", finding.ToText()));
    }
    // `source=` is only stored: what starts it is another command.
    if (runs) TakeRisks(inner.report());
  }

  const std::vector<Missing>& missing_;
  const CommandTree& tree_;
  const int depth_;
  ScriptReport report_;
};

}  // namespace

std::string Finding::ToText() const {
  return absl::StrCat("line ", line, " column ", column, ": ", text);
}

ScriptReport CheckScript(absl::string_view script, const Version& version,
                         const CommandTree* tree) {
  const std::shared_ptr<const CommandTree> bare = tree == nullptr ? BareTree(version) : nullptr;
  const std::vector<Missing> missing = MissingIn(version);
  Checker checker(missing, tree == nullptr ? *bare : *tree, 0);
  checker.Check(script);
  return std::move(checker.report());
}

}  // namespace muster::routeros
