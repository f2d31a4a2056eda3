#include "server/edges/contact_questions.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::server {

uint64_t ContactQuestions::Begin(const std::string& edge_id) {
  MutexLock lock(mutex_);
  open_[++last_] = Open{.edge_id = edge_id};
  return last_;
}

absl::StatusOr<RouterContacts> ContactQuestions::Wait(uint64_t question, absl::Duration deadline) {
  const absl::Duration end = clock_.Monotonic() + deadline;
  MutexLock lock(mutex_);
  while (!open_.at(question).answer.has_value() && !open_.at(question).abandoned) {
    const absl::Duration left = end - clock_.Monotonic();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(mutex_, left);
  }
  // Forgotten here, so an answer that comes too late finds nothing.
  Open ended = std::move(open_.at(question));
  open_.erase(question);
  if (ended.answer.has_value()) return *std::move(ended.answer);
  return absl::UnavailableError(absl::StrCat(
      "edge ", ended.edge_id, ended.abandoned ? " has gone" : " does not answer", "; try again"));
}

void ContactQuestions::Answer(const std::string& edge_id, UpContactAnswer answer) {
  MutexLock lock(mutex_);
  const auto found = open_.find(answer.question);
  // Numbers count up and can be guessed: an edge answers only what it was asked.
  if (found == open_.end() || found->second.edge_id != edge_id) return;
  found->second.answer = std::move(answer.contacts);
  changed_.NotifyAll();
}

void ContactQuestions::Abandon(const std::string& edge_id) {
  MutexLock lock(mutex_);
  // Noted and not answered at once: whoever waits wakes and says so.
  for (auto& [question, open] : open_) open.abandoned |= open.edge_id == edge_id;
  changed_.NotifyAll();
}

}  // namespace muster::server
