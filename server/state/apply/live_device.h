// Small steps that rules of devices share.
//
// Threads:  the log's writer thread only; see context.h.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/state/apply/context.h"
#include "server/state/identity_rules.h"

namespace muster::server {

inline constexpr int kMaxUrls = 4;
inline constexpr size_t kMaxUrlBytes = 256;
inline constexpr size_t kMaxAgentVersionBytes = 32;

// The live device, if it is of the organization; else NotFound, the same for a stranger's device
// and for none.
absl::StatusOr<DeviceTable::Both> FindLiveDevice(ApplyContext& context, uint64_t id,
                                                 uint64_t organization);

// What identity_rules.h asks of it.
IdentityView ViewOf(const DeviceCore& core);

// Tells edges and watchers of the device; `core` is what it is (or was) in: after a move both are
// told.
void TellOfDevice(ApplyContext& context, const DeviceCore& core, ChangeKind kind);

// WriteAudit for the device, in the organization that it is in.
void AuditDevice(ApplyContext& context, const DeviceCore& core, absl::string_view summary);

// The URLs that stand in its agent's text.
// Nobody is told: the caller raises the generation of its text.
void SaveUrls(ApplyContext& context, DenseIndex index,
              const google::protobuf::RepeatedPtrField<std::string>& urls);

}  // namespace muster::server
