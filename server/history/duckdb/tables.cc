#include "server/history/duckdb/tables.h"

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"

namespace muster::server::duck {
namespace {

absl::Status RunAlone(const std::shared_ptr<Instance>& instance, const std::string& sql) {
  ASSIGN_OR_RETURN(Connection connection, Connection::Make(instance));
  return connection.Execute(sql);
}

}  // namespace

std::string AttachedName(uint64_t first_index) { return absl::StrCat("sealed_", first_index); }
std::string HotName(uint64_t first_index) { return absl::StrCat("check_ins_", first_index); }

Table::Table(std::shared_ptr<Instance> instance, uint64_t first_index)
    : instance_(std::move(instance)),
      first_index_(first_index),
      name_(absl::StrCat("hot.main.", HotName(first_index))) {}

Table::Table(std::shared_ptr<Instance> instance, const SealedRange& sealed)
    : instance_(std::move(instance)),
      first_index_(sealed.first_index),
      sealed_(sealed),
      name_(absl::StrCat(AttachedName(sealed.first_index), ".main.check_ins")) {}

Table::~Table() {
  if (!retired_) return;
  const absl::Status dropped =
      RunAlone(instance_, sealed_ ? absl::StrCat("DETACH ", AttachedName(first_index_))
                                  : absl::StrCat("DROP TABLE ", name_));
  if (!dropped.ok()) {
    LogWarning("history", "what is no longer read is dropped at the next start",
               {{"table", name_}, {"reason", std::string(dropped.message())}});
  }
}

std::string UnionOf(const Tables& tables, absl::string_view what, absl::string_view where,
                    int64_t first_us, int64_t last_us) {
  std::string sql;
  const auto add = [&](const Table& table) {
    absl::StrAppend(&sql, sql.empty() ? "" : " UNION ALL ", "SELECT ", what, " FROM ", table.name(),
                    " WHERE ", where);
  };
  for (const std::shared_ptr<Table>& table : tables.sealed) {
    const SealedRange& range = *table->sealed();
    if (range.last_time_us >= first_us && range.first_time_us <= last_us) add(*table);
  }
  for (const std::shared_ptr<Table>& table : tables.hot) add(*table);
  return sql;
}

}  // namespace muster::server::duck
