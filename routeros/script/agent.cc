// The renderers' front: every term that comes from outside is checked here, before any of it is put
// into a script. Behind these functions nothing is checked again.
#include "routeros/script/agent.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "routeros/script/texts.h"

namespace muster::routeros {

absl::StatusOr<std::string> RenderBootstrapLine(const BootstrapTerms& terms) {
  RETURN_IF_ERROR(CheckTerms(terms.url, terms.root_sha256, terms.claim));
  const bool spread = terms.spread != absl::ZeroDuration();
  if (spread && (terms.spread < kShortestSpread || terms.spread > kLongestSpread)) {
    return absl::InvalidArgumentError("routers can be spread over 10 s to 6 h");
  }
  std::string line = BootstrapText(terms);
  // The limit is a promise of the protocol (section 2); only the URL's length varies.
  if (line.size() > kLongestBootstrapLine) {
    return absl::InvalidArgumentError(
        absl::StrCat("the URL ", terms.url, " is ", line.size() - kLongestBootstrapLine,
                     " characters too long for the line to paste; give the edge a shorter name",
                     spread ? " or make a line without a spread, which is shorter" : ""));
  }
  return line;
}

absl::StatusOr<std::string> RenderInstaller(const InstallerTerms& terms, const Version& version) {
  RETURN_IF_ERROR(CheckTerms(terms.url, terms.root_sha256, terms.claim));
  RETURN_IF_ERROR(CheckAgentTerms(AgentOf(terms)));
  ASSIGN_OR_RETURN(const Family family, FamilyOf(version));
  return InstallerText(terms, family);
}

absl::StatusOr<std::string> RenderAgent(const AgentTerms& terms, Family family) {
  RETURN_IF_ERROR(CheckAgentTerms(terms));
  if (terms.monitor_only) {
    return absl::InvalidArgumentError(
        "an agent that only monitors can't renew itself; paste the line of a claim again");
  }
  // The policy of a monitor-only scheduler entry has no `write`, so its scripts could not stage
  // anything: RouterOS itself would refuse.
  return StagingText(terms, family);
}

absl::StatusOr<std::string> RenderBeat(const AgentTerms& terms) {
  RETURN_IF_ERROR(CheckAgentTerms(terms));
  return BeatText(terms);
}

absl::StatusOr<std::string> RenderRunner(const AgentTerms& terms) {
  RETURN_IF_ERROR(CheckAgentTerms(terms));
  return RunnerText(terms);
}

// What installed routers report is compared with this: it is raised only where the text truly
// changes for them, since each raise makes the whole fleet fetch and try new text.
absl::string_view AgentVersion() { return "3"; }

}  // namespace muster::routeros
