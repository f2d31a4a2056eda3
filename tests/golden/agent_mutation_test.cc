// Mistakes planted in the agent's text: a short life on a router must bring out each of them.
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "routeros/script/agent.h"
#include "routeros/script/quoting.h"
#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

constexpr uint64_t kFirst = 1'763'805'433'000'000;
using routeros::ResultStatus;

#define COMPLAIN_UNLESS(condition) \
  if (!(condition)) return #condition

// Jobs of each kind; what the agent should have done and didn't, or nothing.
std::string JobComplaint(RouterWithEdge& world) {
  const struct {
    const char* script;
    ResultStatus status;
    const char* output;
  } jobs[] = {
      {":put \"a\\\"b\\\\c\"", ResultStatus::kOk, "a\"b\\c"},
      {"/system note set note=first", ResultStatus::kOk, ""},
      {":put x; :error broken", ResultStatus::kFailed, ""},
      {"}\n/system note set note=stray\n{", ResultStatus::kFailed, ""},
      {"/no such", ResultStatus::kFailed, ""},
      {":global musterOut \"asked\\nfor\"", ResultStatus::kOk, "asked\nfor"},
      {":global musterPhase; :set musterPhase \"ok\"; :error faked", ResultStatus::kFailed, ""},
      {":global musterWrap; :global musterPhase; :local p [:find $musterWrap \"muCode\\n:set\"]; "
       ":set musterPhase [:pick $musterWrap ($p + 25) ($p + 41)]; :error stolen",
       ResultStatus::kFailed, ""},
      {"/system scheduler add name=once disabled=yes", ResultStatus::kOk, ""},
  };
  uint64_t number = kFirst;
  for (const auto& job : jobs) {
    world.edge.Queue(++number, job.script);
    const auto* result = world.Await(number, absl::Seconds(40));
    COMPLAIN_UNLESS(result != nullptr);
    COMPLAIN_UNLESS(result->status == job.status);
    COMPLAIN_UNLESS(
        result->phase ==
        (std::string(job.script) == "/no such" || job.script[0] == '}' ? "parse" : "run"));
    const bool returns = world.options.version.AtLeast(7, 8) || job.script[1] == 'g';
    COMPLAIN_UNLESS(!returns || absl::StrContains(result->output, job.output));
    COMPLAIN_UNLESS(returns || result->output.empty());
  }
  COMPLAIN_UNLESS(world.router().Show("/system/note", "", "note") == "first");
  world.router().RunFor(absl::Seconds(5));
  COMPLAIN_UNLESS(world.edge.beats.back().last_number == number);
  COMPLAIN_UNLESS(world.edge.beats.back().running_number == 0);
  return "";
}

// What must not start anything.
std::string StaleComplaint(RouterWithEdge& world) {
  const size_t results = world.edge.results.size();
  const auto format = world.edge.beats.back().facts.format_hex ? routeros::PayloadFormat::kHex
                                                               : routeros::PayloadFormat::kEscaped;
  const std::string script = "/system note set note=stale";
  const uint64_t last = world.edge.beats.back().last_number;
  const std::string fresh = routeros::JobReply(last + 9, script, format);
  world.edge.raw_replies = {routeros::JobReply(last, script, format),
                            routeros::JobReply(last - 1, script, format),
                            fresh.substr(0, fresh.size() - 1),
                            absl::StrCat(fresh.substr(0, fresh.size() - 7), "."),
                            absl::StrCat(fresh.substr(0, fresh.size() - 1), "x"),
                            absl::StrReplaceAll(fresh, {{"J", "K"}})};
  world.router().RunFor(absl::Minutes(4));
  COMPLAIN_UNLESS(world.edge.raw_replies.empty());
  COMPLAIN_UNLESS(world.router().Show("/system/note", "", "note") == "first");
  COMPLAIN_UNLESS(world.edge.results.size() == results);
  return "";
}

