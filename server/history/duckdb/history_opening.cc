#include "server/history/duckdb/history_opening.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"
#include "server/history/duckdb/columns.h"

namespace muster::server {
namespace duck {

std::string ManifestPath(const std::string& folder) { return folder + "/manifest"; }
std::string HotPath(const std::string& folder) { return folder + "/hot.duckdb"; }
std::string SealedFolder(const std::string& folder) { return folder + "/sealed"; }
std::string UnfinishedPath(const std::string& folder) {
  return SealedFolder(folder) + "/unfinished.duckdb";
}
std::string SealedPath(const std::string& folder, const SealedRange& range) {
  return absl::StrCat(SealedFolder(folder), "/", SealedName(range));
}

absl::Status AttachSealed(Connection& connection, const Manifest& manifest,
                          const std::string& folder, const SealedRange& range) {
  const std::string path = SealedPath(folder, range);
  const std::string name = AttachedName(range.first_index);
  const absl::Status attached =
      connection.Execute(absl::StrCat("ATTACH ", Quoted(path), " AS ", name, " (READ_ONLY)"));
  if (!attached.ok()) {
    return absl::DataLossError(
        absl::StrCat("history: the sealed file ", path, " can't be opened: ", attached.message()));
  }
  absl::StatusOr<Result> about = connection.Run(
      absl::StrCat("SELECT log_id, first_index, last_index FROM ", name, ".main.about"));
  if (about.ok() && about->Step() && about->Text(0) == absl::BytesToHexString(manifest.log_id) &&
      about->Get<uint64_t>(1) == range.first_index && about->Get<uint64_t>(2) == range.last_index) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("history: the sealed file ", path,
                                          " is not the one that the manifest names",
                                          about.ok() ? "" : ": ", about.status().message()));
}

}  // namespace duck

namespace {

absl::Status NotOurs(absl::string_view folder, absl::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrCat("history: ", folder, " is not this control plane's history: ", why));
}

absl::Status Missing(absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("history: ", what, "; nothing was changed, restore it from a backup"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DuckDbHistory>> HistoryOpening::Open() {
  RETURN_IF_ERROR(duck::MakeFolder(settings_.folder));
  ASSIGN_OR_RETURN(duck::FolderLock lock,
                   duck::FolderLock::Take(settings_.folder + "/lock", settings_.lock_patience));
  lock_.emplace(std::move(lock));
  RETURN_IF_ERROR(FindManifest());
  RETURN_IF_ERROR(CheckSealedFiles());
  RETURN_IF_ERROR(OpenHot());
  RETURN_IF_ERROR(CheckAbout());
  RETURN_IF_ERROR(FindHotTables());
  for (const SealedRange& range : manifest_.files) {
    RETURN_IF_ERROR(duck::AttachSealed(*connection_, manifest_, settings_.folder, range));
    tables_.sealed.push_back(std::make_shared<duck::Table>(instance_, range));
  }
  RemoveLeftovers();
  return std::unique_ptr<DuckDbHistory>(new DuckDbHistory(
      settings_.folder, *std::move(lock_), std::move(instance_), *std::move(connection_),
      std::move(manifest_), std::move(tables_), applied_index_));
}

absl::Status HistoryOpening::FindManifest() {
  absl::StatusOr<duck::Manifest> manifest =
      duck::ReadManifest(duck::ManifestPath(settings_.folder));
  if (absl::IsNotFound(manifest.status())) return BeginManifest();
  RETURN_IF_ERROR(manifest.status());
  if (manifest->log_id != settings_.log_id) {
    return NotOurs(settings_.folder, "it holds the check-ins of another command log");
  }
  manifest_ = *std::move(manifest);
  return absl::OkStatus();
}

absl::Status HistoryOpening::BeginManifest() {
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(settings_.folder, problem)) {
    const std::string name = entry.path().filename().string();
    if (name != "lock" && name != "manifest.new") {
      return NotOurs(settings_.folder, absl::StrCat("there is \"", name, "\" and no manifest"));
    }
  }
  if (problem) return NotOurs(settings_.folder, problem.message());
  manifest_.log_id = settings_.log_id;
  return duck::WriteManifest(manifest_, duck::ManifestPath(settings_.folder));
}

absl::Status HistoryOpening::CheckSealedFiles() const {
  for (const SealedRange& range : manifest_.files) {
    const std::string path = duck::SealedPath(settings_.folder, range);
    std::error_code problem;
    const uint64_t bytes = std::filesystem::file_size(path, problem);
    if (problem) return Missing(absl::StrCat("the sealed file ", path, " is missing"));
    if (bytes != range.bytes) {
      return Missing(absl::StrCat("the sealed file ", path, " has ", bytes, " bytes and not the ",
                                  range.bytes, " that it was sealed with"));
    }
  }
  return absl::OkStatus();
}

absl::Status HistoryOpening::OpenHot() {
  const std::string path = duck::HotPath(settings_.folder);
  std::error_code ignored;
  if (manifest_.sealed_through > 0 && !std::filesystem::exists(path, ignored)) {
    return Missing(absl::StrCat("the hot file ", path, " is missing"));
  }
  RETURN_IF_ERROR(duck::MakeFolder(duck::SealedFolder(settings_.folder)));
  const duck::InstanceSettings settings = {settings_.memory_bytes, settings_.threads,
                                           settings_.folder + "/temp"};
  const Deadline deadline(settings_.lock_patience);
  for (;;) {
    absl::StatusOr<std::shared_ptr<duck::Instance>> instance = duck::Instance::Open(path, settings);
    if (instance.ok()) {
      instance_ = *std::move(instance);
      break;
    }
    if (!absl::IsAborted(instance.status()) || deadline.HasPassed()) return instance.status();
    absl::SleepFor(absl::Milliseconds(20));
  }
  ASSIGN_OR_RETURN(duck::Connection connection, duck::Connection::Make(instance_));
  connection_.emplace(std::move(connection));
  return absl::OkStatus();
}

absl::Status HistoryOpening::MakeHotTables() {
  return connection_->InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(connection_->Execute(absl::StrCat(
        "CREATE TABLE hot.main.about AS SELECT ", duck::kFormatVersion, "::UINTEGER AS version, ",
        duck::Quoted(absl::BytesToHexString(settings_.log_id)),
        " AS log_id, 0::UBIGINT AS applied_index")));
    return connection_->Execute(
        absl::StrCat("CREATE TABLE hot.main.", duck::HotName(1), " (", duck::TableColumns(), ")"));
  });
}

