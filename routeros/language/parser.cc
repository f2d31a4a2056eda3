#include "routeros/language/parser.h"

#include <functional>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
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

bool Parser::NoteUnknown(size_t position, absl::string_view message) {
  if (!notes_unknown()) {
    FailAt(position, message);
    return false;
  }
  const Place place = cursor_.PlaceAt(position);
  unknown_.push_back({std::string(message), place.line, place.column});
  return true;
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
  if (name.empty()) return FailAt(start, "bad command name ");
  return GuessMenuWalk(&tree_.root(), start, start);
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
    // In a menu that nobody knows, `if` and `put` are still those of the language.
    if (menu->guessed && word != "find" && word != "set" && word != "export" && word != "import") {
      command = tree_.Builtin(word);
    }
    if (command != nullptr) {
      cursor_.Skip(word.size());
      return ParseCommand(command, start);
    }
    if (word.empty()) return FailAt(here, "expected command name");
    return GuessMenuWalk(menu, start, here);
  }
}

MenuSpec* Parser::GuessMenu(const MenuSpec* parent, absl::string_view name) {
  auto menu = std::make_unique<MenuSpec>();
  menu->path = absl::StrCat(parent->path, "/", name);
  menu->guessed = true;
  menu->more_properties = true;
  guessed_menus_.push_back(std::move(menu));
  return guessed_menus_.back().get();
}

const CommandSpec* Parser::GuessCommand(const MenuSpec* parent, absl::string_view name) {
  // A menu of its own, because those of the tree are not ours to add to.
  auto menu = std::make_unique<MenuSpec>();
  menu->path = parent->path;
  menu->guessed = true;
  menu->more_properties = true;
  auto command = std::make_unique<CommandSpec>();
  command->name = std::string(name);
  command->code = {"do", "else", "on-error"};
  command->any_positional = true;
  command->guessed = true;
  command->filter = name == "find" || name == "print";
  command->menu = menu.get();
  const CommandSpec* const raw = command.get();
  menu->commands[raw->name] = std::move(command);
  guessed_menus_.push_back(std::move(menu));
  return raw;
}

// The word at the cursor is none of `menu`: words up to the first that looks like a command, or
// is followed by arguments, are taken as the path.
NodePtr Parser::GuessMenuWalk(const MenuSpec* menu, size_t start, size_t unknown_at) {
  static const std::set<std::string>* const kVerbs = new std::set<std::string>(
      {"add", "set", "remove", "find", "print", "get", "export", "enable", "disable", "move",
       "unset", "reset", "run", "monitor", "import", "comment", "edit", "make-static"});
  if (!menu->guessed) {
    const absl::string_view word = cursor_.PeekName();
    if (!NoteUnknown(unknown_at, absl::StrCat("bad command name ", word))) return nullptr;
  }
  while (true) {
    const std::string word(cursor_.PeekName());
    if (word.empty()) return Fail("expected command name");
    cursor_.Skip(word.size());
    const bool verb = kVerbs->count(word) > 0;
    const bool ends = AtStatementEnd();
    if (cursor_.Peek() == '/' && !verb) {
      if (tree_.version().major < 7) return Fail("expected command name");
      cursor_.Skip();
    }
    const absl::string_view next = cursor_.PeekName();
    const bool path_goes_on = !verb && !ends && !next.empty() && absl::ascii_isalpha(next[0]) &&
                              cursor_.Peek(next.size()) != '=' && next != "where";
    if (path_goes_on) {
      menu = GuessMenu(menu, word);
      continue;
    }
    NodePtr node = ParseCommand(GuessCommand(menu, word), start);
    // "/ip address" alone may be a menu as well as a command.
    if (node && ends && !verb) menu_ = GuessMenu(menu, word);
    return node;
  }
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
  if (!root) return {nullptr, parser.error(), parser.TakeUnknown()};
  program->root = std::move(*root);
  program->guessed_menus = parser.TakeGuessedMenus();
  return {std::move(program), {}, parser.TakeUnknown()};
}

namespace {

struct CacheKey {
  const CommandTree* tree;
  bool dot_before_plus;
  UnknownNames unknown_names;
  std::string text;
  bool operator==(const CacheKey& other) const {
    return tree == other.tree && dot_before_plus == other.dot_before_plus &&
           unknown_names == other.unknown_names && text == other.text;
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
  CacheKey key{&tree, options.dot_before_plus, options.unknown_names, std::string(text)};
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
