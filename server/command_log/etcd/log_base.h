// The index of the entry before the first one in etcd, once etcd was asked: index = base + version.
//
// Threads:  safe to call from any thread; set by one.
// Example:  server/migration/migration_test.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace muster::server {

class LogBase {
 public:
  void Set(uint64_t base) { base_ = base; }

  // Nullopt: etcd has not said yet.
  std::optional<uint64_t> Get() const {
    const uint64_t base = base_;
    return base == kUnknown ? std::nullopt : std::optional<uint64_t>(base);
  }

  // Of a version of the log's key. Only where it is known.
  uint64_t IndexOf(int64_t version) const { return base_ + static_cast<uint64_t>(version); }

 private:
  static constexpr uint64_t kUnknown = ~uint64_t{0};

  std::atomic<uint64_t> base_ = kUnknown;
};

}  // namespace muster::server
