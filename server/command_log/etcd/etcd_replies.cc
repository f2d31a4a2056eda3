#include "server/command_log/etcd/etcd_replies.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace muster::server {
namespace {

namespace pb = etcdserverpb;

absl::Status NotEtcds(absl::string_view what) {
  return absl::InternalError(absl::StrCat("a reply that is not etcd's: ", what));
}

// A key that is there was made once, and each put counts one (etcd's documentation, "Data model").
absl::StatusOr<EtcdValue> ToValue(pb::KeyValue& kv) {
  if (kv.version() < 1 || kv.create_revision() < 1 || kv.mod_revision() < kv.create_revision()) {
    return NotEtcds("a key without its revisions");
  }
  return EtcdValue{std::move(*kv.mutable_value()), kv.version(), kv.create_revision(),
                   kv.mod_revision()};
}

absl::StatusOr<EtcdEvent> ToEvent(pb::Event& event, absl::string_view key) {
  pb::KeyValue& kv = *event.mutable_kv();
  if (kv.key() != key) return NotEtcds("an event of another key");
  if (event.type() == pb::Event::PUT) {
    ASSIGN_OR_RETURN(EtcdValue value, ToValue(kv));
    return EtcdEvent{false, std::move(value)};
  }
  if (event.type() != pb::Event::DELETE || kv.mod_revision() < 1) {
    return NotEtcds("an event of no kind");
  }
  // A key that is gone has neither version nor value.
  return EtcdEvent{true, {"", 0, 0, kv.mod_revision()}};
}

}  // namespace

absl::StatusOr<EtcdAnswer> AnswerIn(pb::RangeResponse response, absl::string_view key) {
  EtcdAnswer answer;
  answer.revision = response.header().revision();
  if (response.kvs_size() == 0) return answer;
  if (response.kvs_size() > 1 || response.kvs(0).key() != key) return NotEtcds("another key");
  ASSIGN_OR_RETURN(answer.kv, ToValue(*response.mutable_kvs(0)));
  return answer;
}

absl::StatusOr<std::vector<std::pair<std::string, EtcdValue>>> ListIn(pb::RangeResponse response,
                                                                      absl::string_view prefix) {
  std::vector<std::pair<std::string, EtcdValue>> found;
  for (pb::KeyValue& kv : *response.mutable_kvs()) {
    if (!absl::StartsWith(kv.key(), prefix)) return NotEtcds("another key");
    if (!found.empty() && kv.key() <= found.back().first) return NotEtcds("keys out of order");
    ASSIGN_OR_RETURN(EtcdValue value, ToValue(kv));
    found.emplace_back(std::move(*kv.mutable_key()), std::move(value));
  }
  return found;
}

absl::StatusOr<std::optional<EtcdValue>> HolderIn(pb::TxnResponse response, absl::string_view key) {
  if (response.succeeded()) return std::nullopt;
  if (response.responses_size() != 1) return NotEtcds("a transaction that is not whole");
  ASSIGN_OR_RETURN(
      EtcdAnswer held,
      AnswerIn(std::move(*response.mutable_responses(0)->mutable_response_range()), key));
  if (!held.kv.has_value()) return NotEtcds("a key that is neither absent nor there");
  return std::move(held.kv);
}

absl::StatusOr<std::vector<EtcdEvent>> EventsIn(pb::WatchResponse response, absl::string_view key) {
  std::vector<EtcdEvent> events;
  events.reserve(static_cast<size_t>(response.events_size()));
  for (pb::Event& event : *response.mutable_events()) {
    ASSIGN_OR_RETURN(EtcdEvent one, ToEvent(event, key));
    events.push_back(std::move(one));
  }
  return events;
}

absl::Status WatchEnd(const pb::WatchResponse& response) {
  if (!response.canceled()) return absl::OkStatus();
  if (response.compact_revision() != 0) {
    return absl::OutOfRangeError("the watch begins before what etcd still has");
  }
  return absl::UnavailableError(absl::StrCat("etcd ended the watch: ", response.cancel_reason()));
}

EtcdStatus StatusIn(const pb::StatusResponse& status, const pb::AlarmResponse& alarms) {
  EtcdStatus answer{status.dbsize(), status.dbsizeinuse(), ""};
  for (const pb::AlarmMember& alarm : alarms.alarms()) {
    if (alarm.alarm() == pb::NONE) continue;
    answer.alarm = alarm.alarm() == pb::NOSPACE ? "NOSPACE" : "CORRUPT";
  }
  return answer;
}

}  // namespace muster::server
