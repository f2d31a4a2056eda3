// One channel a run of the program. gRPC has retries of its own, by a service config; they are not
// used, since they know nothing of request ids and can't tell the person who waits that something
// is tried again.
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
#include "cli/connection/node_list.h"
#include "cli/connection/rpc_status.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

// A restart of musterd takes a second or two: the first attempts come quickly, and none is further
// away than the eye would wait for.
constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// gRPC's own limit is 4 MiB; a page of 1,000 job targets with their outputs can be longer.
constexpr int kLongestAnswerBytes = 64 << 20;
// Where Debian, and what is made of it, has the system's authorities.
constexpr const char* kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";

absl::StatusOr<std::string> ReadCertificates(const Setting& ca_file) {
  const std::string path = ca_file.value.empty() ? kSystemRoots : ca_file.value;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  // A system without authorities of its own is no error: then gRPC's are used, and a wrong server
  // still fails the handshake.
  if (!file) {
    if (ca_file.value.empty()) return std::string();
    return absl::FailedPreconditionError(
        absl::StrCat("can't read the CA file ", path, " (", ca_file.source,
                     "); give --ca-file the cluster-ca.pem of musterd's data directory"));
  }
  // Said here, because gRPC would only say that the handshake failed.
  if (!absl::StrContains(text.str(), "-----BEGIN CERTIFICATE-----")) {
    return absl::FailedPreconditionError(
        absl::StrCat("the CA file ", path, " holds no PEM certificate"));
  }
  return text.str();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const std::string& server,
                                                           std::string roots) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = std::move(roots);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kLongestAnswerBytes);
  // gRPC takes http_proxy from the environment, also for addresses of one's own network: musterd is
  // named by --server and by nothing else.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // In spite of its name: how long an attempt to connect may take, the TLS handshake included.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A watch that hears nothing for long must notice a dead connection.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  if (!absl::StrContains(server, ',')) {
    return grpc::CreateCustomChannel(server, grpc::SslCredentials(tls), arguments);
  }
  // Several nodes of a cluster: a machine that is gone must not hold up the way to the next.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1500);
  // A call that waits on such a machine is repeated elsewhere within 8 s.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 3'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 2'500);
  // A watch may be quiet for long: gRPC would else stop to ask after the second time.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetString(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, kAnyNode);
  ASSIGN_OR_RETURN(const std::string target, TargetOf(server));
  return grpc::CreateCustomChannel(target, grpc::SslCredentials(tls), arguments);
}

// gRPC's own words without their beginning, which says nothing more.
// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: ..." in gRPC 1.51.
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
  // Not a check of the key, only of what a wrong file or a pasted prompt looks like; the server
  // judges keys. The text goes into a header, where a line break would end it.
  const bool fits =
      absl::StartsWith(text, "mk1.") && text.size() < 1024 &&
      std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError("that is no API key: a key is one word that begins with mk1.");
}

absl::StatusOr<Secret> ReadApiKey(const std::string& path) {
  // Unauthenticated, so that scripts see the same exit code as with a key that the server refuses.
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
      // Two ids of 64 random bits: nobody else's write can have it.
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
  ASSIGN_OR_RETURN(auto channel, MakeChannel(settings.server.value, std::move(roots)));
  return std::unique_ptr<Connection>(new Connection(settings, std::move(key), std::move(channel)));
}

void Connection::Pause(absl::Duration duration) {
  // The answer was Unavailable over a good connection: there is nothing to connect.
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
  // Plain metadata does as well as call credentials would: the channel has TLS always.
  context->AddMetadata("authorization", absl::StrCat("Bearer ", key_.Reveal()));
  return context;
}

absl::Status Connection::Call(CallKind kind,
                              absl::FunctionRef<grpc::Status(grpc::ClientContext*)> call,
                              absl::Duration patience) {
  // Real time and not the console's clock, which stands still in tests: gRPC's deadlines are real
  // too.
  const absl::Time give_up = absl::Now() + settings_.retry_for;
  absl::Duration pause = kFirstPause;
  while (true) {
    const auto context = NewContext();
    context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoSeconds(patience));
    const grpc::Status status = call(context.get());
    if (status.ok()) {
      TellStale(*context);
      return absl::OkStatus();
    }
    // Only Unavailable: a call that ran into its deadline may be at work still, and 30 s more would
    // help nobody. A failed handshake does not get better by itself.
    const bool again = status.error_code() == grpc::StatusCode::UNAVAILABLE &&
                       !IsTlsFailure(status) && absl::Now() + pause < give_up;
    if (!again) return Explain(status, kind);
    // Before the first pause only: one line is enough to say why it takes longer.
    if (pause == kFirstPause && on_retry_) on_retry_(settings_.server.value);
    Pause(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

void Connection::TellStale(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto stale = trailers.find("muster-stale");
  if (stale == trailers.end() || !on_stale_) return;
  on_stale_(std::string(stale->second.data(), stale->second.size()));
  on_stale_ = nullptr;
}

absl::Status Connection::Explain(const grpc::Status& status, CallKind kind) const {
  const absl::Status error = FromGrpc(status);
  const std::string where =
      absl::StrCat(settings_.server.value, " (", settings_.server.source, ")");
  // The most frequent reasons first, each with the words of what to look at: the order of these
  // questions is that of a connection that is being made.
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
  // The server may have taken it before the connection was lost. Repeating under the same id is the
  // one way to know, and is harmless.
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
  // A wrong organization is a wrong setting mostly, and its name stands in every resource name: so
  // say where the key comes from and what it sees.
  if (status.error_code() == grpc::StatusCode::NOT_FOUND &&
      absl::StrContains(status.error_message(), organization)) {
    return WithHint(error, absl::StrCat(key_origin,
                                        " Organizations that it sees: muster organization "
                                        "list. Choose one with --organization"));
  }
  return error;
}

}  // namespace muster::cli
