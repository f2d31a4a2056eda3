#include "server/command_log/etcd/log_claim.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"
#include "server/command_log/etcd/cursor.h"
#include "server/command_log/etcd/etcd_problem.h"
#include "server/command_log/etcd/log_keys.h"
#include "server/command_log/etcd/sealed_entry.h"

namespace muster::server {
namespace {

// Of all attempts of one question.
constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kLease = absl::Seconds(5);
constexpr size_t kDigestBytes = 32;

std::string RecordOf(const EtcdLogOptions& options, const Position& after) {
  return EncodeLogOwner(MakeLogOwner(options.keys->First(), after.log_id, after.index));
}

absl::Status NotFree(const EtcdTerms& terms, absl::string_view key) {
  return absl::FailedPreconditionError(
      absl::StrCat("etcd at ", absl::StrJoin(terms.urls, ", "), " is not empty: it holds ", key,
                   ", of another cluster or of an earlier try, and nothing is overwritten; name "
                   "an etcd without keys muster/"));
}

// Under the key that any node may hold for a moment, and with its end in sight: no trace stays.
absl::Status TryToWrite(Etcd& etcd, const EtcdLogOptions& options) {
  ASSIGN_OR_RETURN(const int64_t lease, etcd.GrantLease(kLease, options.call_timeout));
  const absl::Status written =
      etcd.PutIfAbsent(TickKey(options), "0", lease, options.call_timeout).status();
  etcd.RevokeLease(lease, options.call_timeout).IgnoreError();
  return written;
}

template <typename Ask>
auto Patiently(const Ask& ask) -> decltype(ask()) {
  const Deadline deadline(kPatience);
  auto answer = ask();
  const auto is_open = [&answer] {
    if constexpr (std::is_same_v<decltype(ask()), absl::Status>) {
      return IsOpenOutcome(answer);
    } else {
      return IsOpenOutcome(answer.status());
    }
  };
  while (is_open() && !deadline.HasPassed()) answer = ask();
  return answer;
}

}  // namespace

absl::Status CheckEtcdIsFree(Etcd& etcd, const EtcdLogOptions& options, const EtcdTerms& terms,
                             const Position& own) {
  const auto found = Patiently([&] { return etcd.List(options.prefix, options.call_timeout); });
  if (!found.ok()) return TellEtcdProblem(found.status(), terms);
  for (const auto& [key, value] : *found) {
    const bool ours = key == OwnerKey(options) && value.value == RecordOf(options, own);
    // A try of before that was killed; it goes with its lease, and where a cluster is there is
    // more.
    const bool goes_by_itself = key == TickKey(options);
    if (!ours && !goes_by_itself) return NotFree(terms, key);
  }
  const absl::Status written = Patiently([&] { return TryToWrite(etcd, options); });
  return written.ok() ? written : TellEtcdProblem(written, terms);
}

absl::Status ClaimLog(Etcd& etcd, const EtcdLogOptions& options, const EtcdTerms& terms,
                      const Position& after) {
  const std::string record = RecordOf(options, after);
  const auto there = Patiently(
      [&] { return etcd.PutIfAbsent(OwnerKey(options), record, 0, options.call_timeout); });
  if (!there.ok()) return TellEtcdProblem(there.status(), terms);
  if (!there->has_value() || (*there)->value == record) return absl::OkStatus();
  return NotFree(terms, OwnerKey(options));
}

std::string BeginningNote() { return EtcdCursor{0, std::string(kDigestBytes, '\0'), {}}.Encode(); }

bool IsBeginning(absl::string_view note) { return note == BeginningNote(); }

}  // namespace muster::server
