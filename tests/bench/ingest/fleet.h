// A million devices, computed rather than stored: ids, secrets and what each of them reports.
//
// The same number always gives the same device, so that the seeded state and the simulated edges
// agree without a file between them. Secrets are made from a fixed number and protect nothing.
//
// Threads:  safe to call from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/secrets/secrets.h"
#include "muster/edge/v1/edge_service.pb.h"

namespace muster::bench {

inline constexpr uint32_t kIntervalSeconds = 30;

class Fleet {
 public:
  // Device ids rise with the number.
  Fleet(size_t devices, size_t edges);

  size_t size() const { return ids_.size(); }
  size_t edges() const { return edges_; }
  uint64_t Id(size_t device) const { return ids_[device]; }
  // 16 bytes.
  Secret TokenSecret(size_t device) const;
  // Device `place` of those that check in through `edge`.
  size_t DeviceAt(size_t edge, size_t place) const { return place * edges_ + edge; }
  size_t EdgeOf(size_t device) const { return device % edges_; }
  size_t DevicesAt(size_t edge) const { return (ids_.size() + edges_ - 1 - edge) / edges_; }

  std::string Boot(size_t device) const;
  // 4 bytes.
  std::string Address(size_t device) const;

  // What its check-in says at `time_us`, without the secret check.
  void FillCheckIn(size_t device, int64_t time_us, edge::v1::CheckIn& check_in) const;

 private:
  const size_t edges_;
  std::vector<uint64_t> ids_;
};

}  // namespace muster::bench
