// How jobs look, and what their end means for the exit code. States are shown in the API's words,
// in small letters, so that what is read here can be looked up in docs/jobs.md.
#include "cli/commands/job_report.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"

namespace muster::cli {
namespace {

using muster::v1::Job;
using muster::v1::JobTarget;

Cell StateCell(muster::v1::JobTargetState state) {
  Cell cell(TargetStateWord(state));
  if (state == muster::v1::JOB_TARGET_STATE_SUCCEEDED) {
    cell.tone = Tone::kGood;
  } else {
    // Whatever has ended otherwise is bad, also cancelled: it did not run.
    cell.tone = HasEnded(state) ? Tone::kBad : Tone::kDoubtful;
  }
  return cell;
}

// "run: no such item"; some RouterOS versions report no message.
// The phase alone says at least whether the script was read at all.
std::string Failure(const JobTarget& target) {
  if (target.state() == muster::v1::JOB_TARGET_STATE_SUCCEEDED) return "";
  const std::string error(absl::StripTrailingAsciiWhitespace(target.error()));
  return absl::StrCat(target.phase(), target.phase().empty() || error.empty() ? "" : ": ", error);
}

// The failure, else what was printed.
// For a target that waits, what it waits for: the most asked question stands in the table.
Cell ResultCell(const JobTarget& target) {
  if (std::string failure = Failure(target); !failure.empty()) return failure;
  if (!target.wait_reason().empty()) return Cell(target.wait_reason());
  return Cell(std::string(absl::StripTrailingAsciiWhitespace(target.output())), target.output());
}

// A title is the server's; without one (a device that moved away, say) the id must do.
std::string Title(const JobTarget& target) {
  return target.device_title().empty() ? ShortName(target.device()) : target.device_title();
}

// In the order of the states, which is that of a job's life.
std::string CountsText(const Job& job) {
  std::vector<std::string> parts;
  for (const auto& count : job.state_counts()) {
    if (count.count() > 0)
      parts.push_back(absl::StrCat(count.count(), " ", TargetStateWord(count.state())));
  }
  return absl::StrJoin(parts, ", ");
}

// The filter as it was typed; the devices that it meant then are frozen.
std::string Aim(const Job& job) {
  if (!job.device().empty()) return ShortName(job.device());
  return job.filter().empty() ? "named devices" : job.filter();
}

// "2 canaries, then 50 at a time; 3 of 7 are open; 1 failed, more than 2 stop it"
// Of kinds of failures.
constexpr size_t kMostFailureRows = 10;

std::string WavesText(const muster::v1::JobWaves& waves) {
  std::string text;
  if (waves.canary_count() > 0) {
    absl::StrAppend(&text, waves.canary_count(),
                    waves.canary_count() == 1 ? " canary" : " canaries", ", then ");
  }
  if (waves.batch_size() > 0) {
    absl::StrAppend(&text, waves.batch_size(), " at a time");
  } else {
    absl::StrAppend(&text, waves.canary_count() > 0 ? "all others" : "all at once");
  }
  return absl::StrCat(text, "; wave ", waves.open_wave(), " of ", waves.wave_count(), " is open; ",
                      waves.failure_count(), " failed, more than ", waves.max_failures(),
                      " stop it");
}

}  // namespace

std::string TargetStateWord(muster::v1::JobTargetState state) {
  return EnumWord(muster::v1::JobTargetState_Name(state), "JOB_TARGET_STATE_");
}

bool HasEnded(muster::v1::JobTargetState state) {
  switch (state) {
    case muster::v1::JOB_TARGET_STATE_SUCCEEDED:
    case muster::v1::JOB_TARGET_STATE_FAILED:
    case muster::v1::JOB_TARGET_STATE_CANCELLED:
    case muster::v1::JOB_TARGET_STATE_EXPIRED:
    case muster::v1::JOB_TARGET_STATE_LOST:
    case muster::v1::JOB_TARGET_STATE_REVERTED:
      return true;
    default:
      return false;
  }
}

// By the server's word, or by the counts where that has not come yet.
bool HasEnded(const Job& job) {
  if (job.has_end_time()) return true;
  int ended = 0;
  for (const auto& count : job.state_counts()) {
    if (HasEnded(count.state())) ended += count.count();
  }
  return !job.name().empty() && ended >= job.target_count();
}

std::string ProgressText(const Job& job) {
  int ended = 0;
  for (const auto& count : job.state_counts()) {
    if (HasEnded(count.state())) ended += count.count();
  }
  std::string text = absl::StrCat(ended, " of ", job.target_count(), " ended: ", CountsText(job));
  if (!job.stop_reason().empty()) {
    absl::StrAppend(&text, "; stopped: ", job.stop_reason());
  } else if (job.waves().wave_count() > 1 && !job.has_end_time()) {
    absl::StrAppend(&text, "; wave ", job.waves().open_wave(), " of ", job.waves().wave_count());
  }
  return text;
}

// Expired and cancelled count as not done: a script that goes on needs all of them.
ExitCode ExitCodeOf(const Job& job) {
  int succeeded = 0;
  for (const auto& count : job.state_counts()) {
    if (count.state() == muster::v1::JOB_TARGET_STATE_SUCCEEDED) succeeded += count.count();
  }
  if (succeeded >= job.target_count()) return ExitCode::kDone;
  return succeeded == 0 ? ExitCode::kFailed : ExitCode::kPartlyFailed;
}

// Stable, so that devices of one name stay in the server's order.
void SortByTitle(std::vector<JobTarget>* targets) {
  std::stable_sort(targets->begin(), targets->end(), [](const JobTarget& a, const JobTarget& b) {
    return a.device_title() < b.device_title();
  });
}

Report JobListReport(const std::vector<Job>& jobs, absl::Time now) {
  Report report;
  report.is_list = true;
  Table table = {"",
                 {{"JOB"},
                  {"DEVICES", false, false, true},
                  {"STATE", false, true},
                  {"CREATED"},
                  {"ENDED"},
                  {"ON", false, true},
                  {"DESCRIPTION", false, true},
                  {"EXPIRES", true},
                  {"CREATOR", true}},
                 {}};
  for (const Job& job : jobs) {
    table.rows.push_back({ShortName(job.name()), absl::StrCat(job.target_count()), CountsText(job),
                          TimeCell(job.has_create_time(), job.create_time(), now),
                          TimeCell(job.has_end_time(), job.end_time(), now), Aim(job),
                          job.description(), TimeCell(job.has_not_after(), job.not_after(), now),
                          job.creator()});
    report.names.push_back(job.name());
    report.messages.push_back(&job);
  }
  report.tables.push_back(std::move(table));
  return report;
}

Table JobDetailTable(const Job& job, absl::Time now) {
  Table table;
  table.vertical = true;
  std::vector<Cell> row;
  const auto add = [&](const char* title, Cell cell) {
    table.columns.push_back({title});
    row.push_back(std::move(cell));
  };
  add("Job", ShortName(job.name()));
  if (!job.description().empty()) add("Description", job.description());
  // One of device and filter, or neither, where devices were named.
  if (!job.device().empty()) add("Device", ShortName(job.device()));
  if (!job.filter().empty()) add("Where", job.filter());
  add("State", ProgressText(job));
  if (!job.agent_version().empty()) add("Agent", job.agent_version());
  if (!job.script_name().empty()) add("Script", ShortName(job.script_name()));
  if (job.has_waves()) add("Waves", WavesText(job.waves()));
  add("Created", TimeCell(job.has_create_time(), job.create_time(), now));
  add("Creator", job.creator());
  if (job.has_not_before()) add("Not before", TimeCell(true, job.not_before(), now));
  add("Expires", TimeCell(job.has_not_after(), job.not_after(), now));
  if (job.has_timeout()) add("Timeout", ShortDuration(ToDuration(job.timeout())));
  // Switches only where they are on: most jobs have none.
  if (job.idempotent()) add("Idempotent", "yes");
  if (job.ignore_windows()) add("Windows", "ignored");
  if (job.ends_with() == muster::v1::JOB_END_REBOOT) add("Ends with", "reboot");
  add("Ended", TimeCell(job.has_end_time(), job.end_time(), now));
  table.rows.push_back(std::move(row));
  return table;
}

Report TargetListReport(const std::vector<JobTarget>& targets, absl::Time now) {
  Report report;
  report.is_list = true;
  Table table = {"",
                 {{"DEVICE", false, true},
                  {"STATE"},
                  {"RESULT", false, true},
                  {"WAVE", true, false, true},
                  {"ID", true},
                  {"NUMBER", true, false, true},
                  {"ATTEMPT", true, false, true},
                  {"SENT", true, false, true},
                  {"UPDATED", true}},
                 {}};
  for (const JobTarget& target : targets) {
    table.rows.push_back({Title(target), StateCell(target.state()), ResultCell(target),
                          target.wave() == 0 ? Cell() : Cell(absl::StrCat(target.wave())),
                          ShortName(target.device()), absl::StrCat(target.number()),
                          absl::StrCat(target.attempt()), absl::StrCat(target.times_sent()),
                          TimeCell(target.has_update_time(), target.update_time(), now)});
    report.names.push_back(target.device());
    report.messages.push_back(&target);
  }
  report.tables.push_back(std::move(table));
  return report;
}

bool HasFailed(muster::v1::JobTargetState state) {
  return state == muster::v1::JOB_TARGET_STATE_FAILED ||
         state == muster::v1::JOB_TARGET_STATE_LOST ||
         state == muster::v1::JOB_TARGET_STATE_REVERTED ||
         state == muster::v1::JOB_TARGET_STATE_EXPIRED;
}

Table FailureTable(const std::vector<JobTarget>& targets) {
  struct Group {
    int count = 0;
    const JobTarget* first = nullptr;
  };
  std::map<std::pair<int, std::string>, Group> groups;
  for (const JobTarget& target : targets) {
    if (!HasFailed(target.state())) continue;
    Group& group = groups[{target.state(), Failure(target)}];
    if (group.count++ == 0) group.first = &target;
  }
  std::vector<std::pair<std::string, Group>> sorted;
  for (const auto& [key, group] : groups) sorted.emplace_back(key.second, group);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  Table table = {
      "Failures",
      {{"DEVICES", false, false, true}, {"STATE"}, {"WHY", false, true}, {"FOR EXAMPLE"}},
      {}};
  for (const auto& [why, group] : sorted) {
    if (table.rows.size() == kMostFailureRows) break;
    table.rows.push_back(
        {absl::StrCat(group.count), StateCell(group.first->state()), why, Title(*group.first)});
  }
  return table;
}

Report TargetDetailReport(const JobTarget& target, absl::Time now) {
  Table table;
  table.vertical = true;
  std::vector<Cell> row;
  const auto add = [&](const char* title, Cell cell, bool wide = false) {
    table.columns.push_back({title, wide});
    row.push_back(std::move(cell));
  };
  add("Device", Title(target));
  add("ID", ShortName(target.device()));
  add("State", StateCell(target.state()));
  if (!Failure(target).empty()) add("Error", Failure(target));
  if (!target.wait_reason().empty()) add("Waits", target.wait_reason());
  add("Number", target.number() == 0 ? Cell() : Cell(absl::StrCat(target.number())));
  add("Attempt", absl::StrCat(target.attempt()), true);
  add("Times sent", absl::StrCat(target.times_sent()), true);
  add("Updated", TimeCell(target.has_update_time(), target.update_time(), now));
  // At most 16 KiB come back; whoever wants more must let the script print it in pieces.
  if (target.output_cut()) add("Output", "longer than shown: the router cut it");
  table.rows.push_back(std::move(row));
  Report report;
  report.tables.push_back(std::move(table));
  report.names = {target.device()};
  report.messages = {&target};
  // Below the table and not in it: it has lines of its own.
  report.text = target.output();
  return report;
}

std::string TargetLine(const JobTarget& target) {
  const std::string result = ResultCell(target).text;
  return absl::StrCat(Title(target), ": ", TargetStateWord(target.state()),
                      result.empty() ? "" : ": ", result);
}

}  // namespace muster::cli
