// Pieces of script that more than one of the agent's texts need; constants without a header of
// their own would drift apart.
//
// What they take for granted of RouterOS is a row of docs/assumptions.md each.
#pragma once

#include "absl/strings/string_view.h"

namespace muster::routeros {

// muKey: [$muKey "cpu" 12] gives `,"cpu":"12"`, or nothing for an empty value. Controls but
// line ends become spaces; bytes of any code page pass, since the edge repairs them. Where :find
// finds nothing it gives nil, or -1 on early versions: neither is text that begins with a digit.
// `:for` counts down where `to` is below `from`, so an empty text never enters it. A local function
// sees no local of its caller.
inline constexpr absl::string_view kKeyFunction = R"rsc(:local muKey do={
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
)rsc";

// muGet: [$muGet "/system identity get name"] gives the value, or "" where this router lacks the
// menu or the property. What is asked for is parsed at run time, so that a missing menu can't
// keep the whole script from loading.
inline constexpr absl::string_view kGetFunction = R"rsc(:local muGet do={
  :local r ""
  :do {
    :local f [:parse (":return [" . $1 . "]")]
    :set r [$f]
  } on-error={}
  :return $r
}
)rsc";

// muToken: the first of @NAMES@ that holds something: a token or, before it came, "n" and the
// nonce; needs muGet. It lies in the password of a disabled /ppp secret, which /export hides on v7,
// or, where that menu is missing, behind the "#" in the source of a script.
inline constexpr absl::string_view kReadToken = R"rsc(:local muToken ""
:foreach muName in=@NAMES@ do={
  :if ([:len $muToken] = 0) do={ :set muToken [:tostr [$muGet ("/ppp secret get [find where name=\"" . $muName . "\"] password")]] }
  :if ([:len $muToken] = 0) do={
    :local muSource [:tostr [$muGet ("/system script get [find where name=\"" . $muName . "-token\"] source")]]
    :if ([:len $muSource] > 1) do={ :set muToken [:pick $muSource 1 [:len $muSource]] }
  }
}
)rsc";

// muKeep: [$muKeep TEXT "muster"] stores a token (or the nonce until there is one) under that name
// and gives back what a later read will give. Tokens and nonces hold nothing that needs an escape.
inline constexpr absl::string_view kKeepFunction = R"rsc(:local muKeep do={
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
)rsc";

// muPost: [$muPost URL HEADERS BODY] gives the reply's text or raises. From 7.18 fetch follows
// redirects unless told not to, with the token; older versions don't know the argument. Whether
// parsed code takes arguments is tried first: where it doesn't, the plain form serves. @TRIES@ are
// the arguments to try, each better than the one before.
inline constexpr absl::string_view kPostFunction = R"rsc(:local muPost do={
  :local r [/tool fetch url=$1 http-method=post http-header-field=$2 http-data=$3 check-certificate=yes-without-crl output=user as-value]
  :return [:tostr ($r->"data")]
}
@TRIES@)rsc";
inline constexpr absl::string_view kPostTry = R"rsc(:do {
  :local f [:parse ":local r [/tool fetch url=\$1 http-method=post http-header-field=\$2 http-data=\$3 check-certificate=yes-without-crl output=user as-value@ARGUMENTS@]; :return [:tostr (\$r->\"data\")]"]
  :local t [:parse ":return \$1"]
  :if ([$t "x"] = "x") do={ :set muPost $f }
} on-error={}
)rsc";

// muFrom: [$muFrom "url=… …"] is a checked GET, without redirects as above; its arguments must need
// no escape.
inline constexpr absl::string_view kFromFunction = R"rsc(:local muFrom do={
  :local c ("/tool fetch check-certificate=yes-without-crl " . $1)
  :local f ""
  @PARSE@
  :local r [$f]
  :return $r
}
)rsc";

// muUrl, muIndex: where to post; the index moves on when a post fails, and stays where one works.
inline constexpr absl::string_view kPickUrl = R"rsc(:global musterUrl
:local muUrls @URLS@
:local muIndex 0
:if ([:typeof $musterUrl] = "num") do={ :set muIndex $musterUrl }
:if ($muIndex >= [:len $muUrls]) do={ :set muIndex 0 }
:local muUrl [:pick $muUrls $muIndex]
)rsc";

// muFacts: what a router is, the same in a heartbeat and in an enrolment.
inline constexpr absl::string_view kFacts =
    R"rsc(:local muFacts [$muKey "id" [$muGet "/system identity get name"]]
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
)rsc";

// muFormats: what this agent decodes. The hex form needs :convert (7.11).
inline constexpr absl::string_view kFormats = R"rsc(:local muFormats "esc"
:if ([$muGet ":convert from=hex to=raw \"6d75\""] = "mu") do={ :set muFormats "hex,esc" }
)rsc";

}  // namespace muster::routeros
