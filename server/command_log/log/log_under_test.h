// What tests of every engine work on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "server/command_log/log/command_log.h"

namespace muster::server {

// A log with its state, in a place of its own.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;

  virtual CommandLog& log() = 0;
  // What its state shows.
  virtual bool HasOrganization(uint64_t id) = 0;
  virtual size_t CountOrganizations() = 0;
  // Counts the changes of keys into `told` until the answer is destroyed.
  virtual std::shared_ptr<void> CountKeyChanges(std::atomic<int>& told) = 0;
  // Stops it and opens the same place again.
  virtual void Restart() = 0;
};

}  // namespace muster::server
