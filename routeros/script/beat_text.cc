// muster-beat: the script that the scheduler runs. It is one text for every version, because a
// router may be up- or downgraded at any time and a script with one unknown command doesn't load:
// whatever only some versions have stands in text for :parse.
//
// Flow: may this run go on (kHead); what is the token; then per round: state of jobs, body, post,
// verbs. Only verbs start anything, and jobs run in muster-run, so a beat never waits for a job.
#include "absl/strings/str_cat.h"
#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/snippets.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

// RouterOS starts the scheduler's script again while the last run still goes on. Two signs say
// so: more than one job of that name, and a flag that a run sets and clears. Both are asked, so
// that neither a run that died nor a router that counts one run twice silences the agent; where
// globals are invisible (no policy `policy`) the jobs decide alone, and what globals keep is
// not kept. A run that hangs in a fetch (no timeout before
// 7.15) is ended by the 20th run that finds it.
//
// The first line says whether this text is on trial (muTrial: what it would replace); the update
// writes it.
constexpr absl::string_view kHead =
    R"rsc(:local muTrial ""
# Muster agent @AGENT@: reports every @PERIOD@ s and starts what the control plane asks for.
:global musterTx
:global musterSkip
:global musterFail
:global musterErr
:global musterBoot
:global musterStuck
:global musterBusy
:global musterGood
:global musterProof
:local muTx 0
:local muSkip 0
:local muFail 0
:local muErr 0
:local muStuck 0
:if ([:typeof $musterTx] = "num") do={ :set muTx $musterTx }
:if ([:typeof $musterSkip] = "num") do={ :set muSkip $musterSkip }
:if ([:typeof $musterFail] = "num") do={ :set muFail $musterFail }
:if ([:typeof $musterErr] = "num") do={ :set muErr $musterErr }
:if ([:typeof $musterStuck] = "num") do={ :set muStuck $musterStuck }
:local muGo true
:if ([:len [/system script job find where script="muster-beat"]] > 1) do={
  :if ([:tostr $musterBusy] != "0") do={ :set muGo false }
  :if ([:typeof $musterBusy] != "num") do={ :set musterBusy 0 }
}
:if ($muGo) do={
  :set musterStuck 0
  :if (($muSkip > 0) && ([:len $muTrial] = 0)) do={
    :set muGo false
    :set musterSkip ($muSkip - 1)
    :set musterTx ($muTx + 1)
  }
} else={
  :set musterTx ($muTx + 1)
  :set musterStuck ($muStuck + 1)
  :if ($muStuck > 18) do={
    :set musterStuck 0
    :set musterBusy 0
    :do { /system script job remove [/system script job find where script="muster-beat"] } on-error={}
  }
}
)rsc";

// Where there is no random (v6) the nonce of a boot is what the clock, the uptime, the memory and
// the sectors ever written make: a board without a clock starts at the same instant each time.
// All of it in 16 characters, the ends of each, since a metered beat has no room for more. Which of
// the roots that this text pins lie in the store is said in each beat: certificates are changed
// only once routers say that they hold the new one.
constexpr absl::string_view kBodyStart = R"rsc(:local muPins @PINS@
:local muAgent "@AGENT@"
:if ([:len $muTrial] > 0) do={ :set muAgent $muTrial }
:local muFull false
:if ([:typeof $musterBoot] != "str") do={
  :set muFull true
  :local muNonce [:tostr [$muGet ":rndstr length=16 from=0123456789abcdef"]]
  :if ([:len $muNonce] != 16) do={
    :local t [:tostr [/system clock get time]]
    :set muNonce ([/system resource get free-memory] . [$muGet "/system resource get write-sect-total"] . [:pick $t 0 2] . [:pick $t 3 5] . [:pick $t 6 8])
    :if ([:len $muNonce] > 16) do={ :set muNonce [:pick $muNonce ([:len $muNonce] - 16) [:len $muNonce]] }
  }
  :set musterBoot $muNonce
  :if ([:typeof $musterBoot] != "str") do={ :set muFull false }
}
:local muBoot ""
:if ([:typeof $musterBoot] = "str") do={ :set muBoot $musterBoot }
:local muHave ""
:foreach p in=$muPins do={
  :if ([:len [/certificate find where fingerprint=$p]] > 0) do={
    :if ([:len $muHave] > 0) do={ :set muHave ($muHave . ",") }
    :set muHave ($muHave . [:pick $p 0 8])
  }
}
)rsc";

