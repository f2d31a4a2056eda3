#include "server/history/duckdb/connection.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/status/status_macros.h"

namespace muster::server::duck {
namespace {

absl::StatusCode CodeOf(duckdb_error_type type, absl::string_view message) {
  // First of all, since each type of error can have it as its reason.
  if (absl::StrContains(message, "No space left") || absl::StrContains(message, "File too large")) {
    return absl::StatusCode::kResourceExhausted;
  }
  if (absl::StrContains(message, "Corrupt") || absl::StrContains(message, "checksum") ||
      absl::StrContains(message, "not a valid DuckDB database file") ||
      type == DUCKDB_ERROR_SERIALIZATION) {
    return absl::StatusCode::kDataLoss;
  }
  switch (type) {
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return absl::StatusCode::kResourceExhausted;
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_TRANSACTION:
    case DUCKDB_ERROR_FATAL:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status Problem(duckdb_error_type type, const char* message) {
  absl::string_view text = message == nullptr ? "no reason given" : message;
  text = absl::StripTrailingAsciiWhitespace(text.substr(0, text.find("Stack Trace:")));
  return absl::Status(CodeOf(type, text), absl::StrCat("history: DuckDB: ", text));
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "''"}}), "'");
}

absl::StatusOr<std::shared_ptr<Instance>> Instance::Open(const std::string& path,
                                                         const InstanceSettings& settings) {
  const std::array<std::pair<const char*, std::string>, 7> options = {{
      {"memory_limit", absl::StrCat(settings.memory_bytes, "B")},
      {"threads", absl::StrCat(settings.threads)},
      {"temp_directory", settings.temp_folder},
      // A checkpoint holds the writer up, the longer the more there is: on a busy machine 0.6 s for
      // this much and 3.8 s for 256 MB, for a tenth less work.
      {"checkpoint_threshold", "64MB"},
      // Nothing is ever fetched from the network.
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
  }};
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) {
    return absl::InternalError("history: DuckDB makes no configuration");
  }
  absl::Status problem;
  for (const auto& [name, value] : options) {
    if (duckdb_set_config(config, name, value.c_str()) != DuckDBSuccess) {
      problem = absl::InternalError(absl::StrCat("history: DuckDB refuses ", name, " = ", value));
    }
  }
  duckdb_database database = nullptr;
  char* error = nullptr;
  if (problem.ok() && duckdb_open_ext(path.c_str(), &database, config, &error) != DuckDBSuccess) {
    problem = Problem(DUCKDB_ERROR_INVALID, error);
    if (absl::StrContains(problem.message(), "Could not set lock on file")) {
      problem = absl::AbortedError(problem.message());
    }
    duckdb_free(error);
  }
  duckdb_destroy_config(&config);
  if (!problem.ok()) return problem;
  return std::shared_ptr<Instance>(new Instance(database));
}

Instance::~Instance() { duckdb_close(&database_); }

void Result::Visit(const std::function<void(duckdb_data_chunk chunk, size_t rows)>& visit) {
  while (Fetch()) visit(chunk_.get(), rows_);
}

bool Result::Fetch() {
  chunk_.reset(duckdb_fetch_chunk(result_));
  rows_ = chunk_ == nullptr ? 0 : duckdb_data_chunk_get_size(chunk_.get());
  return rows_ > 0;
}

bool Result::Step() {
  if (chunk_ != nullptr && row_ + 1 < rows_) {
    ++row_;
    return true;
  }
  row_ = 0;
  return Fetch();
}

duckdb_vector Result::Vector(int column) const {
  return duckdb_data_chunk_get_vector(chunk_.get(), static_cast<idx_t>(column));
}

bool Result::IsNull(int column) const {
  uint64_t* validity = duckdb_vector_get_validity(Vector(column));
  return validity != nullptr && !duckdb_validity_row_is_valid(validity, row_);
}

std::string Result::Text(int column) const {
  duckdb_string_t text = Get<duckdb_string_t>(column);
  return std::string(duckdb_string_t_data(&text), duckdb_string_t_length(text));
}

absl::StatusOr<Connection> Connection::Make(std::shared_ptr<Instance> instance) {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(instance->database_, &connection) != DuckDBSuccess) {
    return absl::UnavailableError("history: DuckDB gives no connection");
  }
  return Connection(std::move(instance), connection);
}

Connection::~Connection() {
  if (connection_ != nullptr) duckdb_disconnect(&connection_);
}

absl::StatusOr<Result> Connection::Run(const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection_, sql.c_str(), &result) == DuckDBSuccess) return Result(result);
  absl::Status problem = Problem(duckdb_result_error_type(&result), duckdb_result_error(&result));
  duckdb_destroy_result(&result);
  return problem;
}

absl::Status Connection::InTransaction(const std::function<absl::Status()>& change) {
  RETURN_IF_ERROR(Execute("BEGIN"));
  absl::Status done = change();
  if (done.ok()) done = Execute("COMMIT");
  // After a failed commit nothing is open any more, and this says so; nobody has to know.
  if (!done.ok()) Execute("ROLLBACK").IgnoreError();
  return done;
}

}  // namespace muster::server::duck
