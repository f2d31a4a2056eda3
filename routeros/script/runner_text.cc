// muster-run: started by muster-beat with a reply in the global musterReply; runs one job, keeps
// its result until the edge says `A`, or renews the agent. A job of its own on the router, so a
// hanging job never stops the heartbeat.
//
// Order is the promise: whole and well-formed, then the number stored and read back, then run, then
// post. Power that fails anywhere leaves a number that was never started, or one that was started
// once (but for what flash had not written yet; device-protocol.md, section 6).
#include "absl/strings/str_cat.h"
#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/snippets.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

constexpr absl::string_view kHead =
    R"rsc(# Muster agent @AGENT@: runs one job and posts its result.
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
:global musterUrl
:global musterPart
:local muReply [:tostr $musterReply]
:set musterReply ""
:local muVerb [:pick $muReply 0 1]
:local muNumber 0
:local muLoad ""
:local muParts 0
:local muLength 0
)rsc";

// A reply that was cut anywhere lacks its end mark or its length and is not a job; the control
// plane sends it again. The texts between the blanks are cut off one after the other, since whether
// :find begins at or behind its third argument differs. "L" has no payload but a number of parts.
constexpr absl::string_view kReadReply = R"rsc(:do {
  :local muEnd [:len $muReply]
  :local muSpace [:find $muReply " "]
  :if (([:typeof $muSpace] = "num") && (($muVerb = "L") || (($muVerb = "J") && ([:pick $muReply ($muEnd - 1) $muEnd] = ".")))) do={
    :local muGiven [:tonum [:pick $muReply 1 $muSpace]]
    :local muRest [:pick $muReply ($muSpace + 1) $muEnd]
    :local muGap [:find $muRest " "]
    :if (([:typeof $muGap] = "num") && ([:typeof $muGiven] = "num")) do={
      :set muLength [:tonum [:pick $muRest 0 $muGap]]
      :if ($muVerb = "J") do={
        :set muLoad [:pick $muRest ($muGap + 1) ([:len $muRest] - 1)]
        :if (([:typeof $muLength] = "num") && ([:len $muLoad] = $muLength)) do={ :set muNumber $muGiven }
      } else={
        :set muParts [:tonum [:pick $muRest ($muGap + 1) [:len $muRest]]]
        :if (([:typeof $muLength] = "num") && ([:typeof $muParts] = "num")) do={ :set muNumber $muGiven }
      }
    }
  }
} on-error={}
:if (($muNumber = 0) && (($muVerb = "J") || ($muVerb = "L"))) do={
  :if ([:typeof $musterErr] != "num") do={ :set musterErr 0 }
  :set musterErr ($musterErr + 1)
}
)rsc";

// The number is stored and read back before anything of the job runs. A router where it doesn't
// stay refuses the job.
// A second runner gives way unless the first has ended its job, so two beats at once start one.
constexpr absl::string_view kStoreNumber = R"rsc(:local muGo ""
:local muTrouble ""
:if ($muNumber > 0) do={
  :local muLast [:tonum [$muGet "/system scheduler get [find where name=\"muster-state\"] comment"]]
  :if ([:typeof $muLast] != "num") do={ :set muLast 0 }
  :local muOther ([:len [/system script job find where script="muster-run"]] > 1)
  :if (($muNumber > $muLast) && (!$muOther || ([:tostr $musterRun] = "0") || ([:len [:tostr $musterRun]] = 0))) do={
    :set muGo "refused"
@FETCH@    :if ([:len $muTrouble] = 0) do={ :do {
      /system scheduler set [/system scheduler find where name="muster-state"] comment=[:tostr $muNumber]
      :local muBack [:tostr [/system scheduler get [/system scheduler find where name="muster-state"] comment]]
      :if ($muBack = [:tostr $muNumber]) do={ :set muGo "run" }
    } on-error={} }
  }
}
)rsc";

// muPlain: [$muPlain PAYLOAD] gives the bytes, and raises where they aren't what the payload says:
// only groups of \XX give a third of its length, only hex gives half, and without a quote, a dollar
// and a line end nothing leaves the text or vanishes from it. :convert came with 7.11; parsed code
// sees no local.
constexpr absl::string_view kPlainFunction = R"rsc(:local muPlain do={
  :global musterPart
  :local r ""
  :if ([:pick $1 0 1] = "\\") do={
    :foreach muMark in={"\"";"\$";"\n"} do={
      :if ([:tostr [:find $1 $muMark]] ~ "^[0-9]") do={ :error "no payload" }
    }
    :local f [:parse (":return \"" . $1 . "\"")]
    :set r [$f]
    :if (([:len $r] * 3) != [:len $1]) do={ :error "no payload" }
  } else={
    :set musterPart $1
    :local f [:parse ":global musterPart; :return [:convert from=hex to=raw \$musterPart]"]
    :set r [$f]
    :set musterPart ""
    :if (([:len $r] * 2) != [:len $1]) do={ :error "no payload" }
  }
  :return $r
}
)rsc";

