#include "routeros/language/parser.h"

#include <functional>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/sync/mutex.h"
#include "routeros/language/parser_internal.h"

namespace muster::routeros::language {

std::string SyntaxError::ToText() const {
  return absl::StrCat(message, " (line ", line, " column ", column, ")");
}

Parser::Parser(absl::string_view text, const CommandTree& tree, const ParseOptions& options)
    : text_(text), cursor_(text), tree_(tree), options_(options), menu_(&tree.root()) {
  scopes_.push_back({{}, true});
}

NodePtr Parser::MakeNode(NodeKind kind, size_t position) {
  auto node = std::make_unique<Node>();
  const Place place = cursor_.PlaceAt(position);
  node->kind = kind;
  node->line = place.line;
  node->column = place.column;
  return node;
}

NodePtr Parser::MakeLiteral(Value value, size_t position) {
  NodePtr node = MakeNode(NodeKind::kLiteral, position);
  node->value = std::move(value);
  return node;
}

NodePtr Parser::Fail(absl::string_view message) { return FailAt(cursor_.position(), message); }

NodePtr Parser::FailAt(size_t position, absl::string_view message) {
  if (!failed_) {
    failed_ = true;
    const Place place = cursor_.PlaceAt(position);
    error_ = {std::string(message), place.line, place.column};
  }
  return nullptr;
}

void Parser::Declare(absl::string_view name) { scopes_.back().names.insert(std::string(name)); }

bool Parser::IsDeclared(absl::string_view name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (scope->names.count(std::string(name)) > 0) return true;
    if (scope->function) return false;
  }
  return false;
}

NodePtr Parser::ParseWhole() {
  // Before 7.1 a question mark asks the console for help wherever it stands.
  if (!AtLeast(tree_.version(), 7, 1)) {
    for (size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == '?') {
        return FailAt(i, "question mark asks for help before RouterOS 7.1; write \\?");
      }
    }
  }
  return ParseStatements('\0');
}

NodePtr Parser::ParseStatements(char closer) {
  const Nesting nesting(this);
  if (!nesting.ok()) return Fail("nested too deep");
  NodePtr block = MakeNode(NodeKind::kBlock, cursor_.position());
  closers_.push_back(closer);
  while (true) {
    cursor_.SkipBetweenStatements();
    if (cursor_.AtEnd()) {
      if (closer != '\0')
        return Fail(closer == '}' ? "expected closing brace" : "expected closing bracket");
      break;
    }
    if (closer != '\0' && cursor_.Peek() == closer) {
      cursor_.Skip();
      break;
    }
    NodePtr statement = ParseStatement();
    if (failed_) return nullptr;
    if (statement) block->children.push_back(std::move(statement));
    if (!AtStatementEnd()) return Fail("expected end of command");
  }
  closers_.pop_back();
  return block;
}

bool Parser::AtStatementEnd() {
  cursor_.SkipBlanks();
  if (cursor_.AtEnd()) return true;
  const char c = cursor_.Peek();
  return c == ';' || c == '\n' || (closers_.back() != '\0' && c == closers_.back());
}

NodePtr Parser::ParseStatement() {
  const Nesting nesting(this);
  if (!nesting.ok()) return Fail("nested too deep");
  switch (cursor_.Peek()) {
    case ':':
      return ParseBuiltin();
    case '/':
      return ParsePath();
    case '$':
      return ParseCall();
    case '[':
      return ParseBracketStatement();
    case '{':
      return ParseBracedBlock(false);
    case '(':
      return ParseGroupCall();
    default:
      return ParseRelative();
  }
}

