// A file of routers that have not joined yet, as `device import` takes it.
//
// The first line names the columns: `serial` (needed), `name`, `site`, and `label.KEY` for each
// label; an empty field sets nothing.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument, "line 3, column 7: ...".
// Example:  import_test.cc.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

absl::StatusOr<std::vector<muster::v1::Preregistration>> ReadImport(absl::string_view text);

}  // namespace muster::cli
