# Muster agent 3 for RouterOS 7.17. Imported once, by the line that was pasted.
{
:local muUrl "https://edge.example.net:8443"
:local muPin "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
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
:local muMissing ""
:foreach muPolicy in=[:toarray "ftp,reboot,read,write,policy,test,password,sniff,sensitive"] do={
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
:if ($muGo) do={
:local muToken ""
:foreach muName in={"muster"} do={
  :if ([:len $muToken] = 0) do={ :set muToken [:tostr [$muGet ("/ppp secret get [find where name=\"" . $muName . "\"] password")]] }
  :if ([:len $muToken] = 0) do={
    :local muSource [:tostr [$muGet ("/system script get [find where name=\"" . $muName . "-token\"] source")]]
    :if ([:len $muSource] > 1) do={ :set muToken [:pick $muSource 1 [:len $muSource]] }
  }
}
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
:local muFormats "esc"
:if ([$muGet ":convert from=hex to=raw \"6d75\""] = "mu") do={ :set muFormats "hex,esc" }
:local muKeep do={
  :local v [:tostr $1]
  :local r ""
  :do {
    :local f [:parse ("/ppp secret remove [find where name=\"" . $2 . "\"]; /ppp secret add name=\"" . $2 . "\" disabled=yes service=async comment=\"Muster agent\" password=\"" . $v . "\"; :return [/ppp secret get [find where name=\"" . $2 . "\"] password]")]
    :set r [$f]
  } on-error={}
  :local n ($2 . "-token")
  :do { /system script remove [/system script find where name=$n] } on-error={}
  :if ($r != $v) do={
    :do {
      /system script add name=$n policy=read source=("#" . $v)
      :set r [:pick [/system script get [/system script find where name=$n] source] 1 512]
    } on-error={}
  }
  :return $r
}
:local muNonce ""
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
:if ($muGo) do={
:do {
  /system script remove [/system script find where name="muster-beat"]
  /system script add name="muster-beat" policy=read,test,ftp,sensitive comment="Muster agent 3 00:00:30" source=":local muTrial \"\"\n\
    # Muster agent 3: reports every 30 s and starts what the control plane asks for.\n\
    :global musterTx\n\
    :global musterSkip\n\
    :global musterFail\n\
    :global musterErr\n\
    :global musterBoot\n\
    :global musterStuck\n\
    :global musterBusy\n\
    :global musterGood\n\
    :global musterProof\n\
    :local muTx 0\n\
    :local muSkip 0\n\
    :local muFail 0\n\
    :local muErr 0\n\
    :local muStuck 0\n\
    :if ([:typeof \$musterTx] = \"num\") do={ :set muTx \$musterTx }\n\
    :if ([:typeof \$musterSkip] = \"num\") do={ :set muSkip \$musterSkip }\n\
    :if ([:typeof \$musterFail] = \"num\") do={ :set muFail \$musterFail }\n\
    :if ([:typeof \$musterErr] = \"num\") do={ :set muErr \$musterErr }\n\
    :if ([:typeof \$musterStuck] = \"num\") do={ :set muStuck \$musterStuck }\n\
    :local muGo true\n\
    :if ([:len [/system script job find where script=\"muster-beat\"]] > 1) do={\n\
    \_ :if ([:tostr \$musterBusy] != \"0\") do={ :set muGo false }\n\
    \_ :if ([:typeof \$musterBusy] != \"num\") do={ :set musterBusy 0 }\n\
    }\n\
    :if (\$muGo) do={\n\
    \_ :set musterStuck 0\n\
    \_ :if ((\$muSkip > 0) && ([:len \$muTrial] = 0)) do={\n\
    \_   :set muGo false\n\
    \_   :set musterSkip (\$muSkip - 1)\n\
    \_   :set musterTx (\$muTx + 1)\n\
    \_ }\n\
    } else={\n\
    \_ :set musterTx (\$muTx + 1)\n\
    \_ :set musterStuck (\$muStuck + 1)\n\
    \_ :if (\$muStuck > 18) do={\n\
    \_   :set musterStuck 0\n\
    \_   :set musterBusy 0\n\
    \_   :do { /system script job remove [/system script job find where script=\"muster-beat\"] } on-error={}\n\
    \_ }\n\
    }\n\
    :if (\$muGo) do={\n\
    :set musterBusy 1\n\
    :local muKey do={\n\
    \_ :local s [:tostr \$2]\n\
    \_ :local n [:len \$s]\n\
    \_ :if (\$n = 0) do={ :return \"\" }\n\
    \_ :local o \"\"\n\
    \_ :for i from=0 to=(\$n - 1) do={\n\
    \_   :local c [:pick \$s \$i (\$i + 1)]\n\
    \_   :if ([:tostr [:find \"\\\"\\\\\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0A\\0B\\0C\\0D\\0E\\0F\\10\\11\\12\\13\\14\\15\\16\\17\\18\\19\\1A\\1B\\1C\\1D\\1E\\1F\\7F\" \$c]] ~ \"^[0-9]\") do={\n\
    \_     :if ((\$c = \"\\\"\") || (\$c = \"\\\\\")) do={ :set c (\"\\\\\" . \$c) } else={ :if (\$c = \"\\n\") do={ :set c \"\\\\n\" } else={ :set c \" \" } }\n\
    \_   }\n\
    \_   :set o (\$o . \$c)\n\
    \_ }\n\
    \_ :return (\",\\\"\" . \$1 . \"\\\":\\\"\" . \$o . \"\\\"\")\n\
    }\n\
    :local muGet do={\n\
    \_ :local r \"\"\n\
    \_ :do {\n\
    \_   :local f [:parse (\":return [\" . \$1 . \"]\")]\n\
    \_   :set r [\$f]\n\
    \_ } on-error={}\n\
    \_ :return \$r\n\
    }\n\
    :local muPost do={\n\
    \_ :local r [/tool fetch url=\$1 http-method=post http-header-field=\$2 http-data=\$3 check-certificate=yes-without-crl output=user as-value]\n\
    \_ :return [:tostr (\$r->\"data\")]\n\
    }\n\
    :do {\n\
    \_ :local f [:parse \":local r [/tool fetch url=\\\$1 http-method=post http-header-field=\\\$2 http-data=\\\$3 check-certificate=yes-without-crl output=user as-value http-max-redirect-count=0]; :return [:tostr (\\\$r->\\\"data\\\")]\"]\n\
    \_ :local t [:parse \":return \\\$1\"]\n\
    \_ :if ([\$t \"x\"] = \"x\") do={ :set muPost \$f }\n\
    } on-error={}\n\
    :local muNames {\"muster\"}\n\
    :if ([:len \$muTrial] > 0) do={ :set muNames {\"muster-new\";\"muster\"} }\n\
    :local muToken \"\"\n\
    :foreach muName in=\$muNames do={\n\
    \_ :if ([:len \$muToken] = 0) do={ :set muToken [:tostr [\$muGet (\"/ppp secret get [find where name=\\\"\" . \$muName . \"\\\"] password\")]] }\n\
    \_ :if ([:len \$muToken] = 0) do={\n\
    \_   :local muSource [:tostr [\$muGet (\"/system script get [find where name=\\\"\" . \$muName . \"-token\\\"] source\")]]\n\
    \_   :if ([:len \$muSource] > 1) do={ :set muToken [:pick \$muSource 1 [:len \$muSource]] }\n\
    \_ }\n\
    }\n\
    :if ([:pick \$muToken 0 3] = \"m1.\") do={\n\
    :local muPins {\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}\n\
    :local muAgent \"3\"\n\
    :if ([:len \$muTrial] > 0) do={ :set muAgent \$muTrial }\n\
    :local muFull false\n\
    :if ([:typeof \$musterBoot] != \"str\") do={\n\
    \_ :set muFull true\n\
    \_ :local muNonce [:tostr [\$muGet \":rndstr length=16 from=0123456789abcdef\"]]\n\
    \_ :if ([:len \$muNonce] != 16) do={\n\
    \_   :local t [:tostr [/system clock get time]]\n\
    \_   :set muNonce ([/system resource get free-memory] . [\$muGet \"/system resource get write-sect-total\"] . [:pick \$t 0 2] . [:pick \$t 3 5] . [:pick \$t 6 8])\n\
    \_   :if ([:len \$muNonce] > 16) do={ :set muNonce [:pick \$muNonce ([:len \$muNonce] - 16) [:len \$muNonce]] }\n\
    \_ }\n\
    \_ :set musterBoot \$muNonce\n\
    \_ :if ([:typeof \$musterBoot] != \"str\") do={ :set muFull false }\n\
    }\n\
    :local muBoot \"\"\n\
    :if ([:typeof \$musterBoot] = \"str\") do={ :set muBoot \$musterBoot }\n\
    :local muHave \"\"\n\
    :foreach p in=\$muPins do={\n\
    \_ :if ([:len [/certificate find where fingerprint=\$p]] > 0) do={\n\
    \_   :if ([:len \$muHave] > 0) do={ :set muHave (\$muHave . \",\") }\n\
    \_   :set muHave (\$muHave . [:pick \$p 0 8])\n\
    \_ }\n\
    }\n\
    :local muFormats \"esc\"\n\
    :if ([\$muGet \":convert from=hex to=raw \\\"6d75\\\"\"] = \"mu\") do={ :set muFormats \"hex,esc\" }\n\
    :global musterRights\n\
    :local muRights \"read,test,ftp,sensitive\"\n\
    :if ([:pick [:tostr \$musterRights] 0 [:len \$muRights]] = \$muRights) do={ :set muRights \$musterRights } else={\n\
    \_ :do {\n\
    \_   :local o [/system script get [/system script find where name=\"muster-beat\"] owner]\n\
    \_   :local u [/user find where name=\$o]\n\
    \_   :if ([:len \$u] = 0) do={ :set muRights (\$muRights . \",no-owner\") } else={\n\
    \_     :local g [/user get \$u group]\n\
    \_     :local h (\",\" . [:tostr [/user group get [/user group find where name=\$g] policy]] . \",\")\n\
    \_     :foreach p in=[:toarray \"read,test,ftp,sensitive\"] do={\n\
    \_       :if (!(\$h ~ (\"[;,]\" . \$p . \"[;,]\"))) do={ :set muRights (\$muRights . \",no-\" . \$p) }\n\
    \_     }\n\
    \_   }\n\
    \_ } on-error={}\n\
    \_ :set musterRights \$muRights\n\
    }\n\
    :set muFull true\n\
    :local muRounds 1\n\
    :while (\$muRounds > 0) do={\n\
    :set muRounds (\$muRounds - 1)\n\
    :global musterUrl\n\
    :local muUrls {\"https://edge.example.net:8443\"}\n\
    :local muIndex 0\n\
    :if ([:typeof \$musterUrl] = \"num\") do={ :set muIndex \$musterUrl }\n\
    :if (\$muIndex >= [:len \$muUrls]) do={ :set muIndex 0 }\n\
    :local muUrl [:pick \$muUrls \$muIndex]\n\
    :local muLast 0\n\
    :local muRun 0\n\
    :local muJson \"\"\n\
    :local muSmall (\"{\\\"p\\\":1\" . [\$muKey \"agent\" \$muAgent] . [\$muKey \"fmt\" \$muFormats] . [\$muKey \"boot\" \$muBoot] . [\$muKey \"last\" \$muLast])\n\
    :if (\$muRun > 0) do={ :set muSmall (\$muSmall . [\$muKey \"run\" \$muRun]) } else={ :set muSmall (\$muSmall . [\$muKey \"up\" [/system resource get uptime]]) }\n\
    :if (\$muFull) do={\n\
    :do {\n\
    \_ :set muJson (\"{\\\"p\\\":1\" . [\$muKey \"agent\" \$muAgent] . [\$muKey \"fmt\" \$muFormats] . [\$muKey \"boot\" \$muBoot])\n\
    \_ :set muJson (\$muJson . [\$muKey \"up\" [/system resource get uptime]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"clock\" ([/system clock get date] . \" \" . [/system clock get time])])\n\
    \_ :set muJson (\$muJson . [\$muKey \"last\" \$muLast] . [\$muKey \"run\" \$muRun])\n\
    \_ :set muJson (\$muJson . [\$muKey \"err\" \$muErr] . [\$muKey \"tx\" \$muTx])\n\
    :local muFacts [\$muKey \"id\" [\$muGet \"/system identity get name\"]]\n\
    :set muFacts (\$muFacts . [\$muKey \"sn\" [\$muGet \"/system routerboard get serial-number\"]])\n\
    :local muSoft [:tostr [\$muGet \"/system license get software-id\"]]\n\
    :if ([:len \$muSoft] = 0) do={ :set muSoft [:tostr [\$muGet \"/system license get system-id\"]] }\n\
    :set muFacts (\$muFacts . [\$muKey \"sw\" \$muSoft])\n\
    :local muMac \"\"\n\
    :foreach muName in=[:toarray \"ether1,wlan1,sfp-sfpplus1,lte1\"] do={\n\
    \_ :if ([:len \$muMac] = 0) do={\n\
    \_   :set muMac [:tostr [\$muGet (\"/interface get [find where name=\\\"\" . \$muName . \"\\\"] mac-address\")]]\n\
    \_ }\n\
    }\n\
    :if ([:len \$muMac] = 0) do={\n\
    \_ :set muMac [:tostr [\$muGet \"/interface get [:pick [/interface find where type=\\\"ether\\\"] 0] mac-address\"]]\n\
    }\n\
    :set muFacts (\$muFacts . [\$muKey \"mac\" \$muMac])\n\
    :set muFacts (\$muFacts . [\$muKey \"ver\" [\$muGet \"/system resource get version\"]])\n\
    :set muFacts (\$muFacts . [\$muKey \"board\" [\$muGet \"/system resource get board-name\"]])\n\
    :set muFacts (\$muFacts . [\$muKey \"arch\" [\$muGet \"/system resource get architecture-name\"]])\n\
    \_ :set muJson (\$muJson . \$muFacts)\n\
    \_ :set muJson (\$muJson . [\$muKey \"cpu\" [\$muGet \"/system resource get cpu-load\"]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"cpus\" [\$muGet \"/system resource get cpu-count\"]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"mhz\" [\$muGet \"/system resource get cpu-frequency\"]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"mf\" [\$muGet \"/system resource get free-memory\"]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"mt\" [\$muGet \"/system resource get total-memory\"]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"df\" [\$muGet \"/system resource get free-hdd-space\"]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"dt\" [\$muGet \"/system resource get total-hdd-space\"]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"bb\" [\$muGet \"/system resource get bad-blocks\"]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"wr\" [\$muGet \"/system resource get write-sect-total\"]])\n\
    \_ :local muRows \"\"\n\
    \_ :foreach k,v in=[\$muGet \"/system health print as-value\"] do={\n\
    \_   :local n \$k\n\
    \_   :local w \$v\n\
    \_   :local t \"\"\n\
    \_   :if ([:typeof \$v] = \"array\") do={\n\
    \_     :set n (\$v->\"name\")\n\
    \_     :set w (\$v->\"value\")\n\
    \_     :set t (\$v->\"type\")\n\
    \_   } else={\n\
    \_     :if ([:tostr \$n] ~ \"temperature\") do={ :set t \"C\" }\n\
    \_     :if ([:tostr \$n] ~ \"voltage\") do={\n\
    \_       :set t \"V\"\n\
    \_       :if ([:typeof \$w] = \"num\") do={ :set w ((\$w / 10) . \".\" . (\$w - ((\$w / 10) * 10))) }\n\
    \_     }\n\
    \_   }\n\
    \_   :if (([:typeof \$n] = \"str\") && ([:len [:tostr \$w]] > 0)) do={\n\
    \_     :if ([:len \$muRows] > 0) do={ :set muRows (\$muRows . \",\") }\n\
    \_     :local row ([\$muKey \"n\" \$n] . [\$muKey \"v\" \$w] . [\$muKey \"t\" \$t])\n\
    \_     :set muRows (\$muRows . \"{\" . [:pick \$row 1 [:len \$row]] . \"}\")\n\
    \_   }\n\
    \_ }\n\
    \_ :if ([:len \$muRows] > 0) do={ :set muJson (\$muJson . \",\\\"health\\\":[\" . \$muRows . \"]\") }\n\
    \_ :local muHost [\$muGet \"/tool netwatch get [find where comment=\\\"muster-link\\\"] host\"]\n\
    \_ :if ([:len [:tostr \$muHost]] > 0) do={\n\
    \_   :local muLink (\"{\\\"n\\\":\\\"edge\\\"\" . [\$muKey \"a\" \$muHost])\n\
    \_   :set muLink (\$muLink . [\$muKey \"rtt\" [\$muGet \"/tool netwatch get [find where comment=\\\"muster-link\\\"] rtt-avg\"]])\n\
    \_   :set muLink (\$muLink . [\$muKey \"jit\" [\$muGet \"/tool netwatch get [find where comment=\\\"muster-link\\\"] rtt-jitter\"]])\n\
    \_   :set muLink (\$muLink . [\$muKey \"sd\" [\$muGet \"/tool netwatch get [find where comment=\\\"muster-link\\\"] rtt-stdev\"]])\n\
    \_   :set muLink (\$muLink . [\$muKey \"loss\" [\$muGet \"/tool netwatch get [find where comment=\\\"muster-link\\\"] loss-percent\"]])\n\
    \_   :set muJson (\$muJson . \",\\\"links\\\":[\" . \$muLink . \"}]\")\n\
    \_ }\n\
    \_ :set muJson (\$muJson . [\$muKey \"rights\" \$muRights] . [\$muKey \"ca\" \$muHave] . \"}\")\n\
    } on-error={\n\
    \_ :set muErr (\$muErr + 1)\n\
    \_ :set musterErr \$muErr\n\
    \_ :set muJson \"\"\n\
    }\n\
    }\n\
    :if (([:len \$muJson] = 0) || ((\$muFail & 3) = 3)) do={\n\
    \_ :set muJson (\$muSmall . [\$muKey \"err\" \$muErr] . \"}\")\n\
    }\n\
    :local muData \"\"\n\
    :local muOk false\n\
    :local muAgain true\n\
    :local muTurn 0\n\
    :while (\$muAgain && (\$muTurn < 2)) do={\n\
    \_ :set muAgain false\n\
    \_ :set muTurn (\$muTurn + 1)\n\
    \_ :do {\n\
    \_   :set muData [\$muPost (\$muUrl . \"/v1/heartbeat\") (\"Content-Type:application/json,Authorization:Bearer \" . \$muToken) \$muJson]\n\
    \_   :set muOk true\n\
    \_ } on-error={}\n\
    \_ :if (!\$muOk && (\$muTurn = 1)) do={\n\
    \_ :local muThere 0\n\
    \_ :foreach p in=\$muPins do={ :set muThere (\$muThere + [:len [/certificate find where fingerprint=\$p]]) }\n\
    \_ :if ((\$muThere < [:len \$muPins]) && ((\$muFail < 8) || ((\$muFail & 3) = 0))) do={\n\
    \_   :local muOld [/certificate find]\n\
    \_   :local muBad true\n\
    \_   :local muPin \"\"\n\
    \_   :do {\n\
    \_     /tool fetch url=(\$muUrl . \"/ca.pem\") dst-path=\"muster.pem\"\n\
    \_     :for i from=1 to=20 do={\n\
    \_       :if ([:len [/file find where name=\"muster.pem\"]] = 0) do={ :delay 500ms }\n\
    \_     }\n\
    \_     /certificate import file-name=\"muster.pem\" passphrase=\"\"\n\
    \_     :foreach i in=[/certificate find] do={\n\
    \_       :if (!([:tostr [:find \$muOld \$i]] ~ \"^[0-9]\")) do={\n\
    \_         :local g [:tostr [/certificate get \$i fingerprint]]\n\
    \_         :foreach p in=\$muPins do={ :if (\$g = \$p) do={ :set muPin \$p } }\n\
    \_       }\n\
    \_     }\n\
    \_     :if (([:len [/certificate find]] = ([:len \$muOld] + 1)) && ([:len \$muPin] > 0)) do={ :set muBad false }\n\
    \_   } on-error={}\n\
    \_   :do {\n\
    \_     :if (\$muBad) do={\n\
    \_       :set muErr (\$muErr + 1)\n\
    \_       :set musterErr \$muErr\n\
    \_       :foreach i in=[/certificate find] do={\n\
    \_         :if (!([:tostr [:find \$muOld \$i]] ~ \"^[0-9]\")) do={ /certificate remove \$i }\n\
    \_       }\n\
    \_     } else={\n\
    \_       :set muAgain true\n\
    \_       :local c [/certificate find where fingerprint=\$muPin]\n\
    \_       :do { /certificate set \$c name=\"muster-ca\" } on-error={ /certificate set \$c name=(\"muster-ca-\" . [:pick \$muPin 0 8]) }\n\
    \_     }\n\
    \_   } on-error={}\n\
    \_   :do { /file remove [/file find where name=\"muster.pem\"] } on-error={}\n\
    \_ }\n\
    \_ }\n\
    }\n\
    :if (\$muOk) do={\n\
    \_ :set musterFail 0\n\
    \_ :set musterTx 0\n\
    \_ :set musterGood [/system resource get uptime]\n\
    \_ :if ([:len \$muTrial] > 0) do={ :set musterProof \"3\" }\n\
    } else={\n\
    \_ :set muFail (\$muFail + 1)\n\
    \_ :set musterFail \$muFail\n\
    \_ :set musterUrl (\$muIndex + 1)\n\
    \_ :if (\$muFail = 5) do={ :set musterSkip 1 }\n\
    \_ :if (\$muFail = 6) do={ :set musterSkip 3 }\n\
    \_ :if (\$muFail > 6) do={ :set musterSkip 9 }\n\
    }\n\
    :local muVerb [:pick \$muData 0 1]\n\
    :local muArgument [:tonum [:pick \$muData 1 24]]\n\
    :if ([:typeof \$muArgument] != \"num\") do={ :set muArgument 0 }\n\
    :if (\$muArgument > 0) do={\n\
    \_ :if ((\$muVerb = \"W\") && (\$muArgument > 30) && (\$muArgument < 3601)) do={ :set musterSkip ((\$muArgument - 1) / 30) }\n\
    \_ :if ((\$muVerb = \"F\") && (\$muArgument < 301)) do={ :set muRounds ((\$muArgument + 1) / 2) }\n\
    }\n\
    :if (\$muVerb = \"X\") do={\n\
    \_ :set musterSkip 2880\n\
    }\n\
    :set muFull false\n\
    :if (\$muRounds > 0) do={ :delay 2s }\n\
    }\n\
    }\n\
    :set musterBusy 0\n\
    }\n\
    # end\n"
  /system script remove [/system script find where name~"^muster-(run|guard|beat-prev|run-prev)\$"]
  /system scheduler remove [/system scheduler find where name="muster-guard"]
  :local muBody ("{\"p\":1,\"nonce\":\"" . $muNonce . "\"" . [$muKey "token" $muHeld] . [$muKey "agent" "3"] . [$muKey "fmt" $muFormats] . $muFacts . [$muKey "rights" "read,test,ftp,sensitive"] . "}")
  :local muWord ""
  :local muTry 0
  :while (([:len $muWord] = 0) && ($muTry < 45)) do={
    :set muTry ($muTry + 1)
    :do {
      :set muWord [$muPost ($muUrl . "/v1/enroll") "Content-Type:application/json,Authorization:Claim 0123456789abcdef0123456789abcdef" $muBody]
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
  :if ($muReady) do={
    :foreach i in=[/certificate find where name~"^muster-ca"] do={
      :if (!([:tostr [:find {"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"} [/certificate get $i fingerprint]]] ~ "^[0-9]")) do={ /certificate remove $i }
    }
    :local muRoot [/certificate find where fingerprint=$muPin]
    :do { /certificate set $muRoot name="muster-ca" } on-error={ /certificate set $muRoot name=("muster-ca-" . [:pick $muPin 0 8]) }
    /system scheduler remove [/system scheduler find where name="muster-beat"]
    /system scheduler add name="muster-beat" interval=00:00:30 start-time=startup policy=read,test,ftp,sensitive comment="Muster agent 3 00:00:30" on-event="/system script run muster-beat"
    :do {
      /tool netwatch remove [/tool netwatch find where comment="muster-link"]
      :local muHost [:tostr [:resolve "edge.example.net"]]
      /tool netwatch add comment="muster-link" type=icmp interval=30s packet-count=5 thr-avg=10s thr-max=10s thr-jitter=10s thr-stdev=10s thr-loss-percent=100 host=$muHost
    } on-error={ :put "muster: no probe of the link to the edge" }
    /ip dns static remove [/ip dns static find where comment="Muster agent"]
    :put "muster: enrolled; this router now checks in every 30 seconds"
    /system script run muster-beat
  }
} on-error={ :put "muster: the installation stopped; paste the line again" }
}
}
}
