// What is wrong with a device, in words, and what to do about it.
//
// Threads:  pure functions.
// Example:  diagnosis_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/state/records.h"

namespace muster::server {

// Numbers are those of muster.v1.ContactKind.
enum class ContactKind { kCheckIn = 1, kResult = 2, kPayload = 3, kAgent = 4, kRefused = 5 };

// One call of the router, as the edge that took it remembers it.
struct DeviceContact {
  ContactKind kind = ContactKind::kCheckIn;
  int64_t time_us = 0;
  uint32_t http_status = 0;
  std::string reason;
};

struct DeviceContacts {
  // At most 20, newest first.
  std::vector<DeviceContact> contacts;
  // Of the newest connection.
  std::string tls_version;
  std::string tls_cipher;
  std::string tls_group;
  bool tls_resumed = false;
};

// Asks the edge that heard a device last. Blocks up to the duration. FailedPrecondition for a
// device that was never heard, Unavailable where the edge is away.
using ContactAsker = std::function<absl::StatusOr<DeviceContacts>(DeviceId, absl::Duration)>;

// Numbers are those of muster.v1.FindingLevel.
enum class FindingLevel { kNotice = 1, kWarning = 2, kProblem = 3 };

struct DiagnosisFinding {
  FindingLevel level = FindingLevel::kNotice;
  // A stable word: "offline", "token-refused" ...
  std::string code;
  std::string message;
  // What to do, for people; commands can be pasted.
  std::string next_step;
};

// All that is looked at.
struct DiagnosisFacts {
  Device device;
  std::vector<DeviceEvent> events;
  // Targets that have not ended.
  std::vector<JobTarget> open_targets;
  // Not ok: why the edge did not say.
  absl::StatusOr<DeviceContacts> contacts;
  int64_t now_us = 0;
};

// Finds what is wrong, worst first; empty where nothing is. Of a tombstone only that it is one.
// Looks at nothing but `facts`: tests say what routers would have to fake.
std::vector<DiagnosisFinding> Diagnose(const DiagnosisFacts& facts);

// How far the router's clock ("2026-11-22 11:36:02", on v6 "nov/22/2026 11:36:02") is from the
// time of its check-in. Routers say local time: a difference of whole quarters of an hour, up to 14
// hours, is taken for the time zone. nullopt where there is no clock to read.
std::optional<absl::Duration> ClockSkew(absl::string_view router_clock, absl::Time check_in);

// Finds the policies of `wanted` that `rights` lacks or says are lost ("no-write"); both are lists
// with commas, in any order.
std::vector<std::string> MissingRights(absl::string_view rights, absl::string_view wanted);
// Says whether the agent reports that the user who owns it is gone.
bool OwnerIsGone(absl::string_view rights);
// Finds those of `rights` that are held.
std::vector<std::string> HeldRights(absl::string_view rights);
// What the agent of such a device should have.
absl::string_view WantedRights(const Device& device);

}  // namespace muster::server