// muSum: the checksum of payload.h, four bytes a step.
constexpr absl::string_view kSumFunction = R"rsc(:local muSum do={
  :local s 1
  :local n 8
  :if ([:pick $1 0 1] = "\\") do={ :set n 12 }
  :for i from=0 to=([:len $1] - 1) step=$n do={
    :local w [:pick $1 $i ($i + $n)]
    :if ($n = 12) do={ :set w ([:pick $w 1 3] . [:pick $w 4 6] . [:pick $w 7 9] . [:pick $w 10 12]) }
    :set s ((($s * 31) + [:tonum ("0x" . $w)]) & 4294967295)
  }
  :return $s
}
)rsc";

// Each part is decoded as it comes, so that a script of 64 KiB needs no more than itself and one
// part. Nothing of it runs, and no number is stored, before the last part was good.
constexpr absl::string_view kFetchParts = R"rsc(    :if ($muVerb = "L") do={
      :set musterRun $muNumber
      :set musterRunAt [/system resource get uptime]
      :set musterSrc ""
      :local muHave 0
      :local muFree [:tonum [/system resource get free-memory]]
      :if ([:typeof $muFree] = "num") do={ :if ($muFree < (($muLength * 4) + 1000000)) do={ :set muTrouble "not enough free memory" } }
      :local i 1
      :while (($i <= $muParts) && ([:len $muTrouble] = 0)) do={
        :local muPart ""
        :local muTry 0
        :while (([:len $muPart] = 0) && ($muTry < 6)) do={
          :set muTry ($muTry + 1)
@URL@@TOKEN@          :do {
            :local r [$muFrom ("url=\"" . $muUrl . "/v1/payload/" . $muNumber . "/" . $i . "\" http-header-field=\"Authorization:Bearer " . $muToken . "\" output=user as-value")]
            :local t [:tostr ($r->"data")]
            :local h ("P" . $muNumber . " " . $i . " ")
            :local n [:len $h]
            :if (([:pick $t 0 $n] = $h) && ([:pick $t ([:len $t] - 1) [:len $t]] = ".")) do={
              :set t [:pick $t $n ([:len $t] - 1)]
              :local g [:find $t " "]
              :local p [:pick $t ($g + 1) [:len $t]]
              :if ([:tostr [$muSum $p]] = [:pick $t 0 $g]) do={
                :set musterSrc ($musterSrc . [$muPlain $p])
                :set muPart $p
              }
            }
          } on-error={ :set musterUrl ($muIndex + 1) }
          :if ([:len $muPart] = 0) do={ :delay ($muTry * 2) }
        }
        :set muHave ($muHave + [:len $muPart])
        :if ([:len $muPart] = 0) do={ :set muTrouble ("part " . $i . " of the script did not come whole") }
        :set i ($i + 1)
      }
      :if (([:len $muTrouble] = 0) && ($muHave != $muLength)) do={ :set muTrouble "the parts of the script are not as long as it" }
    }
)rsc";

// The job is a text of its own: the wrapper parses it twice (as it is, and as the body of a
// function, which a stray brace, an open quote or a trailing backslash doesn't survive), calls it,
// and sets the phase behind it to a word that is of this run alone: a job may set the phase itself,
// but can't know the word, since the wrapper forgets its own text first. What stands in the job
// ends the job only.
constexpr absl::string_view kWrapper = R"rsc(:global musterSrc
:global musterPhase
:global musterWrap
:set musterWrap ""
:local muCode [:parse $musterSrc]
:local muTest [:parse (":local muTest do={\n" . $musterSrc . "\n}")]
:set musterPhase "run"
$muCode
)rsc";

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
    :local muMark [:tostr [$muGet ":rndstr length=16 from=0123456789abcdef"]]
    :if ([:len $muMark] != 16) do={ :set muMark ($muNumber . [/system resource get uptime] . [/system resource get free-memory]) }
    :local muReady ($muVerb = "L")
    :if ($muVerb = "J") do={
      :do {
        :set musterSrc [$muPlain $muLoad]
        :set muReady true
      } on-error={ :set musterWhy "the script could not be decoded" }
      :set muLoad ""
    }
    :if ($muReady) do={
@EXECUTE@    }
    :if ($musterPhase = $muMark) do={ :set muState "ok" }
    :if ($musterPhase != "parse") do={ :set musterPhase "run" }
    :set musterSrc ""
  } else={
    :set musterPhase ""
    :if ($muVerb = "K") do={
      :set muState "fail"
      :set musterPhase "run"
    }
    :set musterWhy $muTrouble
    :if ([:len $muTrouble] = 0) do={ :set musterWhy "cannot persist the number of the job" }
    :set musterSrc ""
  }
)rsc";

