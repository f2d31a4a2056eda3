#include "server/state/edge_table.h"

namespace muster::server {

void EdgeTable::Set(const EdgeCore& edge) {
  MutexLock lock(mutex_);
  // Numbers go from 0 without gaps, in order of creation.
  if (edges_.size() <= edge.number) edges_.resize(edge.number + size_t{1});
  edges_[edge.number] = edge;
  number_of_[edge.id] = edge.number;
}

size_t EdgeTable::size() const {
  MutexLock lock(mutex_);
  return edges_.size();
}

std::optional<EdgeCore> EdgeTable::Find(absl::string_view id) const {
  MutexLock lock(mutex_);
  const auto found = number_of_.find(std::string(id));
  if (found == number_of_.end()) return std::nullopt;
  return edges_[found->second];
}

EdgeCore EdgeTable::Get(uint16_t number) const {
  MutexLock lock(mutex_);
  return edges_[number];
}

}  // namespace muster::server
