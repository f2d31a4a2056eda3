// Turns what an edge sends into the plain messages of server/edges, and those for it into bytes.
//
// The envelope of a batch is read by hand and each item parsed alone: one item that protobuf
// refuses (a string that is not UTF-8, say) must not take its neighbours with it, and one parsed
// object serves all items of a stream, so that a check-in costs few allocations.
//
// Threads:  an UpDecoder serves one stream; the functions are pure.
// Errors:   InvalidArgument where the envelope itself is broken; a broken item is named in
//           UpBatch::refused.
// Example:  edge_convert_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "muster/edge/v1/edge_service.pb.h"
#include "server/edges/edge_messages.h"

namespace muster::server {

class UpDecoder {
 public:
  // Reads one message of a stream, a muster.edge.v1.ConnectRequest. The answer owns all that it
  // holds, so `bytes` may go afterwards. Fields that this version does not know are passed over; a
  // message that has only such is InvalidArgument.
  absl::StatusOr<UpMessage> Decode(absl::string_view bytes);

 private:
  absl::StatusOr<UpMessage> DecodeBatch(absl::string_view bytes);
  // Items count through check-ins, events and results, in whatever order they lay on the wire.
  void NumberItems(UpBatch& batch);
  void TakeCheckIn(absl::string_view bytes, UpBatch& batch);
  void TakeJobEvent(absl::string_view bytes, UpBatch& batch);
  void TakeJobResult(absl::string_view bytes, UpBatch& batch);

  // Reused, for their memory.
  edge::v1::CheckIn check_in_;
  internal::v1::Readings readings_;
  edge::v1::JobEvent job_event_;
  edge::v1::JobResult job_result_;
  std::vector<SecretProof> event_proofs_, result_proofs_;
  std::vector<ItemVerdict> event_refusals_, result_refusals_;
  uint32_t check_ins_ = 0, job_events_ = 0, job_results_ = 0;
};

// One muster.edge.v1.ConnectResponse.
std::string EncodeDown(const DownMessage& message);

// Facts as the log keeps them; empties `facts`. False where a field is too long or of a wrong size.
bool TakeFacts(edge::v1::Facts& facts, internal::v1::Facts& out);

void ToWire(const EdgeDevice& device, edge::v1::DeviceRecord& record);

}  // namespace muster::server
