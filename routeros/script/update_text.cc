// Renewing the agent: the staging text that an edge gives, the part of the runner that tries what
// was staged, the swap, and the guard that undoes a bad one. Installed routers can't be visited, so
// at every instant there is a beat that runs: the old one until the new one has twice shown that it
// reaches an edge, and its copy for ever after.
#include "absl/strings/str_cat.h"
#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/snippets.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

// The running agent's part of an update. It goes through a file, as the installer did on this very
// router, since no limit of a reply holds for it. The file is one block, so that a cut one doesn't
// load; its last statement, reached only when every length and end mark was right, sets
// musterOffer. The staged beat runs as a job of its own, so that neither an error nor a fetch that
// hangs harms the runner, while the old one goes on beating.
constexpr absl::string_view kUpdate = R"rsc(:if ($muVerb = "U") do={
  :global musterOld "@AGENT@"
  :global musterOffer ""
  :global musterProof ""
  :global musterHold
  :do {
@URL@@TOKEN@    :local v [:tostr [/system resource get version]]
    :set v [:pick $v 0 [:find ($v . " ") " "]]
    :local r [$muFrom ("url=\"" . $muUrl . "/agent/" . $v . "\" http-header-field=\"Authorization:Bearer " . $muToken . "\" dst-path=muster-new.rsc")]
    :for i from=1 to=20 do={ :if ([:len [/file find where name="muster-new.rsc"]] = 0) do={ :delay 500ms } }
    /import muster-new.rsc
  } on-error={}
  :do { /file remove [/file find where name="muster-new.rsc"] } on-error={}
  :local muGood 0
  :while (([:len $musterOffer] > 0) && ($muGood < 2)) do={
    :set musterProof ""
    :local j [:execute script="/system script run muster-beat-new"]
    :local i 0
    :while (($i < 60) && ($musterProof != $musterOffer)) do={
      :delay 1s
      :set i ($i + 1)
    }
    :if ($musterProof = $musterOffer) do={ :set muGood ($muGood + 1) } else={
      :set musterOffer ""
      :do { /system script job remove $j } on-error={}
      :do { /system script job remove [/system script job find where script="muster-beat-new"] } on-error={}
    }
    :if ($muGood = 1) do={ :delay 5s }
  }
  :if ($muGood = 2) do={
    :do { /system script run muster-swap-new } on-error={ :set muGood 0 }
  }
  :if ($muGood < 2) do={
    :set musterHold 30
    :if ([:typeof $musterErr] != "num") do={ :set musterErr 0 }
    :set musterErr ($musterErr + 1)
  }
  /system script remove [/system script find where name~"^muster-(beat-new|run-new|swap-new|new-token)\$"]
  :do { :local f [:parse "/ppp secret remove [find where name=\"muster-new\"]"]; $f } on-error={}
  :if ($muGood = 2) do={ :execute script="/system script run muster-beat" }
}
)rsc";

// Puts back what ran before where this router has heard nothing good for 15 minutes though its
// gateway answers: that of IPv4, or that of IPv6 (a link-local one can't be pinged in one way on
// all versions: there an active route is enough). The two change places, so that a router that
// can't be helped by either goes on trying both: it may be that only the edges are away.
constexpr absl::string_view kGuard =
    R"rsc(# Muster agent: goes back to the agent before where this one can't reach an edge.