absl::Status HistoryOpening::CheckAbout() {
  {
    ASSIGN_OR_RETURN(duck::Result tables, connection_->Run("SELECT count(*) FROM duckdb_tables() "
                                                           "WHERE database_name = 'hot'"));
    // Killed between the making of the file and of its tables, or new.
    if (tables.Step() && tables.Get<int64_t>(0) == 0 && manifest_.sealed_through == 0) {
      RETURN_IF_ERROR(MakeHotTables());
    }
  }
  absl::StatusOr<duck::Result> about =
      connection_->Run("SELECT version, log_id, applied_index FROM hot.main.about");
  if (!about.ok() || !about->Step()) {
    return NotOurs(settings_.folder,
                   absl::StrCat("hot.duckdb says nothing of itself ", about.status().message()));
  }
  if (about->Get<uint32_t>(0) > duck::kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat("history: written by a newer Muster (format ",
                                                      about->Get<uint32_t>(0), "; this one knows ",
                                                      duck::kFormatVersion, "); start that one"));
  }
  if (about->Text(1) != absl::BytesToHexString(settings_.log_id)) {
    return NotOurs(settings_.folder, "hot.duckdb is that of another command log");
  }
  applied_index_ = about->Get<uint64_t>(2);
  return absl::OkStatus();
}

absl::Status HistoryOpening::FindHotTables() {
  std::set<uint64_t> firsts;
  ASSIGN_OR_RETURN(duck::Result names,
                   connection_->Run("SELECT table_name FROM duckdb_tables() WHERE database_name = "
                                    "'hot' AND table_name LIKE 'check_ins_%'"));
  while (names.Step()) {
    const std::string name = names.Text(0);
    uint64_t first = 0;
    if (!absl::SimpleAtoi(absl::StripPrefix(name, "check_ins_"), &first)) {
      return NotOurs(settings_.folder, absl::StrCat("hot.duckdb has a table ", name));
    }
    firsts.insert(first);
  }
  const auto kept = firsts.upper_bound(manifest_.sealed_through);
  if (kept == firsts.end() || *kept != manifest_.sealed_through + 1) {
    return Missing(absl::StrCat("hot.duckdb and the manifest are of different times: entry ",
                                manifest_.sealed_through + 1, " is in neither"));
  }
  for (const uint64_t first : firsts) {
    (first < *kept ? leftovers_ : tables_.hot)
        .push_back(std::make_shared<duck::Table>(instance_, first));
  }
  return absl::OkStatus();
}

void HistoryOpening::RemoveLeftovers() {
  for (const std::shared_ptr<duck::Table>& table : leftovers_) table->Retire();
  leftovers_.clear();
  std::set<std::string> known;
  for (const SealedRange& range : manifest_.files) known.insert(duck::SealedName(range));
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(duck::SealedFolder(settings_.folder), ignored)) {
    const std::string name = entry.path().filename().string();
    const bool ours = absl::EndsWith(name, ".duckdb") || absl::EndsWith(name, ".duckdb.wal");
    if (!ours || known.contains(name)) continue;
    LogInfo("history", "removed a file that was not finished or is expired",
            {{"file", entry.path().string()}});
    std::filesystem::remove(entry.path(), ignored);
  }
}

absl::StatusOr<std::unique_ptr<DuckDbHistory>> DuckDbHistory::Open(const DuckDbSettings& settings) {
  return HistoryOpening(settings).Open();
}

}  // namespace muster::server
