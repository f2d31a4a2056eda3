#include "server/command_log/etcd/etcd_writer.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/command_log/etcd/log_keys.h"
#include "server/command_log/etcd/sealed_entry.h"
#include "server/command_log/log/entry_codec.h"

namespace muster::server {
namespace {

// An entry that etcd took and that isn't seen by then: the watch hangs.
constexpr absl::Duration kWatchHangs = absl::Seconds(2);

absl::Duration Jittered(absl::Duration pause) {
  static thread_local std::mt19937 random(std::random_device{}());
  return pause * std::uniform_real_distribution<double>(0.5, 1.0)(random);
}

absl::Status OpenOutcome(const absl::Status& why) {
  return absl::UnavailableError(absl::StrCat("whether the change was made is not known (",
                                             why.message(),
                                             "); repeat the request with the same request id"));
}

// What etcd surely did not do, in words that don't look like a mistake of the caller.
absl::Status Refused(const absl::Status& why) {
  if (absl::IsResourceExhausted(why)) return why;
  return absl::UnavailableError(absl::StrCat("etcd refuses to write: ", why.message()));
}

}  // namespace

void EtcdWriter::Start() {
  thread_ = std::thread([this] { Run(); });
}

void EtcdWriter::Join() {
  if (thread_.joinable()) thread_.join();
}

void EtcdWriter::Run() {
  for (;;) {
    Proposals proposals = parts_.queue.TakeNext();
    if (proposals.empty()) return;
    const Deadline deadline(parts_.options.give_up);
    while (!proposals.empty()) {
      // Counters are known once this node has caught up.
      const absl::Status serving = parts_.health.WaitUntilServing(deadline.Left());
      if (!serving.ok()) {
        AnswerAll(proposals, serving);
        parts_.queue.RefuseAll(serving);
        break;
      }
      proposals = Append(std::move(proposals), deadline);
    }
  }
}

std::string EtcdWriter::MakeEntry(const Proposals& proposals) {
  const EntryId id{parts_.options.node_id, parts_.in_flight.NextCounter()};
  const std::string log_id = parts_.applied.Get().log_id;
  const std::string bytes =
      EncodeEntry({log_id, 0, id.proposer, parts_.store.StateTimeUs()}, BytesOf(proposals));
  // Of the entries that come next; one that comes behind the next change is made again.
  const SealKeys& keys = *parts_.options.keys;
  const uint32_t generation = std::min(keys.newest_generation(), parts_.store.KeyGeneration());
  return SealEntry(*keys.Of(generation), log_id, id, bytes);
}

Proposals EtcdWriter::Append(Proposals proposals, const Deadline& deadline) {
  const std::string entry = MakeEntry(proposals);
  parts_.in_flight.Begin(Hash256(entry), std::move(proposals));
  ++parts_.counts.appended;
  const absl::Status status = PutUntilApplied(entry, deadline);
  std::optional<Proposals> back = parts_.in_flight.TakeBack();
  if (!back.has_value()) return {};
  if (status.ok()) return *std::move(back);
  AnswerAll(*back, status);
  return {};
}

absl::Status EtcdWriter::PutUntilApplied(absl::string_view entry, const Deadline& deadline) {
  bool open = false;
  absl::Duration pause = parts_.options.shortest_pause;
  for (;;) {
    const absl::Duration left = deadline.Left();
    const absl::Status put =
        parts_.etcd.Put(LogKey(parts_.options), entry,
                        std::clamp(left, absl::Milliseconds(100), parts_.options.call_timeout));
    open = open || put.ok() || IsOpenOutcome(put);
    if (!open) return Refused(put);
    const absl::Duration wait = put.ok() ? std::min(kWatchHangs, left) : Jittered(pause);
    if (parts_.in_flight.Wait(wait) != InFlight::Fate::kOpen) return absl::OkStatus();
    if (put.ok()) parts_.redial();
    if (put.ok() && parts_.in_flight.Wait(deadline.Left()) != InFlight::Fate::kOpen) {
      return absl::OkStatus();
    }
    if (deadline.HasPassed() || !parts_.health.Refusal().ok()) {
      return OpenOutcome(put.ok() ? absl::UnavailableError("this node is behind") : put);
    }
    pause = std::min(pause * 2, parts_.options.longest_pause);
    ++parts_.counts.repeated_puts;
  }
}

}  // namespace muster::server
