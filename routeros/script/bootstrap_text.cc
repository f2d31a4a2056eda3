#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

// Every character counts here: the line has to stay below 1,000 with a host name of 80. So it holds
// only what must happen before anything that the edge sends can be trusted; what the router lacks
// (policies, device-mode, space) is named by the installer before it changes anything, and a
// router that can't even fetch says so in its own words. It works in /certificate, where a bare
// `find`, `import` and `remove` mean certificates.
//
// The rule of one certificate: RouterOS imports and trusts every certificate of a file, so the
// store is compared with what it held before. Unless exactly one was added and it is the pinned
// one, all that was added is removed again, whatever the import said.
//
// The installer never raises once it has started, so that the loop repeats only a fetch that
// failed (an imported certificate isn't usable at once) or a file that isn't visible yet.
constexpr absl::string_view kLine =
    "{/certificate;:local u @URL@;:local f \"@PIN@\";:local b [find];:local o 0;"
    ":if ([:len [find fingerprint=$f]]=0) do={"
    "/tool fetch url=\"$u/ca.pem\" dst-path=mu.pem;"
    ":while ($o<9) do={:do {import file-name=mu.pem passphrase=\"\";:set o 9} "
    "on-error={:set o ($o+1);:delay 1s}};"
    "/file remove [find name=mu.pem];"
    ":if ([:len [find]]!=([:len $b]+1)||[:len [find fingerprint=$f]]!=1) do={"
    ":foreach i in=[find] do={:if (!(\"$[:find $b $i]\"~\"^[0-9]\")) do={remove $i}};"
    ":error \"wrong CA\"}};"
    ":local v [/system resource get version];:set o 0;"
    ":while ($o<5) do={:do {/tool fetch url=(\"$u/b/\".[:pick $v 0 [:find \"$v \" \" \"]]) "
    "http-header-field=\"Authorization:Claim @CLAIM@\" check-certificate=yes-without-crl "
    "dst-path=mu.rsc;/import mu.rsc;:set o 9} on-error={:set o ($o+1);:delay 2s}};"
    "/file remove [find name=mu.rsc];"
    ":if ($o<9) do={:error \"no installer\"}}";

}  // namespace

std::string BootstrapText(const BootstrapTerms& terms) {
  return Fill(
      kLine,
      {{"@URL@", QuoteString(terms.url)}, {"@PIN@", terms.root_sha256}, {"@CLAIM@", terms.claim}});
}

}  // namespace muster::routeros