// muLive counts running runners in two ways, by the script's name and by the id that :execute gave:
// whether every version lists a script that :execute started under its name is not known.
constexpr absl::string_view kJobState =
    R"rsc(:local muLast [:tonum [$muGet "/system scheduler get [find where name=\"muster-state\"] comment"]]
:if ([:typeof $muLast] != "num") do={ :set muLast 0 }
:local muRun 0
:local muLive [:len [/system script job find where script="muster-run"]]
:if (($muLive = 0) && ([:typeof $musterRun] = "num")) do={
  :do { :set muLive [:len [/system script job find where .id=$musterJob]] } on-error={}
}
:if (($muLive > 0) && ([:typeof $musterRun] = "num")) do={ :set muRun $musterRun }
)rsc";
constexpr absl::string_view kJobGlobals = R"rsc(:global musterRun
:global musterRunAt
:global musterReply
:global musterJob
:global musterHold
)rsc";

// A monitored router keeps no number; no edge gives it a job, whatever it says.
constexpr absl::string_view kNoJobState = R"rsc(:local muLast 0
:local muRun 0
)rsc";

// uptime minus uptime: the clock may be set while a job runs.
constexpr absl::string_view kRunAge = R"rsc(  :if ($muRun > 0) do={
    :do { :set muJson ($muJson . [$muKey "run_age" ([/system resource get uptime] - $musterRunAt)]) } on-error={}
  }
)rsc";

// The owner of a script may be removed, or lose rights, long after it was installed: what is gone
// stands behind the list as "no-owner" or "no-POLICY". Looked up once; muster-guard asks for it
// again. A user that isn't local (RADIUS) counts as gone.
constexpr absl::string_view kRights = R"rsc(:global musterRights
:local muRights "@POLICY@"
:if ([:pick [:tostr $musterRights] 0 [:len $muRights]] = $muRights) do={ :set muRights $musterRights } else={
  :do {
    :local o [/system script get [/system script find where name="muster-beat"] owner]
    :local u [/user find where name=$o]
    :if ([:len $u] = 0) do={ :set muRights ($muRights . ",no-owner") } else={
      :local g [/user get $u group]
      :local h ("," . [:tostr [/user group get [/user group find where name=$g] policy]] . ",")
      :foreach p in=[:toarray "@POLICY@"] do={
        :if (!($h ~ ("[;,]" . $p . "[;,]"))) do={ :set muRights ($muRights . ",no-" . $p) }
      }
    }
  } on-error={}
  :set musterRights $muRights
}
)rsc";

// What a beat says without anything that has to be collected: in a fast round, where collecting
// failed, and every fourth time while posts fail: should the edge refuse what this router says of
// itself, the control plane still hears of it. On a metered link it is all that is said but once
// after each start: at most 150 bytes.
constexpr absl::string_view kSmall =
    R"rsc(:local muJson ""
:local muSmall ("{\"p\":1" . [$muKey "agent" $muAgent] . [$muKey "fmt" $muFormats] . [$muKey "boot" $muBoot]@SMALL_ROOTS@ . [$muKey "last" $muLast])
:if ($muRun > 0) do={ :set muSmall ($muSmall . [$muKey "run" $muRun]) } else={ :set muSmall ($muSmall . [$muKey "up" [/system resource get uptime]]) }
)rsc";

// v6 has one map of health values without units, where a voltage counts tenths; v7 has rows.
constexpr absl::string_view kCollect =
    R"rsc(:if ($muFull) do={
