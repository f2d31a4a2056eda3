#include "server/command_log/etcd/etcd_follower.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"
#include "server/command_log/etcd/log_keys.h"
#include "server/command_log/log/entry_codec.h"

namespace muster::server {
namespace {

constexpr absl::string_view kAnotherEtcd =
    "etcd was restored from an older copy or is another one; bring back the etcd that this node "
    "followed, or set the cluster up again from a backup";

constexpr absl::string_view kRemoved =
    "this node was removed from the cluster; its data directory can't be used again: to let this "
    "machine join anew, start musterd with another one";

Command LogProblemCommand(absl::string_view problem) {
  Command command;
  command.mutable_actor()->set_principal("musterd");
  command.set_method("musterd/LogProblem");
  command.mutable_log_problem()->set_problem(std::string(problem));
  return command;
}

bool HasTick(const internal::v1::Entry& entry) {
  return std::any_of(entry.commands().begin(), entry.commands().end(),
                     [](const Command& command) { return command.has_tick(); });
}

// What to tell where one of the commands has ended the log; empty: none did.
std::string EndOfLog(const std::vector<const Command*>& commands,
                     const std::vector<Outcome>& outcomes, uint64_t index) {
  for (size_t i = 0; i < commands.size(); ++i) {
    if (!commands[i]->has_migrate_state() || !outcomes[i].status.ok()) continue;
    return absl::StrCat("the log ended with entry ", index, ": the installation was moved to node ",
                        FormatId(commands[i]->migrate_state().node_id()),
                        " alone (musterd migrate); take this node out of service");
  }
  return "";
}

}  // namespace

EtcdFollower::EtcdFollower(const Parts& parts, EtcdCursor cursor)
    : parts_(parts), cursor_(std::move(cursor)), checkpointer_(parts.store) {
  const auto own = cursor_.counters.find(parts_.options.node_id);
  if (own != cursor_.counters.end()) parts_.in_flight.RaiseCounter(own->second);
}

EtcdFollower::~EtcdFollower() { Stop(); }

void EtcdFollower::Start() {
  thread_ = std::thread([this] { Run(); });
}

void EtcdFollower::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (watch_ != nullptr) watch_->Cancel();
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  checkpointer_.Stop();
}

void EtcdFollower::Redial() {
  MutexLock lock(mutex_);
  if (watch_ != nullptr) watch_->Cancel();
}

bool EtcdFollower::IsStopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

void EtcdFollower::Run() {
  int failures = 0;
  Deadline grace(parts_.options.grace);
  while (!IsStopping()) {
    const uint64_t before = parts_.applied.Get().index;
    const LogState state_before = parts_.health.Get().state;
    const absl::Status status = RunSession();
    const LogState state = parts_.health.Get().state;
    if (IsStopping() || state == LogState::kStopped || state == LogState::kNeedsSnapshot) return;
    // A session that served, or brought entries, was a good one: trouble begins now.
    const bool good = state == LogState::kServing && state_before != LogState::kServing;
    if (good || parts_.applied.Get().index != before) {
      failures = 0;
      grace = Deadline(parts_.options.grace);
    }
    ShowTrouble(status, !grace.HasPassed());
    Pause(failures++);
  }
}

void EtcdFollower::ShowTrouble(const absl::Status& status, bool short_yet) {
  if (short_yet && parts_.health.Get().state != LogState::kReadOnly) {
    parts_.health.Set(LogState::kCatchingUp, status.message());
  } else {
    parts_.health.Set(LogState::kReadOnly, status.message());
  }
}

void EtcdFollower::Pause(int failures) {
  static thread_local std::mt19937 random(std::random_device{}());
  const absl::Duration longest = std::min(
      parts_.options.longest_pause, parts_.options.shortest_pause * (1 << std::min(failures, 10)));
  const absl::Duration pause = longest * std::uniform_real_distribution<double>(0.5, 1.0)(random);
  const Deadline until(pause);
  MutexLock lock(mutex_);
  while (!stopping_ && !until.HasPassed()) changed_.WaitFor(mutex_, until.Left());
}

absl::Status EtcdFollower::Refuse(absl::string_view reason) {
  parts_.health.Set(LogState::kStopped, reason);
  return absl::AbortedError(reason);
}

