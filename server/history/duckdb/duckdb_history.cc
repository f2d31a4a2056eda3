#include "server/history/duckdb/duckdb_history.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/history/duckdb/columns.h"

namespace muster::server {

DuckDbHistory::DuckDbHistory(std::string folder, duck::FolderLock lock,
                             std::shared_ptr<duck::Instance> instance, duck::Connection writer,
                             duck::Manifest manifest, duck::Tables tables, uint64_t applied_index)
    : folder_(std::move(folder)),
      lock_(std::move(lock)),
      instance_(std::move(instance)),
      writer_(std::move(writer)),
      manifest_(std::move(manifest)),
      tables_(std::make_shared<const duck::Tables>(std::move(tables))),
      applied_index_(applied_index) {}

uint64_t DuckDbHistory::AppliedIndex() const {
  MutexLock lock(mutex_);
  return applied_index_;
}

std::shared_ptr<const duck::Tables> DuckDbHistory::CurrentTables() const {
  MutexLock lock(mutex_);
  return tables_;
}

void DuckDbHistory::ChangeTables(const std::function<void(duck::Tables& tables)>& change) {
  std::shared_ptr<const duck::Tables> before;
  MutexLock lock(mutex_);
  duck::Tables tables = *tables_;
  change(tables);
  before = std::exchange(tables_, std::make_shared<const duck::Tables>(std::move(tables)));
}

absl::Status DuckDbHistory::Append(absl::Span<const CheckInRow> rows, uint64_t index) {
  const uint64_t applied = AppliedIndex();
  if (index <= applied) {
    return absl::FailedPreconditionError(absl::StrCat(
        "history: entry ", index, " came again; all up to ", applied, " is kept already"));
  }
  for (const CheckInRow& row : rows) RETURN_IF_ERROR(duck::CheckRow(row));
  RETURN_IF_ERROR(CheckWriter());
  const uint64_t first_index = CurrentTables()->hot.back()->first_index();
  const absl::Status kept = writer_.InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(AppendChunks(rows, duck::HotName(first_index)));
    return writer_.Execute(absl::StrCat("UPDATE hot.main.about SET applied_index = ", index));
  });
  if (!kept.ok()) return FailWriter(kept);
  MutexLock lock(mutex_);
  applied_index_ = index;
  return absl::OkStatus();
}

absl::Status DuckDbHistory::CheckWriter() const {
  return writer_failed_ ? absl::UnavailableError("history: a write failed; open it again")
                        : absl::OkStatus();
}

absl::Status DuckDbHistory::FailWriter(absl::Status problem) {
  writer_failed_ = true;
  return problem;
}

absl::Status DuckDbHistory::AppendChunks(absl::Span<const CheckInRow> rows,
                                         const std::string& table) {
  std::vector<duckdb_logical_type> types = duck::MakeColumnTypes();
  duckdb_data_chunk chunk = duckdb_create_data_chunk(types.data(), types.size());
  duckdb_appender appender = nullptr;
  const absl::Cleanup tidy = [&] {
    duckdb_appender_destroy(&appender);
    duckdb_destroy_data_chunk(&chunk);
    for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
  };
  bool good = duckdb_appender_create_ext(writer_.handle(), "hot", "main", table.c_str(),
                                         &appender) == DuckDBSuccess;
  while (good && !rows.empty()) {
    const size_t count = std::min<size_t>(rows.size(), duckdb_vector_size());
    duckdb_data_chunk_reset(chunk);
    duck::WriteRows(rows.first(count), chunk);
    good = duckdb_append_data_chunk(appender, chunk) == DuckDBSuccess;
    rows.remove_prefix(count);
  }
  if (good && duckdb_appender_close(appender) == DuckDBSuccess) return absl::OkStatus();
  duckdb_error_data error = duckdb_appender_error_data(appender);
  const absl::Status problem =
      duck::Problem(duckdb_error_data_error_type(error), duckdb_error_data_message(error));
  duckdb_destroy_error_data(&error);
  return problem;
}

absl::Status DuckDbHistory::Cut() {
  const uint64_t first_index = AppliedIndex() + 1;
  if (CurrentTables()->hot.back()->first_index() == first_index) return absl::OkStatus();
  RETURN_IF_ERROR(CheckWriter());
  const absl::Status made = writer_.Execute(absl::StrCat(
      "CREATE TABLE hot.main.", duck::HotName(first_index), " (", duck::TableColumns(), ")"));
  if (!made.ok()) return FailWriter(made);
  ChangeTables([&](duck::Tables& tables) {
    tables.hot.push_back(std::make_shared<duck::Table>(instance_, first_index));
  });
  return absl::OkStatus();
}

absl::Status DuckDbHistory::Seal() {
  MutexLock sealing(seal_mutex_);
  for (;;) {
    const std::shared_ptr<const duck::Tables> tables = CurrentTables();
    if (tables->hot.size() < 2) return absl::OkStatus();
    RETURN_IF_ERROR(SealOldest(*tables->hot[0], tables->hot[1]->first_index() - 1));
  }
}

