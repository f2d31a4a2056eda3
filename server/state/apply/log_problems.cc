// Entries that no node took.
#include "server/state/apply/apply.h"

namespace muster::server {
namespace {

// Whoever can write to the log's place, but has no key, must not fill the audit.
constexpr int64_t kQuietUs = 60 * int64_t{1'000'000};
// Audit entries that are looked through for an earlier one.
constexpr int kLookBack = 1'000;
constexpr size_t kMaxProblemBytes = 512;

bool WasToldLately(ApplyContext& context) {
  Query query(context.db,
              "SELECT count(*) FROM (SELECT method, time_us FROM audit ORDER BY sequence DESC "
              "LIMIT ?) WHERE method = ? AND time_us > ?",
              kLookBack, context.command->method(), context.now_us() - kQuietUs);
  return query.Step() && query.Int(0) > 0;
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const internal::v1::LogProblem& command) {
  if (command.problem().size() > kMaxProblemBytes) return Malformed("problem of the log");
  if (!WasToldLately(context)) WriteAudit(context, "log", 0, command.problem());
  return ResultOf(context.index);
}

}  // namespace muster::server
