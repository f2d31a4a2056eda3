// Whatever comes as a reply of etcd, what is taken of it is what an etcd would say.
#include <cstdlib>

#include "server/command_log/etcd/etcd_replies.h"

namespace {

using namespace muster::server;
namespace pb = etcdserverpb;

constexpr absl::string_view kKey = "k/a";
constexpr absl::string_view kPrefix = "k/";

void Check(bool holds) {
  if (!holds) std::abort();
}

bool IsThere(const EtcdValue& value) {
  return value.version >= 1 && value.create_revision >= 1 &&
         value.mod_revision >= value.create_revision;
}

template <typename Reply>
Reply Parsed(absl::string_view bytes) {
  Reply reply;
  // What was read before the error counts as well.
  (void)reply.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return reply;
}

void CheckWatch(const pb::WatchResponse& reply) {
  Check(WatchEnd(reply).ok() == !reply.canceled());
  const auto events = EventsIn(reply, kKey);
  if (!events.ok()) return;
  Check(events->size() == static_cast<size_t>(reply.events_size()));
  for (const EtcdEvent& event : *events) {
    Check(event.deleted ? event.kv.version == 0 && event.kv.mod_revision >= 1 : IsThere(event.kv));
  }
}

void CheckRange(const pb::RangeResponse& reply) {
  const auto answer = AnswerIn(reply, kKey);
  if (answer.ok() && answer->kv.has_value()) Check(IsThere(*answer->kv));
  const auto list = ListIn(reply, kPrefix);
  if (!list.ok()) return;
  Check(list->size() == static_cast<size_t>(reply.kvs_size()));
  for (size_t i = 0; i < list->size(); ++i) {
    Check(IsThere((*list)[i].second) && (*list)[i].first.rfind(std::string(kPrefix), 0) == 0);
    Check(i == 0 || (*list)[i - 1].first < (*list)[i].first);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      CheckWatch(Parsed<pb::WatchResponse>(bytes));
      break;
    case 1:
      CheckRange(Parsed<pb::RangeResponse>(bytes));
      break;
    case 2: {
      const auto reply = Parsed<pb::TxnResponse>(bytes);
      const auto holder = HolderIn(reply, kKey);
      if (holder.ok()) Check(reply.succeeded() ? !holder->has_value() : IsThere(**holder));
      break;
    }
    default: {
      const size_t half = bytes.size() / 2;
      (void)StatusIn(Parsed<pb::StatusResponse>(bytes.substr(0, half)),
                     Parsed<pb::AlarmResponse>(bytes.substr(half)));
    }
  }
  return 0;
}
