// The line to paste. It is all that a router has when nothing can be trusted yet: it brings the pin
// of the router root, and nothing that the network says counts before that root is in the store.
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
constexpr absl::string_view kLine =
    "{/certificate;:local u @URL@;:local f \"@PIN@\";:local b [:len [find]];:local n 0;"
    ":do {:set n [[:parse \":return [/system device-mode get fetch]\"]]} on-error={};"
    ":if (\"$n\"~\"f|n\") do={:error \"device-mode\"};:set n 0;"
    ":while ($n<150) do={:do {:if ([:len [find fingerprint=$f]]=0) do={"
    "/tool fetch url=\"$u/ca.pem\" dst-path=mu.pem;:if ($n<146) do={:set n 146};"
    ":do {import file-name=mu.pem passphrase=\"\"} on-error={};"
    ":if ([:len [find]]!=($b+1)||[:len [find fingerprint=$f]]!=1) do={"
    "remove [find name~\"^mu.pem_\"];:error 1}};"
    "/tool fetch url=\"$u/b/$[/system package update get installed-version]\" "
    "http-header-field=\"Authorization:Claim @CLAIM@\" check-certificate=yes-without-crl "
    "dst-path=mu.rsc;/import mu.rsc;:set n 999} on-error={:set n ($n+1);:delay 3s}};"
    "/file remove [find name~\"^mu.(pem|rsc)\"];"
    ":if ($n<999) do={:error \"no answer\"}}";

}  // namespace

// The URL was checked to need no escape; it is quoted all the same, as every text is.
std::string BootstrapText(const BootstrapTerms& terms) {
  return Fill(
      kLine,
      {{"@URL@", QuoteString(terms.url)}, {"@PIN@", terms.root_sha256}, {"@CLAIM@", terms.claim}});
}

}  // namespace muster::routeros