:global musterGood
:global musterRights
:global musterHold
:set musterRights
:local muUp [/system resource get uptime]
:local muAge $muUp
:if ([:typeof $musterGood] = "time") do={ :set muAge ($muUp - $musterGood) }
:local muBeat [/system script find where name="muster-beat"]
:local muPrev [/system script find where name="muster-beat-prev"]
:if (([:len $muBeat] = 0) && ([:len $muPrev] > 0)) do={
  /system script set $muPrev name="muster-beat"
  :set muPrev ""
}
:if (($muAge > 15m) && ([:len $muBeat] > 0) && ([:len $muPrev] > 0)) do={
  :local muNear false
  :do {
    :local g [:tostr [/ip route get [:pick [/ip route find where dst-address="0.0.0.0/0" and active=yes] 0] gateway]]
    :if (!($g ~ "^[0-9.]+\$")) do={ :set muNear true } else={
      :local f ""
      :do { :set f [:parse (":return [/tool ping " . $g . " count=3]")] } on-error={ :set f [:parse (":return [/ping " . $g . " count=3]")] }
      :local r [$f]
      :if ($r > 0) do={ :set muNear true }
    }
  } on-error={}
  :if (!$muNear) do={
    :do {
      :local f [:parse ":return [/ipv6 route get [:pick [/ipv6 route find where dst-address=\"::/0\" and active=yes] 0] gateway]"]
      :local g [:tostr [$f]]
      :if (!($g ~ "^[0-9a-fA-F]*:[0-9a-fA-F:]+\$") || ($g ~ "^[fF][eE]80:")) do={ :if ([:len $g] > 0) do={ :set muNear true } } else={
        :do { :set f [:parse (":return [/tool ping " . $g . " count=3]")] } on-error={ :set f [:parse (":return [/ping " . $g . " count=3]")] }
        :local r [$f]
        :if ($r > 0) do={ :set muNear true }
      }
    } on-error={}
  }
  :if ($muNear) do={
    :do { /system script job remove [/system script job find where script="muster-beat"] } on-error={}
    :foreach n in={"muster-run";"muster-beat"} do={
      :local b [/system script find where name=$n]
      :local p [/system script find where name=($n . "-prev")]
      :if (([:len $b] > 0) && ([:len $p] > 0)) do={
        :local s [/system script get $b source]
        :local c [/system script get $b comment]
        /system script set $b source=[/system script get $p source] comment=[/system script get $p comment]
        /system script set $p source=$s comment=$c
      }
    }
    :do {
      :local c [:tostr [/system script get $muBeat comment]]
      /system scheduler set [/system scheduler find where name="muster-beat"] interval=[:pick $c ([:len $c] - 8) [:len $c]]
    } on-error={}
    :set musterGood $muUp
    :set musterHold 30
  }
}
)rsc";

// Every 10 minutes, so a router is back within half an hour of the last good beat.
constexpr absl::string_view kGuardParts =
    R"rsc(  /system script remove [/system script find where name="muster-guard"]
  /system script add name="muster-guard" policy=@POLICY@ comment="@COMMENT@" source=@GUARD@
  /system scheduler remove [/system scheduler find where name="muster-guard"]
  /system scheduler add name="muster-guard" interval=10m start-time=startup policy=@POLICY@ comment="@COMMENT@" on-event="/system script run muster-guard"
)rsc";

// Type icmp came with 7.4. The default thr-avg of 100 ms would log every change of a slow link.
constexpr absl::string_view kLinkCommand =
    "/tool netwatch add comment=\"muster-link\" type=icmp interval=30s packet-count=5 "
    "thr-avg=10s thr-max=10s thr-jitter=10s thr-stdev=10s thr-loss-percent=100 host=";
constexpr absl::string_view kLink = R"rsc(    :do {
      /tool netwatch remove [/tool netwatch find where comment="muster-link"]
      :local muHost [:tostr [:resolve @HOST@]]
@ADD@    } on-error={ :put "muster: no probe of the link to the edge" }
)rsc";
// 7.1 to 7.3 lack `type=icmp`: there the command is parsed, so that the rest loads.
constexpr absl::string_view kLinkDirect = "      @COMMAND@$muHost\n";
constexpr absl::string_view kLinkParsed = R"rsc(      :local muProbe [:parse (@TEXT@ . $muHost)]
      $muProbe
)rsc";

// Removed in any case, so that a text without an address takes an older entry away.
constexpr absl::string_view kNameGone =
    R"rsc(    /ip dns static remove [/ip dns static find where comment="Muster agent"]
)rsc";
constexpr absl::string_view kName =
    R"rsc(    /ip dns static add name=@HOST@ address=@ADDRESS@ comment="Muster agent"
)rsc";

