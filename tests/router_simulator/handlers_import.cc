// /import: a file statement by statement, so that what came before an error stays done.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

// Follows quotes, braces and brackets, so that lines are put together before they are parsed.
class OpenEnds {
 public:
  void Read(absl::string_view line) {
    bool begins = !quoted_ && !joined_;
    joined_ = false;
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (!quoted_ && begins && c == '#') return;
      if (c == '\\') {
        joined_ = i + 1 == line.size() || (i + 2 == line.size() && line[i + 1] == '\r');
        ++i;
      } else if (c == '"') {
        quoted_ = !quoted_;
      } else if (!quoted_ && (c == '{' || c == '[' || c == '(')) {
        ++depth_;
      } else if (!quoted_ && (c == '}' || c == ']' || c == ')')) {
        --depth_;
      }
      begins = c == ';' || c == '{' || c == '[' || (begins && (c == ' ' || c == '\t'));
    }
  }
  bool any() const { return quoted_ || depth_ > 0 || joined_; }

 private:
  bool quoted_ = false;
  int depth_ = 0;
  bool joined_ = false;
};

// Runs one statement; `before` are the lines in front of it.
bool RunPiece(Evaluator& evaluator, const Node& node, const std::string& path,
              const std::string& piece, uint32_t before, bool* moves) {
  const ParseResult parsed = evaluator.router().Parse(path + piece);
  if (!parsed.program) {
    const uint32_t line = parsed.error.line + before - (path.empty() ? 0 : 1);
    return evaluator.Fail(node, absl::StrCat(parsed.error.message, " (line ", line, " column ",
                                             parsed.error.column, ")"));
  }
  *moves = piece[0] == '/' && parsed.program->root.children.empty();
  Value ignored;
  return evaluator.RunProgram(parsed.program, &ignored);
}

bool ImportLines(Evaluator& evaluator, const Node& node, const std::string& text) {
  std::string piece;
  std::string path;
  OpenEnds open_ends;
  uint32_t line = 0;
  uint32_t before = 0;
  for (const absl::string_view part : absl::StrSplit(text, '\n')) {
    ++line;
    absl::StrAppend(&piece, part, "\n");
    open_ends.Read(part);
    if (open_ends.any()) continue;
    bool moves = false;
    if (!RunPiece(evaluator, node, path, piece, before, &moves)) return false;
    // A line that only names a menu moves there for the lines behind it.
    if (moves) path = piece;
    piece.clear();
    before = line;
  }
  bool moves = false;
  return piece.empty() || RunPiece(evaluator, node, path, piece, before, &moves);
}

bool RunImport(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const std::string name = arguments.Text("file-name");
  Router& router = evaluator.router();
  const std::optional<std::string> text = ReadFile(router, name);
  if (!text) return evaluator.Fail(node, "failure: cannot open file");
  if (evaluator.quirks().import_line_by_line || arguments.Has("verbose")) {
    if (!ImportLines(evaluator, node, *text)) return false;
  } else {
    const ParseResult parsed = router.Parse(*text);
    if (!parsed.program) return evaluator.Fail(node, parsed.error.ToText());
    Value ignored;
    if (!evaluator.RunProgram(parsed.program, &ignored)) return false;
  }
  evaluator.Print("Script file loaded and executed successfully");
  return true;
}

}  // namespace

void AddImportHandlers(HandlerMap* handlers) { (*handlers)[":import"] = RunImport; }

}  // namespace muster::simulator