std::string TroubleComplaint(RouterWithEdge& world) {
  FakeEdge& edge = world.edge;
  edge.refuse_results = 2;
  edge.odd_acknowledgements = 2;
  const uint64_t number = edge.beats.back().last_number + 1;
  edge.Queue(number, ":delay 65s; :put 1");
  world.router().RunFor(absl::Seconds(62));
  COMPLAIN_UNLESS(edge.beats.back().running_number == number);
  COMPLAIN_UNLESS(edge.beats.back().running_seconds.value_or(0) > 10);
  COMPLAIN_UNLESS(world.Await(number, absl::Minutes(3)) != nullptr);
  world.router().config().Settings("/system/identity").values["name"] =
      simulator::Value::String("a\"b\\c\nd");
  world.router().RunFor(absl::Seconds(40));
  COMPLAIN_UNLESS(edge.beats.back().facts.identity.substr(0, 5) == "a\"b\\c");
  edge.away = true;
  edge.attempts = 0;
  world.router().RunFor(absl::Minutes(30));
  COMPLAIN_UNLESS(edge.attempts >= 8 && edge.attempts <= 14);
  edge.away = false;
  world.router().RunFor(absl::Minutes(6));
  COMPLAIN_UNLESS(world.router().Run("/certificate remove [find]").ok);
  edge.ca_body = absl::StrCat(kForeignPem, kRootPem);
  world.router().RunFor(absl::Minutes(2));
  COMPLAIN_UNLESS(world.Certificates() == 0);
  edge.ca_body = kRootPem;
  edge.beats.clear();
  world.router().RunFor(absl::Minutes(2));
  COMPLAIN_UNLESS(world.Certificates() == 1);
  COMPLAIN_UNLESS(!edge.beats.empty());
  const std::string boot = edge.beats.back().boot;
  world.router().Reboot(simulator::PowerDown::kClean);
  world.router().RunFor(absl::Seconds(65));
  COMPLAIN_UNLESS(!boot.empty() && edge.beats.back().boot != boot);
  return "";
}

