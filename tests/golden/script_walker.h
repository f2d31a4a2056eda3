// The outer grammar of a RouterOS script: finds each command with its arguments.
//
// Written apart from the parser of routeros/language on purpose: two readers of the same text find
// what one of them overlooks.
//
// Threads:  pure; safe from any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "routeros/language/command_tree.h"

namespace muster::golden {

namespace language = routeros::language;

struct CommandUse {
  // "/system/script/add", ":if".
  std::string path;
  int line = 0;
  // Written with slashes between the words of the path.
  bool slashed = false;
  std::vector<std::string> arguments;
  // What the tree says that it takes.
  const language::CommandSpec* known = nullptr;
};

enum class TextRole { kLookup, kPolicy, kScript };

class UseSink {
 public:
  virtual ~UseSink() = default;
  virtual const language::MenuSpec* Root() const = 0;
  virtual void OnCommand(const CommandUse& use) = 0;
  virtual void OnText(TextRole role, int line, const std::string& text) = 0;
  virtual void OnProblem(int line, const std::string& text) = 0;
};

// Calls `sink` for all that stands in `script`; stops at the first broken bracket or quote.
void WalkScript(absl::string_view script, UseSink& sink);

}  // namespace muster::golden
