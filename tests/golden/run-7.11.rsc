# Muster agent 1, RouterOS 7.11-7.12: runs one job and posts its result.
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
:local muUrl "https://edge.example.net:8443"
:local muReply [:tostr $musterReply]
:set musterReply ""
:local muNumber 0
:local muLoad ""
:local muKey do={
  :local s [:tostr $2]
  :local n [:len $s]
  :if ($n = 0) do={ :return "" }
  :local o ""
  :for i from=0 to=($n - 1) do={
    :local c [:pick $s $i ($i + 1)]
    :if ([:tostr [:find "\"\\\01\02\03\04\05\06\07\08\09\0A\0B\0C\0D\0E\0F\10\11\12\13\14\15\16\17\18\19\1A\1B\1C\1D\1E\1F\7F" $c]] ~ "^[0-9]") do={
      :if (($c = "\"") || ($c = "\\")) do={ :set c ("\\" . $c) } else={ :if ($c = "\n") do={ :set c "\\n" } else={ :set c " " } }
    }
    :set o ($o . $c)
  }
  :return (",\"" . $1 . "\":\"" . $o . "\"")
}
:local muGet do={
  :local r ""
  :do {
    :local f [:parse (":return [" . $1 . "]")]
    :set r [$f]
  } on-error={}
  :return $r
}
:do {
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
:local muGo ""
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
:if ([:len $muGo] > 0) do={
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
      :set musterSrc [:convert from=hex to=raw $muLoad]
        :if (([:len $musterSrc] * 2) != [:len $muLoad]) do={ :error "no payload" }
      }
      :set muReady true
    } on-error={ :set musterWhy "the script could not be decoded" }
    :set muLoad ""
    :if ($muReady) do={
      :do { :set muText [:tostr [:execute script=":global musterSrc\n:global musterPhase\n:global musterWhy\n:local muCode [:parse \$musterSrc]\n:local muTest [:parse (\":local muTest do={\\n\" . \$musterSrc . \"\\n}\")]\n:set musterPhase \"run\"\n\$muCode\n:set musterPhase \"ok\"\n" as-string]] } on-error={}
    }
    :if ($musterPhase = "ok") do={
      :set muState "ok"
      :set musterPhase "run"
    }
    :set musterSrc ""
  } else={
    :set musterPhase ""
    :set musterWhy "cannot persist the number of the job"
  }
  :set muText ($muText . [:tostr $musterOut])
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
    :set muOutput (",\"out\":\"" . [:convert from=raw to=hex $muText] . "\",\"enc\":\"hex\"")
  }
  :local muTail ([$muKey "cut" $muCut] . [$muKey "err" $muError] . "}")
  :local muTaken false
  :local muTry 0
  :while ((!$muTaken) && ($muTry < 300)) do={
    :set muTry ($muTry + 1)
    :local muBody ($muHead . $muOutput . $muTail)
    :if (($muTry > 10) && (($muTry & 1) = 0)) do={ :set muBody ($muHead . $muTail) }
:local muToken [:tostr [$muGet "/ppp secret get [find where name=\"muster\"] password"]]
:if ([:len $muToken] = 0) do={
  :local muSource [:tostr [$muGet "/system script get [find where name=\"muster-token\"] source"]]
  :if ([:len $muSource] > 1) do={ :set muToken [:pick $muSource 1 [:len $muSource]] }
}
    :do {
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