absl::Status EtcdFollower::AskForSnapshot() {
  const std::string reason =
      absl::StrCat("etcd no longer has the entries after ", parts_.applied.Get().index,
                   ", the last one of this node; it needs the state of another node");
  parts_.health.Set(LogState::kNeedsSnapshot, reason);
  return absl::AbortedError(reason);
}

bool EtcdFollower::Hold(EtcdWatch* watch) {
  MutexLock lock(mutex_);
  watch_ = watch;
  return !stopping_;
}

absl::Status EtcdFollower::RunSession() {
  ++parts_.counts.sessions;
  RETURN_IF_ERROR(CheckOwner());
  ASSIGN_OR_RETURN(const Place place, FindPlace());
  const std::unique_ptr<EtcdWatch> watch =
      parts_.etcd.Watch(LogKey(parts_.options), place.from_revision);
  absl::Status status = absl::CancelledError("stopping");
  if (Hold(watch.get())) status = Follow(*watch, place.index);
  Hold(nullptr);
  return status;
}

absl::Status EtcdFollower::CheckOwner() {
  const Position applied = parts_.applied.Get();
  const EtcdLogOptions& options = parts_.options;
  const std::string key = OwnerKey(options);
  ASSIGN_OR_RETURN(EtcdAnswer answer, parts_.etcd.Get({key}, options.call_timeout));
  if (!answer.kv.has_value()) {
    if (applied.index != 0 && cursor_.revision == 0) {
      return Refuse(
          "etcd has no log, and this state was not brought there yet: a migration or restore was "
          "interrupted; finish it with musterd migrate");
    }
    if (applied.index != 0) return Refuse(absl::StrCat("etcd has no log; ", kAnotherEtcd));
    const LogOwner ours = MakeLogOwner(options.keys->First(), applied.log_id, 0);
    ASSIGN_OR_RETURN(answer.kv,
                     parts_.etcd.PutIfAbsent(key, EncodeLogOwner(ours), 0, options.call_timeout));
    if (!answer.kv.has_value()) return TakeOwner(EncodeLogOwner(ours));
  }
  return TakeOwner(answer.kv->value);
}

absl::Status EtcdFollower::TakeOwner(absl::string_view record) {
  const Position applied = parts_.applied.Get();
  const EtcdLogOptions& options = parts_.options;
  const absl::StatusOr<LogOwner> owner = DecodeLogOwner(record);
  if (!owner.ok()) {
    return Refuse(absl::StrCat("etcd key ", OwnerKey(options), ": ", owner.status().message()));
  }
  const LogOwner check = MakeLogOwner(options.keys->First(), owner->log_id, owner->base);
  if (!EqualInConstantTime(owner->key_check, check.key_check)) {
    return Refuse(
        "the log in etcd is sealed with another master key: this etcd serves another cluster, or "
        "the master key file of this node is not the cluster's; copy it from another node");
  }
  parts_.base.Set(owner->base);
  if (owner->log_id != applied.log_id) {
    if (applied.index != 0) return Refuse("this etcd holds another log than this node's state");
    RETURN_IF_ERROR(parts_.store.AdoptLog(owner->log_id));
    parts_.applied.Set({owner->log_id, 0});
  }
  if (applied.index >= owner->base) return absl::OkStatus();
  if (applied.index == 0) return AskForSnapshot();
  return Refuse(absl::StrCat("the log in etcd begins after entry ", owner->base,
                             ", this node's state ends at ", applied.index, ": ", kAnotherEtcd));
}

absl::StatusOr<EtcdFollower::Place> EtcdFollower::FindPlace() {
  const uint64_t applied = parts_.applied.Get().index;
  ASSIGN_OR_RETURN(const EtcdAnswer newest,
                   parts_.etcd.Get({LogKey(parts_.options)}, parts_.options.call_timeout));
  // Nothing of what lies in this etcd.
  if (applied == parts_.base.IndexOf(0)) {
    if (!newest.kv.has_value()) return Place{applied, newest.revision + 1};
    return Place{parts_.base.IndexOf(newest.kv->version), newest.kv->create_revision};
  }
  if (!newest.kv.has_value()) {
    return Refuse(absl::StrCat("somebody deleted the log in etcd, or ", kAnotherEtcd));
  }
  RETURN_IF_ERROR(CheckLastEntry(*newest.kv));
  return Place{parts_.base.IndexOf(newest.kv->version), cursor_.revision + 1};
}

