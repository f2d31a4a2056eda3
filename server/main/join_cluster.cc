#include "server/main/join_cluster.h"

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "muster/node/v1/node_service.grpc.pb.h"
#include "server/command_log/log/member_key.h"
#include "server/command_log/node/data_dir.h"
#include "server/pki/certificate_issuer.h"
#include "server/pki/master_key.h"
#include "server/pki/node_join_file.h"

namespace muster::server {
namespace {

using internal::v1::NodeJoinFile;
using internal::v1::NodeJoinSecrets;

constexpr absl::Duration kAnswer = absl::Seconds(10);
constexpr size_t kNonceBytes = 16;
constexpr absl::string_view kMakeNew = "; make a new one with: muster cluster join-token";

std::string EtcdFolder(const std::string& data_dir) { return data_dir + "/etcd"; }

bool IsThere(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// Before the token is used up.
absl::Status CheckPlaces(const JoinTerms& terms) {
  const std::string& dir = terms.data_dir;
  for (const std::string& path : {EtcdSettingsFile(dir), dir + "/state.db", dir + "/node-id"}) {
    if (!IsThere(path)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("the data directory ", dir, " is of a node already: start it without --join, ",
                     "or let a new node join with an empty data directory"));
  }
  if (IsThere(EtcdFolder(dir))) {
    return absl::FailedPreconditionError(absl::StrCat(
        EtcdFolder(dir), " is there already, and a join overwrites nothing; move it away"));
  }
  const std::string key = MasterKeyFile(dir, terms.master_key_file);
  if (!IsThere(key)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the master key file ", key,
                   " is there already, and a join overwrites nothing; move it away, or name "
                   "another place with --master-key-file"));
}

absl::StatusOr<NodeJoinFile> ReadFile(const std::string& path) {
  const absl::StatusOr<Secret> text = ReadSecretFile(path);
  if (absl::IsNotFound(text.status())) {
    return absl::FailedPreconditionError(absl::StrCat("there is no join file ", path));
  }
  if (!text.ok()) return text.status();
  absl::StatusOr<NodeJoinFile> file = ParseNodeJoinFile(text->Reveal());
  if (!file.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", file.status().message()));
  }
  const absl::Time end = absl::FromUnixMicros(file->expire_time_us());
  if (absl::Now() < end) return file;
  return absl::FailedPreconditionError(absl::StrCat("the join file ", path, " has expired at ",
                                                    absl::FormatTime(end, absl::UTCTimeZone()),
                                                    kMakeNew));
}

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address, const NodeJoinFile& file) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = file.cluster_root_pem();
  tls.pem_cert_chain = file.certificate_pem();
  tls.pem_private_key = file.key_pem();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetSslTargetNameOverride(std::string(kAnyNode));
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(tls), arguments);
}

absl::StatusOr<Secret> AskForKey(const NodeJoinFile& file) {
  node::v1::RedeemJoinTokenRequest request;
  request.set_token_id(file.token_id());
  request.set_token(file.token());
  request.set_nonce(RandomBytes(kNonceBytes));
  std::string unreachable;
  for (const std::string& address : file.nodes()) {
    const auto stub = node::v1::NodeService::NewStub(ChannelTo(address, file));
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kAnswer));
    node::v1::RedeemJoinTokenResponse response;
    const grpc::Status status = stub->RedeemJoinToken(&context, request, &response);
    if (status.ok()) return Secret(response.key());
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
        status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      absl::StrAppend(&unreachable, unreachable.empty() ? "" : "; ", address, ": ",
                      status.error_message());
      continue;
    }
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        absl::StrCat("the cluster (", address, ") refuses the join file: ",
                                     status.error_message(), kMakeNew));
  }
  return absl::UnavailableError(absl::StrCat("no node of the cluster answers (", unreachable,
                                             "); the join file is good still, until it expires"));
}

std::string TomlText(absl::string_view text) {
  return absl::StrCat("\"", absl::CEscape(text), "\"");
}

