// Early return on errors. Macros, because a function can't return for its caller; the only two of
// the project.
//
// Example:
//   RETURN_IF_ERROR(store.Write(row));
//   ASSIGN_OR_RETURN(const Row row, store.Read(key));
//
// ASSIGN_OR_RETURN is three statements: never the body of an `if` without braces. Both move the
// status on as it is; who wants to say more about it returns a new one.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define MUSTER_CONCAT_INNER(a, b) a##b
#define MUSTER_CONCAT(a, b) MUSTER_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                                                           \
  do {                                                                                        \
    if (absl::Status muster_status = (expression); !muster_status.ok()) return muster_status; \
  } while (false)

#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER(MUSTER_CONCAT(muster_or_, __LINE__), target, expression)

#define ASSIGN_OR_RETURN_INNER(temporary, target, expression) \
  auto temporary = (expression);                              \
  if (!temporary.ok()) return std::move(temporary).status();  \
  target = *std::move(temporary)