absl::Status EtcdFollower::CheckLastEntry(const EtcdValue& newest) {
  const uint64_t applied = parts_.applied.Get().index;
  const uint64_t end = parts_.base.IndexOf(newest.version);
  if (end < applied) {
    return Refuse(absl::StrCat("etcd ends at entry ", end, ", this node has applied ", applied,
                               ": ", kAnotherEtcd));
  }
  EtcdValue last = newest;
  if (end > applied) {
    const absl::StatusOr<EtcdAnswer> answer =
        parts_.etcd.Get({LogKey(parts_.options), cursor_.revision}, parts_.options.call_timeout);
    if (absl::IsOutOfRange(answer.status())) return AskForSnapshot();
    if (!answer.ok()) return answer.status();
    last = answer->kv.value_or(EtcdValue{});
  }
  if (parts_.base.IndexOf(last.version) != applied || last.mod_revision != cursor_.revision ||
      Hash256(last.value) != cursor_.digest) {
    return Refuse(absl::StrCat("entry ", applied,
                               " in etcd is not the one that this node applied: ", kAnotherEtcd));
  }
  return absl::OkStatus();
}

absl::Status EtcdFollower::Follow(EtcdWatch& watch, uint64_t target) {
  for (;;) {
    if (parts_.applied.Get().index >= target) parts_.health.Set(LogState::kServing, "");
    const absl::StatusOr<std::vector<EtcdEvent>> events = watch.Next();
    if (absl::IsOutOfRange(events.status())) return AskForSnapshot();
    if (!events.ok()) return events.status();
    for (const EtcdEvent& event : *events) {
      RETURN_IF_ERROR(ApplyEvent(event));
      if (IsStopping()) return absl::CancelledError("stopping");
    }
  }
}

absl::Status EtcdFollower::ApplyEvent(const EtcdEvent& event) {
  Position position = parts_.applied.Get();
  if (event.deleted) {
    return Refuse("somebody deleted the log in etcd; going on would give nodes different states");
  }
  const uint64_t given = parts_.base.IndexOf(event.kv.version);
  if (given != ++position.index) {
    return Refuse(absl::StrCat("etcd gave entry ", given, " where ", position.index,
                               " was expected: ", kAnotherEtcd));
  }
  absl::StatusOr<Taken> taken = Read(event.kv, position.index);
  if (!taken.ok()) return Refuse(taken.status().message());
  Apply(event.kv, *taken, position);
  if (parts_.store.IsRemovedMember(parts_.options.node_id)) return Refuse(kRemoved);
  RETURN_IF_ERROR(TakeKey());
  if (taken->end.empty()) return absl::OkStatus();
  // This process knows why.
  if (taken->id.has_value() && taken->id->proposer == parts_.options.node_id) {
    parts_.health.End(taken->end);
  }
  return Refuse(taken->end);
}

absl::StatusOr<EtcdFollower::Taken> EtcdFollower::Read(const EtcdValue& value, uint64_t index) {
  Taken taken;
  taken.digest = Hash256(value.value);
  ASSIGN_OR_RETURN(std::optional<OpenedEntry> opened, OpenSealed(value.value, taken));
  if (!opened.has_value()) {
    Replace(index,
            absl::StrCat("log entry ", index,
                         " in etcd was not written by a node of this "
                         "cluster: somebody else can write there; it had no effect"),
            taken);
    return taken;
  }
  taken.id = opened->id;
  const auto last = cursor_.counters.find(opened->id.proposer);
  const bool used_up = last != cursor_.counters.end() && opened->id.counter <= last->second;
  if (taken.stale || used_up || parts_.store.IsRemovedMember(opened->id.proposer)) {
    taken.passed_over = true;
    taken.bytes = EncodeEntry(
        {parts_.applied.Get().log_id, index, opened->id.proposer, parts_.store.StateTimeUs()}, {});
    ++parts_.counts.passed_over;
    return taken;
  }
  RETURN_IF_ERROR(Decode(*std::move(opened), index, taken));
  return taken;
}

