#include "routeros/script/agent.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "routeros/script/texts.h"

namespace muster::routeros {

absl::StatusOr<std::string> RenderBootstrapLine(const BootstrapTerms& terms) {
  RETURN_IF_ERROR(CheckTerms(terms.url, terms.root_sha256, terms.claim));
  std::string line = BootstrapText(terms);
  if (line.size() > kLongestBootstrapLine) {
    return absl::InvalidArgumentError(
        absl::StrCat("the URL ", terms.url, " is ", line.size() - kLongestBootstrapLine,
                     " characters too long for the line to paste; give the edge a shorter name"));
  }
  return line;
}

absl::StatusOr<std::string> RenderInstaller(const InstallerTerms& terms, const Version& version) {
  RETURN_IF_ERROR(CheckTerms(terms.url, terms.root_sha256, terms.claim));
  ASSIGN_OR_RETURN(const Family family, FamilyOf(version));
  return InstallerText(terms, family);
}

absl::StatusOr<std::string> RenderBeat(const InstallerTerms& terms) {
  RETURN_IF_ERROR(CheckTerms(terms.url, terms.root_sha256, terms.claim));
  return BeatText(terms);
}

absl::StatusOr<std::string> RenderRunner(const InstallerTerms& terms, Family family) {
  RETURN_IF_ERROR(CheckTerms(terms.url, terms.root_sha256, terms.claim));
  return RunnerText(terms, family);
}

absl::string_view AgentVersion() { return "1"; }

}  // namespace muster::routeros
