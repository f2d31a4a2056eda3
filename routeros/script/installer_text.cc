// The installer: imported once, from a file, after the pasted line has pinned the root. One block
// in braces, so that RouterOS loads it whole or not at all, unlike the lines of an import.
//
// Order: look (nothing is changed yet), keep a nonce, put the scripts in place, enrol, keep the
// token, start. Until the token is kept no beat runs on its own, so an installation that stops
// anywhere can be begun again by pasting the line again.
#include "absl/strings/str_cat.h"
#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/snippets.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

// What is missing is named before anything is changed. Each policy is tried with a script that
// has only it: RouterOS refuses to run a script that may do more than its caller. `get` of a
// device-mode property gives a bool where it exists.
constexpr absl::string_view kHead =
    R"rsc(# Muster agent @AGENT@ for RouterOS @FAMILY@. Imported once, by the line that was pasted.
{
:local muUrl @URL@
:local muPin "@PIN@"
)rsc";

constexpr absl::string_view kCheck = R"rsc(:local muMissing ""
:foreach muPolicy in=[:toarray "@POLICIES@"] do={
  :do {
    /system script add name="muster-test" policy=$muPolicy source=":local muTest 1"
    /system script run muster-test
  } on-error={ :set muMissing ($muMissing . " policy " . $muPolicy . ",") }
  :do { /system script remove [/system script find where name="muster-test"] } on-error={}
}
:foreach muFeature in=[:toarray "fetch,scheduler"] do={
  :local muMode [:tostr [$muGet ("/system device-mode get " . $muFeature)]]
  :if (($muMode = "false") || ($muMode = "no")) do={ :set muMissing ($muMissing . " device-mode " . $muFeature . "=yes,") }
}
:local muFree [:tonum [/system resource get free-hdd-space]]
:if ([:typeof $muFree] = "num") do={
  :if ($muFree < 262144) do={ :set muMissing ($muMissing . " 256 KiB of free disk space,") }
}
:local muGo true
:if ([:len $muMissing] > 0) do={
  :set muGo false
  :put ("muster: nothing was installed; this needs" . $muMissing . " then paste the line again")
  :if ([:len [/system script find where name="muster-beat"]] = 0) do={
    :do { /certificate remove [/certificate find where fingerprint=$muPin] } on-error={}
  }
}
)rsc";

// The nonce is kept before it is sent: if the reply is lost, the same claim and nonce give the
// same device again. v6 has no random: there it is made of what differs between two routers and
// two moments, as hex digits.
constexpr absl::string_view kNonce = R"rsc(:local muNonce ""
:if ([:pick $muToken 0 1] = "n") do={ :set muNonce [:pick $muToken 1 [:len $muToken]] }
:if ([:len $muNonce] != 32) do={ :set muNonce [:tostr [$muGet ":rndstr length=32 from=0123456789abcdef"]] }
:if ([:len $muNonce] != 32) do={
  :local muSeed ($muMac . $muSoft . [/system clock get time] . [/system resource get uptime] . [/system resource get free-memory] . [/system clock get date] . [/system resource get cpu-load] . "00000000000000000000000000000000")
  :set muNonce ""
  :for i from=0 to=([:len $muSeed] - 1) do={
    :local c [:find "0123456789ABCDEF0123456789abcdefGHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz" [:pick $muSeed $i ($i + 1)]]
    :if (([:tostr $c] ~ "^[0-9]") && ([:len $muNonce] < 32)) do={
      :set c ($c & 15)
      :set muNonce ($muNonce . [:pick "0123456789abcdef" $c ($c + 1)])
    }
  }
}
:local muHeld ""
:if ([:pick $muToken 0 3] = "m1.") do={ :set muHeld $muToken }
:if ([:len $muHeld] = 0) do={
  :if ([$muKeep ("n" . $muNonce) "muster"] != ("n" . $muNonce)) do={
    :set muGo false
    :put "muster: nothing was installed; the router keeps neither a /ppp secret nor a script"
  }
}
)rsc";

// Removed and added, not set: `add` gives the script the installing user as its owner, and rights
// end where the owner's do.
constexpr absl::string_view kScripts =
    R"rsc(  /system script remove [/system script find where name="muster-beat"]
  /system script add name="muster-beat" policy=@POLICY@ comment="@COMMENT@" source=@BEAT@
)rsc";

// muster-state is kept where it is: its comment is the highest number ever started, and a router
// that forgets it would start an old job again.
constexpr absl::string_view kJobParts =
    R"rsc(  /system script remove [/system script find where name="muster-run"]
  /system script add name="muster-run" policy=@POLICY@ comment="@COMMENT@" source=@RUNNER@
  :if ([:len [/system scheduler find where name="muster-state"]] = 0) do={
    /system scheduler add name="muster-state" disabled=yes on-event="" policy=read comment="0"
  }
@GUARD_PARTS@)rsc";

// A router that was more than monitored before loses its runner.
constexpr absl::string_view kNoJobParts =
    R"rsc(  /system script remove [/system script find where name~"^muster-(run|guard|beat-prev|run-prev)\$"]
  /system scheduler remove [/system scheduler find where name="muster-guard"]
)rsc";