// Beside the running agent: scripts with "-new", the token under the name muster-new, the new root.
constexpr absl::string_view kStaging =
    R"rsc(# Muster agent @AGENT@ for RouterOS @FAMILY@: imported by the agent before it, put on trial beside it.
{
:global musterOld
:global musterOffer
:set musterOffer ""
:local muBeat @BEAT@
:local muRunner @RUNNER@
/system script remove [/system script find where name~"^muster-(beat|run|swap)-new\$"]
/system script add name="muster-beat-new" policy=@POLICY@ comment="Muster agent, on trial" source=(":local muTrial \"" . $musterOld . "\"" . [:pick $muBeat 17 [:len $muBeat]])
/system script add name="muster-run-new" policy=@POLICY@ comment="Muster agent, on trial" source=$muRunner
/system script add name="muster-swap-new" policy=@POLICY@ comment="Muster agent, on trial" source=@SWAP@
:local muOk true
:local s [/system script get [/system script find where name="muster-beat-new"] source]
:if (([:len $muBeat] != @BEAT_LENGTH@) || ([:len $s] != (@BEAT_LENGTH@ + [:len $musterOld])) || ([:pick $s ([:len $s] - 6) [:len $s]] != "# end\n")) do={ :set muOk false }
:set s [/system script get [/system script find where name="muster-run-new"] source]
:if (([:len $s] != @RUNNER_LENGTH@) || ([:pick $s ([:len $s] - 6) [:len $s]] != "# end\n")) do={ :set muOk false }
@EXTRA@:if ($muOk) do={ :set musterOffer "@AGENT@" }
}
)rsc";

// Under a name of its own: until the swap the old token is what the router shows.
constexpr absl::string_view kStageToken =
    R"rsc(:if ([$muKeep "@TOKEN@" "muster-new"] != "@TOKEN@") do={ :set muOk false }
)rsc";

// `print file=` makes a text file on every version. The rule of one certificate, as in the line.
// The name is of this root alone: the one that it replaces may have come the same way.
constexpr absl::string_view kStageRoot =
    R"rsc(:if ([:len [/certificate find where fingerprint="@NEW_PIN@"]] = 0) do={
  :local muOld [/certificate find]
  :local muBad true
  :do {
    /file print file="muster-root"
    :for i from=1 to=20 do={ :if ([:len [/file find where name="muster-root.txt"]] = 0) do={ :delay 500ms } }
    /file set [/file find where name="muster-root.txt"] contents=@NEW_PEM@
    /certificate import file-name="muster-root.txt" passphrase=""
    :if (([:len [/certificate find]] = ([:len $muOld] + 1)) && ([:len [/certificate find where fingerprint="@NEW_PIN@"]] = 1)) do={ :set muBad false }
  } on-error={}
  :do { /file remove [/file find where name="muster-root.txt"] } on-error={}
  :if ($muBad) do={
    :set muOk false
    :foreach i in=[/certificate find] do={
      :if (!([:tostr [:find $muOld $i]] ~ "^[0-9]")) do={ /certificate remove $i }
    }
  } else={ /certificate set [/certificate find where fingerprint="@NEW_PIN@"] name="muster-ca-@NEW_MARK@" }
}
)rsc";

// Runs once, after both beats were good. What was good goes to "-prev" first, the beat comes last:
// it is what reports the new agent, so that a router that loses its power on the way is asked
// again.
constexpr absl::string_view kSwap = R"rsc(:foreach n in={"muster-beat";"muster-run"} do={
  :local p ($n . "-prev")
  /system script remove [/system script find where name=$p]
  /system script add name=$p policy=@POLICY@ source=[/system script get [/system script find where name=$n] source] comment=[/system script get [/system script find where name=$n] comment]
}
:do {
  :local f [:parse "/ppp secret set [find where name=\"muster\"] password=[get [find where name=\"muster-new\"] password]"]
  :local g [:parse ":return [:len [/ppp secret find where name=\"muster-new\"]]"]
  :local n [$g]
  :if ($n > 0) do={ $f }
} on-error={}
:if ([:len [/system script find where name="muster-new-token"]] > 0) do={
  /system script set [/system script find where name="muster-token"] source=[/system script get [/system script find where name="muster-new-token"] source]
  /system script remove [/system script find where name="muster-new-token"]
}
/system script set [/system script find where name="muster-run"] source=[/system script get [/system script find where name="muster-run-new"] source] comment="@COMMENT@"
:do {
@PARTS@  /system scheduler set [/system scheduler find where name="muster-beat"] interval=@PERIOD@ comment="@COMMENT@"
  :foreach i in=[/certificate find where name~"^muster-ca"] do={
    :if (!([:tostr [:find @PINS@ [/certificate get $i fingerprint]]] ~ "^[0-9]")) do={ /certificate remove $i }
  }
} on-error={}
:local s [/system script get [/system script find where name="muster-beat-new"] source]
/system script set [/system script find where name="muster-beat"] source=(":local muTrial \"\"" . [:pick $s [:find $s "\n"] [:len $s]]) comment="@COMMENT@"
:global musterUrl 0
)rsc";

