#include "cli/connection/connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cli/connection/rpc_status.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr int kLongestAnswerBytes = 64 << 20;
constexpr const char* kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";

absl::StatusOr<std::string> ReadCertificates(const Setting& ca_file) {
  const std::string path = ca_file.value.empty() ? kSystemRoots : ca_file.value;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    if (ca_file.value.empty()) return std::string();
    return absl::FailedPreconditionError(
        absl::StrCat("can't read the CA file ", path, " (", ca_file.source,
                     "); give --ca-file the cluster-ca.pem of musterd's data directory"));
  }
  if (!absl::StrContains(text.str(), "-----BEGIN CERTIFICATE-----")) {
    return absl::FailedPreconditionError(
        absl::StrCat("the CA file ", path, " holds no PEM certificate"));
  }
  return text.str();
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& server, std::string roots) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = std::move(roots);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kLongestAnswerBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // In spite of its name: how long an attempt to connect may take, the TLS handshake included.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A watch that hears nothing for long must notice a dead connection.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  return grpc::CreateCustomChannel(server, grpc::SslCredentials(tls), arguments);
}

// gRPC's own words without their beginning, which says nothing more.
std::string ReasonOf(const grpc::Status& status) {
  const std::string message = status.error_message();
  absl::string_view reason = message;
  const absl::string_view kLastError = "last error: ";
  const size_t last = reason.find(kLastError);
  if (last != absl::string_view::npos) reason.remove_prefix(last + kLastError.size());
  absl::ConsumePrefix(&reason, "UNKNOWN: ");
  return std::string(reason);
}

absl::Status WithHint(const absl::Status& status, absl::string_view hint) {
  return absl::Status(status.code(), absl::StrCat(std::string(status.message()), "\n", hint));
}

}  // namespace

absl::Status CheckApiKey(const Secret& key) {
  const absl::string_view text = key.Reveal();
  const bool fits =
      absl::StartsWith(text, "mk1.") && text.size() < 1024 &&
      std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError("that is no API key: a key is one word that begins with mk1.");
}

absl::StatusOr<Secret> ReadApiKey(const std::string& path) {
  absl::StatusOr<Secret> key = ReadSecretFile(path);
  if (!key.ok()) {
    return absl::UnauthenticatedError(
        absl::StrCat("no API key: ", std::string(key.status().message())));
  }
  const Secret trimmed(std::string(absl::StripAsciiWhitespace(key->Reveal())));
  if (const absl::Status fits = CheckApiKey(trimmed); !fits.ok()) {
    return absl::UnauthenticatedError(absl::StrCat(path, ": ", std::string(fits.message())));
  }
  return trimmed;
}

Connection::Connection(Settings settings, Secret key, std::shared_ptr<grpc::Channel> channel)
    : settings_(std::move(settings)),
      key_(std::move(key)),
      channel_(std::move(channel)),
      request_id_(absl::StrCat(FormatId(RandomId()), FormatId(RandomId()))) {}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Settings& settings) {
  if (settings.api_key_file.value.empty()) {
    return absl::UnauthenticatedError(
        "no API key; run: muster login --server HOST:PORT --ca-file FILE --api-key-file FILE\n"
        "(the first key is root-key in musterd's data directory; MUSTER_API_KEY_FILE works too)");
  }
  ASSIGN_OR_RETURN(Secret key, ReadApiKey(settings.api_key_file.value));
  return OpenWithKey(settings, std::move(key));
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::OpenWithKey(const Settings& settings,
                                                                    Secret key) {
  ASSIGN_OR_RETURN(std::string roots, ReadCertificates(settings.ca_file));
  auto channel = MakeChannel(settings.server.value, std::move(roots));
  return std::unique_ptr<Connection>(new Connection(settings, std::move(key), std::move(channel)));
}

void Connection::Pause(absl::Duration duration) {
  if (channel_->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) {
    absl::SleepFor(duration);
    return;
  }
  // gRPC's channel gets on with a handshake only while somebody waits on it: asleep, the next
  // attempt would find it where the last one left it, for ever.
  channel_->WaitForConnected(absl::ToChronoTime(absl::Now() + duration));
}

std::unique_ptr<grpc::ClientContext> Connection::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->AddMetadata("authorization", absl::StrCat("Bearer ", key_.Reveal()));
  return context;
}

absl::Status Connection::Call(CallKind kind,
                              absl::FunctionRef<grpc::Status(grpc::ClientContext*)> call) {
  const absl::Time give_up = absl::Now() + settings_.retry_for;
  absl::Duration pause = kFirstPause;
  while (true) {
    const auto context = NewContext();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const grpc::Status status = call(context.get());
    if (status.ok()) return absl::OkStatus();
    const bool again = status.error_code() == grpc::StatusCode::UNAVAILABLE &&
                       !IsTlsFailure(status) && absl::Now() + pause < give_up;
    if (!again) return Explain(status, kind);
    if (pause == kFirstPause && on_retry_) on_retry_(settings_.server.value);
    Pause(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

absl::Status Connection::Explain(const grpc::Status& status, CallKind kind) const {
  const absl::Status error = FromGrpc(status);
  const std::string where =
      absl::StrCat(settings_.server.value, " (", settings_.server.source, ")");
  if (IsTlsFailure(status)) {
    return absl::UnavailableError(absl::StrCat(
        "the TLS handshake with ", where, " failed: ", ReasonOf(status),
        "\nIs --ca-file the cluster-ca.pem of that musterd (now ",
        settings_.ca_file.value.empty() ? "the system's authorities" : settings_.ca_file.value,
        "), and is the host one that musterd was told with --advertise?"));
  }
  if (NeverReached(status)) {
    return absl::UnavailableError(
        absl::StrCat("can't reach musterd at ", where, ": ", ReasonOf(status),
                     "\nIs it running there? See --server and: muster context show"));
  }
  const bool unknown_outcome = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                               status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
                               status.error_code() == grpc::StatusCode::CANCELLED;
  if (unknown_outcome && kind == CallKind::kWrite) {
    return WithHint(error,
                    absl::StrCat("It may or may not have been done. Within 10 minutes, repeat the "
                                 "same command with --request-id ",
                                 request_id_, ": it takes effect at most once."));
  }
  const std::string key_origin = absl::StrCat("The key is from ", settings_.api_key_file.value,
                                              " (", settings_.api_key_file.source, ").");
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED) {
    return WithHint(error, absl::StrCat(key_origin, " With another one, run: muster login"));
  }
  if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED)
    return WithHint(error, key_origin);
  const std::string organization =
      absl::StrCat("\"organizations/", settings_.organization.value, "\"");
  if (status.error_code() == grpc::StatusCode::NOT_FOUND &&
      absl::StrContains(status.error_message(), organization)) {
    return WithHint(error, absl::StrCat(key_origin,
                                        " Organizations that it sees: muster organization "
                                        "list. Choose one with --organization"));
  }
  return error;
}

}  // namespace muster::cli
