#include "server/grpc_api/watch_tokens.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/errors/errors.h"
#include "server/grpc_api/paging.h"

namespace muster::server {
namespace {

constexpr char kField[] = "resume_token";
constexpr size_t kLogIdBytes = 16;
constexpr size_t kNumberBytes = 8;

}  // namespace

std::string WatchTokens::Seal(const PageBinding& watch, const ChangePlace& place) const {
  return tokens_.Seal(watch,
                      absl::StrCat(log_.AppliedPosition().log_id, IdCursor(place.change_index),
                                   IdCursor(place.device.value)));
}

absl::StatusOr<ChangePlace> WatchTokens::Open(const PageBinding& watch,
                                              absl::string_view token) const {
  if (token.empty()) return ChangePlace{};
  const absl::StatusOr<std::string> cursor = tokens_.Open(watch, token);
  if (!cursor.ok() || cursor->size() != kLogIdBytes + 2 * kNumberBytes) {
    return BadField(kField, "is not of this watch; leave it out to begin anew");
  }
  const absl::string_view bytes = *cursor;
  const Position applied = log_.AppliedPosition();
  if (bytes.substr(0, kLogIdBytes) != applied.log_id) {
    return absl::OutOfRangeError(
        "resume_token is of before a restore or a migration; leave it out to begin anew");
  }
  ChangePlace place;
  ASSIGN_OR_RETURN(place.change_index, IdOfCursor(bytes.substr(kLogIdBytes, kNumberBytes)));
  ASSIGN_OR_RETURN(place.device.value, IdOfCursor(bytes.substr(kLogIdBytes + kNumberBytes)));
  if (place.change_index <= applied.index) return place;
  return absl::UnavailableError(
      "this node has not heard of all that the watch had told; try again, or at another node");
}

}  // namespace muster::server
