# Muster agent 3+7 for RouterOS 7.17: imported by the agent before it, put on trial beside it.
{
:global musterOld
:global musterOffer
:set musterOffer ""
:local muBeat ":local muTrial \"\"\n\
    # Muster agent 3+7: reports every 60 s and starts what the control plane asks for.\n\
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
    \_ :local f [:parse \":local r [/tool fetch url=\\\$1 http-method=post http-header-field=\\\$2 http-data=\\\$3 check-certificate=yes-without-crl output=user as-value idle-timeout=30s]; :return [:tostr (\\\$r->\\\"data\\\")]\"]\n\
    \_ :local t [:parse \":return \\\$1\"]\n\
    \_ :if ([\$t \"x\"] = \"x\") do={ :set muPost \$f }\n\
    } on-error={}\n\
    :do {\n\
    \_ :local f [:parse \":local r [/tool fetch url=\\\$1 http-method=post http-header-field=\\\$2 http-data=\\\$3 check-certificate=yes-without-crl output=user as-value idle-timeout=30s http-max-redirect-count=0]; :return [:tostr (\\\$r->\\\"data\\\")]\"]\n\
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
    :global musterRun\n\
    :global musterRunAt\n\
    :global musterReply\n\
    :global musterJob\n\
    :global musterHold\n\
    :local muPins {\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\";\"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\"}\n\
    :local muAgent \"3+7\"\n\
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
    :local muRights \"ftp,reboot,read,write,policy,test,password,sniff,sensitive\"\n\
    :if ([:pick [:tostr \$musterRights] 0 [:len \$muRights]] = \$muRights) do={ :set muRights \$musterRights } else={\n\
    \_ :do {\n\
    \_   :local o [/system script get [/system script find where name=\"muster-beat\"] owner]\n\
    \_   :local u [/user find where name=\$o]\n\
    \_   :if ([:len \$u] = 0) do={ :set muRights (\$muRights . \",no-owner\") } else={\n\
    \_     :local g [/user get \$u group]\n\
    \_     :local h (\",\" . [:tostr [/user group get [/user group find where name=\$g] policy]] . \",\")\n\
    \_     :foreach p in=[:toarray \"ftp,reboot,read,write,policy,test,password,sniff,sensitive\"] do={\n\
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
    :local muUrls {\"https://edge.example.net:8443\";\"https://second.example.net\"}\n\
    :local muIndex 0\n\
    :if ([:typeof \$musterUrl] = \"num\") do={ :set muIndex \$musterUrl }\n\
    :if (\$muIndex >= [:len \$muUrls]) do={ :set muIndex 0 }\n\
    :local muUrl [:pick \$muUrls \$muIndex]\n\
    :local muLast [:tonum [\$muGet \"/system scheduler get [find where name=\\\"muster-state\\\"] comment\"]]\n\
    :if ([:typeof \$muLast] != \"num\") do={ :set muLast 0 }\n\
    :local muRun 0\n\
    :local muLive [:len [/system script job find where script=\"muster-run\"]]\n\
    :if ((\$muLive = 0) && ([:typeof \$musterRun] = \"num\")) do={\n\
    \_ :do { :set muLive [:len [/system script job find where .id=\$musterJob]] } on-error={}\n\
    }\n\
    :if ((\$muLive > 0) && ([:typeof \$musterRun] = \"num\")) do={ :set muRun \$musterRun }\n\
    :local muJson \"\"\n\
    :local muSmall (\"{\\\"p\\\":1\" . [\$muKey \"agent\" \$muAgent] . [\$muKey \"fmt\" \$muFormats] . [\$muKey \"boot\" \$muBoot] . [\$muKey \"last\" \$muLast])\n\
    :if (\$muRun > 0) do={ :set muSmall (\$muSmall . [\$muKey \"run\" \$muRun]) } else={ :set muSmall (\$muSmall . [\$muKey \"up\" [/system resource get uptime]]) }\n\
    :if (\$muFull) do={\n\
    :do {\n\
    \_ :set muJson (\"{\\\"p\\\":1\" . [\$muKey \"agent\" \$muAgent] . [\$muKey \"fmt\" \$muFormats] . [\$muKey \"boot\" \$muBoot])\n\
    \_ :set muJson (\$muJson . [\$muKey \"up\" [/system resource get uptime]])\n\
    \_ :set muJson (\$muJson . [\$muKey \"clock\" ([/system clock get date] . \" \" . [/system clock get time])])\n\
    \_ :set muJson (\$muJson . [\$muKey \"last\" \$muLast] . [\$muKey \"run\" \$muRun])\n\
    \_ :if (\$muRun > 0) do={\n\
    \_   :do { :set muJson (\$muJson . [\$muKey \"run_age\" ([/system resource get uptime] - \$musterRunAt)]) } on-error={}\n\
    \_ }\n\
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
    \_ :if ([:len \$muTrial] > 0) do={ :set musterProof \"3+7\" }\n\
    } else={\n\
    \_ :set muFail (\$muFail + 1)\n\
    \_ :set musterFail \$muFail\n\
    \_ :set musterUrl (\$muIndex + 1)\n\
    \_ :if (\$muFail = 5) do={ :set musterSkip 0 }\n\
    \_ :if (\$muFail = 6) do={ :set musterSkip 1 }\n\
    \_ :if (\$muFail > 6) do={ :set musterSkip 4 }\n\
    }\n\
    :local muVerb [:pick \$muData 0 1]\n\
    :local muArgument [:tonum [:pick \$muData 1 24]]\n\
    :if ([:typeof \$muArgument] != \"num\") do={ :set muArgument 0 }\n\
    :if (\$muArgument > 0) do={\n\
    \_ :if ((\$muVerb = \"W\") && (\$muArgument > 30) && (\$muArgument < 3601)) do={ :set musterSkip ((\$muArgument - 1) / 60) }\n\
    \_ :if ((\$muVerb = \"F\") && (\$muArgument < 301)) do={ :set muRounds ((\$muArgument + 1) / 2) }\n\
    \_ :if ((\$muVerb = \"K\") && (\$muRun = \$muArgument)) do={\n\
    \_   :do { /system script job remove \$musterJob } on-error={}\n\
    \_   :do { /system script job remove [/system script job find where script=\"muster-run\"] } on-error={}\n\
    \_   :set muLive 0\n\
    \_   :set muRun 0\n\
    \_   :set musterRun 0\n\
    \_   :set muVerb \"J\"\n\
    \_ }\n\
    }\n\
    :if (\$muVerb = \"X\") do={\n\
    \_ :do { /system scheduler set [/system scheduler find where name~\"^muster-(beat|guard)\\\$\"] disabled=yes } on-error={}\n\
    }\n\
    :if ((\$muVerb = \"U\") && ([:len \$muTrial] = 0) && (\$muLive = 0)) do={\n\
    \_ :local muHold 0\n\
    \_ :if ([:typeof \$musterHold] = \"num\") do={ :set muHold \$musterHold }\n\
    \_ :if (\$muHold > 0) do={ :set musterHold (\$muHold - 1) } else={ :set muVerb \"J\" }\n\
    }\n\
    :if (((\$muVerb = \"J\") || (\$muVerb = \"L\")) && (\$muRun = 0)) do={\n\
    \_ :set musterReply \$muData\n\
    \_ :set musterJob [:execute script=\"/system script run muster-run\"]\n\
    }\n\
    :set muFull false\n\
    :if (\$muRounds > 0) do={ :delay 2s }\n\
    }\n\
    }\n\
    :set musterBusy 0\n\
    }\n\
    # end\n"
:local muRunner "# Muster agent 3+7: runs one job and posts its result.\n\
    :global musterReply\n\
    :global musterRun\n\
    :global musterRunAt\n\
    :global musterSkip\n\
    :global musterFail\n\
    :global musterErr\n\
    :global musterSrc\n\
    :global musterPhase\n\
    :global musterWhy\n\
    :global musterOut\n\
    :global musterUrl\n\
    :global musterPart\n\
    :local muReply [:tostr \$musterReply]\n\
    :set musterReply \"\"\n\
    :local muVerb [:pick \$muReply 0 1]\n\
    :local muNumber 0\n\
    :local muLoad \"\"\n\
    :local muParts 0\n\
    :local muLength 0\n\
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
    \_ :local f [:parse \":local r [/tool fetch url=\\\$1 http-method=post http-header-field=\\\$2 http-data=\\\$3 check-certificate=yes-without-crl output=user as-value idle-timeout=30s]; :return [:tostr (\\\$r->\\\"data\\\")]\"]\n\
    \_ :local t [:parse \":return \\\$1\"]\n\
    \_ :if ([\$t \"x\"] = \"x\") do={ :set muPost \$f }\n\
    } on-error={}\n\
    :do {\n\
    \_ :local f [:parse \":local r [/tool fetch url=\\\$1 http-method=post http-header-field=\\\$2 http-data=\\\$3 check-certificate=yes-without-crl output=user as-value idle-timeout=30s http-max-redirect-count=0]; :return [:tostr (\\\$r->\\\"data\\\")]\"]\n\
    \_ :local t [:parse \":return \\\$1\"]\n\
    \_ :if ([\$t \"x\"] = \"x\") do={ :set muPost \$f }\n\
    } on-error={}\n\
    :local muFrom do={\n\
    \_ :local c (\"/tool fetch check-certificate=yes-without-crl \" . \$1)\n\
    \_ :local f \"\"\n\
    \_ :do { :set f [:parse (\":return [\" . \$c . \" idle-timeout=30s http-max-redirect-count=0]\")] } on-error={ :do { :set f [:parse (\":return [\" . \$c . \" idle-timeout=30s]\")] } on-error={ :set f [:parse (\":return [\" . \$c . \"]\")] } }\n\
    \_ :local r [\$f]\n\
    \_ :return \$r\n\
    }\n\
    :local muPlain do={\n\
    \_ :global musterPart\n\
    \_ :local r \"\"\n\
    \_ :if ([:pick \$1 0 1] = \"\\\\\") do={\n\
    \_   :foreach muMark in={\"\\\"\";\"\\\$\";\"\\n\"} do={\n\
    \_     :if ([:tostr [:find \$1 \$muMark]] ~ \"^[0-9]\") do={ :error \"no payload\" }\n\
    \_   }\n\
    \_   :local f [:parse (\":return \\\"\" . \$1 . \"\\\"\")]\n\
    \_   :set r [\$f]\n\
    \_   :if (([:len \$r] * 3) != [:len \$1]) do={ :error \"no payload\" }\n\
    \_ } else={\n\
    \_   :set musterPart \$1\n\
    \_   :local f [:parse \":global musterPart; :return [:convert from=hex to=raw \\\$musterPart]\"]\n\
    \_   :set r [\$f]\n\
    \_   :set musterPart \"\"\n\
    \_   :if (([:len \$r] * 2) != [:len \$1]) do={ :error \"no payload\" }\n\
    \_ }\n\
    \_ :return \$r\n\
    }\n\
    :local muSum do={\n\
    \_ :local s 1\n\
    \_ :local n 8\n\
    \_ :if ([:pick \$1 0 1] = \"\\\\\") do={ :set n 12 }\n\
    \_ :for i from=0 to=([:len \$1] - 1) step=\$n do={\n\
    \_   :local w [:pick \$1 \$i (\$i + \$n)]\n\
    \_   :if (\$n = 12) do={ :set w ([:pick \$w 1 3] . [:pick \$w 4 6] . [:pick \$w 7 9] . [:pick \$w 10 12]) }\n\
    \_   :set s (((\$s * 31) + [:tonum (\"0x\" . \$w)]) & 4294967295)\n\
    \_ }\n\
    \_ :return \$s\n\
    }\n\
    :do {\n\
    \_ :local muEnd [:len \$muReply]\n\
    \_ :local muSpace [:find \$muReply \" \"]\n\
    \_ :if (([:typeof \$muSpace] = \"num\") && ((\$muVerb = \"L\") || ((\$muVerb = \"J\") && ([:pick \$muReply (\$muEnd - 1) \$muEnd] = \".\")))) do={\n\
    \_   :local muGiven [:tonum [:pick \$muReply 1 \$muSpace]]\n\
    \_   :local muRest [:pick \$muReply (\$muSpace + 1) \$muEnd]\n\
    \_   :local muGap [:find \$muRest \" \"]\n\
    \_   :if (([:typeof \$muGap] = \"num\") && ([:typeof \$muGiven] = \"num\")) do={\n\
    \_     :set muLength [:tonum [:pick \$muRest 0 \$muGap]]\n\
    \_     :if (\$muVerb = \"J\") do={\n\
    \_       :set muLoad [:pick \$muRest (\$muGap + 1) ([:len \$muRest] - 1)]\n\
    \_       :if (([:typeof \$muLength] = \"num\") && ([:len \$muLoad] = \$muLength)) do={ :set muNumber \$muGiven }\n\
    \_     } else={\n\
    \_       :set muParts [:tonum [:pick \$muRest (\$muGap + 1) [:len \$muRest]]]\n\
    \_       :if (([:typeof \$muLength] = \"num\") && ([:typeof \$muParts] = \"num\")) do={ :set muNumber \$muGiven }\n\
    \_     }\n\
    \_   }\n\
    \_ }\n\
    } on-error={}\n\
    :if ((\$muNumber = 0) && ((\$muVerb = \"J\") || (\$muVerb = \"L\"))) do={\n\
    \_ :if ([:typeof \$musterErr] != \"num\") do={ :set musterErr 0 }\n\
    \_ :set musterErr (\$musterErr + 1)\n\
    }\n\
    :local muGo \"\"\n\
    :local muTrouble \"\"\n\
    :if (\$muNumber > 0) do={\n\
    \_ :local muLast [:tonum [\$muGet \"/system scheduler get [find where name=\\\"muster-state\\\"] comment\"]]\n\
    \_ :if ([:typeof \$muLast] != \"num\") do={ :set muLast 0 }\n\
    \_ :local muOther ([:len [/system script job find where script=\"muster-run\"]] > 1)\n\
    \_ :if ((\$muNumber > \$muLast) && (!\$muOther || ([:tostr \$musterRun] = \"0\") || ([:len [:tostr \$musterRun]] = 0))) do={\n\
    \_   :set muGo \"refused\"\n\
    \_   :if (\$muVerb = \"L\") do={\n\
    \_     :set musterRun \$muNumber\n\
    \_     :set musterRunAt [/system resource get uptime]\n\
    \_     :set musterSrc \"\"\n\
    \_     :local muHave 0\n\
    \_     :local muFree [:tonum [/system resource get free-memory]]\n\
    \_     :if ([:typeof \$muFree] = \"num\") do={ :if (\$muFree < ((\$muLength * 4) + 1000000)) do={ :set muTrouble \"not enough free memory\" } }\n\
    \_     :local i 1\n\
    \_     :while ((\$i <= \$muParts) && ([:len \$muTrouble] = 0)) do={\n\
    \_       :local muPart \"\"\n\
    \_       :local muTry 0\n\
    \_       :while (([:len \$muPart] = 0) && (\$muTry < 6)) do={\n\
    \_         :set muTry (\$muTry + 1)\n\
    :global musterUrl\n\
    :local muUrls {\"https://edge.example.net:8443\";\"https://second.example.net\"}\n\
    :local muIndex 0\n\
    :if ([:typeof \$musterUrl] = \"num\") do={ :set muIndex \$musterUrl }\n\
    :if (\$muIndex >= [:len \$muUrls]) do={ :set muIndex 0 }\n\
    :local muUrl [:pick \$muUrls \$muIndex]\n\
    :local muToken \"\"\n\
    :foreach muName in={\"muster\"} do={\n\
    \_ :if ([:len \$muToken] = 0) do={ :set muToken [:tostr [\$muGet (\"/ppp secret get [find where name=\\\"\" . \$muName . \"\\\"] password\")]] }\n\
    \_ :if ([:len \$muToken] = 0) do={\n\
    \_   :local muSource [:tostr [\$muGet (\"/system script get [find where name=\\\"\" . \$muName . \"-token\\\"] source\")]]\n\
    \_   :if ([:len \$muSource] > 1) do={ :set muToken [:pick \$muSource 1 [:len \$muSource]] }\n\
    \_ }\n\
    }\n\
    \_         :do {\n\
    \_           :local r [\$muFrom (\"url=\\\"\" . \$muUrl . \"/v1/payload/\" . \$muNumber . \"/\" . \$i . \"\\\" http-header-field=\\\"Authorization:Bearer \" . \$muToken . \"\\\" output=user as-value\")]\n\
    \_           :local t [:tostr (\$r->\"data\")]\n\
    \_           :local h (\"P\" . \$muNumber . \" \" . \$i . \" \")\n\
    \_           :local n [:len \$h]\n\
    \_           :if (([:pick \$t 0 \$n] = \$h) && ([:pick \$t ([:len \$t] - 1) [:len \$t]] = \".\")) do={\n\
    \_             :set t [:pick \$t \$n ([:len \$t] - 1)]\n\
    \_             :local g [:find \$t \" \"]\n\
    \_             :local p [:pick \$t (\$g + 1) [:len \$t]]\n\
    \_             :if ([:tostr [\$muSum \$p]] = [:pick \$t 0 \$g]) do={\n\
    \_               :set musterSrc (\$musterSrc . [\$muPlain \$p])\n\
    \_               :set muPart \$p\n\
    \_             }\n\
    \_           }\n\
    \_         } on-error={ :set musterUrl (\$muIndex + 1) }\n\
    \_         :if ([:len \$muPart] = 0) do={ :delay (\$muTry * 2) }\n\
    \_       }\n\
    \_       :set muHave (\$muHave + [:len \$muPart])\n\
    \_       :if ([:len \$muPart] = 0) do={ :set muTrouble (\"part \" . \$i . \" of the script did not come whole\") }\n\
    \_       :set i (\$i + 1)\n\
    \_     }\n\
    \_     :if (([:len \$muTrouble] = 0) && (\$muHave != \$muLength)) do={ :set muTrouble \"the parts of the script are not as long as it\" }\n\
    \_   }\n\
    \_   :if ([:len \$muTrouble] = 0) do={ :do {\n\
    \_     /system scheduler set [/system scheduler find where name=\"muster-state\"] comment=[:tostr \$muNumber]\n\
    \_     :local muBack [:tostr [/system scheduler get [/system scheduler find where name=\"muster-state\"] comment]]\n\
    \_     :if (\$muBack = [:tostr \$muNumber]) do={ :set muGo \"run\" }\n\
    \_   } on-error={} }\n\
    \_ }\n\
    }\n\
    :if (\$muVerb = \"K\") do={\n\
    \_ :set muNumber [:tonum [:pick \$muReply 1 24]]\n\
    \_ :set muTrouble \"stopped\"\n\
    \_ :set muGo \"refused\"\n\
    }\n\
    :if ([:len \$muGo] > 0) do={\n\
    \_ :local muState \"refused\"\n\
    \_ :local muText \"\"\n\
    \_ :set musterRun \$muNumber\n\
    \_ :set musterRunAt [/system resource get uptime]\n\
    \_ :set musterPhase \"parse\"\n\
    \_ :set musterWhy \"\"\n\
    \_ :set musterOut \"\"\n\
    \_ :if (\$muGo = \"run\") do={\n\
    \_   :set muState \"fail\"\n\
    \_   :local muMark [:tostr [\$muGet \":rndstr length=16 from=0123456789abcdef\"]]\n\
    \_   :if ([:len \$muMark] != 16) do={ :set muMark (\$muNumber . [/system resource get uptime] . [/system resource get free-memory]) }\n\
    \_   :local muReady (\$muVerb = \"L\")\n\
    \_   :if (\$muVerb = \"J\") do={\n\
    \_     :do {\n\
    \_       :set musterSrc [\$muPlain \$muLoad]\n\
    \_       :set muReady true\n\
    \_     } on-error={ :set musterWhy \"the script could not be decoded\" }\n\
    \_     :set muLoad \"\"\n\
    \_   }\n\
    \_   :if (\$muReady) do={\n\
    \_     :global musterWrap (\":global musterSrc\\n:global musterPhase\\n:global musterWrap\\n:set musterWrap \\\"\\\"\\n:local muCode [:parse \\\$musterSrc]\\n:local muTest [:parse (\\\":local muTest do={\\\\n\\\" . \\\$musterSrc . \\\"\\\\n}\\\")]\\n:set musterPhase \\\"run\\\"\\n\\\$muCode\\n\" . \":set musterPhase \\\"\" . \$muMark . \"\\\"\\n\")\n\
    \_     :do {\n\
    \_       :local f [:parse \":onerror e in={} do={}\"]\n\
    \_       :set musterWrap (\":global musterWhy\\n:onerror muWhy in={\\n\" . \$musterWrap . \"} do={ :set musterWhy \\\$muWhy }\\n\")\n\
    \_     } on-error={}\n\
    \_     :local muStart \"\"\n\
    \_     :do { :set muStart [:parse \":global musterWrap; :return [:execute script=\\\$musterWrap as-string]\"] } on-error={}\n\
    \_     :if ([:typeof \$muStart] = \"code\") do={\n\
    \_       :do { :set muText [:tostr [\$muStart]] } on-error={}\n\
    \_     } else={\n\
    \_       :do {\n\
    \_         :local muCall [:parse \$musterWrap]\n\
    \_         \$muCall\n\
    \_       } on-error={}\n\
    \_     }\n\
    \_   }\n\
    \_   :if (\$musterPhase = \$muMark) do={ :set muState \"ok\" }\n\
    \_   :if (\$musterPhase != \"parse\") do={ :set musterPhase \"run\" }\n\
    \_   :set musterSrc \"\"\n\
    \_ } else={\n\
    \_   :set musterPhase \"\"\n\
    \_   :if (\$muVerb = \"K\") do={\n\
    \_     :set muState \"fail\"\n\
    \_     :set musterPhase \"run\"\n\
    \_   }\n\
    \_   :set musterWhy \$muTrouble\n\
    \_   :if ([:len \$muTrouble] = 0) do={ :set musterWhy \"cannot persist the number of the job\" }\n\
    \_   :set musterSrc \"\"\n\
    \_ }\n\
    \_ :set muText (\$muText . [:tostr \$musterOut])\n\
    \_ :set musterOut \"\"\n\
    \_ :local muCut 0\n\
    \_ :if ([:len \$muText] > 6000) do={\n\
    \_   :set muText [:pick \$muText ([:len \$muText] - 6000) [:len \$muText]]\n\
    \_   :set muCut 1\n\
    \_ }\n\
    \_ :local muError [:tostr \$musterWhy]\n\
    \_ :if (([:len \$muError] = 0) && (\$muState = \"fail\") && ([:len \$muText] > 0)) do={\n\
    \_   :set muError \$muText\n\
    \_   :if ([:len \$muError] > 300) do={ :set muError [:pick \$muError ([:len \$muError] - 300) [:len \$muError]] }\n\
    \_ }\n\
    \_ :if ([:len \$muError] > 300) do={ :set muError [:pick \$muError 0 300] }\n\
    \_ :local muHead (\"{\\\"p\\\":1,\\\"n\\\":\" . [:tostr \$muNumber] . [\$muKey \"st\" \$muState] . [\$muKey \"ph\" \$musterPhase])\n\
    \_ :local muOutput \"\"\n\
    \_ :if ([:len \$muText] > 0) do={\n\
    \_   :set muOutput ([\$muKey \"out\" \$muText] . [\$muKey \"enc\" \"text\"])\n\
    \_   :do {\n\
    \_     :set musterPart \$muText\n\
    \_     :local f [:parse \":global musterPart; :return [:convert from=raw to=hex \\\$musterPart]\"]\n\
    \_     :set muOutput (\",\\\"out\\\":\\\"\" . [\$f] . \"\\\",\\\"enc\\\":\\\"hex\\\"\")\n\
    \_   } on-error={}\n\
    \_   :set musterPart \"\"\n\
    \_ }\n\
    \_ :local muTail ([\$muKey \"cut\" \$muCut] . [\$muKey \"err\" \$muError] . \"}\")\n\
    \_ :local muTaken false\n\
    \_ :local muTry 0\n\
    \_ :while ((!\$muTaken) && (\$muTry < 300)) do={\n\
    \_   :set muTry (\$muTry + 1)\n\
    \_   :local muBody (\$muHead . \$muOutput . \$muTail)\n\
    \_   :if ((\$muTry > 10) && ((\$muTry & 1) = 0)) do={ :set muBody (\$muHead . \$muTail) }\n\
    :global musterUrl\n\
    :local muUrls {\"https://edge.example.net:8443\";\"https://second.example.net\"}\n\
    :local muIndex 0\n\
    :if ([:typeof \$musterUrl] = \"num\") do={ :set muIndex \$musterUrl }\n\
    :if (\$muIndex >= [:len \$muUrls]) do={ :set muIndex 0 }\n\
    :local muUrl [:pick \$muUrls \$muIndex]\n\
    :local muToken \"\"\n\
    :foreach muName in={\"muster\"} do={\n\
    \_ :if ([:len \$muToken] = 0) do={ :set muToken [:tostr [\$muGet (\"/ppp secret get [find where name=\\\"\" . \$muName . \"\\\"] password\")]] }\n\
    \_ :if ([:len \$muToken] = 0) do={\n\
    \_   :local muSource [:tostr [\$muGet (\"/system script get [find where name=\\\"\" . \$muName . \"-token\\\"] source\")]]\n\
    \_   :if ([:len \$muSource] > 1) do={ :set muToken [:pick \$muSource 1 [:len \$muSource]] }\n\
    \_ }\n\
    }\n\
    \_   :do {\n\
    \_     :local muAnswer [\$muPost (\$muUrl . \"/v1/result\") (\"Content-Type:application/json,Authorization:Bearer \" . \$muToken) \$muBody]\n\
    \_     :if (\$muAnswer = (\"A\" . \$muNumber)) do={ :set muTaken true }\n\
    \_   } on-error={ :set musterUrl (\$muIndex + 1) }\n\
    \_   :if (!\$muTaken) do={\n\
    \_     :local muWait (\$muTry * 2)\n\
    \_     :if (\$muWait > 300) do={ :set muWait 300 }\n\
    \_     :delay \$muWait\n\
    \_   }\n\
    \_ }\n\
    \_ :set musterRun 0\n\
    \_ :if (\$muTaken) do={\n\
    \_   :set musterSkip 0\n\
    \_   :set musterFail 0\n\
    \_   :execute script=\"/system script run muster-beat\"\n\
    \_ }\n\
    }\n\
    :if (\$muVerb = \"U\") do={\n\
    \_ :global musterOld \"3+7\"\n\
    \_ :global musterOffer \"\"\n\
    \_ :global musterProof \"\"\n\
    \_ :global musterHold\n\
    \_ :do {\n\
    :global musterUrl\n\
    :local muUrls {\"https://edge.example.net:8443\";\"https://second.example.net\"}\n\
    :local muIndex 0\n\
    :if ([:typeof \$musterUrl] = \"num\") do={ :set muIndex \$musterUrl }\n\
    :if (\$muIndex >= [:len \$muUrls]) do={ :set muIndex 0 }\n\
    :local muUrl [:pick \$muUrls \$muIndex]\n\
    :local muToken \"\"\n\
    :foreach muName in={\"muster\"} do={\n\
    \_ :if ([:len \$muToken] = 0) do={ :set muToken [:tostr [\$muGet (\"/ppp secret get [find where name=\\\"\" . \$muName . \"\\\"] password\")]] }\n\
    \_ :if ([:len \$muToken] = 0) do={\n\
    \_   :local muSource [:tostr [\$muGet (\"/system script get [find where name=\\\"\" . \$muName . \"-token\\\"] source\")]]\n\
    \_   :if ([:len \$muSource] > 1) do={ :set muToken [:pick \$muSource 1 [:len \$muSource]] }\n\
    \_ }\n\
    }\n\
    \_   :local v [:tostr [/system resource get version]]\n\
    \_   :set v [:pick \$v 0 [:find (\$v . \" \") \" \"]]\n\
    \_   :local r [\$muFrom (\"url=\\\"\" . \$muUrl . \"/agent/\" . \$v . \"\\\" http-header-field=\\\"Authorization:Bearer \" . \$muToken . \"\\\" dst-path=muster-new.rsc\")]\n\
    \_   :for i from=1 to=20 do={ :if ([:len [/file find where name=\"muster-new.rsc\"]] = 0) do={ :delay 500ms } }\n\
    \_   /import muster-new.rsc\n\
    \_ } on-error={}\n\
    \_ :do { /file remove [/file find where name=\"muster-new.rsc\"] } on-error={}\n\
    \_ :local muGood 0\n\
    \_ :while (([:len \$musterOffer] > 0) && (\$muGood < 2)) do={\n\
    \_   :set musterProof \"\"\n\
    \_   :local j [:execute script=\"/system script run muster-beat-new\"]\n\
    \_   :local i 0\n\
    \_   :while ((\$i < 60) && (\$musterProof != \$musterOffer)) do={\n\
    \_     :delay 1s\n\
    \_     :set i (\$i + 1)\n\
    \_   }\n\
    \_   :if (\$musterProof = \$musterOffer) do={ :set muGood (\$muGood + 1) } else={\n\
    \_     :set musterOffer \"\"\n\
    \_     :do { /system script job remove \$j } on-error={}\n\
    \_     :do { /system script job remove [/system script job find where script=\"muster-beat-new\"] } on-error={}\n\
    \_   }\n\
    \_   :if (\$muGood = 1) do={ :delay 5s }\n\
    \_ }\n\
    \_ :if (\$muGood = 2) do={\n\
    \_   :do { /system script run muster-swap-new } on-error={ :set muGood 0 }\n\
    \_ }\n\
    \_ :if (\$muGood < 2) do={\n\
    \_   :set musterHold 30\n\
    \_   :if ([:typeof \$musterErr] != \"num\") do={ :set musterErr 0 }\n\
    \_   :set musterErr (\$musterErr + 1)\n\
    \_ }\n\
    \_ /system script remove [/system script find where name~\"^muster-(beat-new|run-new|swap-new|new-token)\\\$\"]\n\
    \_ :do { :local f [:parse \"/ppp secret remove [find where name=\\\"muster-new\\\"]\"]; \$f } on-error={}\n\
    \_ :if (\$muGood = 2) do={ :execute script=\"/system script run muster-beat\" }\n\
    }\n\
    # end\n"
/system script remove [/system script find where name~"^muster-(beat|run|swap)-new\$"]
/system script add name="muster-beat-new" policy=ftp,reboot,read,write,policy,test,password,sniff,sensitive comment="Muster agent, on trial" source=(":local muTrial \"" . $musterOld . "\"" . [:pick $muBeat 17 [:len $muBeat]])
/system script add name="muster-run-new" policy=ftp,reboot,read,write,policy,test,password,sniff,sensitive comment="Muster agent, on trial" source=$muRunner
/system script add name="muster-swap-new" policy=ftp,reboot,read,write,policy,test,password,sniff,sensitive comment="Muster agent, on trial" source=":foreach n in={\"muster-beat\";\"muster-run\"} do={\n\
    \_ :local p (\$n . \"-prev\")\n\
    \_ /system script remove [/system script find where name=\$p]\n\
    \_ /system script add name=\$p policy=ftp,reboot,read,write,policy,test,password,sniff,sensitive source=[/system script get [/system script find where name=\$n] source] comment=[/system script get [/system script find where name=\$n] comment]\n\
    }\n\
    :do {\n\
    \_ :local f [:parse \"/ppp secret set [find where name=\\\"muster\\\"] password=[get [find where name=\\\"muster-new\\\"] password]\"]\n\
    \_ :local g [:parse \":return [:len [/ppp secret find where name=\\\"muster-new\\\"]]\"]\n\
    \_ :local n [\$g]\n\
    \_ :if (\$n > 0) do={ \$f }\n\
    } on-error={}\n\
    :if ([:len [/system script find where name=\"muster-new-token\"]] > 0) do={\n\
    \_ /system script set [/system script find where name=\"muster-token\"] source=[/system script get [/system script find where name=\"muster-new-token\"] source]\n\
    \_ /system script remove [/system script find where name=\"muster-new-token\"]\n\
    }\n\
    /system script set [/system script find where name=\"muster-run\"] source=[/system script get [/system script find where name=\"muster-run-new\"] source] comment=\"Muster agent 3+7 00:01:00\"\n\
    :do {\n\
    \_ /system script remove [/system script find where name=\"muster-guard\"]\n\
    \_ /system script add name=\"muster-guard\" policy=ftp,reboot,read,write,policy,test,password,sniff,sensitive comment=\"Muster agent 3+7 00:01:00\" source=\"# Muster agent: goes back to the agent before where this one can't reach an edge.\\n\\\n\
    \_   :global musterGood\\n\\\n\
    \_   :global musterRights\\n\\\n\
    \_   :global musterHold\\n\\\n\
    \_   :set musterRights\\n\\\n\
    \_   :local muUp [/system resource get uptime]\\n\\\n\
    \_   :local muAge \\\$muUp\\n\\\n\
    \_   :if ([:typeof \\\$musterGood] = \\\"time\\\") do={ :set muAge (\\\$muUp - \\\$musterGood) }\\n\\\n\
    \_   :local muBeat [/system script find where name=\\\"muster-beat\\\"]\\n\\\n\
    \_   :local muPrev [/system script find where name=\\\"muster-beat-prev\\\"]\\n\\\n\
    \_   :if (([:len \\\$muBeat] = 0) && ([:len \\\$muPrev] > 0)) do={\\n\\\n\
    \_   \\_ /system script set \\\$muPrev name=\\\"muster-beat\\\"\\n\\\n\
    \_   \\_ :set muPrev \\\"\\\"\\n\\\n\
    \_   }\\n\\\n\
    \_   :if ((\\\$muAge > 15m) && ([:len \\\$muBeat] > 0) && ([:len \\\$muPrev] > 0)) do={\\n\\\n\
    \_   \\_ :local muNear false\\n\\\n\
    \_   \\_ :do {\\n\\\n\
    \_   \\_   :local g [:tostr [/ip route get [:pick [/ip route find where dst-address=\\\"0.0.0.0/0\\\" and active=yes] 0] gateway]]\\n\\\n\
    \_   \\_   :if (!(\\\$g ~ \\\"^[0-9.]+\\\\\\\$\\\")) do={ :set muNear true } else={\\n\\\n\
    \_   \\_     :local f \\\"\\\"\\n\\\n\
    \_   \\_     :do { :set f [:parse (\\\":return [/tool ping \\\" . \\\$g . \\\" count=3]\\\")] } on-error={ :set f [:parse (\\\":return [/ping \\\" . \\\$g . \\\" count=3]\\\")] }\\n\\\n\
    \_   \\_     :local r [\\\$f]\\n\\\n\
    \_   \\_     :if (\\\$r > 0) do={ :set muNear true }\\n\\\n\
    \_   \\_   }\\n\\\n\
    \_   \\_ } on-error={}\\n\\\n\
    \_   \\_ :if (!\\\$muNear) do={\\n\\\n\
    \_   \\_   :do {\\n\\\n\
    \_   \\_     :local f [:parse \\\":return [/ipv6 route get [:pick [/ipv6 route find where dst-address=\\\\\\\"::/0\\\\\\\" and active=yes] 0] gateway]\\\"]\\n\\\n\
    \_   \\_     :local g [:tostr [\\\$f]]\\n\\\n\
    \_   \\_     :if (!(\\\$g ~ \\\"^[0-9a-fA-F]*:[0-9a-fA-F:]+\\\\\\\$\\\") || (\\\$g ~ \\\"^[fF][eE]80:\\\")) do={ :if ([:len \\\$g] > 0) do={ :set muNear true } } else={\\n\\\n\
    \_   \\_       :do { :set f [:parse (\\\":return [/tool ping \\\" . \\\$g . \\\" count=3]\\\")] } on-error={ :set f [:parse (\\\":return [/ping \\\" . \\\$g . \\\" count=3]\\\")] }\\n\\\n\
    \_   \\_       :local r [\\\$f]\\n\\\n\
    \_   \\_       :if (\\\$r > 0) do={ :set muNear true }\\n\\\n\
    \_   \\_     }\\n\\\n\
    \_   \\_   } on-error={}\\n\\\n\
    \_   \\_ }\\n\\\n\
    \_   \\_ :if (\\\$muNear) do={\\n\\\n\
    \_   \\_   :do { /system script job remove [/system script job find where script=\\\"muster-beat\\\"] } on-error={}\\n\\\n\
    \_   \\_   :foreach n in={\\\"muster-run\\\";\\\"muster-beat\\\"} do={\\n\\\n\
    \_   \\_     :local b [/system script find where name=\\\$n]\\n\\\n\
    \_   \\_     :local p [/system script find where name=(\\\$n . \\\"-prev\\\")]\\n\\\n\
    \_   \\_     :if (([:len \\\$b] > 0) && ([:len \\\$p] > 0)) do={\\n\\\n\
    \_   \\_       :local s [/system script get \\\$b source]\\n\\\n\
    \_   \\_       :local c [/system script get \\\$b comment]\\n\\\n\
    \_   \\_       /system script set \\\$b source=[/system script get \\\$p source] comment=[/system script get \\\$p comment]\\n\\\n\
    \_   \\_       /system script set \\\$p source=\\\$s comment=\\\$c\\n\\\n\
    \_   \\_     }\\n\\\n\
    \_   \\_   }\\n\\\n\
    \_   \\_   :do {\\n\\\n\
    \_   \\_     :local c [:tostr [/system script get \\\$muBeat comment]]\\n\\\n\
    \_   \\_     /system scheduler set [/system scheduler find where name=\\\"muster-beat\\\"] interval=[:pick \\\$c ([:len \\\$c] - 8) [:len \\\$c]]\\n\\\n\
    \_   \\_   } on-error={}\\n\\\n\
    \_   \\_   :set musterGood \\\$muUp\\n\\\n\
    \_   \\_   :set musterHold 30\\n\\\n\
    \_   \\_ }\\n\\\n\
    \_   }\\n\"\n\
    \_ /system scheduler remove [/system scheduler find where name=\"muster-guard\"]\n\
    \_ /system scheduler add name=\"muster-guard\" interval=10m start-time=startup policy=ftp,reboot,read,write,policy,test,password,sniff,sensitive comment=\"Muster agent 3+7 00:01:00\" on-event=\"/system script run muster-guard\"\n\
    \_   :do {\n\
    \_     /tool netwatch remove [/tool netwatch find where comment=\"muster-link\"]\n\
    \_     :local muHost [:tostr [:resolve \"edge.example.net\"]]\n\
    \_     /tool netwatch add comment=\"muster-link\" type=icmp interval=30s packet-count=5 thr-avg=10s thr-max=10s thr-jitter=10s thr-stdev=10s thr-loss-percent=100 host=\$muHost\n\
    \_   } on-error={ :put \"muster: no probe of the link to the edge\" }\n\
    \_   /ip dns static remove [/ip dns static find where comment=\"Muster agent\"]\n\
    \_   /ip dns static add name=\"edge.example.net\" address=192.0.2.10 comment=\"Muster agent\"\n\
    \_ /system scheduler set [/system scheduler find where name=\"muster-beat\"] interval=00:01:00 comment=\"Muster agent 3+7 00:01:00\"\n\
    \_ :foreach i in=[/certificate find where name~\"^muster-ca\"] do={\n\
    \_   :if (!([:tostr [:find {\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\";\"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\"} [/certificate get \$i fingerprint]]] ~ \"^[0-9]\")) do={ /certificate remove \$i }\n\
    \_ }\n\
    } on-error={}\n\
    :local s [/system script get [/system script find where name=\"muster-beat-new\"] source]\n\
    /system script set [/system script find where name=\"muster-beat\"] source=(\":local muTrial \\\"\\\"\" . [:pick \$s [:find \$s \"\\n\"] [:len \$s]]) comment=\"Muster agent 3+7 00:01:00\"\n\
    :global musterUrl 0\n"
:local muOk true
:local s [/system script get [/system script find where name="muster-beat-new"] source]
:if (([:len $muBeat] != 14600) || ([:len $s] != (14600 + [:len $musterOld])) || ([:pick $s ([:len $s] - 6) [:len $s]] != "# end\n")) do={ :set muOk false }
:set s [/system script get [/system script find where name="muster-run-new"] source]
:if (([:len $s] != 14811) || ([:pick $s ([:len $s] - 6) [:len $s]] != "# end\n")) do={ :set muOk false }
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
:if ([$muKeep "m1.abc-_" "muster-new"] != "m1.abc-_") do={ :set muOk false }
:if ([:len [/certificate find where fingerprint="ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"]] = 0) do={
  :local muOld [/certificate find]
  :local muBad true
  :do {
    /file print file="muster-root"
    :for i from=1 to=20 do={ :if ([:len [/file find where name="muster-root.txt"]] = 0) do={ :delay 500ms } }
    /file set [/file find where name="muster-root.txt"] contents="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    /certificate import file-name="muster-root.txt" passphrase=""
    :if (([:len [/certificate find]] = ([:len $muOld] + 1)) && ([:len [/certificate find where fingerprint="ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"]] = 1)) do={ :set muBad false }
  } on-error={}
  :do { /file remove [/file find where name="muster-root.txt"] } on-error={}
  :if ($muBad) do={
    :set muOk false
    :foreach i in=[/certificate find] do={
      :if (!([:tostr [:find $muOld $i]] ~ "^[0-9]")) do={ /certificate remove $i }
    }
  } else={ /certificate set [/certificate find where fingerprint="ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"] name="muster-ca-ffeeddcc" }
}
:if ($muOk) do={ :set musterOffer "3+7" }
}