// Which key an entry must be sealed under follows from its place alone, so that it is the same on
// all nodes.
absl::StatusOr<std::optional<OpenedEntry>> EtcdFollower::OpenSealed(absl::string_view sealed,
                                                                    Taken& taken) {
  const std::string log_id = parts_.applied.Get().log_id;
  const uint32_t generation = parts_.store.KeyGeneration();
  const std::optional<Secret> key = parts_.options.keys->Of(generation);
  if (!key.has_value()) return absl::FailedPreconditionError(MissingKey(generation));
  absl::StatusOr<OpenedEntry> opened = OpenEntry(*key, log_id, sealed);
  for (uint32_t older = generation; !opened.ok() && older > 0; --older) {
    opened = OpenEntry(*parts_.options.keys->Of(older - 1), log_id, sealed);
    taken.stale = opened.ok();
  }
  if (!opened.ok()) return std::nullopt;
  return *std::move(opened);
}

// What opens was written by a node. If it doesn't decode all the same, no node can apply it.
absl::Status EtcdFollower::Decode(OpenedEntry opened, uint64_t index, Taken& taken) {
  absl::StatusOr<DecodedEntry> decoded = DecodeEntry(opened.bytes);
  if (absl::IsUnimplemented(decoded.status())) return decoded.status();
  if (!decoded.ok()) {
    Replace(index, absl::StrCat("log entry ", index, " is damaged: ", decoded.status().message()),
            taken);
    return absl::OkStatus();
  }
  taken.entry = std::move(decoded->entry);
  taken.bytes = RenumberEntry(opened.bytes, index);
  return absl::OkStatus();
}

void EtcdFollower::Replace(uint64_t index, absl::string_view problem, Taken& taken) {
  LogError("command_log", "an entry was not taken", {{"why", std::string(problem)}});
  ++parts_.counts.unreadable;
  const absl::StatusOr<CheckedCommand> checked = CheckCommand(LogProblemCommand(problem));
  if (!checked.ok()) DieLoudly("command_log", "a plain command could not be written");
  *taken.entry.add_commands() = checked->command;
  taken.bytes = EncodeEntry({parts_.applied.Get().log_id, index, 0, parts_.store.StateTimeUs()},
                            {checked->bytes});
}

void EtcdFollower::Apply(const EtcdValue& value, Taken& taken, const Position& position) {
  const bool own = taken.id.has_value() && taken.id->proposer == parts_.options.node_id;
  std::optional<Proposals> waiting;
  if (own) waiting = parts_.in_flight.Claim(taken.digest);
  // A counter that is sealed under a key of before may be anybody's.
  if (own && !taken.stale) parts_.in_flight.RaiseCounter(taken.id->counter);
  cursor_.revision = value.mod_revision;
  cursor_.digest = taken.digest;
  if (taken.id.has_value() && !taken.passed_over) {
    cursor_.counters[taken.id->proposer] = taken.id->counter;
  }
  std::vector<const Command*> commands;
  for (const Command& command : taken.entry.commands()) commands.push_back(&command);
  const std::unique_ptr<Transaction> transaction = parts_.store.Begin();
  std::vector<Outcome> outcomes = transaction->Apply(position.index, commands);
  taken.end = EndOfLog(commands, outcomes, position.index);
  transaction->KeepEntry(taken.bytes);
  transaction->KeepEngineNote(cursor_.Encode());
  if (HasTick(taken.entry)) {
    transaction->TrimEntries(
        parts_.options.retained_bytes,
        parts_.store.StateTimeUs() - absl::ToInt64Microseconds(parts_.options.retained_time));
  }
  transaction->Commit();
  parts_.applied.Set(position);
  parts_.marks.Add(value.mod_revision, value.value.size(), parts_.store.StateTimeUs());
  checkpointer_.Care();
  if (!waiting.has_value()) return;
  if (taken.passed_over) {
    parts_.in_flight.Settle(InFlight::Fate::kPassedOver, *std::move(waiting));
  } else if (outcomes.size() != waiting->size()) {
    AnswerAll(*waiting, absl::InternalError("the entry can't be read back"));
    parts_.in_flight.Settle(InFlight::Fate::kApplied, {});
  } else {
    Answer(*waiting, std::move(outcomes), position);
    parts_.in_flight.Settle(InFlight::Fate::kApplied, {});
  }
}

absl::Status EtcdFollower::TakeKey() {
  const uint32_t generation = parts_.store.KeyGeneration();
  if (generation <= parts_.options.keys->newest_generation()) return absl::OkStatus();
  const absl::Status taken = parts_.options.take_key
                                 ? parts_.options.take_key(generation)
                                 : absl::FailedPreconditionError(MissingKey(generation));
  return taken.ok() ? taken : Refuse(taken.message());
}

}  // namespace muster::server
