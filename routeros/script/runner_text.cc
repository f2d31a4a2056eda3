#include "absl/strings/str_cat.h"
#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/snippets.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

constexpr absl::string_view kHead =
    R"rsc(# Muster agent @AGENT@, RouterOS @FAMILY@: runs one job and posts its result.
:global musterReply
:global musterRun
:global musterRunAt
:global musterSkip
:global musterFail
:global musterErr
:global musterSrc
:global musterPhase
:global musterWhy
:global musterOut
:local muUrl @URL@
:local muReply [:tostr $musterReply]
:set musterReply ""
:local muNumber 0
:local muLoad ""
)rsc";

// A reply that was cut anywhere lacks its end mark or its length and is not a job; the control
// plane sends it again. The parts are cut off one after the other, since whether :find begins at or
// behind its third argument differs.
constexpr absl::string_view kReadReply = R"rsc(:do {
  :local muEnd [:len $muReply]
  :local muSpace [:find $muReply " "]
  :if (([:typeof $muSpace] = "num") && ([:pick $muReply 0 1] = "J") && ([:pick $muReply ($muEnd - 1) $muEnd] = ".")) do={
    :local muGiven [:tonum [:pick $muReply 1 $muSpace]]
    :local muRest [:pick $muReply ($muSpace + 1) $muEnd]
    :local muGap [:find $muRest " "]
    :if (([:typeof $muGap] = "num") && ([:typeof $muGiven] = "num")) do={
      :local muLength [:tonum [:pick $muRest 0 $muGap]]
      :set muLoad [:pick $muRest ($muGap + 1) ([:len $muRest] - 1)]
      :if (([:typeof $muLength] = "num") && ([:len $muLoad] = $muLength)) do={ :set muNumber $muGiven }
    }
  }
} on-error={}
:if ($muNumber = 0) do={
  :if ([:typeof $musterErr] != "num") do={ :set musterErr 0 }
  :set musterErr ($musterErr + 1)
}
)rsc";

// The number is stored and read back before anything of the job runs. A router where it doesn't
// stay refuses the job.
constexpr absl::string_view kStoreNumber = R"rsc(:local muGo ""
:if ($muNumber > 0) do={
  :local muLast [:tonum [$muGet "/system scheduler get [find where name=\"muster-state\"] comment"]]
  :if ([:typeof $muLast] != "num") do={ :set muLast 0 }
  :local muOther ([:len [/system script job find where script="muster-run"]] > 1)
  :if (($muNumber > $muLast) && (!$muOther || ([:tostr $musterRun] = "0") || ([:len [:tostr $musterRun]] = 0))) do={
    :set muGo "refused"
    :do {
      /system scheduler set [/system scheduler find where name="muster-state"] comment=[:tostr $muNumber]
      :local muBack [:tostr [/system scheduler get [/system scheduler find where name="muster-state"] comment]]
      :if ($muBack = [:tostr $muNumber]) do={ :set muGo "run" }
    } on-error={}
  }
}
)rsc";

constexpr absl::string_view kDecodeDirect =
    R"rsc(      :set musterSrc [:convert from=hex to=raw $muLoad]
)rsc";
// A runner installed below 7.11 may live on after an upgrade, and then the edge sends hex.
constexpr absl::string_view kDecodeParsed =
    R"rsc(      :set musterSrc $muLoad
      :local muHex [:parse ":global musterSrc; :return [:convert from=hex to=raw \$musterSrc]"]
      :set musterSrc [$muHex]
)rsc";

// The job is a text of its own: the wrapper parses it twice (as it is, and as the body of a
// function, which a stray brace, an open quote or a trailing backslash doesn't survive), calls it,
// and sets the phase behind it. What stands in the job ends the job only.
constexpr absl::string_view kWrapper = R"rsc(:global musterSrc
:global musterPhase
:global musterWhy
@CATCH@:local muCode [:parse $musterSrc]
:local muTest [:parse (":local muTest do={\n" . $musterSrc . "\n}")]
:set musterPhase "run"
$muCode
:set musterPhase "ok"
@END@)rsc";
constexpr absl::string_view kCatch = ":onerror muWhy in={\n";
constexpr absl::string_view kCatchEnd = "} do={ :set musterWhy $muWhy }\n";

// A payload that is not what it says it is gives nothing to run: only groups of \XX give a third
// of their length, only hex gives half, and without a quote, a dollar and a line end nothing
// leaves the text or vanishes from it.
constexpr absl::string_view kRunJob = R"rsc(:if ([:len $muGo] > 0) do={
  :local muState "refused"
  :local muText ""
  :set musterRun $muNumber
  :set musterRunAt [/system resource get uptime]
  :set musterPhase "parse"
  :set musterWhy ""
  :set musterOut ""
  :if ($muGo = "run") do={
    :set muState "fail"
    :local muReady false
    :do {
      :if ([:pick $muLoad 0 1] = "\\") do={
        :foreach muMark in={"\"";"\$";"\n"} do={
          :if ([:tostr [:find $muLoad $muMark]] ~ "^[0-9]") do={ :error "no payload" }
        }
        :local muBytes [:parse (":return \"" . $muLoad . "\"")]
        :set musterSrc [$muBytes]
        :if (([:len $musterSrc] * 3) != [:len $muLoad]) do={ :error "no payload" }
      } else={
@DECODE@        :if (([:len $musterSrc] * 2) != [:len $muLoad]) do={ :error "no payload" }
      }
      :set muReady true
    } on-error={ :set musterWhy "the script could not be decoded" }
    :set muLoad ""
    :if ($muReady) do={
@EXECUTE@    }
    :if ($musterPhase = "ok") do={
      :set muState "ok"
      :set musterPhase "run"
    }
    :set musterSrc ""
  } else={
    :set musterPhase ""
    :set musterWhy "cannot persist the number of the job"
  }
)rsc";

