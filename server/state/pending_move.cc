#include "server/state/pending_move.h"

#include <string>

namespace muster::server {

std::optional<internal::v1::MigrateState> FindPendingMove(const State& state) {
  const std::optional<std::string> blob = state.FindBlob(kPendingMove);
  internal::v1::MigrateState move;
  if (!blob.has_value() || !move.ParseFromString(*blob)) return std::nullopt;
  return move;
}

}  // namespace muster::server
