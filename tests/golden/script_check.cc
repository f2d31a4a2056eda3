#include "tests/golden/script_check.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "routeros/check/deny_list.h"
#include "tests/golden/script_walker.h"

namespace muster::golden {
namespace {

bool IsOlder(const routeros::Version& version, absl::string_view since) {
  const auto border = routeros::ParseVersion(since);
  return border.ok() && routeros::CompareVersions(version, *border) < 0;
}

// Turns each use into problems by the tree and the deny list.
class TreeJudge : public UseSink {
 public:
  TreeJudge(const language::CommandTree& tree, const routeros::Version& version, ScriptFacts* facts)
      : tree_(tree), version_(version), facts_(facts) {}

  const language::MenuSpec* Root() const override { return &tree_.root(); }

  void OnCommand(const CommandUse& use) override {
    if (use.slashed && version_.major < 7) {
      Add(use.line, absl::StrCat("path ", use.path, " with slashes doesn't load on 6.x"));
    }
    for (const routeros::Denied& denied : routeros::kDenied) {
      if (!IsOlder(version_, denied.since)) continue;
      const std::vector<absl::string_view> parts = absl::StrSplit(denied.what, ' ');
      if (use.path != parts[0] && !(use.path.rfind(absl::StrCat(parts[0], "/"), 0) == 0)) continue;
      if (parts.size() == 1) {
        Add(use.line, absl::StrCat(denied.what, " came with ", denied.since));
      } else if (std::count(use.arguments.begin(), use.arguments.end(), parts[1]) > 0) {
        Add(use.line, absl::StrCat(denied.what, " came with ", denied.since));
      }
    }
    if (use.known == nullptr) return;
    for (const std::string& argument : use.arguments) {
      if (!use.known->Takes(argument)) {
        Add(use.line, absl::StrCat(use.path, " has no argument ", argument));
      }
    }
  }

  void OnText(TextRole role, int line, const std::string& text) override {
    switch (role) {
      case TextRole::kLookup:
        if (facts_ != nullptr) facts_->lookups.push_back(text);
        break;
      case TextRole::kPolicy:
        if (facts_ != nullptr) facts_->policies.push_back(text);
        break;
      case TextRole::kScript: {
        TreeJudge inner(tree_, version_, facts_);
        WalkScript(text, inner);
        for (const Problem& problem : inner.problems()) {
          Add(line, absl::StrCat("in a script, line ", problem.line, ": ", problem.text));
        }
        break;
      }
    }
  }

  void OnProblem(int line, const std::string& text) override { Add(line, text); }

  const std::vector<Problem>& problems() const { return problems_; }

 private:
  void Add(int line, std::string text) { problems_.push_back({line, std::move(text)}); }

  const language::CommandTree& tree_;
  const routeros::Version version_;
  ScriptFacts* const facts_;
  std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> CheckScript(absl::string_view script, const language::CommandTree& tree,
                                 const routeros::Version& version, ScriptFacts* facts) {
  TreeJudge judge(tree, version, facts);
  WalkScript(script, judge);
  return judge.problems();
}

std::string ProblemText(const std::vector<Problem>& problems) {
  return absl::StrJoin(problems, "\n", [](std::string* out, const Problem& problem) {
    absl::StrAppend(out, "line ", problem.line, ": ", problem.text);
  });
}

}  // namespace muster::golden
