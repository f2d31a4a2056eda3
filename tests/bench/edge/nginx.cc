#include "tests/bench/edge/nginx.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "common/x509/openssl_handles.h"
#include "tests/support/free_port.h"

namespace muster::bench {
namespace {

constexpr char kProgram[] = "/usr/sbin/nginx";
constexpr absl::Duration kStartTimeout = absl::Seconds(5);

// Session cache and tickets are off, as no request resumes a session. The worker may open as many
// connections as the idle measurement of the edge.
constexpr char kConfiguration[] = R"(user root;
worker_processes 1;
daemon off;
pid $0/nginx.pid;
error_log $0/error.log crit;
worker_rlimit_nofile 20000;
events { worker_connections 15000; }
http {
  access_log off;
  client_body_temp_path $0/body;
  proxy_temp_path $0/proxy;
  fastcgi_temp_path $0/fastcgi;
  uwsgi_temp_path $0/uwsgi;
  scgi_temp_path $0/scgi;
  default_type text/plain;
  keepalive_timeout 75;
  server {
    listen 127.0.0.1:$1 ssl backlog=4096;
    ssl_certificate $2;
    ssl_certificate_key $3;
    ssl_protocols TLSv1.2;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;
    ssl_ecdh_curve X25519:prime256v1;
    ssl_session_cache off;
    ssl_session_tickets off;
    location / { return 200 "0"; }
  }
}
)";

struct PemFile {
  std::string path;
  KeyHandle key;
  CertificateHandle certificate;
};

PemFile ReadPem(const std::string& path) {
  PemFile file;
  file.path = path;
  const BioHandle bio(BIO_new_file(path.c_str(), "r"));
  if (!bio) return file;
  file.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const BioHandle again(BIO_new_file(path.c_str(), "r"));
  file.certificate.reset(PEM_read_bio_X509(again.get(), nullptr, nullptr, nullptr));
  return file;
}

bool IsEcdsaServer(X509* certificate) {
  return certificate != nullptr &&
         EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) == EVP_PKEY_EC &&
         X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) == 1 &&
         X509_check_purpose(certificate, X509_PURPOSE_SSL_CLIENT, 0) != 1;
}

// The chain as the edge sends it: the leaf and what is not self-signed.
absl::Status WriteSentChain(const std::string& from, const std::string& to) {
  const BioHandle in(BIO_new_file(from.c_str(), "r"));
  const BioHandle out(BIO_new_file(to.c_str(), "w"));
  if (!in || !out) return absl::InternalError(absl::StrCat("can't copy ", from, " to ", to));
  for (bool leaf = true;; leaf = false) {
    const CertificateHandle one(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (!one) break;
    if (leaf || X509_self_signed(one.get(), 0) != 1) PEM_write_bio_X509(out.get(), one.get());
  }
  ERR_clear_error();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServerIdentity> FindEcdsaIdentity(const std::string& folder) {
  std::vector<PemFile> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error) && entry.file_size(error) < 65536) {
      files.push_back(ReadPem(entry.path().string()));
    }
  }
  for (const PemFile& chain : files) {
    if (!IsEcdsaServer(chain.certificate.get())) continue;
    for (const PemFile& key : files) {
      if (key.key && X509_check_private_key(chain.certificate.get(), key.key.get()) == 1) {
        return ServerIdentity{chain.path, key.path};
      }
    }
  }
  return absl::NotFoundError(
      absl::StrCat("no ECDSA server certificate with its key in ", folder, " of the edge"));
}

absl::StatusOr<std::unique_ptr<Nginx>> Nginx::Start(const std::string& folder,
                                                    const ServerIdentity& identity, int processor) {
  if (!std::filesystem::exists(kProgram)) {
    return absl::FailedPreconditionError(
        absl::StrCat(kProgram, " is not installed; install Debian's nginx-light"));
  }
  const int port = FreePort();
  const std::string chain = folder + "/nginx-chain.pem";
  RETURN_IF_ERROR(WriteSentChain(identity.chain_file, chain));
  const std::string path = folder + "/nginx.conf";
  std::ofstream(path) << absl::Substitute(kConfiguration, folder, port, chain, identity.key_file);
  ChildTerms terms;
  terms.command = {kProgram, "-p", folder, "-c", path, "-e", folder + "/error.log"};
  terms.output_file = folder + "/nginx.out";
  terms.processor = processor;
  ASSIGN_OR_RETURN(std::unique_ptr<Child> master, Child::Start(terms));
  const absl::Time deadline = absl::Now() + kStartTimeout;
  while (master->Children().empty()) {
    if (absl::Now() > deadline) {
      std::stringstream why;
      why << std::ifstream(terms.output_file).rdbuf();
      return absl::FailedPreconditionError(absl::StrCat("nginx has no worker: ", why.str()));
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
  const pid_t worker = master->Children().front();
  return std::unique_ptr<Nginx>(new Nginx(std::move(master), port, worker));
}

}  // namespace muster::bench
