:local muTrial ""
# Muster agent 3: reports every 30 s and starts what the control plane asks for.
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
:if ($muGo) do={
:set musterBusy 1
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
:local muNames {"muster"}
:if ([:len $muTrial] > 0) do={ :set muNames {"muster-new";"muster"} }
:local muToken ""
:foreach muName in=$muNames do={
  :if ([:len $muToken] = 0) do={ :set muToken [:tostr [$muGet ("/ppp secret get [find where name=\"" . $muName . "\"] password")]] }
  :if ([:len $muToken] = 0) do={
    :local muSource [:tostr [$muGet ("/system script get [find where name=\"" . $muName . "-token\"] source")]]
    :if ([:len $muSource] > 1) do={ :set muToken [:pick $muSource 1 [:len $muSource]] }
  }
}
:if ([:pick $muToken 0 3] = "m1.") do={
:local muPins {"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}
:local muAgent "3"
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
:local muFormats "esc"
:if ([$muGet ":convert from=hex to=raw \"6d75\""] = "mu") do={ :set muFormats "hex,esc" }
:global musterRights
:local muRights "read,test,ftp,sensitive"
:if ([:pick [:tostr $musterRights] 0 [:len $muRights]] = $muRights) do={ :set muRights $musterRights } else={
  :do {
    :local o [/system script get [/system script find where name="muster-beat"] owner]
    :local u [/user find where name=$o]
    :if ([:len $u] = 0) do={ :set muRights ($muRights . ",no-owner") } else={
      :local g [/user get $u group]
      :local h ("," . [:tostr [/user group get [/user group find where name=$g] policy]] . ",")
      :foreach p in=[:toarray "read,test,ftp,sensitive"] do={
        :if (!($h ~ ("[;,]" . $p . "[;,]"))) do={ :set muRights ($muRights . ",no-" . $p) }
      }
    }
  } on-error={}
  :set musterRights $muRights
}
:set muFull true
:local muRounds 1
:while ($muRounds > 0) do={
:set muRounds ($muRounds - 1)
:global musterUrl
:local muUrls {"https://edge.example.net:8443"}
:local muIndex 0
:if ([:typeof $musterUrl] = "num") do={ :set muIndex $musterUrl }
:if ($muIndex >= [:len $muUrls]) do={ :set muIndex 0 }
:local muUrl [:pick $muUrls $muIndex]
:local muLast 0
:local muRun 0
:local muJson ""
:local muSmall ("{\"p\":1" . [$muKey "agent" $muAgent] . [$muKey "fmt" $muFormats] . [$muKey "boot" $muBoot] . [$muKey "last" $muLast])
:if ($muRun > 0) do={ :set muSmall ($muSmall . [$muKey "run" $muRun]) } else={ :set muSmall ($muSmall . [$muKey "up" [/system resource get uptime]]) }
:if ($muFull) do={
:do {
  :set muJson ("{\"p\":1" . [$muKey "agent" $muAgent] . [$muKey "fmt" $muFormats] . [$muKey "boot" $muBoot])
  :set muJson ($muJson . [$muKey "up" [/system resource get uptime]])
  :set muJson ($muJson . [$muKey "clock" ([/system clock get date] . " " . [/system clock get time])])
  :set muJson ($muJson . [$muKey "last" $muLast] . [$muKey "run" $muRun])
  :set muJson ($muJson . [$muKey "err" $muErr] . [$muKey "tx" $muTx])
:local muFacts [$muKey "id" [$muGet "/system identity get name"]]
:set muFacts ($muFacts . [$muKey "sn" [$muGet "/system routerboard get serial-number"]])
:local muSoft [:tostr [$muGet "/system license get software-id"]]
:if ([:len $muSoft] = 0) do={ :set muSoft [:tostr [$muGet "/system license get system-id"]] }
:set muFacts ($muFacts . [$muKey "sw" $muSoft])
:local muMac ""
:foreach muName in=[:toarray "ether1,wlan1,sfp-sfpplus1,lte1"] do={
  :if ([:len $muMac] = 0) do={
    :set muMac [:tostr [$muGet ("/interface get [find where name=\"" . $muName . "\"] mac-address")]]
  }
}
:if ([:len $muMac] = 0) do={
  :set muMac [:tostr [$muGet "/interface get [:pick [/interface find where type=\"ether\"] 0] mac-address"]]
}
:set muFacts ($muFacts . [$muKey "mac" $muMac])
:set muFacts ($muFacts . [$muKey "ver" [$muGet "/system resource get version"]])
:set muFacts ($muFacts . [$muKey "board" [$muGet "/system resource get board-name"]])
:set muFacts ($muFacts . [$muKey "arch" [$muGet "/system resource get architecture-name"]])
  :set muJson ($muJson . $muFacts)
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
  :set muJson ($muSmall . [$muKey "err" $muErr] . "}")
}
:local muData ""
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
  :local muThere 0
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
  }
}
:if ($muOk) do={
  :set musterFail 0
  :set musterTx 0
  :set musterGood [/system resource get uptime]
  :if ([:len $muTrial] > 0) do={ :set musterProof "3" }
} else={
  :set muFail ($muFail + 1)
  :set musterFail $muFail
  :set musterUrl ($muIndex + 1)
  :if ($muFail = 5) do={ :set musterSkip 1 }
  :if ($muFail = 6) do={ :set musterSkip 3 }
  :if ($muFail > 6) do={ :set musterSkip 9 }
}
:local muVerb [:pick $muData 0 1]
:local muArgument [:tonum [:pick $muData 1 24]]
:if ([:typeof $muArgument] != "num") do={ :set muArgument 0 }
:if ($muArgument > 0) do={
  :if (($muVerb = "W") && ($muArgument > 30) && ($muArgument < 3601)) do={ :set musterSkip (($muArgument - 1) / 30) }
  :if (($muVerb = "F") && ($muArgument < 301)) do={ :set muRounds (($muArgument + 1) / 2) }
}
:if ($muVerb = "X") do={
  :set musterSkip 2880
}
:set muFull false
:if ($muRounds > 0) do={ :delay 2s }
}
}
:set musterBusy 0
}
# end
