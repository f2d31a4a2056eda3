// The errors that the API promises, each made by one function, so that a code and its details are
// the same wherever it occurs. What a client needs besides code and message travels as payload of
// the status; grpc_api turns it into google.rpc details.
//
// Threads:  pure functions.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::server {

// InvalidArgument for one field of the request ("page_size", "device.labels").
absl::Status BadField(absl::string_view field, absl::string_view why);
// The same, keeping the message of what refused the field's value.
absl::Status BadField(absl::string_view field, const absl::Status& why);

// NotFound; also for what exists in another organization: a caller can't tell.
absl::Status UnknownResource(absl::string_view name);

// Unauthenticated: no key, not one of ours, revoked or expired.
absl::Status NotAuthenticated(absl::string_view why);
// PermissionDenied.
absl::Status RoleTooLow(absl::string_view method, absl::string_view needed);

// AlreadyExists: the name is taken.
absl::Status NameTaken(absl::string_view name);
// Aborted: the etag is of an older version.
absl::Status StaleEtag(absl::string_view name);

// AlreadyExists: the request id came before with another request.
absl::Status RequestIdUsed(absl::string_view request_id);

// InvalidArgument: forged, or from another listing.
absl::Status BadPageToken();

// FailedPrecondition: the script does not fit into one reply for some devices.
absl::Status ScriptTooLong(size_t script_bytes, size_t limit_bytes, absl::string_view devices);
// InvalidArgument: the script ends the session, and the request doesn't say how to judge that.
absl::Status ScriptEndsUnclear(absl::string_view command);
// FailedPrecondition: so many devices lack what the script wants filled in; `why` names the first.
absl::Status ValuesMissing(size_t devices, absl::string_view why);
// FailedPrecondition: the script names a secret that is not there.
absl::Status SecretMissing(absl::string_view name);
// FailedPrecondition: its value can't be part of a bare word.
absl::Status SecretUnfit(absl::string_view name);
// FailedPrecondition: nothing to run on.
absl::Status NoTargets(absl::string_view why);
// FailedPrecondition.
absl::Status MonitorOnly(absl::string_view device);
absl::Status DeviceDeleted(absl::string_view device);
absl::Status DeviceNotOnline(absl::string_view device);
// `what` is something that newer agents know.
absl::Status AgentTooOld(absl::string_view device, absl::string_view what);
// A job that has not ended needs it.
absl::Status SecretInUse(absl::string_view job);

// FailedPrecondition: no edge proxy that routers could be told to call.
absl::Status NoEdge(absl::string_view why);

// Unavailable with a retry delay.
absl::Status ShuttingDown();
// ResourceExhausted with a retry delay.
absl::Status TooManyStreams();
absl::Status TooManyWaiting();

// What the functions above attach; nullopt where a status has none.
std::optional<std::string> FieldOf(const absl::Status& status);
// UNKNOWN_RESOURCE, ROLE_TOO_LOW ...
std::optional<std::string> ReasonOf(const absl::Status& status);
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace muster::server
