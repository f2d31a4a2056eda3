// The tables of state.db.
//
// Threads:  none; called while the database is opened.
// Errors:   FailedPrecondition for a schema that is newer than this program.
#pragma once

#include "absl/status/status.h"
#include "server/state/database.h"

namespace muster::server {

// Of this program. Migrations are append-only: a step leads from each version to the next.
inline constexpr int kSchemaVersion = 2;

// Sets the pragmas of a writer, makes the tables or brings them up to `version`; tests make older
// ones.
absl::Status PrepareSchema(Database& db, int version = kSchemaVersion);

}  // namespace muster::server
