#include "server/command_log/etcd/etcd_members.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"

namespace muster::server {
namespace {

// Etcd ends connections that are pinged more often than each 5 s.
constexpr int kKeepaliveTimeMs = 6'000;
constexpr int kKeepaliveTimeoutMs = 3'000;
constexpr int kFirstReconnectMs = 50;
constexpr int kLongestReconnectMs = 500;
// Of one attempt to connect.
constexpr int kConnectMs = 3'000;
constexpr int kMaxMessageBytes = 16 << 20;

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    return absl::FailedPreconditionError(absl::StrCat("can't read the etcd file ", path));
  }
  return text.str();
}

absl::StatusOr<std::string> ReadPemOrNothing(const std::string& path) {
  if (path.empty()) return std::string();
  return ReadPem(path);
}

// The certificates of a PEM text, one by one.
std::vector<std::string> SplitPem(absl::string_view pem) {
  constexpr absl::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr absl::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<std::string> found;
  for (size_t at = pem.find(kBegin); at != absl::string_view::npos; at = pem.find(kBegin, at)) {
    const size_t end = std::min(pem.find(kEnd, at), pem.size() - kEnd.size()) + kEnd.size();
    found.push_back(absl::StrCat(pem.substr(at, end - at), "\n"));
    at = end;
  }
  return found;
}

absl::Status CheckDatesOf(const std::string& path, absl::string_view which,
                          const std::string& pem) {
  const absl::StatusOr<CertificateFacts> facts = ReadCertificate(pem);
  if (!facts.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the etcd file ", path, " holds no PEM certificate"));
  }
  const absl::Time now = absl::Now();
  if (now < facts->not_after && now >= facts->not_before) return absl::OkStatus();
  const bool over = now >= facts->not_after;
  return absl::FailedPreconditionError(absl::StrCat(
      "the ", which, " in the etcd file ", path, over ? " has ended at " : " is good only from ",
      absl::FormatTime(over ? facts->not_after : facts->not_before, absl::UTCTimeZone()),
      "; put a new one in its place"));
}

// The handshake would only say that it failed. Of a chain every one must be good; of authorities
// one is enough, since others may be there for a change of authority.
absl::Status CheckDates(const std::string& path, const std::string& pem, bool authorities) {
  if (path.empty()) return absl::OkStatus();
  const std::vector<std::string> all = SplitPem(pem);
  absl::Status first = absl::OkStatus();
  bool any_good = false;
  for (size_t i = 0; i < std::max<size_t>(all.size(), 1); ++i) {
    const std::string which =
        all.size() < 2 ? "certificate" : absl::StrCat("certificate ", i + 1, " of ", all.size());
    const absl::Status status = CheckDatesOf(path, which, all.empty() ? pem : all[i]);
    any_good = any_good || status.ok();
    if (first.ok()) first = status;
  }
  return authorities && any_good ? absl::OkStatus() : first;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const EtcdTerms& terms,
                                                                          bool tls) {
  if (!tls) {
    if (terms.ca_file.empty() && terms.cert_file.empty()) return grpc::InsecureChannelCredentials();
    return absl::InvalidArgumentError("etcd URLs begin with https:// where certificates are given");
  }
  if (terms.cert_file.empty() != terms.key_file.empty()) {
    return absl::InvalidArgumentError(
        "a client certificate for etcd needs its key, and a key its "
        "certificate");
  }
  grpc::SslCredentialsOptions options;
  ASSIGN_OR_RETURN(options.pem_root_certs, ReadPemOrNothing(terms.ca_file));
  ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPemOrNothing(terms.cert_file));
  RETURN_IF_ERROR(CheckDates(terms.ca_file, options.pem_root_certs, true));
  RETURN_IF_ERROR(CheckDates(terms.cert_file, options.pem_cert_chain, false));
  ASSIGN_OR_RETURN(options.pem_private_key, ReadPemOrNothing(terms.key_file));
  return grpc::SslCredentials(options);
}

// "HOST:PORT" of a URL.
absl::StatusOr<std::string> AddressOf(const std::string& url, bool tls) {
  absl::string_view rest = url;
  const bool fits = absl::ConsumePrefix(&rest, tls ? "https://" : "http://");
  absl::ConsumeSuffix(&rest, "/");
  const size_t colon = rest.rfind(':');
  if (!fits || colon == absl::string_view::npos || colon == 0 || colon + 1 == rest.size() ||
      rest.find_first_of("/@?") != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "etcd URL \"", url,
        "\" is not of the form http://HOST:PORT or https://HOST:PORT, all of the same kind"));
  }
  return std::string(rest);
}

grpc::ChannelArguments MakeArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  // Members are addresses of one's own network, whatever http_proxy says.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Two clients in one process have connections of their own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return arguments;
}

size_t AnyNumber() { return std::random_device{}(); }

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdMembers>> EtcdMembers::Make(const EtcdTerms& terms) {
  if (terms.urls.empty()) return absl::InvalidArgumentError("no etcd URL");
  const bool tls = absl::StartsWith(terms.urls.front(), "https://");
  ASSIGN_OR_RETURN(const auto credentials, MakeCredentials(terms, tls));
  std::vector<EtcdMember> members;
  for (const std::string& url : terms.urls) {
    EtcdMember member;
    ASSIGN_OR_RETURN(member.address, AddressOf(url, tls));
    member.channel = grpc::CreateCustomChannel(member.address, credentials, MakeArguments());
    const std::shared_ptr<grpc::Channel>& channel = member.channel;
    member.kv = etcdserverpb::KV::NewStub(channel);
    member.watch = etcdserverpb::Watch::NewStub(channel);
    member.lease = etcdserverpb::Lease::NewStub(channel);
    member.maintenance = etcdserverpb::Maintenance::NewStub(channel);
    member.auth = etcdserverpb::Auth::NewStub(channel);
    members.push_back(std::move(member));
  }
  return std::unique_ptr<EtcdMembers>(new EtcdMembers(std::move(members)));
}

EtcdMembers::EtcdMembers(std::vector<EtcdMember> members)
    : members_(std::move(members)), current_(AnyNumber() % members_.size()) {}

void EtcdMembers::GoOnFrom(size_t number) {
  size_t expected = number;
  current_.compare_exchange_strong(expected, (number + 1) % members_.size());
}

absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace muster::server