// Pauses, fast beats, stopping, parts, the second URL.
std::string VerbComplaint(RouterWithEdge& world) {
  FakeEdge& edge = world.edge;
  edge.raw_replies = {"W7200", "W240"};
  world.router().RunFor(absl::Seconds(65));
  edge.beats.clear();
  world.router().RunFor(absl::Seconds(270));
  COMPLAIN_UNLESS(!edge.beats.empty() && edge.beats.front().skipped_beats.value_or(0) == 7);
  edge.raw_replies = {"F60"};
  world.router().RunFor(absl::Seconds(31));
  edge.beats.clear();
  world.router().RunFor(absl::Seconds(20));
  COMPLAIN_UNLESS(edge.beats.size() >= 7 && edge.beats.size() <= 12);
  world.router().RunFor(absl::Seconds(60));
  const uint64_t number = edge.beats.back().last_number + 1;
  edge.Queue(number, ":delay 1h");
  world.router().RunFor(absl::Seconds(35));
  edge.raw_replies = {routeros::StopReply(number + 1)};
  world.router().RunFor(absl::Seconds(35));
  COMPLAIN_UNLESS(edge.Result(number) == nullptr);
  edge.raw_replies = {routeros::StopReply(number)};
  COMPLAIN_UNLESS(world.Await(number, absl::Seconds(90)) != nullptr);
  COMPLAIN_UNLESS(edge.Result(number)->error == "stopped");
  edge.always_in_parts = true;
  std::string script(13'000, '\n');
  script += "/system note set note=parts";
  int failures = 1;
  edge.change_part = [&](std::string text) {
    if (failures-- > 0) text[40] = text[40] == '3' ? '4' : '3';
    return text;
  };
  edge.Queue(number + 1, script);
  const auto* result = world.Await(number + 1, absl::Minutes(3));
  COMPLAIN_UNLESS(result != nullptr && result->status == ResultStatus::kOk);
  COMPLAIN_UNLESS(world.router().Show("/system/note", "", "note") == "parts");
  edge.change_part = [&](std::string text) {
    text[40] = text[40] == '3' ? '4' : '3';
    return text;
  };
  edge.Queue(number + 2, script);
  result = world.Await(number + 2, absl::Minutes(5));
  COMPLAIN_UNLESS(result != nullptr && result->status == ResultStatus::kRefused);
  edge.always_in_parts = false;
  edge.change_part = nullptr;
  return "";
}

// A renewal that is bad, one that is good, and one that falls silent.
std::string UpdateComplaint(RouterWithEdge& world,
                            const std::function<std::string(std::string)>& change) {
  FakeEdge& edge = world.edge;
  routeros::AgentTerms offer;
  offer.urls = {FakeEdge::kUrl, "https://second.example.net"};
  offer.root_sha256 = kRootSha256;
  offer.profile = routeros::Profile::kSlow;
  offer.generation = 1;
  offer.token = "m1.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
  edge.offer = offer;
  edge.change_agent = [](std::string text) {
    return absl::StrReplaceAll(text, {{"/v1/heartbeat", "/v1/heartbeax"}});
  };
  world.router().RunFor(absl::Minutes(6));
  COMPLAIN_UNLESS(edge.agent_fetches == 1);
  COMPLAIN_UNLESS(edge.beats.back().facts.agent_version == routeros::AgentVersion());
  COMPLAIN_UNLESS(!world.HasRow("/system/script", "name", "muster-beat-new"));
  edge.problems.clear();
  edge.further_tokens = {offer.token};
  edge.change_agent = change;
  COMPLAIN_UNLESS(world.router().Run(":global musterHold 0; /ip route add gateway=192.0.2.1").ok);
  edge.beats.clear();
  edge.beat_tokens.clear();
  world.router().RunFor(absl::Minutes(3));
  int trials = 0;
  for (size_t i = 0; i < edge.beats.size(); ++i) {
    trials += edge.beat_tokens[i] == offer.token &&
              edge.beats[i].facts.agent_version == routeros::AgentVersion();
  }
  COMPLAIN_UNLESS(trials == 2);
  COMPLAIN_UNLESS(edge.beats.back().facts.agent_version ==
                  absl::StrCat(routeros::AgentVersion(), "+1"));
  COMPLAIN_UNLESS(edge.beat_tokens.back() == offer.token);
  COMPLAIN_UNLESS(!world.HasRow("/ppp/secret", "name", "muster-new"));
  COMPLAIN_UNLESS(!world.HasRow("/system/script", "name", "muster-run-new"));
  edge.beats.clear();
  world.router().RunFor(absl::Minutes(10));
  COMPLAIN_UNLESS(edge.beats.size() >= 9 && edge.beats.size() <= 11);
  edge.dead_hosts = {"edge.example.net"};
  world.router().RunFor(absl::Minutes(4));
  COMPLAIN_UNLESS(edge.beat_hosts.back() == "second.example.net");
  edge.dead_hosts = {"second.example.net"};
  edge.beats.clear();
  world.router().RunFor(absl::Minutes(4));
  COMPLAIN_UNLESS(!edge.beats.empty());
  edge.dead_hosts.clear();
  edge.offer.reset();
  COMPLAIN_UNLESS(world.router().Run("/system script set muster-beat source=\":put nothing\"").ok);
  edge.beats.clear();
  world.router().RunFor(absl::Minutes(35));
  COMPLAIN_UNLESS(!edge.beats.empty());
  COMPLAIN_UNLESS(edge.beats.back().facts.agent_version == routeros::AgentVersion());
  COMPLAIN_UNLESS(world.router().Show("/system/script", "muster-beat-prev", "source") ==
                  ":put nothing");
  edge.raw_replies = {std::string(routeros::kReleasedReply)};
  world.router().RunFor(absl::Minutes(2));
  edge.attempts = 0;
  world.router().RunFor(absl::Minutes(30));
  COMPLAIN_UNLESS(edge.attempts == 0);
  return "";
}

std::string Complaint(absl::string_view version,
                      const std::function<std::string(std::string)>& change) {
  RouterWithEdge world(version);
  world.edge.change_installer = change;
  COMPLAIN_UNLESS(world.Join().ok);
  COMPLAIN_UNLESS(world.edge.enrolments.size() == 1);
  COMPLAIN_UNLESS(world.edge.beats.size() == 1);
  world.router().RunFor(absl::Seconds(65));
  COMPLAIN_UNLESS(world.edge.beats.size() == 3);
  const routeros::Heartbeat& beat = world.edge.beats.back();
  COMPLAIN_UNLESS(beat.has_facts && beat.counts.numbers_dropped == 0);
  COMPLAIN_UNLESS(beat.uptime_seconds.value_or(0) >= 60);
  COMPLAIN_UNLESS(beat.facts.serial_number == world.options.serial);
  COMPLAIN_UNLESS(beat.health.size() == 2 && beat.health[0].value_milli > 0);
  COMPLAIN_UNLESS(beat.links.size() == (world.options.version.AtLeast(7, 4) ? 1u : 0u));
  COMPLAIN_UNLESS(beat.agent_errors.value_or(9) == 0);
  COMPLAIN_UNLESS(beat.skipped_beats.value_or(9) == 0);
  COMPLAIN_UNLESS(world.Errors().empty());
  COMPLAIN_UNLESS(beat.facts.router_roots == std::string(kRootSha256).substr(0, 8));
  for (const auto part : {JobComplaint, StaleComplaint, TroubleComplaint, VerbComplaint}) {
    const std::string complaint = part(world);
    if (!complaint.empty()) return complaint;
  }
  for (const std::string& problem : world.edge.problems) return problem;
  const std::string complaint = UpdateComplaint(world, change);
  if (!complaint.empty()) return complaint;
  for (const std::string& problem : world.edge.problems) return problem;
  return "";
}

struct Mistake {
  const char* name;
  const char* from;
  const char* to;
  // In how many quoted texts it stands: 0 the installer, 1 beat or runner, 2 the wrapper.
  int depth;
};

const Mistake kMistakes[] = {
    {"payload cut one short", "([:len $muRest] - 1)", "([:len $muRest] - 2)", 1},
    {"number with its letter", "[:pick $muReply 1 $muSpace]", "[:pick $muReply 0 $muSpace]", 1},
    {"length compared as text", "[:tonum [:pick $muRest 0 $muGap]]", "[:pick $muRest 0 $muGap]", 1},
    {"length not compared", "([:len $muLoad] = $muLength)", "true", 1},
    {"end mark not checked", "([:pick $muReply ($muEnd - 1) $muEnd] = \".\")", "true", 1},
    {"letter not checked", "(($muVerb = \"J\") || ($muVerb = \"L\")) && ", "", 1},
    {"equal numbers start", "($muNumber > $muLast)", "($muNumber >= $muLast)", 1},
    {"number not stored", "comment=[:tostr $muNumber]", "comment=[:tostr $muLast]", 1},
    {"number not read back as text", "($muBack = [:tostr $muNumber])", "($muBack = $muNumber)", 1},
    {"no header name", "Authorization:Bearer ", "Authorization ", 1},
    {"certificate not checked", "check-certificate=yes-without-crl", "check-certificate=no", 1},
    {"no JSON type", "Content-Type:application/json,Authorization:Bearer", "Authorization:Bearer",
     1},
    {"sentinel gone", " . \":set musterPhase \\\"\" . $muMark . \"\\\"\\n\")", ")", 1},
    {"sentinel that a job can guess",
     ":local muMark [:tostr [$muGet \":rndstr length=16 from=0123456789abcdef\"]]\n"
     "    :if ([:len $muMark] != 16) do={",
     ":local muMark \"ok\"\n    :if ([:len $muMark] != 2) do={", 1},
    {"sentinel that a job can read", ":set musterWrap \"\"\n", "", 2},
    {"phase never run", ":set musterPhase \"run\"\n$muCode", "$muCode", 2},
    {"job called twice", "\n$muCode\n", "\n$muCode\n$muCode\n", 2},
    {"quote not escaped", "{ :set c (\"\\\\\" . $c) }", "{ :set c $c }", 1},
    {"line end not escaped", "{ :set c \"\\\\n\" }", "{ :set c \"\\n\" }", 1},
    {"last letter lost", "to=($n - 1)", "to=($n - 2)", 1},
    {"any answer is taken", "= (\"A\" . $muNumber)", "!= \"\"", 1},
    {"no answer is taken", "= (\"A\" . $muNumber)", "= \"A\"", 1},
    {"result posted once", "($muTry < 300)", "($muTry < 1)", 1},
    {"no beat after a result", ":execute script=\"/system script run muster-beat\"", "", 1},
    {"run not set", ":set musterRun $muNumber\n  :set musterRunAt", ":set musterRunAt", 1},
    {"no back-off", ":if ($muFail > 6) do={ :set musterSkip 9 }", "", 1},
    {"back-off never ends", ":set musterSkip ($muSkip - 1)", "", 1},
    {"failures not counted", ":set musterFail $muFail", "", 1},
    {"root kept whatever it is", "/certificate remove $i", "", 1},
    {"root never fetched again", "($muThere < [:len $muPins])", "($muThere > 7)", 1},
    {"roots not said", " . [$muKey \"ca\" $muHave] . \"}\"", " . \"}\"", 1},
    {"roots said that are not there",
     ":if ([:len [/certificate find where fingerprint=$p]] > 0) do={\n    :if ([:len $muHave]",
     ":if (true) do={\n    :if ([:len $muHave]", 1},
    {"one certificate too many allowed", "([:len $muOld] + 1)", "([:len $muOld] + 2)", 1},
    {"nonce of a boot never made", ":set musterBoot $muNonce", "", 1},
    {"misspelt variable", "[$muKey \"boot\" $muBoot]", "[$muKey \"boot\" $muBot]", 1},
    {"misspelt property", "get serial-number", "get serial", 1},
    {"health rows not told from maps", "[:typeof $v] = \"array\"", "[:typeof $v] = \"map\"", 1},
    {"missing global",
     ":global musterSkip\n:global musterFail\n:global musterErr\n:global musterBoot",
     ":global musterSkip\n:global musterErr\n:global musterBoot", 1},
    {"old names of globals", ":global musterReply\n:global musterRun\n",
     ":global musterRep\n:global musterRun\n", 1},
    {"scheduler with less than its script", "start-time=startup policy=ftp,reboot,",
     "start-time=startup policy=ftp,", 0},
    {"wrong interval", "interval=00:00:30 start-time", "interval=00:30:00 start-time", 0},
    {"wrong script started", "on-event=\"/system script run muster-beat\"",
     "on-event=\"/system script run muster-bet\"", 0},
    {"no state entry", "name=\"muster-state\" disabled", "name=\"muster-stat\" disabled", 0},
    {"claim in the wrong header", "Authorization:Claim ", "Claim:", 0},
    {"quote missing", "comment=\"Muster agent 3 00:00:30\" on-event",
     "comment=\"Muster agent 3 on-event", 0},
    {"redirects followed with the token", "http-max-redirect-count=0", "", 2},
    {"pause one beat too long", "(($muArgument - 1) / 30)", "($muArgument / 30)", 1},
    {"pause of any length", " && ($muArgument < 3601)", "", 1},
    {"fast beats without a pause", "do={ :delay 2s }", "do={}", 1},
    {"fast beats counted in seconds", "(($muArgument + 1) / 2)", "$muArgument", 1},
    {"any job is stopped", " && ($muRun = $muArgument)", "", 1},
    {"stopped job without a result", ":set muTrouble \"stopped\"\n  :set muGo \"refused\"", "", 1},
    {"stopped without a reason", ":set muTrouble \"stopped\"", "", 1},
    {"release does nothing", "(beat|guard)\\$\"] disabled=yes", "(beat|guard)\\$\"] disabled=no",
     1},
    {"stays with the URL that failed", ":set musterUrl ($muIndex + 1)\n  :if ($muFail = 5)",
     ":if ($muFail = 5)", 1},
    {"runs out of URLs", ":if ($muIndex >= [:len $muUrls]) do={ :set muIndex 0 }", "", 1},
    {"checksum not compared", "[:tostr [$muSum $p]] = [:pick $t 0 $g]", "true", 1},
    {"checksum with another factor", "($s * 31)", "($s * 33)", 1},
    {"checksum of half the digits", "step=$n", "step=($n * 2)", 1},
    {"parts counted from nought", ":local i 1\n", ":local i 0\n", 1},
    {"last part left out", "($i <= $muParts)", "($i < $muParts)", 1},
    {"parts not added up", ":set muHave ($muHave + [:len $muPart])", "", 1},
    {"part asked for once", "($muTry < 6)", "($muTry < 1)", 1},
    {"part of another job taken", "([:pick $t 0 $n] = $h)", "([:len $t] > 99999)", 1},
    {"agent asked for elsewhere", "/agent/", "/agemt/", 1},
    {"renewed without a good beat", ":if ($musterProof = $musterOffer) do={", ":if (true) do={", 1},
    {"asks again at once", ":set musterHold 30", ":set musterHold 0", 1},
    {"staged scripts stay",
     "/system script remove [/system script find where name~\"^muster-(beat-new|", "# ", 1},
    {"staged token stays", "/ppp secret remove [find where name=\\\"muster-new\\\"]", "", 1},
    {"new beat never put in place", "/system script run muster-swap-new", ":put swap", 1},
    {"new token not stored", ":if ($n > 0) do={ $f }", "", 1},
    {"trial with the old token", "{\"muster-new\";\"muster\"}", "{\"muster\"}", 1},
    {"trial says the new name", ":set muAgent $muTrial", ":set muAgent $muAgent", 1},
    {"new period not set", "interval=00:01:00", "interval=00:00:30", 1},
    {"guard waits a day", "$muAge > 15m", "$muAge > 1d", 1},
    {"guard rarely runs", "interval=10m", "interval=10h", 0},
    {"guard forgets what it replaced", "/system script set $p source=$s comment=$c", "", 1},
    {"guard sees no gateway", "($r > 0)", "($r > 9)", 1},
    {"good beats not noted", ":set musterGood [/system resource get uptime]", "", 1},
    {"brace missing", ":local muReady false\n  :if (", ":local muReady false\n  :if ", 0},
};

std::string Quoted(std::string text, int depth) {
  for (; depth > 0; --depth) {
    // The last quote opens a source that is broken after each line, the inner ones don't.
    const std::string quoted =
        depth == 1 ? routeros::QuoteSource(text) : routeros::QuoteString(text);
    text = quoted.substr(1, quoted.size() - 2);
  }
  return text;
}

// Where a text differs between families a mistake may be none in one of them, or harmless: it has
// to be seen in one of these.
constexpr const char* kVersions[] = {"7.20.8", "6.49.10"};

TEST(AgentMutationTest, TheTextAsItIsGivesNoComplaint) {
  for (const std::string& version : FamilyVersions()) {
    EXPECT_EQ(Complaint(version, nullptr), "") << version;
  }
}

TEST(AgentMutationTest, EveryPlantedMistakeIsSeen) {
  for (const Mistake& mistake : kMistakes) {
    SCOPED_TRACE(mistake.name);
    std::string seen;
    bool planted = false;
    for (const char* version : kVersions) {
      seen = Complaint(version, [&](std::string text) {
        // What the installer quotes once stands in a renewal one text deeper.
        for (const int depth : {mistake.depth, mistake.depth + 1}) {
          const std::string from = Quoted(mistake.from, depth);
          planted |= absl::StrContains(text, from);
          text = absl::StrReplaceAll(text, {{from, Quoted(mistake.to, depth)}});
        }
        return text;
      });
      if (!seen.empty()) break;
    }
    EXPECT_TRUE(planted) << "the text to change is gone";
    EXPECT_NE(seen, "") << "nothing noticed it";
  }
  EXPECT_GE(std::size(kMistakes), 60u);
}

}  // namespace
}  // namespace muster::golden