:do {
  :set muJson ("{\"p\":1" . [$muKey "agent" $muAgent] . [$muKey "fmt" $muFormats] . [$muKey "boot" $muBoot])
  :set muJson ($muJson . [$muKey "up" [/system resource get uptime]])
  :set muJson ($muJson . [$muKey "clock" ([/system clock get date] . " " . [/system clock get time])])
  :set muJson ($muJson . [$muKey "last" $muLast] . [$muKey "run" $muRun])
@RUN_AGE@  :set muJson ($muJson . [$muKey "err" $muErr] . [$muKey "tx" $muTx])
@FACTS@  :set muJson ($muJson . $muFacts)
  :set muJson ($muJson . [$muKey "cpu" [$muGet "/system resource get cpu-load"]])
  :set muJson ($muJson . [$muKey "cpus" [$muGet "/system resource get cpu-count"]])
  :set muJson ($muJson . [$muKey "mhz" [$muGet "/system resource get cpu-frequency"]])
  :set muJson ($muJson . [$muKey "mf" [$muGet "/system resource get free-memory"]])
  :set muJson ($muJson . [$muKey "mt" [$muGet "/system resource get total-memory"]])
  :set muJson ($muJson . [$muKey "df" [$muGet "/system resource get free-hdd-space"]])
  :set muJson ($muJson . [$muKey "dt" [$muGet "/system resource get total-hdd-space"]])
  :set muJson ($muJson . [$muKey "bb" [$muGet "/system resource get bad-blocks"]])
  :set muJson ($muJson . [$muKey "wr" [$muGet "/system resource get write-sect-total"]])
  :local muRows ""
  :foreach k,v in=[$muGet "/system health print as-value"] do={
    :local n $k
    :local w $v
    :local t ""
    :if ([:typeof $v] = "array") do={
      :set n ($v->"name")
      :set w ($v->"value")
      :set t ($v->"type")
    } else={
      :if ([:tostr $n] ~ "temperature") do={ :set t "C" }
      :if ([:tostr $n] ~ "voltage") do={
        :set t "V"
        :if ([:typeof $w] = "num") do={ :set w (($w / 10) . "." . ($w - (($w / 10) * 10))) }
      }
    }
    :if (([:typeof $n] = "str") && ([:len [:tostr $w]] > 0)) do={
      :if ([:len $muRows] > 0) do={ :set muRows ($muRows . ",") }
      :local row ([$muKey "n" $n] . [$muKey "v" $w] . [$muKey "t" $t])
      :set muRows ($muRows . "{" . [:pick $row 1 [:len $row]] . "}")
    }
  }
  :if ([:len $muRows] > 0) do={ :set muJson ($muJson . ",\"health\":[" . $muRows . "]") }
  :local muHost [$muGet "/tool netwatch get [find where comment=\"muster-link\"] host"]
  :if ([:len [:tostr $muHost]] > 0) do={
    :local muLink ("{\"n\":\"edge\"" . [$muKey "a" $muHost])
    :set muLink ($muLink . [$muKey "rtt" [$muGet "/tool netwatch get [find where comment=\"muster-link\"] rtt-avg"]])
    :set muLink ($muLink . [$muKey "jit" [$muGet "/tool netwatch get [find where comment=\"muster-link\"] rtt-jitter"]])
    :set muLink ($muLink . [$muKey "sd" [$muGet "/tool netwatch get [find where comment=\"muster-link\"] rtt-stdev"]])
    :set muLink ($muLink . [$muKey "loss" [$muGet "/tool netwatch get [find where comment=\"muster-link\"] loss-percent"]])
    :set muJson ($muJson . ",\"links\":[" . $muLink . "}]")
  }
  :set muJson ($muJson . [$muKey "rights" $muRights] . [$muKey "ca" $muHave] . "}")
} on-error={
  :set muErr ($muErr + 1)
  :set musterErr $muErr
  :set muJson ""
}
}
:if (([:len $muJson] = 0) || (($muFail & 3) = 3)) do={
  :set muJson ($muSmall@SMALL_END@ . "}")
}
)rsc";

