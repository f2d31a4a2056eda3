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
constexpr absl::string_view kHead =
    R"rsc(# Muster agent @AGENT@: reports every 30 s and starts what the control plane asks for.
:global musterTx
:global musterSkip
:global musterFail
:global musterErr
:global musterBoot
:global musterStuck
:global musterBusy
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
  :if ($muSkip > 0) do={
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
constexpr absl::string_view kBodyStart = R"rsc(:local muUrl @URL@
:local muPin "@PIN@"
:if ([:typeof $musterBoot] != "str") do={
  :local muNonce [:tostr [$muGet ":rndstr length=16 from=0123456789abcdef"]]
  :if ([:len $muNonce] != 16) do={
    :set muNonce ([/system clock get date] . "-" . [/system clock get time] . "-" . [/system resource get uptime] . "-" . [/system resource get free-memory] . "-" . [$muGet "/system resource get write-sect-total"])
  }
  :set musterBoot $muNonce
}
:local muBoot ""
:if ([:typeof $musterBoot] = "str") do={ :set muBoot $musterBoot }
)rsc";

constexpr absl::string_view kJobState = R"rsc(:global musterRun
:global musterRunAt
:global musterReply
:global musterJob
:local muLast [:tonum [$muGet "/system scheduler get [find where name=\"muster-state\"] comment"]]
:if ([:typeof $muLast] != "num") do={ :set muLast 0 }
:local muRun 0
:if ([:typeof $musterRun] = "num") do={
  :local muLive [:len [/system script job find where script="muster-run"]]
  :if ($muLive = 0) do={
    :do { :set muLive [:len [/system script job find where .id=$musterJob]] } on-error={}
  }
  :if ($muLive > 0) do={ :set muRun $musterRun }
}
)rsc";

constexpr absl::string_view kNoJobState = R"rsc(:local muLast 0
:local muRun 0
)rsc";

constexpr absl::string_view kRunAge = R"rsc(  :if ($muRun > 0) do={
    :do { :set muJson ($muJson . [$muKey "run_age" ([/system resource get uptime] - $musterRunAt)]) } on-error={}
  }
)rsc";

// v6 has one map of health values without units, where a voltage counts tenths; v7 has rows.
//
// A router whose posts keep failing sends the small body every fourth time: should the edge
// refuse what this router says of itself, the control plane still hears of it.
constexpr absl::string_view kCollect =
    R"rsc(:local muJson ""
:local muSmall ("{\"p\":1" . [$muKey "agent" "@AGENT@"] . [$muKey "fmt" $muFormats] . [$muKey "last" $muLast] . [$muKey "run" $muRun])
:do {
  :set muJson ("{\"p\":1" . [$muKey "agent" "@AGENT@"] . [$muKey "fmt" $muFormats] . [$muKey "boot" $muBoot])
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
  :set muJson ($muJson . [$muKey "rights" "@POLICY@"] . "}")
} on-error={
  :set muErr ($muErr + 1)
  :set musterErr $muErr
  :set muJson ""
}
:if (([:len $muJson] = 0) || (($muFail & 3) = 3)) do={
  :set muJson ($muSmall . [$muKey "err" $muErr] . "}")
}
)rsc";

// The router root is in no export and no backup, so a restored router lacks it: it is fetched again
// by the rule of one certificate (see bootstrap_text.cc).
constexpr absl::string_view kRestoreRoot =
    R"rsc(:if ([:len [/certificate find where fingerprint=$muPin]] = 0) do={
  :local muOld [/certificate find]
  :local muBad true
  :do {
    /tool fetch url=($muUrl . "/ca.pem") dst-path="muster.pem"
    :for i from=1 to=20 do={
      :if ([:len [/file find where name="muster.pem"]] = 0) do={ :delay 500ms }
    }
    /certificate import file-name="muster.pem" passphrase=""
    :if (([:len [/certificate find]] = ([:len $muOld] + 1)) && ([:len [/certificate find where fingerprint=$muPin]] = 1)) do={ :set muBad false }
  } on-error={}
  :do {
    :if ($muBad) do={
      :set muErr ($muErr + 1)
      :set musterErr $muErr
      :foreach i in=[/certificate find] do={
        :if (!([:tostr [:find $muOld $i]] ~ "^[0-9]")) do={ /certificate remove $i }
      }
    } else={
      /certificate set [/certificate find where fingerprint=$muPin] name="muster-ca"
    }
  } on-error={}
  :do { /file remove [/file find where name="muster.pem"] } on-error={}
}
)rsc";

constexpr absl::string_view kPost = R"rsc(:local muData ""
:local muOk false
:do {
  :local muReply [/tool fetch url=($muUrl . "/v1/heartbeat") http-method=post http-header-field=("Content-Type:application/json,Authorization:Bearer " . $muToken) http-data=$muJson check-certificate=yes-without-crl output=user as-value]
  :set muData [:tostr ($muReply->"data")]
  :set muOk true
} on-error={}
:if ($muOk) do={
  :set musterFail 0
  :set musterTx 0
} else={
  :set muFail ($muFail + 1)
  :set musterFail $muFail
  :if ($muFail = 5) do={ :set musterSkip 1 }
  :if ($muFail = 6) do={ :set musterSkip 3 }
  :if ($muFail > 6) do={ :set musterSkip 9 }
}
)rsc";

// Every other first letter means: do nothing.
constexpr absl::string_view kStartJob =
    R"rsc(:if (([:pick $muData 0 1] = "J") && ($muRun = 0)) do={
  :set musterReply $muData
  :set musterJob [:execute script="/system script run muster-run"]
}
)rsc";

}  // namespace

std::string BeatText(const InstallerTerms& terms) {
  const bool jobs = !terms.monitor_only;
  const std::string body = absl::StrCat(
      kKeyFunction, kGetFunction, kReadToken, ":if ([:pick $muToken 0 3] = \"m1.\") do={\n",
      kBodyStart, kFormats, jobs ? kJobState : kNoJobState, kCollect, kRestoreRoot, kPost,
      jobs ? kStartJob : absl::string_view(), "}\n");
  const std::string text =
      absl::StrCat(kHead, ":if ($muGo) do={\n:set musterBusy 1\n", body, ":set musterBusy 0\n}\n");
  return Fill(text, {{"@AGENT@", std::string(AgentVersion())},
                     {"@URL@", QuoteString(terms.url)},
                     {"@PIN@", terms.root_sha256},
                     {"@POLICY@", std::string(PolicyOf(terms))},
                     {"@FACTS@", std::string(kFacts)},
                     {"@RUN_AGE@", std::string(jobs ? kRunAge : absl::string_view())}});
}

}  // namespace muster::routeros