// 45 tries with growing pauses are about ten minutes: the line is used in provisioning, where the
// uplink or the control plane may come later than the router.
constexpr absl::string_view kEnrol =
    R"rsc(  :local muBody ("{\"p\":1,\"nonce\":\"" . $muNonce . "\"" . [$muKey "token" $muHeld] . [$muKey "agent" "@AGENT@"] . [$muKey "fmt" $muFormats] . $muFacts . [$muKey "rights" "@POLICY@"] . "}")
  :local muWord ""
  :local muTry 0
  :while (([:len $muWord] = 0) && ($muTry < 45)) do={
    :set muTry ($muTry + 1)
    :do {
      :set muWord [$muPost ($muUrl . "/v1/enroll") "Content-Type:application/json,Authorization:Claim @CLAIM@" $muBody]
    } on-error={
      :put "muster: no answer to the enrolment yet, trying again"
      :local muWait ($muTry * 2)
      :if ($muWait > 15) do={ :set muWait 15 }
      :delay $muWait
    }
  }
  :local muReady false
  :if ([:pick $muWord 0 4] = "Tm1.") do={
    :local muNew [:pick $muWord 1 [:len $muWord]]
    :if ([$muKeep $muNew "muster"] = $muNew) do={ :set muReady true } else={ :put "muster: the router doesn't keep its token" }
  } else={
    :if ([:len $muWord] = 0) do={ :set muWord "no answer for ten minutes" }
    :local muHint "make a new claim and paste its line"
    :if ($muWord = "token-foreign") do={ :set muHint "it holds the token of another Muster: release it there first" }
    :put ("muster: not enrolled: " . [:pick $muWord 0 60] . "; " . $muHint)
  }
)rsc";

// The old scheduler entry goes only when the new one can take its place. Roots of ours that the
// text doesn't pin are those that this installation has retired.
constexpr absl::string_view kStart =
    R"rsc(  :if ($muReady) do={
    :foreach i in=[/certificate find where name~"^muster-ca"] do={
      :if (!([:tostr [:find @PINS@ [/certificate get $i fingerprint]]] ~ "^[0-9]")) do={ /certificate remove $i }
    }
    :local muRoot [/certificate find where fingerprint=$muPin]
    :do { /certificate set $muRoot name="muster-ca" } on-error={ /certificate set $muRoot name=("muster-ca-" . [:pick $muPin 0 8]) }
@NEW_ROOT@    /system scheduler remove [/system scheduler find where name="muster-beat"]
    /system scheduler add name="muster-beat" interval=@PERIOD@ start-time=startup policy=@POLICY@ comment="@COMMENT@" on-event="/system script run muster-beat"
@LINK@    :put "muster: enrolled; this router now checks in every @SECONDS@ seconds"
    /system script run muster-beat
  }
)rsc";

// What becomes of a second root that can't be imported: the router works, and says what it lacks.
constexpr absl::string_view kNewRoot = R"rsc(    :local muOk true
    :do {
@STAGE@    } on-error={ :set muOk false }
    :if (!$muOk) do={ :put "muster: the next router root was not taken; an agent upgrade brings it" }
)rsc";

std::string SecondRoot(const AgentTerms& agent) {
  const std::string stage = NewRootParts(agent);
  return stage.empty() ? "" : Fill(kNewRoot, {{"@STAGE@", stage}});
}

}  // namespace

// The import must not raise once it has begun: the line repeats an import that does.
// Filled in from the inside out: a script that becomes a text in this one is filled in before it is
// quoted, since a value that came later would not be quoted with it.
std::string InstallerText(const InstallerTerms& terms, Family family) {
  const AgentTerms agent = AgentOf(terms);
  const std::string checks = Fill(kCheck, {{"@POLICIES@", std::string(kFullPolicy)}});
  const std::string jobs = terms.monitor_only
                               ? std::string(kNoJobParts)
                               : Fill(kJobParts, {{"@RUNNER@", QuoteSource(RunnerText(agent))},
                                                  {"@GUARD_PARTS@", GuardParts(agent)}});
  const std::string install = absl::StrCat(
      ":if ($muGo) do={\n:do {\n", kScripts, jobs, kEnrol, kStart,
      "} on-error={ :put \"muster: the installation stopped; paste the line again\" }\n}\n");
  const std::string frame =
      absl::StrCat(kHead, kKeyFunction, kGetFunction, PostFunction(agent.profile), checks,
                   ":if ($muGo) do={\n", Fill(kReadToken, {{"@NAMES@", "{\"muster\"}"}}), kFacts,
                   kFormats, kKeepFunction, kNonce, install, "}\n}\n");
  return Fill(frame, {{"@AGENT@", AgentName(agent)},
                      {"@COMMENT@", AgentComment(agent)},
                      {"@FAMILY@", std::string(FamilyName(family))},
                      {"@URL@", QuoteString(terms.url)},
                      {"@PIN@", terms.root_sha256},
                      {"@CLAIM@", terms.claim},
                      {"@POLICY@", std::string(PolicyOf(terms.monitor_only))},
                      {"@PERIOD@", PeriodTime(terms.profile)},
                      {"@SECONDS@", PeriodText(terms.profile)},
                      {"@BEAT@", QuoteSource(BeatText(agent))},
                      {"@PINS@", PinList(agent)},
                      {"@NEW_ROOT@", SecondRoot(agent)},
                      {"@LINK@", absl::StrCat(LinkParts(agent, family), NameParts(agent))}});
}

}  // namespace muster::routeros