// 7.8 and later return what the job prints, and run it as a job of its own, which shields this
// script from errors that on-error can't catch.
constexpr absl::string_view kExecuteAsString =
    R"rsc(      :do { :set muText [:tostr [:execute script=@WRAPPER@ as-string]] } on-error={}
)rsc";
// 7.1 to 7.10 have it from 7.8 only; older ones tell the phase, and print what the job leaves in
// the global musterOut.
constexpr absl::string_view kExecuteParsed =
    R"rsc(      :local muStart ""
      :do { :set muStart [:parse @PARSED@] } on-error={}
      :if ([:typeof $muStart] = "code") do={
        :do { :set muText [:tostr [$muStart]] } on-error={}
      } else={
        :do {
          :local muCall [:parse @WRAPPER@]
          $muCall
        } on-error={}
      }
)rsc";
constexpr absl::string_view kExecuteInPlace = R"rsc(      :do {
        :local muCall [:parse @WRAPPER@]
        $muCall
      } on-error={}
)rsc";

// The body stays below the edge's limit of 16 KiB: 6,000 bytes of output double at worst.
constexpr absl::string_view kReport = R"rsc(  :set muText ($muText . [:tostr $musterOut])
  :set musterOut ""
  :local muCut 0
  :if ([:len $muText] > 6000) do={
    :set muText [:pick $muText ([:len $muText] - 6000) [:len $muText]]
    :set muCut 1
  }
  :local muError [:tostr $musterWhy]
  :if (([:len $muError] = 0) && ($muState = "fail") && ([:len $muText] > 0)) do={
    :set muError $muText
    :if ([:len $muError] > 300) do={ :set muError [:pick $muError ([:len $muError] - 300) [:len $muError]] }
  }
  :if ([:len $muError] > 300) do={ :set muError [:pick $muError 0 300] }
  :local muHead ("{\"p\":1,\"n\":" . [:tostr $muNumber] . [$muKey "st" $muState] . [$muKey "ph" $musterPhase])
@ENCODE@  :local muTail ([$muKey "cut" $muCut] . [$muKey "err" $muError] . "}")
)rsc";

constexpr absl::string_view kEncodeText =
    R"rsc(  :local muOutput ([$muKey "out" $muText] . [$muKey "enc" "text"])
)rsc";
constexpr absl::string_view kEncodeHex =
    R"rsc(  :local muOutput ""
  :if ([:len $muText] > 0) do={
    :set muOutput (",\"out\":\"" . [:convert from=raw to=hex $muText] . "\",\"enc\":\"hex\"")
  }
)rsc";

// The result is kept until the edge says that it is taken, for about a day; every other time after
// the tenth without the output, should that be what the edge refuses.
constexpr absl::string_view kPost = R"rsc(  :local muTaken false
  :local muTry 0
  :while ((!$muTaken) && ($muTry < 300)) do={
    :set muTry ($muTry + 1)
    :local muBody ($muHead . $muOutput . $muTail)
    :if (($muTry > 10) && (($muTry & 1) = 0)) do={ :set muBody ($muHead . $muTail) }
@TOKEN@    :do {
      :local muAnswer [/tool fetch url=($muUrl . "/v1/result") http-method=post http-header-field=("Content-Type:application/json,Authorization:Bearer " . $muToken) http-data=$muBody check-certificate=yes-without-crl output=user as-value]
      :if ([:tostr ($muAnswer->"data")] = ("A" . $muNumber)) do={ :set muTaken true }
    } on-error={}
    :if (!$muTaken) do={
      :local muWait ($muTry * 2)
      :if ($muWait > 300) do={ :set muWait 300 }
      :delay $muWait
    }
  }
  :set musterRun 0
  :if ($muTaken) do={
    :set musterSkip 0
    :set musterFail 0
    :execute script="/system script run muster-beat"
  }
}
)rsc";

std::string Wrapper(Family family) {
  const bool catches = family == Family::k7_13 || family == Family::k7_17;
  return Fill(kWrapper, {{"@CATCH@", std::string(catches ? kCatch : "")},
                         {"@END@", std::string(catches ? kCatchEnd : "")}});
}

std::string Execute(Family family) {
  const std::string wrapper = QuoteString(Wrapper(family));
  switch (family) {
    case Family::k6_49:
      return Fill(kExecuteInPlace, {{"@WRAPPER@", wrapper}});
    case Family::k7_1: {
      const std::string call = absl::StrCat(":return [:execute script=", wrapper, " as-string]");
      return Fill(kExecuteParsed, {{"@WRAPPER@", wrapper}, {"@PARSED@", QuoteString(call)}});
    }
    default:
      return Fill(kExecuteAsString, {{"@WRAPPER@", wrapper}});
  }
}

}  // namespace

std::string RunnerText(const InstallerTerms& terms, Family family) {
  const bool converts = family != Family::k6_49 && family != Family::k7_1;
  const std::string run =
      Fill(kRunJob, {{"@DECODE@", std::string(converts ? kDecodeDirect : kDecodeParsed)},
                     {"@EXECUTE@", Execute(family)}});
  const std::string report =
      Fill(kReport, {{"@ENCODE@", std::string(converts ? kEncodeHex : kEncodeText)}});
  const std::string post = Fill(kPost, {{"@TOKEN@", std::string(kReadToken)}});
  const std::string head = Fill(kHead, {{"@AGENT@", std::string(AgentVersion())},
                                        {"@FAMILY@", std::string(FamilyName(family))},
                                        {"@URL@", QuoteString(terms.url)}});
  return absl::StrCat(head, kKeyFunction, kGetFunction, kReadReply, kStoreNumber, run, report,
                      post);
}

}  // namespace muster::routeros
