#include "tests/real-router/behaviour_script.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "routeros/script/quoting.h"
#include "routeros/script/version.h"

namespace muster::simulator {
namespace {

using routeros::CompareVersions;
using routeros::FamilyOf;
using routeros::Version;

constexpr absl::string_view kEachFamily = "6.49.10,7.1,7.11,7.13,7.17";

bool SameFamily(const Version& left, const Version& right) {
  const auto one = FamilyOf(left);
  const auto other = FamilyOf(right);
  return one.ok() && other.ok() && *one == *other;
}

bool AtLeast(const Version& version, int major, int minor) {
  return version.major > major || (version.major == major && version.minor >= minor);
}

// What rows leave behind. Menus that a board may lack are named inside of :parse only.
constexpr absl::string_view kClean = R"(:global muClean do={
:foreach text in={"/system scheduler remove [find where name~\"^mu-\"]";"/system script remove [find where name~\"^(a|mu-.*)\\\$\"]";"/ip address remove [find where address=10.0.0.1/24]";"/ip firewall filter remove [find where comment~\"^(one|two)\\\$\"]";"/ip firewall filter remove [find where chain=input comment=\"\" src-address=\"\"]";"/tool netwatch remove [find where host=1.1.1.1]";"/ppp secret remove [find where name=a]";"/certificate remove [find where common-name~\"^Muster test\"]";"/file remove [find where name~\"^mu[.-]\"]";"/interface set [find where comment=x] comment=\"\"";":global muN; :set muN";":global g; :set g"} do={
:do { :local code [:parse $text]; $code } on-error={}
}
})";

constexpr absl::string_view kJudge = R"(:global muJudge do={
:global muSame
:global muDiffers
:local out $4
:local line ""
:if ([:len $out] > 0) do={
:for i from=0 to=([:len $out] - 1) do={
:local c [:pick $out $i]
:if ($c = "\n") do={ :set line ($line . "|") } else={ :if ($c != "\r") do={ :set line ($line . $c) } }
}
}
:while ([:len $line] > 0 && [:pick $line ([:len $line] - 1)] = "|") do={ :set line [:pick $line 0 ([:len $line] - 1)] }
:local at [:find $line "ERROR"]
:if ([:typeof $at] = "num") do={ :set line [:pick $line $at [:len $line]] }
:if ($line = $2) do={ :set muSame ($muSame + 1); :put ($1 . " same") } else={ :set muDiffers ($muDiffers + 1); :put ($1 . " DIFFERS: the table says '" . $2 . "', the router '" . $line . "': " . $3) }
})";

// muRow NUMBER EXPECTED NAME TEXT WRAPPED
constexpr absl::string_view kRowAsString = R"(:global muRow do={
:global muJudge
:global muClean
:local out "REFUSED"
:local loads true
:do { :local code [:parse $4] } on-error={ :set loads false }
:if ($loads) do={ :set out [:execute script=$5 as-string] }
$muJudge $1 $2 $3 $out
$muClean
})";

// Before 7.8 the output goes by way of a file.
constexpr absl::string_view kRowByFile = R"(:global muRow do={
:global muJudge
:global muClean
:local out "REFUSED"
:local loads true
:do { :local code [:parse $4] } on-error={ :set loads false }
:if ($loads) do={
:local job [:execute script=$5 file="mu-out"]
:local waited 0
:while ([:len [/system script job find where .id=$job]] > 0 && $waited < 90) do={ :delay 1s; :set waited ($waited + 1) }
:delay 1s
:set out [/file get [find where name="mu-out.txt"] contents]
}
$muJudge $1 $2 $3 $out
$muClean
})";

// The row's text, its error caught and printed; on the first line, so that lines stay as they are.
std::string Wrapped(const Version& version, absl::string_view text) {
  if (AtLeast(version, 7, 13)) {
    return absl::StrCat(":onerror muError in={", text, "\n} do={ :put (\"ERROR \" . $muError) }");
  }
  return absl::StrCat(":do {", text, "\n} on-error={ :put \"ERROR\" }");
}

// Before 7.13 a script learns that something failed, not why.
std::string Expected(const Version& version, absl::string_view expected) {
  if (!AtLeast(version, 7, 13) && expected.substr(0, 6) == "ERROR ") return "ERROR";
  return std::string(expected);
}

}  // namespace

bool Applies(const Behaviour& row, absl::string_view version) {
  const auto wanted = routeros::ParseVersion(version);
  if (!wanted.ok()) return false;
  const absl::string_view listed = row.versions.empty() ? kEachFamily : row.versions;
  std::optional<Version> nearest;
  for (const absl::string_view text : absl::StrSplit(listed, ',')) {
    const bool border = absl::StartsWith(text, "<");
    const auto one = routeros::ParseVersion(absl::StripPrefix(text, "<"));
    if (!one.ok()) return false;
    const bool reached = CompareVersions(*one, *wanted) <= 0;
    if (border && reached) return false;
    if (!border && reached) nearest = *one;
  }
  return nearest && SameFamily(*nearest, *wanted);
}

absl::StatusOr<std::string> BehaviourScript(absl::string_view version, absl::string_view url) {
  const auto parsed = routeros::ParseVersion(version);
  if (!parsed.ok()) return parsed.status();
  const absl::string_view host = absl::StripPrefix(url, "http://");
  const auto with_server = [&](absl::string_view text) {
    return absl::StrReplaceAll(text, {{"@URL@", url}, {"@HOST@", host}});
  };
  std::string script = absl::StrCat("# What RouterOS ", version, " does, row by row\n",
                                    ":global muSame 0\n:global muDiffers 0\n", kClean, "\n", kJudge,
                                    "\n", AtLeast(*parsed, 7, 8) ? kRowAsString : kRowByFile, "\n");
  std::string by_hand;
  int number = 0;
  for (const Behaviour& row : BehaviourTable()) {
    ++number;
    if (!Applies(row, version)) continue;
    if (!row.act.empty()) {
      absl::StrAppend(&by_hand, "# ", number, " by hand: ", row.act, ": ", row.name, "\n");
      continue;
    }
    const std::string text = with_server(row.input);
    absl::StrAppend(&script, ":global muRow; $muRow ", number, " ",
                    routeros::QuoteString(Expected(*parsed, with_server(row.expected))), " ",
                    routeros::QuoteString(row.name), " ", routeros::QuoteString(text), " ",
                    routeros::QuoteString(Wrapped(*parsed, text)), "\n");
  }
  absl::StrAppend(&script,
                  ":global muSame; :global muDiffers; :put (\"muster: \" . $muSame . \" rows are "
                  "as the table says, \" . "
                  "$muDiffers . \" differ\")\n",
                  by_hand);
  return script;
}

}  // namespace muster::simulator
