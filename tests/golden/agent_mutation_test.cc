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
  for (const auto part : {JobComplaint, StaleComplaint, TroubleComplaint}) {
    const std::string complaint = part(world);
    if (!complaint.empty()) return complaint;
  }
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
    {"sentinel gone", ":set musterPhase \"ok\"", "", 2},
    {"sentinel before the job", "$muCode\n:set musterPhase \"ok\"",
     ":set musterPhase \"ok\"\n$muCode", 2},
    {"phase never run", ":set musterPhase \"run\"\n$muCode", "$muCode", 2},
    {"job called twice", "$muCode\n:set", "$muCode\n$muCode\n:set", 2},
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
    {"root never fetched again", "($muThere = 0)", "($muThere > 7)", 1},
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
    {"quote missing", "comment=\"Muster agent 2 00:00:30\" on-event",
     "comment=\"Muster agent 2 on-event", 0},
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
        const std::string from = Quoted(mistake.from, mistake.depth);
        planted |= absl::StrContains(text, from);
        return absl::StrReplaceAll(text, {{from, Quoted(mistake.to, mistake.depth)}});
      });
      if (!seen.empty()) break;
    }
    EXPECT_TRUE(planted) << "the text to change is gone";
    EXPECT_NE(seen, "") << "nothing noticed it";
  }
  EXPECT_GE(std::size(kMistakes), 40u);
}

}  // namespace
}  // namespace muster::golden
