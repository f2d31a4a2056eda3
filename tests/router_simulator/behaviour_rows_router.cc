// Rows about what surrounds a script: network, certificates, flash, scheduler, versions, imports.
#include "absl/strings/str_cat.h"
#include "tests/router_simulator/behaviour_table.h"
#include "tests/router_simulator/test_certificates.h"

namespace muster::simulator {
namespace {

constexpr absl::string_view kManual = "MikroTik manual";
constexpr absl::string_view kTree = "command trees 7.9 to 7.24";
constexpr absl::string_view kDigest = "changelog digest";
constexpr absl::string_view kField = "public scripts tested on hardware";
constexpr absl::string_view kGuess = "unverified";

}  // namespace

const std::vector<BehaviourFile>& BehaviourFiles() {
  static const auto* const kFiles = new std::vector<BehaviourFile>{
      {"/ok", "ok"},
      {"/big", std::string(70'000, 'x')},
      {"/bad.rsc", ":put one\n:nonsense\n:put two\n"},
      {"/a.pem", std::string(kRootA)},
      {"/ab.pem", absl::StrCat(kRootA, kRootB)},
  };
  return *kFiles;
}

std::vector<Behaviour> NetworkRows() {
  return {
      {8, "output=user gives the body", "",
       ":put ([/tool fetch url=\"@URL@/ok\" output=user as-value]->\"data\")", "ok", kManual, true},
      {8, "a status other than 2xx raises", "",
       ":do { /tool fetch url=\"@URL@/none\" output=none } on-error={ :put raised }", "raised",
       kManual, true},
      {8, "the words of v6 for a status", "6.49.10", "/tool fetch url=\"@URL@/none\" output=none",
       "ERROR failure: closing connection: <404 Not Found> @HOST@ (4)", kField, true},
      {8, "the words of v7 for a status", "7.8,7.12.2,7.15.3,7.20.8",
       "/tool fetch url=\"@URL@/none\" output=none",
       "ERROR failure: Fetch failed with status 404 (/tool/fetch; line 1)", kField, true},
      {8, "the words of 7.22 for a status", "7.22.3", "/tool fetch url=\"@URL@/none\" output=none",
       "ERROR failure: Status 404, NOT FOUND", kDigest, true},
      {8, "a connection that is refused raises", "",
       ":do { /tool fetch url=\"http://127.0.0.1:1/\" output=none } on-error={ :put raised }",
       "raised", kManual, true},
      {8, "v7 cuts what goes into a variable at 64,512 bytes", "7.1,7.8,7.12.2,7.15.3,7.20.8",
       ":put [:len ([/tool fetch url=\"@URL@/big\" output=user as-value]->\"data\")]", "64512",
       kManual, true},
      {8, "v6 cuts what goes into a variable at 4,096 bytes", "6.49.10",
       ":put [:len ([/tool fetch url=\"@URL@/big\" output=user as-value]->\"data\")]", "4096",
       kGuess, false, "v6-reply-whole", "64512"},
      {8, "a failure writes one line into the log", "",
       ":local a [:len [/log find where topics~\"fetch\"]]; "
       ":do { /tool fetch url=\"@URL@/none\" output=none } on-error={}; :delay 1s; "
       ":put ([:len [/log find where topics~\"fetch\"]] - $a)",
       "1", kField, true},
      {8, "a fetch without policy ftp is refused from 7.13 on", "7.13.5,7.20.8",
       "/tool fetch url=\"@URL@/ok\" output=none", "ERROR not enough permissions (9)", kDigest,
       true, "", "", "", "without ftp"},
      {8, "and was not before", "6.49.10,7.12.2",
       ":put ([/tool fetch url=\"@URL@/ok\" output=user as-value]->\"data\")", "ok", kDigest, true,
       "", "", "", "without ftp"},
      {9, "an import takes every certificate of a file", "",
       "/tool fetch url=\"@URL@/ab.pem\" dst-path=mu.pem as-value; :delay 1s; "
       ":execute \"/certificate import file-name=mu.pem passphrase=\\\"\\\"\"; :delay 2s; "
       ":put [:len [/certificate find where common-name~\"^Muster test\"]]",
       "2", kField, true},
      {9, "and trusts it", "",
       "/tool fetch url=\"@URL@/a.pem\" dst-path=mu.pem as-value; :delay 1s; "
       ":execute \"/certificate import file-name=mu.pem passphrase=\\\"\\\"\"; :delay 2s; "
       ":put [/certificate get [find where common-name=\"Muster test root A\"] trusted]",
       "true", kField, true},
      {9, "the same twice is one", "",
       "/tool fetch url=\"@URL@/a.pem\" dst-path=mu.pem as-value; :delay 1s; "
       ":for i from=1 to=2 do={ :execute \"/certificate import file-name=mu.pem "
       "passphrase=\\\"\\\"\"; :delay 2s }; "
       ":put [:len [/certificate find where common-name~\"^Muster test\"]]",
       "1", kField, true},
      {9, "a fingerprint is the lower-case SHA-256", "",
       "/tool fetch url=\"@URL@/a.pem\" dst-path=mu.pem as-value; :delay 1s; "
       ":execute \"/certificate import file-name=mu.pem passphrase=\\\"\\\"\"; :delay 2s; "
       ":put [:len [/certificate find where fingerprint=\"81c9697cf3269e10ff89d6618e901e64ce734b4d"
       "757435f0c3a5b14e174f9ca4\"]]",
       "1", kField, true},
      {9, "a file without a certificate adds none", "",
       "/tool fetch url=\"@URL@/ok\" dst-path=mu.pem as-value; :delay 1s; "
       ":execute \"/certificate import file-name=mu.pem passphrase=\\\"\\\"\"; :delay 2s; "
       ":put [:len [/certificate find where common-name~\"^Muster test\"]]",
       "0", kField, true},
      {9, "a backup does not bring certificates back", "",
       ":put [:len [/certificate find where common-name~\"^Muster test\"]]", "0", kManual, true, "",
       "",
       "/tool fetch url=\"@URL@/a.pem\" dst-path=mu.pem as-value; "
       "/certificate import file-name=mu.pem passphrase=\"\"",
       "spare"},
      {14, "device-mode home refuses fetch", "7.18.2,7.20.8",
       "/tool fetch url=\"@URL@/ok\" output=none", "ERROR failure: not allowed by device-mode",
       kManual, true, "", "", "", "device-mode home"},
      {15, "an import runs line by line until one is wrong", "",
       "/tool fetch url=\"@URL@/bad.rsc\" dst-path=mu-bad.rsc as-value; :delay 1s; "
       ":do { /import file-name=mu-bad.rsc } on-error={ :put raised }",
       "one|raised", kGuess, false, "import-whole", "raised"},
      {15, "and with verbose=yes", "7.1,7.8,7.12.2,7.15.3,7.20.8",
       "/tool fetch url=\"@URL@/bad.rsc\" dst-path=mu-bad.rsc as-value; :delay 1s; "
       ":do { /import file-name=mu-bad.rsc verbose=yes } on-error={ :put raised }",
       "one|raised", kManual, true},
  };
}

std::vector<Behaviour> LifeRows() {
  return {
      {2, "globals are lost at a reboot", "", ":global muG; :put [:typeof $muG]", "nothing",
       kManual, true, "", "", ":global muG 5", "reboot"},
      {10, "a change stays over a reboot", "", ":put [/system note get note]", "late", kManual,
       true, "", "", "/system note set note=late", "reboot"},
      {10, "a power loss takes back what the flash had not taken", "",
       ":put [/system note get note]", "", kGuess, false, "flash-at-once", "late",
       "/system note set note=late", "wait 10;power-loss"},
      {10, "and leaves what is older", "", ":put [/system note get note]", "late", kGuess, false,
       "flash-at-once", "late", "/system note set note=late", "wait 60;power-loss"},
      {10, "a backup brings the old text back", "", ":put [/system note get note]", "", kManual,
       true, "", "", "/system note set note=late", "restore"},
      {10, "safe mode brings it back without a reboot", "",
       ":global muG; :put ([/system note get note] . $muG)", "5", kManual, true, "", "",
       "/system note set note=late; :global muG 5", "rollback"},
      {10, "a full flash refuses files", "",
       ":do { /tool fetch url=\"@URL@/ok\" dst-path=mu-ok as-value; :put written } "
       "on-error={ :put raised }",
       "raised", kGuess, false, "full-flash-is-silent", "written", "", "full-flash"},
      {11, "start-time=startup fires one interval later", "",
       "/system scheduler add name=mu-t interval=10s start-time=startup "
       "on-event=\":global muN; :set muN 1\"; :delay 8s; :global muN; :put [:typeof $muN]; "
       ":delay 4s; :put [:typeof $muN]",
       "nothing|num", kManual, true},
      {11, "a second run starts while the first runs", "",
       "/system script add name=mu-slow source=\":delay 60s\"; "
       "/system scheduler add name=mu-t interval=2s on-event=\"/system script run mu-slow\"; "
       ":delay 7s; :put ([:len [/system script job find where script=\"mu-slow\"]] > 1)",
       "true", kManual, true},
      {11, "a scheduler with fewer policies than the script does not run it", "",
       "/system script add name=mu-strong policy=read,write source=\":global muN; :set muN 1\"; "
       "/system scheduler add name=mu-t interval=2s policy=read "
       "on-event=\"/system script run mu-strong\"; :delay 5s; :global muN; :put [:typeof $muN]",
       "nothing", kManual, true},
      {11, "which is logged on current versions", "7.18.2,7.20.8",
       "/system script add name=mu-strong policy=read,write source=\":put 1\"; "
       "/system scheduler add name=mu-t interval=2s policy=read "
       "on-event=\"/system script run mu-strong\"; :delay 5s; "
       ":put ([:len [/log find where message~\"not enough permissions\"]] > 0)",
       "true", kField, true},
      {11, "an entry whose owner is gone does not run", "",
       ":delay 5s; :global muN; :put [:typeof $muN]", "nothing", kGuess, false,
       "ownerless-entries-run", "num",
       "/system scheduler add name=mu-t interval=2s on-event=\":global muN; :set muN 1\"",
       "no-owner"},
      {11, "a clock that jumps ahead fires nothing early", "",
       ":delay 1s; :global muN; :put [:typeof $muN]", "nothing", kGuess, false, "clock-jump-fires",
       "num", "/system scheduler add name=mu-t interval=1h on-event=\":global muN; :set muN 1\"",
       "clock-ahead"},
      {14, "a CHR has no routerboard menu", "7.12.2,7.20.8",
       ":put [/system routerboard get serial-number]", "REFUSED", kTree, true, "", "", "", "chr"},
      {14, "an upgrade keeps the scripts", "6.49.10,7.8,7.12.2,7.15.3,7.20.8",
       "/system script run mu-a", "kept", kManual, true, "", "",
       "/system script add name=mu-a source=\":put kept\"", "upgrade 7.22.3"},
      {14, "a script with newer words does not run after a downgrade", "7.12.2,7.20.8",
       ":do { /system script run mu-a } on-error={ :put raised }", "raised", kField, true, "", "",
       "/system script add name=mu-a source=\":put [:convert to=hex \\\"A\\\"]\"", "upgrade 7.8"},
      {15, "netinstall leaves nothing", "", ":put [:len [/system script find]]", "0", kManual, true,
       "", "", "/system script add name=mu-a source=\"\"", "netinstall"},
      {15, "a backup runs on another board, with the other board's serial", "",
       ":put [/system script get mu-a source]; :put [/system routerboard get serial-number]",
       "kept|SPARE", kManual, true, "", "", "/system script add name=mu-a source=kept", "spare"},
  };
}

}  // namespace muster::simulator