// Nothing at all where the text brings neither token nor root.
std::string Extras(const AgentTerms& terms) {
  std::string text;
  if (!terms.token.empty()) {
    absl::StrAppend(&text, kKeepFunction, Fill(kStageToken, {{"@TOKEN@", terms.token}}));
  }
  absl::StrAppend(&text, NewRootParts(terms));
  return text;
}

std::string SwapText(const AgentTerms& terms, Family family) {
  return Fill(
      kSwap,
      {{"@POLICY@", std::string(PolicyOf(terms.monitor_only))},
       {"@COMMENT@", AgentComment(terms)},
       {"@PERIOD@", PeriodTime(terms.profile)},
       {"@PINS@", PinList(terms)},
       {"@PARTS@", absl::StrCat(GuardParts(terms), LinkParts(terms, family), NameParts(terms))}});
}

}  // namespace

std::string NewRootParts(const AgentTerms& terms) {
  if (terms.new_root_sha256.empty()) return "";
  return Fill(kStageRoot, {{"@NEW_PIN@", terms.new_root_sha256},
                           {"@NEW_MARK@", terms.new_root_sha256.substr(0, kRootMarkDigits)},
                           {"@NEW_PEM@", QuoteString(terms.new_root_pem)}});
}

std::string UpdateText() { return std::string(kUpdate); }

std::string GuardText() { return std::string(kGuard); }

std::string GuardParts(const AgentTerms& terms) {
  if (terms.monitor_only) return "";
  return Fill(kGuardParts, {{"@POLICY@", std::string(kFullPolicy)},
                            {"@COMMENT@", AgentComment(terms)},
                            {"@GUARD@", QuoteSource(GuardText())}});
}

// v6 has no netwatch of type icmp.
std::string LinkParts(const AgentTerms& terms, Family family) {
  if (family == Family::k6_49) return "";
  const std::string add = family == Family::k7_1
                              ? Fill(kLinkParsed, {{"@TEXT@", QuoteString(kLinkCommand)}})
                              : Fill(kLinkDirect, {{"@COMMAND@", std::string(kLinkCommand)}});
  return Fill(kLink, {{"@HOST@", QuoteString(HostOf(terms.urls[0]))}, {"@ADD@", add}});
}

std::string NameParts(const AgentTerms& terms) {
  std::string text(kNameGone);
  if (!terms.dns_address.empty()) {
    absl::StrAppend(&text, Fill(kName, {{"@HOST@", QuoteString(HostOf(terms.urls[0]))},
                                        {"@ADDRESS@", terms.dns_address}}));
  }
  return text;
}

std::string StagingText(const AgentTerms& terms, Family family) {
  const std::string beat = BeatText(terms);
  const std::string runner = RunnerText(terms);
  // Lengths are of the text before it is quoted: that is what the router has when it has read it.
  return Fill(kStaging, {{"@AGENT@", AgentName(terms)},
                         {"@FAMILY@", std::string(FamilyName(family))},
                         {"@POLICY@", std::string(kFullPolicy)},
                         {"@BEAT@", QuoteSource(beat)},
                         {"@BEAT_LENGTH@", absl::StrCat(beat.size())},
                         {"@RUNNER@", QuoteSource(runner)},
                         {"@RUNNER_LENGTH@", absl::StrCat(runner.size())},
                         {"@SWAP@", QuoteSource(SwapText(terms, family))},
                         {"@EXTRA@", Extras(terms)}});
}

}  // namespace muster::routeros
