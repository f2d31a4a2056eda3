// The version of this program. No server is asked: the command works without settings and tells
// what a person who reports a fault is using.
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "common/program/options.h"
#include "google/protobuf/struct.pb.h"

namespace muster::cli {
namespace {

Outcome ShowVersion(Session& session) {
  const std::string version(Version());
  // So that -o json has the form that every other command's has.
  google::protobuf::Struct message;
  (*message.mutable_fields())["version"].set_string_value(version);
  Report report;
  report.messages = {&message};
  report.names = {version};
  // A table for CSV only; for people a line is enough.
  if (session.format() == Format::kCsv) {
    report.tables = {{"", {{"VERSION"}}, {{Cell(version)}}}};
  } else {
    report.text = absl::StrCat("muster ", version);
  }
  return session.Show(report);
}

}  // namespace

std::vector<Command> VersionCommands() {
  Command version;
  version.noun = "version";
  version.summary = "Print the version of this program";
  version.examples = "  muster version";
  version.run = ShowVersion;
  return {version};
}

}  // namespace muster::cli