// The router root is in no export and no backup, so a restored router lacks it: where a post fails
// and a pinned root is not there, it is fetched again by the rule of one certificate (see
// bootstrap_text.cc) and the post repeated.
constexpr absl::string_view kRestoreRoot =
    R"rsc(  :local muThere 0
  :foreach p in=$muPins do={ :set muThere ($muThere + [:len [/certificate find where fingerprint=$p]]) }
  :if (($muThere < [:len $muPins]) && (($muFail < 8) || (($muFail & 3) = 0))) do={
    :local muOld [/certificate find]
    :local muBad true
    :local muPin ""
    :do {
      /tool fetch url=($muUrl . "/ca.pem") dst-path="muster.pem"
      :for i from=1 to=20 do={
        :if ([:len [/file find where name="muster.pem"]] = 0) do={ :delay 500ms }
      }
      /certificate import file-name="muster.pem" passphrase=""
      :foreach i in=[/certificate find] do={
        :if (!([:tostr [:find $muOld $i]] ~ "^[0-9]")) do={
          :local g [:tostr [/certificate get $i fingerprint]]
          :foreach p in=$muPins do={ :if ($g = $p) do={ :set muPin $p } }
        }
      }
      :if (([:len [/certificate find]] = ([:len $muOld] + 1)) && ([:len $muPin] > 0)) do={ :set muBad false }
    } on-error={}
    :do {
      :if ($muBad) do={
        :set muErr ($muErr + 1)
        :set musterErr $muErr
        :foreach i in=[/certificate find] do={
          :if (!([:tostr [:find $muOld $i]] ~ "^[0-9]")) do={ /certificate remove $i }
        }
      } else={
        :set muAgain true
        :local c [/certificate find where fingerprint=$muPin]
        :do { /certificate set $c name="muster-ca" } on-error={ /certificate set $c name=("muster-ca-" . [:pick $muPin 0 8]) }
      }
    } on-error={}
    :do { /file remove [/file find where name="muster.pem"] } on-error={}
  }
)rsc";

// While posts fail the period grows from 30 over 60 and 120 to 300 s (@SKIP_5@, @SKIP_6@ and
// @SKIP_7@ beats are left out).
constexpr absl::string_view kPost = R"rsc(:local muData ""
:local muOk false
:local muAgain true
:local muTurn 0
:while ($muAgain && ($muTurn < 2)) do={
  :set muAgain false
  :set muTurn ($muTurn + 1)
  :do {
    :set muData [$muPost ($muUrl . "/v1/heartbeat") ("Content-Type:application/json,Authorization:Bearer " . $muToken) $muJson]
    :set muOk true
  } on-error={}
  :if (!$muOk && ($muTurn = 1)) do={
@RESTORE@  }
}
:if ($muOk) do={
  :set musterFail 0
  :set musterTx 0
  :set musterGood [/system resource get uptime]
  :if ([:len $muTrial] > 0) do={ :set musterProof "@AGENT@" }
} else={
  :set muFail ($muFail + 1)
  :set musterFail $muFail
  :set musterUrl ($muIndex + 1)
  :if ($muFail = 5) do={ :set musterSkip @SKIP_5@ }
  :if ($muFail = 6) do={ :set musterSkip @SKIP_6@ }
  :if ($muFail > 6) do={ :set musterSkip @SKIP_7@ }
}
)rsc";

// Every other first letter means: do nothing.
constexpr absl::string_view kVerbs =
    R"rsc(:local muVerb [:pick $muData 0 1]
:local muArgument [:tonum [:pick $muData 1 24]]
:if ([:typeof $muArgument] != "num") do={ :set muArgument 0 }
:if ($muArgument > 0) do={
  :if (($muVerb = "W") && ($muArgument > 30) && ($muArgument < 3601)) do={ :set musterSkip (($muArgument - 1) / @PERIOD@) }
  :if (($muVerb = "F") && ($muArgument < 301)) do={ :set muRounds (($muArgument + 1) / 2) }
@KILL@}
:if ($muVerb = "X") do={
@RELEASED@}
)rsc";

// RouterOS would refuse a write to the entry of a router that is only monitored.
constexpr absl::string_view kReleasedMonitor = R"rsc(  :set musterSkip @DAY@
)rsc";
constexpr absl::string_view kReleased =
    R"rsc(  :do { /system scheduler set [/system scheduler find where name~"^muster-(beat|guard)\$"] disabled=yes } on-error={}
)rsc";

// Both by id and by name: one of the two finds it on every version. The runner is then started once
// more with the verb K as its reply, since somebody has to post that the job was stopped.
constexpr absl::string_view kKill =
    R"rsc(  :if (($muVerb = "K") && ($muRun = $muArgument)) do={
    :do { /system script job remove $musterJob } on-error={}
    :do { /system script job remove [/system script job find where script="muster-run"] } on-error={}
    :set muLive 0
    :set muRun 0
    :set musterRun 0
    :set muVerb "J"
  }
)rsc";

