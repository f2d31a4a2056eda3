// A beat from body to verb, and a result from body to "A". The order inside a beat matters: what it
// says is recorded before a job is chosen by it, and the check-in is handed on before the reply.
#include "edge-proxy/heartbeats/heartbeat_desk.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "edge-proxy/jobs/job_secrets.h"
#include "routeros/script/payload.h"
#include "routeros/script/reported_agent.h"

namespace muster::edge {
namespace {

// The runner tries again by itself with growing pauses; this is for other clients.
constexpr int kRetrySeconds = 5;

void CountRepairs(const routeros::RepairCounts& counts, Metrics& metrics) {
  if (counts.text_repaired > 0) metrics.Count(Metrics::kRepairedTexts, counts.text_repaired);
  if (counts.numbers_dropped > 0) metrics.Count(Metrics::kDroppedNumbers, counts.numbers_dropped);
}

// The router forgets its result with any 200. Only a commit gives one.
Reply ReplyToResult(uint64_t number, const absl::Status& status) {
  if (status.ok()) return Reply{.text = absl::StrCat("A", number)};
  if (absl::IsUnauthenticated(status)) return Refusal(401, "unknown token");
  // After ten refusals the runner leaves the output out: should that be what is wrong, its result
  // still arrives.
  if (absl::IsInvalidArgument(status)) return Refusal(400, "result refused");
  return Later("not committed yet", kRetrySeconds);
}

// A small beat, which is all that a metered router sends after its first, names no version: then
// the least that its agent's formats tell of it counts. Every longer script goes in parts.
std::string VersionOf(const routeros::Heartbeat& beat) {
  if (!beat.facts.routeros_version.empty()) return beat.facts.routeros_version;
  return beat.facts.format_hex ? "7.11" : "6.48";
}

Asking AskingOf(const Caller& caller, const routeros::Heartbeat& beat,
                const DeviceTable::Memory& memory) {
  return Asking{.device = caller.device,
                .secret_check = caller.secret_check,
                .highest_reported = memory.highest_reported,
                .running_number = beat.running_number,
                .went_back = memory.went_back,
                .boot = beat.boot,
                .decodes_hex = beat.facts.format_hex,
                .decodes_escaped = beat.facts.format_escaped,
                // Agent 1, the first release, would do nothing about an "L", and its job would wait
                // for ever.
                .takes_parts = routeros::ParseReportedAgent(beat.facts.agent_version).number >=
                               routeros::kFirstAgentWithParts,
                .routeros_version = VersionOf(beat)};
}

}  // namespace

Reply HeartbeatDesk::TakeHeartbeat(const Caller& caller, absl::string_view body,
                                   absl::string_view source_address) {
  absl::StatusOr<routeros::Heartbeat> beat = routeros::ParseHeartbeat(body, caller.code_page);
  if (!beat.ok()) return Refusal(400, std::string(beat.status().message()));
  CountRepairs(beat->counts, parts_.metrics);
  // The one time of this beat: check-in, job window and pause of updates agree.
  const absl::Time now = parts_.clock.Now();
  const DeviceTable::Memory memory = parts_.devices.RecordBeat(caller.device, *beat);
  const Asking asking = AskingOf(caller, *beat, memory);
  const std::string agent = beat->facts.agent_version;
  // One of the first release knows no `W`; one that comes seldom is not asked.
  const bool can_wait =
      caller.known && asking.takes_parts && caller.interval_seconds < BusyValve::kSkipSeconds;
  // Every beat counts, also of routers that can't be told to wait.
  const bool busy = parts_.busy.CountBeat() && can_wait;
  CheckIn check_in{
      .device = caller.device,
      .time = now,
      .secret_check = caller.secret_check,
      // What the reply promises, so that a router that was told to wait is not called offline.
      .interval_seconds = caller.interval_seconds + (busy ? BusyValve::kSkipSeconds : 0),
      .source_address = std::string(source_address),
      .beat = *std::move(beat),
      .with_facts = memory.facts_are_new};
  // A small beat without facts would blank all of them at the control plane; its agent alone goes
  // up, where that is new.
  if (!check_in.beat.has_facts) check_in.with_facts = memory.agent_is_new && !agent.empty();
  parts_.check_ins.AddCheckIn(std::move(check_in));
  return Reply{.text = Verb(caller, asking, agent, busy, now)};
}

std::string HeartbeatDesk::Verb(const Caller& caller, const Asking& asking,
                                absl::string_view reported_agent, bool busy, absl::Time now) {
  // Its secret was not checked here: it gets nothing that is somebody's.
  if (!caller.known) return "0";
  if (caller.released) return "X";
  // The text of a router that is only monitored knows no job and no update.
  if (!caller.monitor_only) {
    std::string verb = parts_.jobs.ReplyTo(asking, now);
    if (verb != "0") return verb;
    const bool update =
        // Jobs first, and an update only where nothing runs: the runner does one thing at a time.
        asking.running_number == 0 &&
        parts_.devices.TakeUpdate(caller.device, reported_agent, parts_.agent_version, now);
    if (update) return "U";
  }
  const uint32_t fast_seconds = parts_.fast.SecondsLeft(caller.device, now);
  if (fast_seconds > 0) return routeros::FastReply(static_cast<int>(fast_seconds));
  return busy ? absl::StrCat("W", BusyValve::kSkipSeconds) : "0";
}

void HeartbeatDesk::TakeResult(const Caller& caller, absl::string_view body, ReplyDone done) {
  absl::StatusOr<routeros::JobReport> report = routeros::ParseResult(body, caller.code_page);
  if (!report.ok()) return done(Refusal(400, std::string(report.status().message())));
  CountRepairs(report->counts, parts_.metrics);
  const uint64_t number = report->number;
  // Redacted here, at the first place that sees the output: nothing behind it may hold a secret.
  const std::vector<JobSecret> secrets = parts_.jobs.SecretsOf(caller.device, number);
  if (!secrets.empty()) {
    report->output = routeros::RedactSecrets(report->output, report->cut, secrets);
    // An error may have been cut at either end by the agent, without a sign of it.
    report->error = routeros::RedactSecrets(report->error, true, secrets);
  }
  JobResult result{.device = caller.device,
                   .time = parts_.clock.Now(),
                   .secret_check = caller.secret_check,
                   .report = *std::move(report)};
  parts_.results.AddJobResult(std::move(result),
                              [number, done = std::move(done)](const absl::Status& status) {
                                done(ReplyToResult(number, status));
                              });
}

}  // namespace muster::edge