absl::Status DuckDbHistory::SealOldest(const duck::Table& oldest, uint64_t last_index) {
  ASSIGN_OR_RETURN(duck::Connection connection, duck::Connection::Make(instance_));
  ASSIGN_OR_RETURN(const SealedRange range, WriteSealed(connection, oldest, last_index));
  duck::Manifest manifest = manifest_;
  manifest.sealed_through = last_index;
  manifest.files.push_back(range);
  // Attached before the manifest says so: behind that point nothing may fail.
  RETURN_IF_ERROR(duck::AttachSealed(connection, manifest, folder_, range));
  auto table = std::make_shared<duck::Table>(instance_, range);
  if (absl::Status written = duck::WriteManifest(manifest, duck::ManifestPath(folder_));
      !written.ok()) {
    table->Retire();
    return written;
  }
  manifest_ = std::move(manifest);
  ChangeTables([&](duck::Tables& tables) {
    tables.sealed.push_back(std::move(table));
    tables.hot.front()->Retire();
    tables.hot.erase(tables.hot.begin());
  });
  return absl::OkStatus();
}

absl::StatusOr<SealedRange> DuckDbHistory::WriteSealed(duck::Connection& connection,
                                                       const duck::Table& table,
                                                       uint64_t last_index) {
  const std::string unfinished = duck::UnfinishedPath(folder_);
  // Of an earlier call that failed.
  RETURN_IF_ERROR(connection.Execute("DETACH DATABASE IF EXISTS unfinished"));
  std::error_code ignored;
  std::filesystem::remove(unfinished, ignored);
  std::filesystem::remove(unfinished + ".wal", ignored);
  SealedRange range = {table.first_index(), last_index};
  RETURN_IF_ERROR(
      connection.Execute(absl::StrCat("ATTACH ", duck::Quoted(unfinished), " AS unfinished")));
  absl::Cleanup detach = [&] { connection.Execute("DETACH unfinished").IgnoreError(); };
  RETURN_IF_ERROR(
      connection.Execute(absl::StrCat("CREATE TABLE unfinished.main.check_ins AS SELECT * FROM ",
                                      table.name(), " ORDER BY organization, device, time")));
  RETURN_IF_ERROR(connection.Execute(absl::StrCat(
      "CREATE TABLE unfinished.main.about AS SELECT ",
      duck::Quoted(absl::BytesToHexString(manifest_.log_id)), " AS log_id, ", range.first_index,
      "::UBIGINT AS first_index, ", range.last_index, "::UBIGINT AS last_index")));
  RETURN_IF_ERROR(connection.Execute("CHECKPOINT unfinished"));
  {
    ASSIGN_OR_RETURN(duck::Result sums,
                     connection.Run("SELECT count(*), coalesce(epoch_us(min(time)), 0), "
                                    "coalesce(epoch_us(max(time)), 0) FROM unfinished.check_ins"));
    if (!sums.Step()) return absl::InternalError("history: a sum has no rows");
    range.rows = static_cast<uint64_t>(sums.Get<int64_t>(0));
    range.first_time_us = sums.Get<int64_t>(1);
    range.last_time_us = sums.Get<int64_t>(2);
  }
  std::move(detach).Cancel();
  RETURN_IF_ERROR(connection.Execute("DETACH unfinished"));
  std::error_code problem;
  range.bytes = std::filesystem::file_size(unfinished, problem);
  if (problem) return absl::UnavailableError(absl::StrCat(unfinished, ": ", problem.message()));
  RETURN_IF_ERROR(duck::PublishFile(unfinished, duck::SealedPath(folder_, range)));
  return range;
}

absl::StatusOr<int> DuckDbHistory::RemoveBefore(absl::Time time) {
  const int64_t before_us = absl::ToUnixMicros(time);
  const auto is_old = [&](const SealedRange& range) { return range.last_time_us < before_us; };
  MutexLock sealing(seal_mutex_);
  duck::Manifest manifest = manifest_;
  const auto removed = static_cast<int>(std::erase_if(manifest.files, is_old));
  if (removed == 0) return 0;
  RETURN_IF_ERROR(duck::WriteManifest(manifest, duck::ManifestPath(folder_)));
  std::swap(manifest_, manifest);

  ChangeTables([&](duck::Tables& tables) {
    std::erase_if(tables.sealed, [&](const std::shared_ptr<duck::Table>& table) {
      const bool old = is_old(*table->sealed());
      if (old) table->Retire();
      return old;
    });
  });
  for (const SealedRange& range : manifest.files) {
    // Who has it open still reads it. A file that stays is removed at the next start.
    std::error_code ignored;
    if (is_old(range)) std::filesystem::remove(duck::SealedPath(folder_, range), ignored);
  }
  return removed;
}

std::vector<SealedRange> DuckDbHistory::SealedRanges() const {
  std::vector<SealedRange> ranges;
  for (const std::shared_ptr<duck::Table>& table : CurrentTables()->sealed) {
    ranges.push_back(*table->sealed());
  }
  return ranges;
}

}  // namespace muster::server
