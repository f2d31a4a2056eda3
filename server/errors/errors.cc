// Errors as absl::Status with payloads. The payloads are this program's own form; grpc_api/status
// turns them into google.rpc.BadRequest, ErrorInfo and RetryInfo, so that rules need no protobuf.
// Messages say what to do next, and hold no secret.
#include "server/errors/errors.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

// Keys of payloads, never on the wire.
constexpr char kField[] = "muster/field";
constexpr char kReason[] = "muster/reason";
constexpr char kRetryMs[] = "muster/retry-ms";

absl::Status Make(absl::StatusCode code, absl::string_view reason, absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kReason, absl::Cord(reason));
  return status;
}

std::optional<std::string> Payload(const absl::Status& status, absl::string_view key) {
  const auto payload = status.GetPayload(key);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

}  // namespace

absl::Status BadField(absl::string_view field, absl::string_view why) {
  absl::Status status =
      Make(absl::StatusCode::kInvalidArgument, "BAD_FIELD", absl::StrCat(field, ": ", why));
  status.SetPayload(kField, absl::Cord(field));
  return status;
}

absl::Status BadField(absl::string_view field, const absl::Status& why) {
  return BadField(field, why.message());
}

// The same words for what is not there and what may not be seen.
absl::Status UnknownResource(absl::string_view name) {
  return Make(absl::StatusCode::kNotFound, "UNKNOWN_RESOURCE",
              absl::StrCat("there is no \"", name, "\", or this key may not see it"));
}

absl::Status NotAuthenticated(absl::string_view why) {
  return Make(absl::StatusCode::kUnauthenticated, "NOT_AUTHENTICATED",
              absl::StrCat(why, "; send \"authorization: Bearer mk1....\" with a valid API key"));
}

absl::Status RoleTooLow(absl::string_view method, absl::string_view needed) {
  return Make(absl::StatusCode::kPermissionDenied, "ROLE_TOO_LOW",
              absl::StrCat(method, " needs the role ", needed, "; ask for a key with that role"));
}

absl::Status NameTaken(absl::string_view name) {
  return Make(absl::StatusCode::kAlreadyExists, "NAME_TAKEN",
              absl::StrCat("\"", name, "\" exists already; choose another name"));
}

absl::Status StaleEtag(absl::string_view name) {
  return Make(absl::StatusCode::kAborted, "STALE_ETAG",
              absl::StrCat("\"", name, "\" was changed since; read it again"));
}

absl::Status RequestIdUsed(absl::string_view request_id) {
  return Make(
      absl::StatusCode::kAlreadyExists, "REQUEST_ID_USED",
      absl::StrCat("request id ", request_id, " was used for another request; choose a new one"));
}

absl::Status BadPageToken() {
  return BadField("page_token",
                  "not a token that this listing gave; begin again without a page token");
}

absl::Status ScriptTooLong(size_t script_bytes, size_t limit_bytes, absl::string_view devices) {
  absl::Status status = Make(
      absl::StatusCode::kFailedPrecondition, "SCRIPT_TOO_LONG",
      absl::StrCat("the script has ", script_bytes, " bytes, but ", devices, " can take at most ",
                   limit_bytes, "; shorten it, or leave these devices out with the filter"));
  status.SetPayload(kField, absl::Cord("script"));
  return status;
}

absl::Status ScriptEndsUnclear(absl::string_view command) {
  absl::Status status =
      Make(absl::StatusCode::kInvalidArgument, "SCRIPT_ENDS_UNCLEAR",
           absl::StrCat("the script contains \"", command,
                        "\": say ends_with REBOOT if the router restarts at its end, or ends_with "
                        "RESULT if it goes on and reports"));
  status.SetPayload(kField, absl::Cord("ends_with"));
  return status;
}

absl::Status ValuesMissing(size_t devices, absl::string_view why) {
  return Make(absl::StatusCode::kFailedPrecondition, "VALUES_MISSING",
              absl::StrCat("the script can't be filled in for ", devices,
                           devices == 1 ? " device: " : " devices: ", why));
}

absl::Status SecretMissing(absl::string_view name) {
  return Make(absl::StatusCode::kFailedPrecondition, "SECRET_MISSING",
              absl::StrCat("there is no secret \"", name, "\"; set it: muster secret set ", name));
}

absl::Status SecretUnfit(absl::string_view name) {
  return Make(absl::StatusCode::kFailedPrecondition, "SECRET_UNFIT",
              absl::StrCat("the value of the secret \"", name,
                           "\" can't be part of a bare word; put the word in quotes"));
}

absl::Status NoTargets(absl::string_view why) {
  return Make(absl::StatusCode::kFailedPrecondition, "NO_TARGETS", why);
}

absl::Status MonitorOnly(absl::string_view device) {
  return Make(absl::StatusCode::kFailedPrecondition, "MONITOR_ONLY",
              absl::StrCat("\"", device, "\" was enrolled to be monitored only and runs no jobs"));
}

absl::Status DeviceDeleted(absl::string_view device) {
  return Make(absl::StatusCode::kFailedPrecondition, "DEVICE_DELETED",
              absl::StrCat("\"", device, "\" was deleted; let the router join again with a claim"));
}

absl::Status DeviceNotOnline(absl::string_view device) {
  return Make(absl::StatusCode::kFailedPrecondition, "DEVICE_NOT_ONLINE",
              absl::StrCat("\"", device, "\" is not online; see muster device doctor"));
}

absl::Status AgentTooOld(absl::string_view device, absl::string_view what) {
  return Make(absl::StatusCode::kFailedPrecondition, "AGENT_TOO_OLD",
              absl::StrCat("the agent of \"", device, "\" knows no ", what,
                           "; bring a newer one: muster agent upgrade"));
}

absl::Status SecretInUse(absl::string_view job) {
  return Make(
      absl::StatusCode::kFailedPrecondition, "SECRET_IN_USE",
      absl::StrCat("job ", job, " still needs the secret; cancel it, or wait until it has ended"));
}

absl::Status NoEdge(absl::string_view why) {
  return Make(absl::StatusCode::kFailedPrecondition, "NO_EDGE",
              absl::StrCat(why,
                           "; make one with \"muster edge create\" and start muster-edge with "
                           "its join file"));
}

absl::Status ShuttingDown() {
  absl::Status status = Make(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                             "musterd is stopping; repeat the call with the same request id");
  // About as long as a restart takes.
  status.SetPayload(kRetryMs, absl::Cord("1000"));
  return status;
}

absl::Status TooManyStreams() {
  absl::Status status =
      Make(absl::StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
           "too much is being watched; end some watches, or give them a narrower filter");
  status.SetPayload(kRetryMs, absl::Cord("5000"));
  return status;
}
absl::Status TooManyWaiting() {
  absl::Status status =
      Make(absl::StatusCode::kResourceExhausted, "TOO_MANY_WAITING",
           "too many calls wait for a position that this node has not reached; call again, or "
           "without muster-position");
  status.SetPayload(kRetryMs, absl::Cord("1000"));
  return status;
}

std::optional<std::string> FieldOf(const absl::Status& status) { return Payload(status, kField); }
std::optional<std::string> ReasonOf(const absl::Status& status) { return Payload(status, kReason); }

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const std::optional<std::string> text = Payload(status, kRetryMs);
  int64_t milliseconds = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &milliseconds)) return std::nullopt;
  return absl::Milliseconds(milliseconds);
}

}  // namespace muster::server
