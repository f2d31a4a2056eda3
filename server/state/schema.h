// The tables of state.db.
//
// A change after a release is a list of statements of its own, which old rows must survive: a new
// column has a default, and what old code doesn't know it must be able to ignore. `user_version` of
// the file says how far it is.
//
// Threads:  none; called while the database is opened.
// Errors:   FailedPrecondition for a schema that is newer than this program.
#pragma once

#include "absl/status/status.h"
#include "server/state/database.h"

namespace muster::server {

// Of this program. Migrations are append-only: a step leads from each version to the next.
inline constexpr int kSchemaVersion = 5;

// Sets the pragmas of a writer, makes the tables or brings them up to `version`; tests make older
// ones.
// All in one transaction: a start that dies in between finds the old schema and begins again.
// Repeating is harmless.
absl::Status PrepareSchema(Database& db, int version = kSchemaVersion);

}  // namespace muster::server
