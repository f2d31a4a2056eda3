// Leaving: everything that an agent ever made is taken away by name. A name that a later text makes
// has to be added here in the same change, else `/export` is no longer what it was before joining.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/status_macros.h"
#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

// Each is parsed and run for itself, so that a menu that this router lacks keeps nothing else from
// being removed. Names are whole ones: what somebody else called muster-something stays. The
// entries of the scheduler go first, so that nothing starts again, the CA last.
constexpr absl::string_view kSteps[] = {
    "/system scheduler remove [find where name~\"^muster-(beat|guard|state)\\$\"]",
    "/system script job remove [find where script~\"^muster-(beat|run|guard)\"]",
    "/system script remove [find where "
    "name~\"^muster-(token|new-token|guard|swap-new|(beat|run)(|-new|-prev))\\$\"]",
    "/ppp secret remove [find where name~\"^muster(|-new)\\$\"]",
    "/tool netwatch remove [find where comment=\"muster-link\"]",
    "/ip dns static remove [find where comment=\"Muster agent\"]",
    "/file remove [find where name~\"^mu(|ster|ster-new|ster-root).(pem|rsc|txt)\\$\"]",
    "/system script environment remove [find where name~\"^muster\"]",
    "/certificate remove [find where name~\"^muster-ca(|-[a-f0-9]+|-new)\\$\"]",
};

// The result of the job is posted first: the runner says so by setting its number to 0.
// At most 60 s: a result that can't be posted must not keep the agent on a router that was
// released.
constexpr absl::string_view kWait = R"rsc(:global musterRun
:local i 0
:while (($i < 60) && ([:tostr $musterRun] != "0")) do={ :delay 1s; :set i ($i + 1) }
:delay 3s
)rsc";

// `:local f [:parse $c];$f` and never `[:parse $c]` alone, which may run the text twice
// (docs/assumptions.md).
constexpr absl::string_view kRun =
    ":foreach c in={@STEPS@} do={:do {:local f [:parse $c];$f} on-error={}}";

std::string Steps() {
  return Fill(kRun, {{"@STEPS@", absl::StrJoin(kSteps, ";", [](std::string* out, auto step) {
                        absl::StrAppend(out, QuoteString(step));
                      })}});
}

}  // namespace

// Short enough to paste, because it waits for nothing: without an edge there is no result to post.
std::string RenderRemovalLine() { return absl::StrCat("{", Steps(), "}"); }

std::string RenderRemoval() {
  // In the background, since the steps remove the runner's own job; the job itself has ended by
  // then.
  return absl::StrCat(":execute script=", QuoteString(absl::StrCat(kWait, Steps(), "\n")),
                      "\n:put \"Muster leaves this router\"\n");
}

absl::StatusOr<std::string> RenderPreview(const InstallerTerms& terms, Family family) {
  const AgentTerms agent = AgentOf(terms);
  RETURN_IF_ERROR(CheckTerms(terms.url, terms.root_sha256, terms.claim));
  RETURN_IF_ERROR(CheckAgentTerms(agent));
  std::string text = absl::StrCat(
      "certificate  muster-ca: the router root with SHA-256 ", terms.root_sha256, "\n",
      agent.new_root_sha256.empty()
          ? ""
          : absl::StrCat("certificate  muster-ca-",
                         agent.new_root_sha256.substr(0, kRootMarkDigits),
                         ": the next router root, with SHA-256 ", agent.new_root_sha256, "\n"),
      "script       muster-beat, policy ", PolicyOf(terms.monitor_only), ", posts to ",
      absl::StrJoin(agent.urls, ", "), "\n", "scheduler    muster-beat, every ",
      PeriodText(terms.profile), " s: runs muster-beat\n");
  if (!terms.monitor_only) {
    absl::StrAppend(
        &text, "script       muster-run, policy ", kFullPolicy,
        ": runs the jobs that it is given\n", "script       muster-guard, policy ", kFullPolicy,
        ": goes back to the agent before when no edge is reached\n",
        "scheduler    muster-guard, every 10 min: runs muster-guard\n",
        "scheduler    muster-state, disabled: its comment keeps the number of the last job\n");
  }
  absl::StrAppend(&text,
                  "ppp secret   muster, disabled: its password keeps the token (without the ppp "
                  "package: script muster-token)\n");
  // No netwatch of type icmp before 7.4; on 7.1 to 7.3 the probe is tried and left out.
  if (family != Family::k6_49) {
    absl::StrAppend(&text, "netwatch     muster-link (7.4 and later): pings ",
                    HostOf(agent.urls[0]), " every 30 s\n");
  }
  if (!terms.dns_address.empty()) {
    absl::StrAppend(&text, "dns static   ", HostOf(agent.urls[0]), " is ", terms.dns_address, "\n");
  }
  absl::StrAppend(&text, "Nothing else is added, and nothing that is there is changed.\n");
  return text;
}

}  // namespace muster::routeros