// After an update that failed the next offers are left alone for a while.
// The reply is handed over in a global, because :execute takes no arguments; muster-run empties it.
constexpr absl::string_view kStartJob =
    R"rsc(:if (($muVerb = "U") && ([:len $muTrial] = 0) && ($muLive = 0)) do={
  :local muHold 0
  :if ([:typeof $musterHold] = "num") do={ :set muHold $musterHold }
  :if ($muHold > 0) do={ :set musterHold ($muHold - 1) } else={ :set muVerb "J" }
}
:if ((($muVerb = "J") || ($muVerb = "L")) && ($muRun = 0)) do={
  :set musterReply $muData
  :set musterJob [:execute script="/system script run muster-run"]
}
)rsc";

struct ProfileText {
  const char* period;
  // Beats to leave out at the fifth, the sixth and later failures in a row.
  const char* skips[3];
  const char* day;
};

// Beats that are left out: 1, 3 and 9 of 30 s make 60, 120 and 300 s. Metered routers are at 300 s
// anyway. A day in beats is what `X` means to a router that may not write.
ProfileText TextOf(Profile profile) {
  switch (profile) {
    case Profile::kMetered:
      return {"300", {"0", "0", "0"}, "288"};
    case Profile::kSlow:
      return {"60", {"0", "1", "4"}, "1440"};
    case Profile::kNormal:
      break;
  }
  return {"30", {"1", "3", "9"}, "2880"};
}

// One round: state, body, post, verbs.
// Everything that depends on the mode of enrolment is left out of the text and not switched off in
// it: a monitored router holds no code that could run a job.
std::string Round(const AgentTerms& terms) {
  const bool jobs = !terms.monitor_only;
  const bool metered = terms.profile == Profile::kMetered;
  return absl::StrCat(
      kPickUrl, jobs ? kJobState : kNoJobState,
      Fill(kSmall, {{"@SMALL_ROOTS@", metered ? " . [$muKey \"ca\" $muHave]" : ""}}),
      Fill(kCollect, {{"@RUN_AGE@", std::string(jobs ? kRunAge : "")},
                      {"@SMALL_END@", metered ? "" : " . [$muKey \"err\" $muErr]"}}),
      Fill(kPost, {{"@RESTORE@", std::string(kRestoreRoot)}}),
      Fill(kVerbs, {{"@KILL@", std::string(jobs ? kKill : "")},
                    {"@RELEASED@", std::string(jobs ? kReleased : kReleasedMonitor)}}),
      jobs ? kStartJob : absl::string_view());
}

}  // namespace

std::string PeriodText(Profile profile) { return TextOf(profile).period; }

std::string BeatText(const AgentTerms& terms) {
  const bool jobs = !terms.monitor_only;
  const bool metered = terms.profile == Profile::kMetered;
  const ProfileText profile = TextOf(terms.profile);
  // The first round is full (or as the profile says); fast rounds (`F`) are small, and come every 2
  // s inside of the same run, so the scheduler's period is never changed.
  const std::string body = absl::StrCat(
      kKeyFunction, kGetFunction, PostFunction(terms.profile),
      ":local muNames {\"muster\"}\n"
      ":if ([:len $muTrial] > 0) do={ :set muNames {\"muster-new\";\"muster\"} }\n",
      Fill(kReadToken, {{"@NAMES@", "$muNames"}}), ":if ([:pick $muToken 0 3] = \"m1.\") do={\n",
      jobs ? kJobGlobals : "", kBodyStart, kFormats, kRights, metered ? "" : ":set muFull true\n",
      ":local muRounds 1\n:while ($muRounds > 0) do={\n:set muRounds ($muRounds - 1)\n",
      Round(terms), ":set muFull false\n:if ($muRounds > 0) do={ :delay 2s }\n}\n}\n");
  const std::string text = absl::StrCat(kHead, ":if ($muGo) do={\n:set musterBusy 1\n", body,
                                        ":set musterBusy 0\n}\n# end\n");
  // "# end" closes the text: a source that was cut while it was staged is noticed by it.
  return Fill(text, {{"@AGENT@", AgentName(terms)},
                     {"@URLS@", UrlList(terms.urls)},
                     {"@PINS@", PinList(terms)},
                     {"@POLICY@", std::string(PolicyOf(terms.monitor_only))},
                     {"@FACTS@", std::string(kFacts)},
                     {"@PERIOD@", profile.period},
                     {"@SKIP_5@", profile.skips[0]},
                     {"@SKIP_6@", profile.skips[1]},
                     {"@SKIP_7@", profile.skips[2]},
                     {"@DAY@", profile.day}});
}

}  // namespace muster::routeros
