// Statements, menus and commands. What makes this language hard stands here: a path may end in a
// command or only move the current menu, and which it is shows in the tree alone.
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
  // The whole text counts as a function: it sees nobody's locals.
  scopes_.push_back({{}, true});
}

// Places are computed here, so that every node has one.
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
  // Later errors follow from the first, or from the place where it left the cursor.
  if (!failed_) {
    failed_ = true;
    const Place place = cursor_.PlaceAt(position);
    error_ = {std::string(message), place.line, place.column};
  }
  return nullptr;
}

// True: go on as if the name were there.
bool Parser::NoteUnknown(size_t position, absl::string_view message) {
  if (!notes_unknown()) {
    FailAt(position, message);
    return false;
  }
  const Place place = cursor_.PlaceAt(position);
  unknown_.push_back({std::string(message), place.line, place.column});
  return true;
}

// Globals too: a script must declare them before it uses them.
void Parser::Declare(absl::string_view name) { scopes_.back().names.insert(std::string(name)); }

bool Parser::IsDeclared(absl::string_view name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (scope->names.count(std::string(name)) > 0) return true;
    // Beyond it lie the caller's names, which it doesn't see.
    if (scope->function) return false;
  }
  return false;
}

NodePtr Parser::ParseWhole() {
  // Before 7.1 a question mark asks the console for help wherever it stands.
  if (!AtLeast(tree_.version(), 7, 1)) {
    // In comments and strings as well: strictly, so that no text of ours relies on where it is
    // harmless.
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
  // Each level of the text is several of ours on the stack.
  const Nesting nesting(this);
  if (!nesting.ok()) return Fail("nested too deep");
  NodePtr block = MakeNode(NodeKind::kBlock, cursor_.position());
  // What ends a word or a statement depends on the innermost open bracket.
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
    // Two commands on one line without a semicolon don't load.
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

// A function begins with no names of its caller, a block with all of them.
NodePtr Parser::ParseBracedBlock(bool function) {
  if (cursor_.Peek() != '{') return Fail("expected opening brace");
  cursor_.Skip();
  // A menu that is chosen inside of a block holds to its end only.
  const MenuSpec* const menu = menu_;
  const MenuSpec* const filter_menu = std::exchange(filter_menu_, nullptr);
  scopes_.push_back({{}, function});
  if (!function) {
    // Of the `:foreach` whose body this is.
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

// Behind a colon stand commands of the language and, as on a console, names of top menus.
NodePtr Parser::ParseBuiltin() {
  const size_t start = cursor_.position();
  cursor_.Skip();
  const absl::string_view name = cursor_.PeekName();
  const CommandSpec* command = tree_.Builtin(name);
  if (command != nullptr) {
    cursor_.Skip(name.size());
    return ParseCommand(command, start);
  }
  // ":ip address print" is taken as "/ip address print".
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

// A name without slash or colon: of the current menu.
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
      // "/ip/address" is of v7; before, blanks part a path.
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
    // "/" alone, or "/ip" on a line of its own: from here on that menu is meant.
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
    // A name that is both is taken as the menu.
    const auto found = menu->commands.find(std::string(word));
    const CommandSpec* command = found == menu->commands.end() ? nullptr : found->second.get();
    // Inside of a menu a command of the language needs its colon.
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

// Kept by the program: nodes point to it.
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

// What is guessed only serves to go on: the first unknown name is noted, nothing behind it is.
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
    // What mostly is a command, in any menu: where the path ends, for a path that nobody knows.
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
  // Only for the arguments; afterwards relative commands are those of before.
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
  // Which function it is shows when it runs, so every argument is taken.
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

// ($map->"name") calls the function that lies in a map.
NodePtr Parser::ParseGroupCall() {
  const size_t start = cursor_.position();
  NodePtr node = MakeNode(NodeKind::kCallValue, start);
  NodePtr group = ParseGroup();
  if (!group) return nullptr;
  node->children.push_back(std::move(group));
  if (!ParseArguments(node.get(), nullptr)) return nullptr;
  return node;
}

// The program holds the text, since nodes were read from it, and functions that outlive this call
// point into the nodes.
ParseResult ParseScript(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options) {
  auto program = std::make_shared<Program>();
  program->text = std::string(text);
  // Of the copy in the program: nodes keep no views, but the parser does while it works.
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
    // The options are left out: they hardly ever differ for one text.
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
  // Never freed: threads may still parse while the process ends.
  static Cache* const cache = new Cache();
  CacheKey key{&tree, options.dot_before_plus, options.unknown_names, std::string(text)};
  {
    const MutexLock lock(cache->mutex);
    const auto found = cache->results.find(key);
    if (found != cache->results.end()) return found->second;
  }
  // Without the lock: two threads may parse one text at once, and one result is thrown away.
  ParseResult result = ParseScript(text, tree, options);
  const MutexLock lock(cache->mutex);
  // All at once: looking for the oldest isn't worth it, and what is needed comes back.
  if (cache->results.size() >= kMostCached) cache->results.clear();
  cache->results.emplace(std::move(key), result);
  return result;
}

}  // namespace muster::routeros::language
