// What an edge sends, as the control plane reads it: any bytes are refused or taken, and what is
// taken is consistent.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/grpc_api/edge_convert/edge_convert.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static muster::server::UpDecoder decoder;
  const absl::StatusOr<muster::server::UpMessage> message =
      decoder.Decode({reinterpret_cast<const char*>(data), size});
  if (!message.ok()) return 0;
  if (const auto* batch = std::get_if<muster::server::UpBatch>(&*message)) {
    const int items = batch->batch.check_ins_size() + batch->batch.job_events_size() +
                      batch->batch.job_results_size();
    if (batch->proofs.size() != static_cast<size_t>(items)) std::abort();
    // Everything taken can be written to the log and read back.
    muster::internal::v1::EdgeBatch again;
    if (!again.ParseFromString(batch->batch.SerializeAsString())) std::abort();
  }
  return 0;
}
