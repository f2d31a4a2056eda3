#include "tests/golden/script_walker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "routeros/script/quoting.h"

namespace muster::golden {
namespace {

bool IsWordByte(char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.'; }

class Walker {
 public:
  Walker(absl::string_view text, UseSink& sink) : text_(text), sink_(sink) {}

  void Run() {
    context_ = sink_.Root();
    Statements('\0');
    if (!broken_ && at_ < text_.size()) Break("something stands behind the end");
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool AtEnd() const { return broken_ || at_ >= text_.size(); }
  int Line() const {
    return 1 + static_cast<int>(
                   std::count(text_.begin(), text_.begin() + std::min(at_, text_.size()), '\n'));
  }
  void Break(const std::string& text) {
    if (!broken_) sink_.OnProblem(Line(), text);
    broken_ = true;
    at_ = text_.size();
  }

  // Blanks and continued lines; not the ends of statements.
  void SkipBlanks() {
    while (!AtEnd()) {
      if (Peek() == ' ' || Peek() == '\t' || Peek() == '\r') {
        ++at_;
      } else if (text_.substr(at_, 2) == "\\\n") {
        at_ += 2;
      } else {
        return;
      }
    }
  }

  void SkipAll() {
    while (!AtEnd()) {
      SkipBlanks();
      if (Peek() == '#') {
        while (!AtEnd() && Peek() != '\n') ++at_;
      } else if (Peek() == '\n' || Peek() == ';') {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string Word() {
    const size_t start = at_;
    while (!AtEnd() && IsWordByte(Peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  // Statements up to `closer`, which is taken; '\0' stands for the end of the text.
  void Statements(char closer) {
    const language::MenuSpec* const outer_menu = context_;
    const std::string outer_path = path_;
    while (true) {
      SkipAll();
      if (broken_) break;
      if (at_ >= text_.size()) {
        if (closer != '\0') Break(absl::StrCat("no ", std::string(1, closer), " at the end"));
        break;
      }
      if (Peek() == closer) {
        ++at_;
        break;
      }
      Statement(closer);
    }
    context_ = outer_menu;
    path_ = outer_path;
  }

  void Statement(char closer) {
    const char c = Peek();
    if (c == '{') {
      ++at_;
      Statements('}');
    } else if (c == '/') {
      ++at_;
      Path(closer, sink_.Root(), "");
    } else if (c == ':') {
      ++at_;
      Builtin(closer);
    } else if (c == '$') {
      Call(closer);
    } else if (c == '(' && closer == ']') {
      Value("", "");
    } else if (c == '[') {
      if (closer != ']') sink_.OnProblem(Line(), "a bare bracket as a statement");
      Value("", "");
    } else if (closer == ']' && (c == '"' || absl::ascii_isdigit(c))) {
      Value("", "");
    } else if (IsWordByte(c)) {
      Path(closer, context_, path_);
    } else {
      Break(absl::StrCat("unexpected ", std::string(1, c)));
    }
  }

  bool AtStatementEnd(char closer) {
    SkipBlanks();
    return AtEnd() || Peek() == ';' || Peek() == '\n' || (closer != '\0' && Peek() == closer);
  }

  // A path that ends without a command becomes the menu of the statements that follow.
  void Path(char closer, const language::MenuSpec* from, std::string prefix) {
    CommandUse use;
    use.line = Line();
    const language::MenuSpec* at = from;
    use.path = std::move(prefix);
    while (true) {
      if (AtStatementEnd(closer)) {
        context_ = at;
        path_ = use.path;
        return;
      }
      if (Peek() == '/') {
        use.slashed = true;
        ++at_;
      }
      const std::string word = Word();
      const auto child = at->children.find(word);
      const auto command = at->commands.find(word);
      use.path = absl::StrCat(use.path, "/", word);
      if (child != at->children.end() &&
          (command == at->commands.end() || !AtStatementEnd(closer))) {
        at = child->second.get();
        continue;
      }
      if (command == at->commands.end()) {
        return Break(absl::StrCat("there is no ", use.path));
      }
      use.known = command->second.get();
      const language::MenuSpec* const outer_menu = std::exchange(context_, at);
      const std::string outer_path = path_;
      path_ = use.path.substr(0, use.path.rfind('/'));
      Arguments(closer, word, use);
      context_ = outer_menu;
      path_ = outer_path;
      return;
    }
  }

  void Builtin(char closer) {
    CommandUse use;
    use.line = Line();
    const std::string word = Word();
    use.path = absl::StrCat(":", word);
    const language::MenuSpec* root = sink_.Root();
    const auto command = root->commands.find(word);
    if (command == root->commands.end()) {
      // The deny list still has to see it.
      sink_.OnCommand(use);
      return Break(absl::StrCat("there is no :", word));
    }
    use.known = command->second.get();
    Arguments(closer, word, use);
  }

  void Call(char closer) {
    ++at_;
    const std::string name = Word();
    while (!AtStatementEnd(closer) && !broken_) {
      const int line = Line();
      if (name == "muGet" && Peek() == '"') {
        std::string literal;
        if (String(&literal)) sink_.OnText(TextRole::kLookup, line, literal);
      } else {
        Value("", name);
      }
    }
  }

  void Arguments(char closer, const std::string& command, CommandUse& use) {
    bool filter = command == "find" && use.path[0] == '/';
    while (!AtStatementEnd(closer) && !broken_) {
      if (filter) {
        FilterPart();
        continue;
      }
      const size_t start = at_;
      const std::string word = IsWordByte(Peek()) ? Word() : "";
      if (!word.empty() && Peek() == '=' && text_.substr(at_, 2) != "==") {
        ++at_;
        use.arguments.push_back(word);
        Value(word, command);
      } else if (word == "where") {
        filter = true;
      } else if (!word.empty() && use.known != nullptr && use.known->Takes(word) &&
                 (AtStatementEnd(closer) || Peek() != '=')) {
        use.arguments.push_back(word);
      } else {
        at_ = start;
        Value("", command);
      }
    }
    sink_.OnCommand(use);
  }

  void FilterPart() {
    const char c = Peek();
    if (c == '"') {
      String(nullptr);
    } else if (c == '[') {
      ++at_;
      Statements(']');
    } else if (c == '(' || c == '$') {
      Value("", "");
    } else if (c == '}' || c == ']' || c == ')') {
      Break(absl::StrCat("a stray ", std::string(1, c)));
    } else {
      ++at_;
    }
  }

  static bool IsCode(const std::string& argument, const std::string& command) {
    return argument == "do" || argument == "else" || argument == "on-error" ||
           (argument == "in" && command == "onerror") || (argument.empty() && command == "do") ||
           (argument == "script" && command == "execute");
  }

  void Value(const std::string& argument, const std::string& command) {
    SkipBlanks();
    const int line = Line();
    const char c = Peek();
    if (c == '"') {
      std::string literal;
      const bool whole = String(&literal);
      const bool alone = AtEnd() || !(Peek() == '.');
      if (argument == "source" || argument == "script" || argument == "on-event") {
        if (whole && alone) sink_.OnText(TextRole::kScript, line, literal);
      }
    } else if (c == '[') {
      ++at_;
      Statements(']');
    } else if (c == '(') {
      ++at_;
      Expression(')');
    } else if (c == '{') {
      ++at_;
      if (IsCode(argument, command)) {
        Statements('}');
      } else {
        Expression('}');
      }
    } else if (c == '}' || c == ']' || c == ')') {
      Break(absl::StrCat("a stray ", std::string(1, c)));
    } else {
      const size_t start = at_;
      while (!AtEnd() && std::string(" \t\n;\"[](){}").find(Peek()) == std::string::npos) ++at_;
      if (at_ == start) return Break("a value is missing");
      const std::string word(text_.substr(start, at_ - start));
      if (word.find('?') != std::string::npos) sink_.OnProblem(line, "a question mark");
      if (argument == "policy" && word[0] != '$') sink_.OnText(TextRole::kPolicy, line, word);
    }
  }

  // Operators and values up to `closer`.
  void Expression(char closer) {
    while (!AtEnd()) {
      const char c = Peek();
      if (c == closer) {
        ++at_;
        return;
      }
      if (c == '"' || c == '[' || c == '(' || c == '{') {
        Value("", "");
      } else if (c == ']' || c == ')' || c == '}') {
        return Break(absl::StrCat("a stray ", std::string(1, c)));
      } else {
        ++at_;
      }
    }
    Break(absl::StrCat("no ", std::string(1, closer), " at the end"));
  }

  // A quoted text; true where it has no substitution, and `literal` is then its bytes.
  bool String(std::string* literal) {
    const size_t start = at_++;
    bool plain = true;
    while (!AtEnd() && Peek() != '"') {
      if (Peek() == '?') sink_.OnProblem(Line(), "a question mark");
      if (Peek() == '\\') {
        at_ += 2;
      } else if (text_.substr(at_, 2) == "$[") {
        plain = false;
        at_ += 2;
        Statements(']');
      } else if (text_.substr(at_, 2) == "$(") {
        plain = false;
        at_ += 2;
        Expression(')');
      } else {
        plain = plain && Peek() != '$';
        ++at_;
      }
    }
    if (AtEnd()) {
      Break("a quote has no end");
      return false;
    }
    ++at_;
    const auto parsed = routeros::ParseQuoted(text_.substr(start, at_ - start));
    if (plain && !parsed.ok()) Break(std::string(parsed.status().message()));
    if (!plain || !parsed.ok()) return false;
    if (literal != nullptr) *literal = *parsed;
    return true;
  }

  const absl::string_view text_;
  UseSink& sink_;
  size_t at_ = 0;
  bool broken_ = false;
  // The menu in which a bare command or `[find]` is looked up.
  const language::MenuSpec* context_ = nullptr;
  std::string path_;
};

}  // namespace

void WalkScript(absl::string_view script, UseSink& sink) { Walker(script, sink).Run(); }

}  // namespace muster::golden
