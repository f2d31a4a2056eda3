# Muster agent 1: reports every 30 s and starts what the control plane asks for.
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
:local muToken [:tostr [$muGet "/ppp secret get [find where name=\"muster\"] password"]]
:if ([:len $muToken] = 0) do={
  :local muSource [:tostr [$muGet "/system script get [find where name=\"muster-token\"] source"]]
  :if ([:len $muSource] > 1) do={ :set muToken [:pick $muSource 1 [:len $muSource]] }
}
:if ([:pick $muToken 0 3] = "m1.") do={
:local muUrl "https://edge.example.net:8443"
:local muPin "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
:if ([:typeof $musterBoot] != "str") do={
  :local muNonce [:tostr [$muGet ":rndstr length=16 from=0123456789abcdef"]]
  :if ([:len $muNonce] != 16) do={
    :set muNonce ([/system clock get date] . "-" . [/system clock get time] . "-" . [/system resource get uptime] . "-" . [/system resource get free-memory] . "-" . [$muGet "/system resource get write-sect-total"])
  }
  :set musterBoot $muNonce
}
:local muBoot ""
:if ([:typeof $musterBoot] = "str") do={ :set muBoot $musterBoot }
:local muFormats "esc"
:if ([$muGet ":convert from=hex to=raw \"6d75\""] = "mu") do={ :set muFormats "hex,esc" }
:global musterRun
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
:local muJson ""
:local muSmall ("{\"p\":1" . [$muKey "agent" "1"] . [$muKey "fmt" $muFormats] . [$muKey "last" $muLast] . [$muKey "run" $muRun])
:do {
  :set muJson ("{\"p\":1" . [$muKey "agent" "1"] . [$muKey "fmt" $muFormats] . [$muKey "boot" $muBoot])
  :set muJson ($muJson . [$muKey "up" [/system resource get uptime]])
  :set muJson ($muJson . [$muKey "clock" ([/system clock get date] . " " . [/system clock get time])])
  :set muJson ($muJson . [$muKey "last" $muLast] . [$muKey "run" $muRun])
  :if ($muRun > 0) do={
    :do { :set muJson ($muJson . [$muKey "run_age" ([/system resource get uptime] - $musterRunAt)]) } on-error={}
  }
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
  :set muJson ($muJson . [$muKey "rights" "ftp,reboot,read,write,policy,test,password,sniff,sensitive"] . "}")
} on-error={
  :set muErr ($muErr + 1)
  :set musterErr $muErr
  :set muJson ""
}
:if (([:len $muJson] = 0) || (($muFail & 3) = 3)) do={
  :set muJson ($muSmall . [$muKey "err" $muErr] . "}")
}
:if ([:len [/certificate find where fingerprint=$muPin]] = 0) do={
  :local muOld [/certificate find]
  :local muBad true
  :do {
    /tool fetch url=($muUrl . "/ca.pem") dst-path="muster.pem"
    :for i from=1 to=20 do={
      :if ([:len