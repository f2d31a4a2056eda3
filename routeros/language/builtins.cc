// The language's own commands per version. The table is read at each start of a tree and not made
// into code, so that adding a version is one mark.
#include "routeros/language/builtins.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace muster::routeros::language {
namespace {

bool AtLeastText(const Version& version, absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('.', 1));
  int major = 0;
  int minor = 0;
  // A mark that can't be read gates nothing.
  if (!absl::SimpleAtoi(parts.first, &major)) return true;
  if (!absl::SimpleAtoi(parts.second, &minor)) minor = 0;
  return AtLeast(version, major, minor);
}

}  // namespace

// Called for every name of every tree, at start only.
GatedName Gate(absl::string_view text, const Version& version) {
  GatedName gated;
  const size_t end = std::min(text.find('@'), text.find('<'));
  gated.name = text.substr(0, end);
  // "@7.4<7.22": from the one, up to before the other; both must hold.
  while (end != absl::string_view::npos && !text.empty()) {
    const size_t mark = text.find_first_of("@<");
    if (mark == absl::string_view::npos) break;
    const size_t next = text.find_first_of("@<", mark + 1);
    const absl::string_view wanted = text.substr(mark + 1, next - mark - 1);
    const bool reached = AtLeastText(version, wanted);
    if ((text[mark] == '@') != reached) gated.present = false;
    text = next == absl::string_view::npos ? absl::string_view() : text.substr(next);
  }
  return gated;
}

bool DeclareCommand(absl::string_view declaration, const Version& version, CommandSpec* command) {
  const size_t open = declaration.find('(');
  const size_t close = declaration.find(')');
  // The marks of the command itself stand behind its bracket.
  if (!Gate(declaration.substr(close + 1), version).present) return false;
  command->name = std::string(declaration.substr(0, open));
  for (absl::string_view text :
       absl::StrSplit(declaration.substr(open + 1, close - open - 1), ',', absl::SkipEmpty())) {
    const GatedName gated = Gate(text, version);
    if (!gated.present) continue;
    absl::string_view name = gated.name;
    const bool positional = name[0] == '\'';
    // "'{command": both marks, in this order.
    if (positional) name.remove_prefix(1);
    const bool code = name[0] == '{';
    if (code) name.remove_prefix(1);
    if (positional) command->positional.emplace_back(name);
    if (code) command->code.emplace_back(name);
    command->arguments.emplace_back(name);
  }
  std::sort(command->arguments.begin(), command->arguments.end());
  return true;
}

absl::string_view BuiltinCommands() {
  // "{" marks an argument whose braces hold code.
  // `set` and `local` take code, since `:local f do={…}` makes a function.
  return R"(
put('message) error('message) return('value) delay('delay-time) beep(frequency,length)
len('value) typeof('value) tostr('value) tonum('value) toarray('value,delimiter@7.22)
tobool('value) toid('value) toip('value) toip6('value) totime('value) tonsec('value)@7.12
pick('counter,'begin,'end) find('in,'key,'from) parse('value) nothing()@7
local('name,'value,{do) global('name,'value,{do) set('name,'value,{do)
if('condition,{do,{else) while('condition,{do) do('{command,{on-error,while,if)
for('counter,from,to,step,{do,{on-error@7.20) foreach('counter,in,{do,{on-error@7.20)
retry('{command,delay,max,{on-error)@7.4 onerror('error,{in,{do)@7.13 time('{command)
execute('script,file,as-string@7.8) resolve('domain-name,server,server-port,type@7.16)
convert('value,from,to,from-scheme,to-scheme,transform@7.12,transform-scheme@7.12)@7.11
rndnum(from,to)@7.8 rndstr(from,length)@7.8 timestamp(use-tz@7.20)@7.9 jobname()@7.12
serialize('value,to,options@7.16,delimiter@7.16,order@7.16,file-name@7.18)@7.13
deserialize('value,from,options@7.16,delimiter@7.16)@7.13
break()@7.22 continue()@7.22 exit()@7.22 quit()
import('file-name,from-line,verbose,dry-run@7.16)
export(file,compact,terse,verbose,hide-sensitive,show-sensitive@7)
ping('address,count,interval,size,interface,src-address,ttl,arp-ping,do-not-fragment,as-value@7)<7.23
)";
}

void AddBuiltins(CommandTree* tree) {
  for (const absl::string_view declaration :
       absl::StrSplit(BuiltinCommands(), absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    auto command = std::make_unique<CommandSpec>();
    if (!DeclareCommand(declaration, tree->version(), command.get())) continue;
    command->menu = &tree->root();
    std::unique_ptr<CommandSpec>& place = tree->root().commands[command->name];
    place = std::move(command);
  }
}

}  // namespace muster::routeros::language