NodePtr Parser::ParseBracedBlock(bool function) {
  if (cursor_.Peek() != '{') return Fail("expected opening brace");
  cursor_.Skip();
  const MenuSpec* const menu = menu_;
  const MenuSpec* const filter_menu = std::exchange(filter_menu_, nullptr);
  scopes_.push_back({{}, function});
  if (!function) {
    for (const std::string& name : loop_variables_) Declare(name);
  }
  std::vector<std::string> outer = std::exchange(loop_variables_, {});
  NodePtr block = ParseStatements('}');
  loop_variables_ = std::move(outer);
  scopes_.pop_back();
  menu_ = menu;
  filter_menu_ = filter_menu;
  return block;
}

NodePtr Parser::ParseBuiltin() {
  const size_t start = cursor_.position();
  cursor_.Skip();
  const absl::string_view name = cursor_.PeekName();
  const CommandSpec* command = tree_.Builtin(name);
  if (command != nullptr) {
    cursor_.Skip(name.size());
    return ParseCommand(command, start);
  }
  const auto child = tree_.root().children.find(std::string(name));
  if (child != tree_.root().children.end()) {
    cursor_.Skip(name.size());
    return FinishMenuWalk(child->second.get(), false, true, start);
  }
  if (options_.allow_unknown_names && !name.empty()) return FinishUnknown(start);
  return FailAt(start, absl::StrCat("bad command name ", name));
}

NodePtr Parser::ParsePath() {
  const size_t start = cursor_.position();
  cursor_.Skip();
  return FinishMenuWalk(&tree_.root(), true, true, start);
}

NodePtr Parser::ParseRelative() {
  const size_t start = cursor_.position();
  if (cursor_.PeekName().empty()) return Fail("expected command name");
  return FinishMenuWalk(menu_, true, false, start);
}

// Walks from `menu` along the words that stand here to a command, or to a menu that becomes the
// current one. `expect_word`: the next word belongs to the path without a blank before it.
NodePtr Parser::FinishMenuWalk(const MenuSpec* menu, bool expect_word, bool moved, size_t start) {
  bool first = true;
  while (true) {
    if (!expect_word) {
      if (cursor_.Peek() == '/' && tree_.version().major >= 7 && menu != &tree_.root()) {
        cursor_.Skip();
      } else if (AtStatementEnd()) {
        menu_ = menu;
        return nullptr;
      }
    }
    expect_word = false;
    const size_t here = cursor_.position();
    const absl::string_view word = cursor_.PeekName();
    if (word.empty() && first && moved && AtStatementEnd()) {
      menu_ = menu;
      return nullptr;
    }
    first = false;
    const auto child = menu->children.find(std::string(word));
    if (child != menu->children.end()) {
      cursor_.Skip(word.size());
      menu = child->second.get();
      moved = true;
      continue;
    }
    const auto found = menu->commands.find(std::string(word));
    const CommandSpec* command = found == menu->commands.end() ? nullptr : found->second.get();
    if (command == nullptr && menu == &tree_.root()) command = tree_.Builtin(word);
    if (command != nullptr) {
      cursor_.Skip(word.size());
      return ParseCommand(command, start);
    }
    if (options_.allow_unknown_names) {
      cursor_.MoveTo(start);
      return FinishUnknown(start);
    }
    return FailAt(here,
                  word.empty() ? "expected command name" : absl::StrCat("bad command name ", word));
  }
}

// Only for allow_unknown_names: words up to the first that looks like a command are the path.
NodePtr Parser::FinishUnknown(size_t start) {
  static const std::set<std::string>* const kVerbs = new std::set<std::string>(
      {"add", "set", "remove", "find", "print", "get", "export", "enable", "disable", "move",
       "unset", "reset", "run", "monitor", "import", "comment", "edit", "make-static"});
  NodePtr node = MakeNode(NodeKind::kCommand, start);
  while (true) {
    cursor_.SkipBlanks();
    if (cursor_.Peek() == '/' || cursor_.Peek() == ':') cursor_.Skip();
    const absl::string_view word = cursor_.PeekName();
    const char after = cursor_.Peek(word.size());
    if (word.empty() || after == '=') break;
    cursor_.Skip(word.size());
    absl::StrAppend(&node->text, "/", word);
    if (kVerbs->count(std::string(word)) > 0) {
      const bool filter = word == "find";
      cursor_.SkipBlanks();
      if (filter && !AtStatementEnd() && !ParseFilter(node.get())) return nullptr;
      break;
    }
  }
  if (node->text.empty()) return FailAt(start, "expected command name");
  if (!node->filter && !ParseArguments(node.get(), nullptr)) return nullptr;
  return node;
}

