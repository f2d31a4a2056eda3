#include "server/command_log/log/member_key.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace muster::server {
namespace {

std::string ContextOf(absl::string_view cluster_id, uint32_t generation, uint64_t member) {
  return absl::StrCat("muster/member-key/", cluster_id, "/", generation, "/", member);
}

}  // namespace

absl::StatusOr<std::string> SealForMember(absl::string_view public_key,
                                          absl::string_view cluster_id, uint32_t generation,
                                          uint64_t member, const Secret& master_key) {
  return SealInBox(public_key, ContextOf(cluster_id, generation, member), master_key.Reveal());
}

absl::StatusOr<Secret> OpenForMember(const BoxKeyPair& keys, absl::string_view cluster_id,
                                     uint32_t generation, uint64_t member,
                                     absl::string_view sealed) {
  ASSIGN_OR_RETURN(Secret key, OpenBox(keys, ContextOf(cluster_id, generation, member), sealed));
  if (key.size() == kMasterKeyBytes) return key;
  return absl::DataLossError("the box holds no master key");
}

}  // namespace muster::server
