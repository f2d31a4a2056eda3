// The line to paste. It is all that a router has when nothing can be trusted yet: it brings the pin
// of the router root, and nothing that the network says counts before that root is in the store.
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

// Every character counts here: the line has to stay below 1,000 with a host name of 80. So it holds
// only what must happen before anything that the edge sends can be trusted. Of what a router may
// lack it names one thing itself, device-mode without fetch, since the line would else wait for an
// answer that can't come; policies, free space and the rest are named by the installer, which then
// takes the router root away again and leaves nothing behind. It works in /certificate, where a
// bare `find`, `import` and `remove` mean certificates.
//
// Waiting: a try every 3 s, 150 of them while nothing answers (an uplink that comes up late, where
// the line is used in provisioning), but four once /ca.pem was there: an imported certificate isn't
// usable at once, and a refused claim should be told soon.
//
// The rule of one certificate: RouterOS imports and trusts every certificate of a file, so the
// store is counted before and after. Unless exactly one was added and it is the pinned one, all
// that was added (RouterOS names it after the file: mu.pem_0, mu.pem_1) is removed again, whatever
// the import said.
//
// The installer never raises once it has started, so that the loop repeats only a fetch that
// failed or a file that isn't visible yet.
constexpr absl::string_view kCheck =
    ":do {:set n [[:parse \":return [/system device-mode get fetch]\"]]} on-error={};"
    ":if (\"$n\"~\"f|n\") do={:error \"device-mode\"};:set n 0;";

constexpr absl::string_view kLine =
    "/certificate;:local u @URL@;:local f \"@PIN@\";:local b [:len [find]];:local n 0;@CHECK@"
    ":while ($n<150) do={:do {:if ([:len [find fingerprint=$f]]=0) do={"
    "/tool fetch url=\"$u/ca.pem\" dst-path=mu.pem;:if ($n<146) do={:set n 146};"
    ":do {import file-name=mu.pem passphrase=\"\"} on-error={};"
    ":if ([:len [find]]!=($b+1)||[:len [find fingerprint=$f]]!=1) do={"
    "remove [find name~\"^mu.pem_\"];:error 1}};"
    "/tool fetch url=\"$u/b/$[/system package update get installed-version]\" "
    "http-header-field=\"Authorization:Claim @CLAIM@\" check-certificate=yes-without-crl "
    "dst-path=mu.rsc;/import mu.rsc;:set n 999} on-error={:set n ($n+1);:delay 3s}};"
    "/file remove [find name~\"^mu.(pem|rsc)\"]";

// What the line says where it ends without an installer.
constexpr absl::string_view kPasted = "{@LINE@;:if ($n<999) do={:error \"no answer\"}}";

// The line that waits. It waits in the background: what runs after a reset has two minutes at most
// (manual, Configuration Management: "runtime limit exceeded"), and neither a terminal nor a tool
// that goes from router to router should be held up. Nobody sees what it says there, so it has
// neither the check nor the last word; `/log` names each fetch that failed.
//
// How long: 6.x has no random, so it is the last two bytes of the first port's MAC address, times a
// factor, modulo a prime. Boards of one batch have addresses in equal steps (their count of ports);
// a prime keeps those apart whatever the step, and the factor lets a dozen of them fill the whole
// interval. A router without an Ethernet port doesn't wait.
constexpr absl::string_view kSpread =
    ":put \"joins within @TIME@\";:execute script={/interface ethernet;"
    ":do {:local m [get ([find]->0) mac-address];"
    ":delay (([:tonum \"0x$[:pick $m 12 14]$[:pick $m 15 17]\"]*@FACTOR@)%@PRIME@)} on-error={};"
    "@LINE@}";

// In ten-thousandths of the prime. Of 12 addresses in steps of 1 to 26 none leaves a fifth of the
// interval empty.
constexpr int64_t kFactor = 2871;

bool IsPrime(int64_t number) {
  for (int64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return number > 1;
}

// `spread` is at least 10 s, so there is one.
int64_t LargestPrimeWithin(absl::Duration spread) {
  int64_t seconds = absl::ToInt64Seconds(spread);
  while (!IsPrime(seconds)) --seconds;
  return seconds;
}

}  // namespace

// The URL was checked to need no escape; it is quoted all the same, as every text is.
std::string BootstrapText(const BootstrapTerms& terms) {
  const bool spread = terms.spread > absl::ZeroDuration();
  const std::string line = Fill(kLine, {{"@CHECK@", spread ? "" : std::string(kCheck)},
                                        {"@URL@", QuoteString(terms.url)},
                                        {"@PIN@", terms.root_sha256},
                                        {"@CLAIM@", terms.claim}});
  if (!spread) return Fill(kPasted, {{"@LINE@", line}});
  const int64_t prime = LargestPrimeWithin(terms.spread);
  return Fill(kSpread, {{"@TIME@", absl::FormatDuration(terms.spread)},
                        {"@FACTOR@", absl::StrCat(prime * kFactor / 10'000)},
                        {"@PRIME@", absl::StrCat(prime)},
                        {"@LINE@", line}});
}

}  // namespace muster::routeros