NodePtr Parser::ParseCommand(const CommandSpec* command, size_t start) {
  NodePtr node = MakeNode(NodeKind::kCommand, start);
  node->command = command;
  node->menu = command->menu;
  std::vector<std::string> outer = std::exchange(loop_variables_, {});
  // `[find …]` among the arguments means rows of the command's own menu.
  const MenuSpec* const menu = menu_;
  if (!command->menu->path.empty()) menu_ = command->menu;
  const bool good = ParseArguments(node.get(), command);
  menu_ = menu;
  loop_variables_ = std::move(outer);
  if (!good) return nullptr;
  return node;
}

NodePtr Parser::ParseCall() {
  const size_t start = cursor_.position();
  NodePtr variable = ParseVariable();
  if (!variable) return nullptr;
  NodePtr node = MakeNode(NodeKind::kCall, start);
  node->text = variable->text;
  if (!ParseArguments(node.get(), nullptr)) return nullptr;
  return node;
}

// `[…]` alone runs code that comes out of it; `[[:parse $x] a b=c]` calls it with arguments.
NodePtr Parser::ParseBracketStatement() {
  const size_t start = cursor_.position();
  NodePtr bracket = ParseSubstitution();
  if (!bracket || AtStatementEnd()) return bracket;
  NodePtr node = MakeNode(NodeKind::kCallValue, start);
  node->children.push_back(std::move(bracket));
  if (!ParseArguments(node.get(), nullptr)) return nullptr;
  return node;
}

NodePtr Parser::ParseGroupCall() {
  const size_t start = cursor_.position();
  NodePtr node = MakeNode(NodeKind::kCallValue, start);
  NodePtr group = ParseGroup();
  if (!group) return nullptr;
  node->children.push_back(std::move(group));
  if (!ParseArguments(node.get(), nullptr)) return nullptr;
  return node;
}

ParseResult ParseScript(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options) {
  auto program = std::make_shared<Program>();
  program->text = std::string(text);
  Parser parser(program->text, tree, options);
  NodePtr root = parser.ParseWhole();
  if (!root) return {nullptr, parser.error()};
  program->root = std::move(*root);
  return {std::move(program), {}};
}

namespace {

struct CacheKey {
  const CommandTree* tree;
  bool dot_before_plus;
  std::string text;
  bool operator==(const CacheKey& other) const {
    return tree == other.tree && dot_before_plus == other.dot_before_plus && text == other.text;
  }
};
struct CacheHash {
  size_t operator()(const CacheKey& key) const {
    return std::hash<std::string>()(key.text) ^ std::hash<const void*>()(key.tree);
  }
};

// Beats, runners and installers repeat over all routers; jobs come and go.
constexpr size_t kMostCached = 4096;

struct Cache {
  Mutex mutex;
  std::unordered_map<CacheKey, ParseResult, CacheHash> results ABSL_GUARDED_BY(mutex);
};

}  // namespace

ParseResult ParseCached(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options) {
  static Cache* const cache = new Cache();
  CacheKey key{&tree, options.dot_before_plus, std::string(text)};
  {
    const MutexLock lock(cache->mutex);
    const auto found = cache->results.find(key);
    if (found != cache->results.end()) return found->second;
  }
  ParseResult result = ParseScript(text, tree, options);
  const MutexLock lock(cache->mutex);
  if (cache->results.size() >= kMostCached) cache->results.clear();
  cache->results.emplace(std::move(key), result);
  return result;
}

}  // namespace muster::routeros::language
