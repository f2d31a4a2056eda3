#include "server/state/apply/router_roots.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "server/state/apply/apply.h"

namespace muster::server {
namespace {

constexpr size_t kMaxPemBytes = 4096;
constexpr size_t kMaxKeyBytes = 4096;

struct RootRow {
  bool active = false;
  bool retired = false;
};

std::optional<RootRow> FindRoot(ApplyContext& context, uint32_t number) {
  Query query(context.db, "SELECT active, retire_us FROM router_roots WHERE number = ?", number);
  if (!query.Step()) return std::nullopt;
  return RootRow{query.Bool(0), query.Int(1) > 0};
}

int64_t Number(ApplyContext& context, const char* sql) {
  Query query(context.db, sql);
  return query.Step() ? query.Int(0) : 0;
}

std::string NameOf(uint32_t number) { return absl::StrCat("routerRoots/", number); }

void Tell(ApplyContext& context, uint32_t number, absl::string_view summary) {
  context.Changed({.kind = ChangeKind::kRouterRoots});
  WriteAudit(context, NameOf(number), 0, summary);
}

}  // namespace

void AddFirstRouterRoot(ApplyContext& context) {
  context.db.Run(
      "INSERT OR IGNORE INTO router_roots (number, pem, sealed_key, active, create_us, "
      "activate_us, retire_us) SELECT 1, CAST(p.value AS TEXT), k.value, 1, 0, 0, 0 "
      "FROM blobs p, blobs k "
      "WHERE p.name = 'pki/router-root.pem' AND k.name = 'pki/router-root-key'");
}

ApplyResult Apply(ApplyContext& context, const internal::v1::CreateRouterRoot& command) {
  if (command.number() == 0 || command.pem().empty() || command.pem().size() > kMaxPemBytes ||
      command.sealed_key().empty() || command.sealed_key().size() > kMaxKeyBytes) {
    return Malformed("router root");
  }
  Query other(context.db,
              "SELECT number FROM router_roots WHERE active = 0 AND retire_us = 0 LIMIT 1");
  if (other.Step()) {
    return absl::FailedPreconditionError(
        absl::StrCat("root ", other.Int(0),
                     " is trusted beside the active one already: activate it or retire it first"));
  }
  if (Number(context, "SELECT coalesce(max(number), 0) FROM router_roots") + 1 !=
      static_cast<int64_t>(command.number())) {
    return absl::AbortedError("another root was made meanwhile; look at: muster root list");
  }
  context.db.Run(
      "INSERT INTO router_roots (number, pem, sealed_key, active, create_us, activate_us, "
      "retire_us) VALUES (?, ?, ?, 0, ?, 0, 0)",
      command.number(), command.pem(), Blob{command.sealed_key()}, context.now_us());
  Tell(context, command.number(), "made a router root, trusted beside the active one");
  return ResultOf(command.number());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::ActivateRouterRoot& command) {
  const std::optional<RootRow> root = FindRoot(context, command.number());
  if (!root.has_value()) return UnknownThing("router root", absl::StrCat(command.number()));
  if (root->retired) {
    return absl::FailedPreconditionError(
        absl::StrCat("root ", command.number(), " is retired, and its key destroyed"));
  }
  if (root->active) return ResultOf(command.number());
  context.db.Run("UPDATE router_roots SET active = 0 WHERE active = 1");
  context.db.Run("UPDATE router_roots SET active = 1, activate_us = ? WHERE number = ?",
                 context.now_us(), command.number());
  Tell(context, command.number(), "activated the router root");
  return ResultOf(command.number());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::RetireRouterRoot& command) {
  const std::optional<RootRow> root = FindRoot(context, command.number());
  if (!root.has_value()) return UnknownThing("router root", absl::StrCat(command.number()));
  if (root->active) {
    return absl::FailedPreconditionError(absl::StrCat(
        "root ", command.number(), " is the active one: activate another before it is retired"));
  }
  if (root->retired) return ResultOf(command.number());
  context.db.Run("UPDATE router_roots SET retire_us = ?, sealed_key = x'' WHERE number = ?",
                 context.now_us(), command.number());
  // The first one's key lies there too.
  if (command.number() == 1) {
    context.db.Run("DELETE FROM blobs WHERE name = 'pki/router-root-key'");
  }
  Tell(context, command.number(), "retired the router root");
  return ResultOf(command.number());
}

}  // namespace muster::server
