// One way for all scripts that come from outside: a file, stdin, or the command line. What RouterOS
// would choke on is said before it is sent.
#include "cli/commands/script_file.h"

#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

// As the server has it: 64 KiB.
constexpr size_t kLongestScript = 65536;
// Some editors begin a file with it; RouterOS takes it for a word.
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

absl::StatusOr<std::string> CheckScriptText(std::string script) {
  if (absl::StripAsciiWhitespace(script).empty())
    return absl::InvalidArgumentError("the script is empty");
  if (absl::StartsWith(script, kByteOrderMark)) script.erase(0, kByteOrderMark.size());
  // Not converted: which code page it is in, only its writer knows.
  if (!IsUtf8(script)) {
    return absl::FailedPreconditionError(
        "the script is not UTF-8; convert it first, like: iconv -f CP1252 -t UTF-8 FILE");
  }
  if (script.size() > kLongestScript) {
    return absl::FailedPreconditionError(
        absl::StrCat("the script has ", script.size(), " bytes; at most ", kLongestScript, " go"));
  }
  return script;
}

absl::StatusOr<std::string> ReadScriptFile(Session& session, absl::string_view flag,
                                           const std::string& path) {
  std::ifstream file;
  std::istream* in = session.console().in;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return absl::InvalidArgumentError(absl::StrCat("--", flag, ": can't read ", path));
    in = &file;
  }
  return CheckScriptText(
      std::string(std::istreambuf_iterator<char>(*in), std::istreambuf_iterator<char>()));
}

}  // namespace muster::cli
