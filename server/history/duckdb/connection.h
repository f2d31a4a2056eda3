// A small face of DuckDB's C API: handles that are closed, errors that are Statuses, rows by
// column.
//
// Threads:  an Instance may be shared; a Connection and its Result belong to one thread at a time.
// Owns:     what it opened. A Connection keeps its Instance, a Result keeps nothing: it must go
//           before its Connection.
// Errors:   as in server/history/history.h; a database that gave up after a failed write answers
//           Unavailable until it is opened again. The message is DuckDB's own, with what was done.
// Example:  ASSIGN_OR_RETURN(Connection connection, Connection::Make(instance));
//           ASSIGN_OR_RETURN(Result result, connection.Run("SELECT 1::UBIGINT"));
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server::duck {

struct InstanceSettings {
  uint64_t memory_bytes = 0;
  int threads = 1;
  // Where it puts what does not fit into memory.
  std::string temp_folder;
};

class Instance {
 public:
  // Opens or makes the database file. Aborted while another process holds it.
  static absl::StatusOr<std::shared_ptr<Instance>> Open(const std::string& path,
                                                        const InstanceSettings& settings);
  ~Instance();

  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

 private:
  friend class Connection;
  explicit Instance(duckdb_database database) : database_(database) {}

  duckdb_database database_;
};

// The whole answer of a statement. Values of a column that is NULL are the type's zero: ask IsNull.
class Result {
 public:
  explicit Result(const duckdb_result& result) : result_(result) {}
  Result(Result&& other) noexcept : result_(std::exchange(other.result_, {})) {}
  ~Result() { duckdb_destroy_result(&result_); }

  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;

  // Calls `visit` for each chunk of at most duckdb_vector_size() rows, in order.
  void Visit(const std::function<void(duckdb_data_chunk chunk, size_t rows)>& visit);

  // The values of the next row's columns for answers of few rows; false behind the last.
  bool Step();
  bool IsNull(int column) const;
  template <typename T>
  T Get(int column) const {
    return static_cast<const T*>(duckdb_vector_get_data(Vector(column)))[row_];
  }
  std::string Text(int column) const;

 private:
  duckdb_vector Vector(int column) const;
  bool Fetch();

  duckdb_result result_;
  std::unique_ptr<_duckdb_data_chunk, void (*)(duckdb_data_chunk)> chunk_{
      nullptr, [](duckdb_data_chunk chunk) { duckdb_destroy_data_chunk(&chunk); }};
  size_t rows_ = 0;
  size_t row_ = 0;
};

class Connection {
 public:
  static absl::StatusOr<Connection> Make(std::shared_ptr<Instance> instance);
  Connection(Connection&& other) noexcept
      : instance_(std::move(other.instance_)),
        connection_(std::exchange(other.connection_, nullptr)) {}
  ~Connection();

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  absl::StatusOr<Result> Run(const std::string& sql);
  // Without an answer.
  absl::Status Execute(const std::string& sql) { return Run(sql).status(); }
  // All that `change` does, or nothing.
  absl::Status InTransaction(const std::function<absl::Status()>& change);

  duckdb_connection handle() const { return connection_; }

 private:
  Connection(std::shared_ptr<Instance> instance, duckdb_connection connection)
      : instance_(std::move(instance)), connection_(connection) {}

  std::shared_ptr<Instance> instance_;
  duckdb_connection connection_;
};

// DuckDB's error as a Status.
absl::Status Problem(duckdb_error_type type, const char* message);

// A text as it is written in SQL.
std::string Quoted(absl::string_view text);

}  // namespace muster::server::duck
