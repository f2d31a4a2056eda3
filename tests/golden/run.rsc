# Muster agent 3: runs one job and posts its result.
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
:local muPost do={
  :local r [/tool fetch url=$1 http-method=post http-header-field=$2 http-data=$3 check-certificate=yes-without-crl output=user as-value]
  :return [:tostr ($r->"data")]
}
:do {
  :local f [:parse ":local r [/tool fetch url=\$1 http-method=post http-header-field=\$2 http-data=\$3 check-certificate=yes-without-crl output=user as-value http-max-redirect-count=0]; :return [:tostr (\$r->\"data\")]"]
  :local t [:parse ":return \$1"]
  :if ([$t "x"] = "x") do={ :set muPost $f }
} on-error={}
:local muFrom do={
  :local c ("/tool fetch check-certificate=yes-without-crl " . $1)
  :local f ""
  :do { :set f [:parse (":return [" . $c . " http-max-redirect-count=0]")] } on-error={ :set f [:parse (":return [" . $c . "]")] }
  :local r [$f]
  :return $r
}
:local muPlain do={
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
:local muSum do={
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
:do {
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
:local muGo ""
:local muTrouble ""
:if ($muNumber > 0) do={
  :local muLast [:tonum [$muGet "/system scheduler get [find where name=\"muster-state\"] comment"]]
  :if ([:typeof $muLast] != "num") do={ :set muLast 0 }
  :local muOther ([:len [/system script job find where script="muster-run"]] > 1)
  :if (($muNumber > $muLast) && (!$muOther || ([:tostr $musterRun] = "0") || ([:len [:tostr $musterRun]] = 0))) do={
    :set muGo "refused"
    :if ($muVerb = "L") do={
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
:global musterUrl
:local muUrls {"https://edge.example.net:8443"}
:local muIndex 0
:if ([:typeof $musterUrl] = "num") do={ :set muIndex $musterUrl }
:if ($muIndex >= [:len $muUrls]) do={ :set muIndex 0 }
:local muUrl [:pick $muUrls $muIndex]
:local muToken ""
:foreach muName in={"muster"} do={
  :if ([:len $muToken] = 0) do={ :set muToken [:tostr [$muGet ("/ppp secret get [find where name=\"" . $muName . "\"] password")]] }
  :if ([:len $muToken] = 0) do={
    :local muSource [:tostr [$muGet ("/system script get [find where name=\"" . $muName . "-token\"] source")]]
    :if ([:len $muSource] > 1) do={ :set muToken [:pick $muSource 1 [:len $muSource]] }
  }
}
          :do {
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
    :if ([:len $muTrouble] = 0) do={ :do {
      /system scheduler set [/system scheduler find where name="muster-state"] comment=[:tostr $muNumber]
      :local muBack [:tostr [/system scheduler get [/system scheduler find where name="muster-state"] comment]]
      :if ($muBack = [:tostr $muNumber]) do={ :set muGo "run" }
    } on-error={} }
  }
}
:if ($muVerb = "K") do={
  :set muNumber [:tonum [:pick $muReply 1 24]]
  :set muTrouble "stopped"
  :set muGo "refused"
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
      :global musterWrap (":global musterSrc\n:global musterPhase\n:global musterWrap\n:set musterWrap \"\"\n:local muCode [:parse \$musterSrc]\n:local muTest [:parse (\":local muTest do={\\n\" . \$musterSrc . \"\\n}\")]\n:set musterPhase \"run\"\n\$muCode\n" . ":set musterPhase \"" . $muMark . "\"\n")
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
    }
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
    :set muOutput ([$muKey "out" $muText] . [$muKey "enc" "text"])
    :do {
      :set musterPart $muText
      :local f [:parse ":global musterPart; :return [:convert from=raw to=hex \$musterPart]"]
      :set muOutput (",\"out\":\"" . [$f] . "\",\"enc\":\"hex\"")
    } on-error={}
    :set musterPart ""
  }
  :local muTail ([$muKey "cut" $muCut] . [$muKey "err" $muError] . "}")
  :local muTaken false
  :local muTry 0
  :while ((!$muTaken) && ($muTry < 300)) do={
    :set muTry ($muTry + 1)
    :local muBody ($muHead . $muOutput . $muTail)
    :if (($muTry > 10) && (($muTry & 1) = 0)) do={ :set muBody ($muHead . $muTail) }
:global musterUrl
:local muUrls {"https://edge.example.net:8443"}
:local muIndex 0
:if ([:typeof $musterUrl] = "num") do={ :set muIndex $musterUrl }
:if ($muIndex >= [:len $muUrls]) do={ :set muIndex 0 }
:local muUrl [:pick $muUrls $muIndex]
:local muToken ""
:foreach muName in={"muster"} do={
  :if ([:len $muToken] = 0) do={ :set muToken [:tostr [$muGet ("/ppp secret get [find where name=\"" . $muName . "\"] password")]] }
  :if ([:len $muToken] = 0) do={
    :local muSource [:tostr [$muGet ("/system script get [find where name=\"" . $muName . "-token\"] source")]]
    :if ([:len $muSource] > 1) do={ :set muToken [:pick $muSource 1 [:len $muSource]] }
  }
}
    :do {
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
:if ($muVerb = "U") do={
  :global musterOld "3"
  :global musterOffer ""
  :global musterProof ""
  :global musterHold
  :do {
:global musterUrl
:local muUrls {"https://edge.example.net:8443"}
:local muIndex 0
:if ([:typeof $musterUrl] = "num") do={ :set muIndex $musterUrl }
:if ($muIndex >= [:len $muUrls]) do={ :set muIndex 0 }
:local muUrl [:pick $muUrls $muIndex]
:local muToken ""
:foreach muName in={"muster"} do={
  :if ([:len $muToken] = 0) do={ :set muToken [:tostr [$muGet ("/ppp secret get [find where name=\"" . $muName . "\"] password")]] }
  :if ([:len $muToken] = 0) do={
    :local muSource [:tostr [$muGet ("/system script get [find where name=\"" . $muName . "-token\"] source")]]
    :if ([:len $muSource] > 1) do={ :set muToken [:pick $muSource 1 [:len $muSource]] }
  }
}
    :local v [:tostr [/system resource get version]]
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
# end