// One secret file each, and the line that names it.
absl::Status WritePart(const std::string& folder, const char* name, const char* setting,
                       const std::string& text, std::string& settings) {
  if (text.empty()) return absl::OkStatus();
  const std::string path = absl::StrCat(folder, "/", name);
  RETURN_IF_ERROR(WriteNewSecretFile(path, text));
  absl::StrAppend(&settings, setting, " = ", TomlText(path), "\n");
  return absl::OkStatus();
}

absl::Status WriteSettings(const std::string& data_dir, const NodeJoinSecrets& secrets) {
  const std::string folder = EtcdFolder(data_dir);
  if (mkdir(folder.c_str(), 0700) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("can't make ", folder, ": ", std::strerror(errno)));
  }
  std::vector<std::string> urls;
  for (const std::string& url : secrets.etcd_urls()) urls.push_back(TomlText(url));
  std::string settings = absl::StrCat(
      "# Written by musterd --join; read where there is no --etcd.\netcd = [",
      absl::StrJoin(urls, ", "), "]\netcd-quota-mib = ", secrets.etcd_quota_mib(), "\n");
  RETURN_IF_ERROR(WritePart(folder, "ca.pem", "etcd-ca-file", secrets.etcd_ca(), settings));
  RETURN_IF_ERROR(
      WritePart(folder, "node.pem", "etcd-cert-file", secrets.etcd_certificate(), settings));
  RETURN_IF_ERROR(WritePart(folder, "node.key", "etcd-key-file", secrets.etcd_key(), settings));
  RETURN_IF_ERROR(
      WritePart(folder, "password", "etcd-password-file", secrets.etcd_password(), settings));
  if (!secrets.etcd_user().empty()) {
    absl::StrAppend(&settings, "etcd-user = ", TomlText(secrets.etcd_user()), "\n");
  }
  return WriteNewSecretFile(EtcdSettingsFile(data_dir), settings);
}

std::vector<Secret> MasterKeysOf(const NodeJoinSecrets& secrets) {
  std::vector<Secret> keys{Secret(secrets.master_key())};
  for (const std::string& later : secrets.later_master_keys()) keys.emplace_back(later);
  return keys;
}

bool AreSound(const NodeJoinSecrets& secrets) {
  const std::vector<Secret> keys = MasterKeysOf(secrets);
  return !secrets.etcd_urls().empty() &&
         std::all_of(keys.begin(), keys.end(),
                     [](const Secret& key) { return key.size() == kMasterKeyBytes; });
}

absl::Status WriteAll(const JoinTerms& terms, const NodeJoinSecrets& secrets) {
  const std::string path = MasterKeyFile(terms.data_dir, terms.master_key_file);
  RETURN_IF_ERROR(WriteNewSecretFile(path, FormatMasterKeys(MasterKeysOf(secrets)).Reveal()));
  return WriteSettings(terms.data_dir, secrets);
}

}  // namespace

std::string EtcdSettingsFile(const std::string& data_dir) {
  return EtcdFolder(data_dir) + "/settings.toml";
}

absl::Status JoinCluster(const JoinTerms& terms) {
  ASSIGN_OR_RETURN(const NodeJoinFile file, ReadFile(terms.join_file));
  // Made where it is absent, and nobody else's while this goes on.
  ASSIGN_OR_RETURN(const DataDir held, DataDir::Hold(terms.data_dir));
  RETURN_IF_ERROR(CheckPlaces(terms));
  ASSIGN_OR_RETURN(const Secret key, AskForKey(file));
  ASSIGN_OR_RETURN(const NodeJoinSecrets secrets, OpenNodeJoin(key, file));
  if (!AreSound(secrets)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the join file holds no key or no etcd", kMakeNew));
  }
  const absl::Status written = WriteAll(terms, secrets);
  if (!written.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        written.message(), "; the join file is used up: remove ", EtcdFolder(terms.data_dir),
        " and ", MasterKeyFile(terms.data_dir, terms.master_key_file), ", if they are there, and",
        kMakeNew.substr(1)));
  }
  LogInfo("main", "joined the cluster", {{"settings", EtcdSettingsFile(terms.data_dir)}});
  return absl::OkStatus();
}

}  // namespace muster::server
