// Any URLs, token, root and address as what stands in an agent's text: refused, or a text that
// every version of its family loads, whose staged scripts come out of their quotes as they went in,
// and load.
//
// The input: its first byte chooses family, profile and generation; then, a line each, DNS address,
// token, PEM of a root, and URLs.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "routeros/language/builtins.h"
#include "routeros/language/parser.h"
#include "routeros/script/agent.h"

namespace {

using muster::routeros::AgentTerms;
using muster::routeros::Family;
using muster::routeros::Version;
using muster::routeros::language::CommandTree;
using muster::routeros::language::Node;
using muster::routeros::language::ParseOptions;
using muster::routeros::language::ParseResult;

struct Kind {
  Family family;
  Version oldest;
};

const Kind kKinds[] = {{Family::k6_49, {6, 48, 0, ""}},
                       {Family::k7_1, {7, 1, 0, ""}},
                       {Family::k7_11, {7, 11, 0, ""}},
                       {Family::k7_13, {7, 13, 0, ""}},
                       {Family::k7_17, {7, 17, 0, ""}}};

ParseResult Load(absl::string_view text, const CommandTree& tree) {
  ParseOptions options;
  options.unknown_names =
      muster::routeros::language::UnknownNames::kNote;  // menus are not in the tree
  ParseResult parsed = ParseScript(text, tree, options);
  if (!parsed.program) std::abort();
  return parsed;
}

bool Holds(const Node& node, absl::string_view text) {
  if (node.kind == muster::routeros::language::NodeKind::kLiteral && node.value.IsText() &&
      node.value.text() == text) {
    return true;
  }
  for (const auto& child : node.children) {
    if (Holds(*child, text)) return true;
  }
  for (const auto& argument : node.arguments) {
    if (argument.value && Holds(*argument.value, text)) return true;
  }
  return false;
}

AgentTerms TermsOf(uint8_t choice, absl::string_view text) {
  AgentTerms terms;
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  terms.root_sha256 = std::string(64, 'a');
  terms.profile = static_cast<muster::routeros::Profile>(choice / 5 % 3);
  terms.generation = choice / 15;
  if (!lines.empty()) terms.dns_address = lines[0];
  if (lines.size() > 1) terms.token = lines[1];
  if (lines.size() > 2 && !lines[2].empty()) {
    terms.new_root_pem = lines[2];
    terms.new_root_sha256 = std::string(64, 'b');
  }
  for (size_t i = 3; i < lines.size() && i < 8; ++i) terms.urls.push_back(lines[i]);
  return terms;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 4096) return 0;
  const Kind& kind = kKinds[data[0] % 5];
  const AgentTerms terms =
      TermsOf(data[0], absl::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  const auto text = muster::routeros::RenderAgent(terms, kind.family);
  if (!text.ok()) return 0;
  CommandTree tree(kind.oldest);
  AddBuiltins(&tree);
  const ParseResult loaded = Load(*text, tree);
  for (const auto& source :
       {muster::routeros::RenderBeat(terms), muster::routeros::RenderRunner(terms)}) {
    if (!source.ok() || !Holds(loaded.program->root, *source)) std::abort();
    Load(*source, tree);
  }
  return 0;
}