// :onerror (7.13) gives the text of an error. :execute as-string (7.8) returns what the job prints
// and runs it as a job of its own, which shields this script from errors that on-error can't
// catch; older versions tell the phase, and print what the job leaves in the global musterOut.
// Whether a router has them is tried by parsing, not read off its version.
constexpr absl::string_view kExecute =
    R"rsc(      :global musterWrap (@WRAPPER@ . ":set musterPhase \"" . $muMark . "\"\n")
      :do {
        :local f [:parse ":onerror e in={} do={}"]
        :set musterWrap (":global musterWhy\n:onerror muWhy in={\n" . $musterWrap . "} do={ :set musterWhy \$muWhy }\n")
      } on-error={}
      :local muStart ""
      :do { :set muStart [:parse ":global musterWrap; :return [:execute script=\$musterWrap as-string]"] } on-error={}
      :if ([:typeof $muStart] = "code") do={
        :do { :set muText [:tostr [$muStart]] } on-error={}
      } else={
        :do {
          :local muCall [:parse $musterWrap]
          $muCall
        } on-error={}
      }
)rsc";

// The body stays below the edge's limit of 16 KiB: 6,000 bytes of output double at worst.
// As hex where :convert is there (7.11), since output may hold any byte and hex needs no escapes.
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
  :local muOutput ""
  :if ([:len $muText] > 0) do={
    :set muOutput ([$muKey "out" $muText] . [$muKey "enc" "text"])
    :do {
      :set musterPart $muText
      :local f [:parse ":global musterPart; :return [:convert from=raw to=hex \$musterPart]"]
      :set muOutput (",\"out\":\"" . [$f] . "\",\"enc\":\"hex\"")
    } on-error={}
    :set musterPart ""
  }
  :local muTail ([$muKey "cut" $muCut] . [$muKey "err" $muError] . "}")
)rsc";

// The result is kept until the edge says that it is taken, for about a day; every other time after
// the tenth without the output, should that be what the edge refuses.
constexpr absl::string_view kPost = R"rsc(  :local muTaken false
  :local muTry 0
  :while ((!$muTaken) && ($muTry < 300)) do={
    :set muTry ($muTry + 1)
    :local muBody ($muHead . $muOutput . $muTail)
    :if (($muTry > 10) && (($muTry & 1) = 0)) do={ :set muBody ($muHead . $muTail) }
@URL@@TOKEN@    :do {
      :local muAnswer [$muPost ($muUrl . "/v1/result") ("Content-Type:application/json,Authorization:Bearer " . $muToken) $muBody]
      :if ($muAnswer = ("A" . $muNumber)) do={ :set muTaken true }
    } on-error={ :set musterUrl ($muIndex + 1) }
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

// A stopped job only has a result to post.
// Comes behind the storing of a number: K brings none to store.
constexpr absl::string_view kStopped = R"rsc(:if ($muVerb = "K") do={
  :set muNumber [:tonum [:pick $muReply 1 24]]
  :set muTrouble "stopped"
  :set muGo "refused"
}
)rsc";

}  // namespace

std::string RunnerText(const AgentTerms& terms) {
  const std::string token = Fill(kReadToken, {{"@NAMES@", "{\"muster\"}"}});
  const std::string store = Fill(kStoreNumber, {{"@FETCH@", std::string(kFetchParts)}});
  const std::string run =
      Fill(kRunJob, {{"@EXECUTE@", Fill(kExecute, {{"@WRAPPER@", QuoteString(kWrapper)}})}});
  const std::string text =
      absl::StrCat(kHead, kKeyFunction, kGetFunction, PostFunction(terms.profile),
                   FromFunction(terms.profile), kPlainFunction, kSumFunction, kReadReply, store,
                   kStopped, run, kReport, kPost, UpdateText(), "# end\n");
  // Twice: texts that are filled in first (how to read the token, which URL) hold names themselves.
  return Fill(Fill(text, {{"@TOKEN@", token}, {"@URL@", std::string(kPickUrl)}}),
              {{"@AGENT@", AgentName(terms)}, {"@URLS@", UrlList(terms.urls)}});
}

}  // namespace muster::routeros
