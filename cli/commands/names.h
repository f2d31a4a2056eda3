// Resource names (AIP-122) from what people type, and back.
//
// Threads:  pure functions but for FindDevice, which asks the server.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/commands/command.h"
#include "google/protobuf/map.h"

namespace muster::cli {

// "organizations/o/jobs/j" is "j".
std::string ShortName(absl::string_view name);

// A job, claim or the like of the session's organization: takes the 13-character id or the full
// name; `collection` is "jobs". InvalidArgument for anything else.
absl::StatusOr<std::string> NameInOrganization(Session& session, absl::string_view collection,
                                               absl::string_view text);

// "edges/x" or "apiKeys/y" from the last part or the full name.
absl::StatusOr<std::string> TopLevelName(absl::string_view collection, absl::string_view text);

// A device by full name, id, display name or identity. NotFound where none has it,
// FailedPrecondition with the candidates where more than one has.
absl::StatusOr<std::string> FindDevice(Session& session, const std::string& text);

// The request id of one of several calls that a command makes: the same for the same two texts, and
// never longer than the API takes, whatever the user gave as --request-id.
std::string PartRequestId(absl::string_view request_id, absl::string_view part);

// A text in quotes, so that a filter takes it as it stands: no wildcard, no end of the text.
std::string QuoteForFilter(absl::string_view text);

// JOB_TARGET_STATE_AT_EDGE with the prefix JOB_TARGET_STATE_ is "at-edge".
std::string EnumWord(absl::string_view name, absl::string_view prefix);

// "a=1,b=2", sorted by key.
std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels);

}  // namespace muster::cli
