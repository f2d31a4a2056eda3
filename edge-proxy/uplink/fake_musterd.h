// A control plane of a few lines, over real gRPC with mutual TLS; for tests of this room.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/secrets/secrets.h"
#include "common/sync/mutex.h"
#include "common/x509/x509.h"
#include "edge-proxy/uplink/join.h"
#include "muster/edge/v1/edge_service.grpc.pb.h"

namespace muster::edge {

class FakeMusterd final : public ::muster::edge::v1::EdgeService::Service {
  using Stream = grpc::ServerReaderWriter<::muster::edge::v1::ConnectResponse,
                                          ::muster::edge::v1::ConnectRequest>;

 public:
  FakeMusterd() : root_key_(*PrivateKey::GenerateEcdsaP256()) {
    CertificateTerms terms = Terms("root");
    terms.is_authority = true;
    root_ = *SelfSign(root_key_, terms);
  }
  ~FakeMusterd() override { Stop(); }

  // Port 0 the first time; the same port afterwards.
  void Start() {
    const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
    CertificateTerms terms = Terms("musterd");
    terms.dns_names = {"localhost"};
    terms.ip_addresses = {"127.0.0.1"};
    terms.for_server = true;
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = root_;
    options.pem_key_cert_pairs.push_back({std::string(key.ToPem()->Reveal()), Leaf(key, terms)});
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::SslServerCredentials(options),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    server_.reset();
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  JoinFile MakeJoinFile() const {
    const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
    CertificateTerms terms = Terms("join");
    terms.for_client = true;
    return {.edge_id = "west",
            .expires = absl::InfiniteFuture(),
            .token = Secret("token"),
            .cluster_root_pem = root_,
            .certificate_pem = Leaf(key, terms),
            .private_key_pem = *key.ToPem()};
  }

  // How long the client certificates last that Join and Renew give.
  void SetLifetime(absl::Duration lifetime) {
    MutexLock lock(mutex_);
    lifetime_ = lifetime;
  }
  // False: batches are not acknowledged.
  void Acknowledge(bool yes) {
    MutexLock lock(mutex_);
    acknowledge_ = yes;
  }
  // Every stream ends with this at its first message behind the hello, as when a newer one has
  // taken over.
  void EndStreamsWith(grpc::StatusCode code) {
    MutexLock lock(mutex_);
    end_with_ = code;
  }
  std::vector<::muster::edge::v1::Batch> batches() {
    MutexLock lock(mutex_);
    return batches_;
  }
  int renewals() {
    MutexLock lock(mutex_);
    return renewals_;
  }
  int hellos() {
    MutexLock lock(mutex_);
    return hellos_;
  }

  grpc::Status Join(grpc::ServerContext*, const ::muster::edge::v1::JoinRequest* request,
                    ::muster::edge::v1::JoinResponse* response) override {
    if (request->join_token() != "token") return {grpc::StatusCode::PERMISSION_DENIED, "token"};
    response->set_edge_id("west");
    response->set_cluster_id(std::string(16, 'c'));
    Certify(request->requests(), *response->mutable_certificates());
    return grpc::Status::OK;
  }
  grpc::Status Renew(grpc::ServerContext*, const ::muster::edge::v1::RenewRequest* request,
                     ::muster::edge::v1::RenewResponse* response) override {
    SetLifetime(absl::Hours(24 * 100));
    Certify(request->requests(), *response->mutable_certificates());
    MutexLock lock(mutex_);
    ++renewals_;
    return grpc::Status::OK;
  }
  grpc::Status CheckClaim(grpc::ServerContext*, const ::muster::edge::v1::CheckClaimRequest*,
                          ::muster::edge::v1::CheckClaimResponse* response) override {
    response->set_verdict(::muster::edge::v1::CLAIM_VERDICT_EXPIRED);
    return grpc::Status::OK;
  }
  grpc::Status Enroll(grpc::ServerContext*, const ::muster::edge::v1::EnrollRequest* request,
                      ::muster::edge::v1::EnrollResponse* response) override {
    response->set_verdict(::muster::edge::v1::CLAIM_VERDICT_OK);
    response->set_token("m1." + request->nonce());
    return grpc::Status::OK;
  }

  grpc::Status Connect(grpc::ServerContext*, Stream* stream) override {
    ::muster::edge::v1::ConnectRequest request;
    if (!stream->Read(&request) || !request.has_hello()) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "no hello"};
    }
    stream->Write(Greet());
    const grpc::StatusCode end_with = this->end_with();
    while (stream->Read(&request)) {
      if (end_with != grpc::StatusCode::OK) return {end_with, "ended"};
      if (!request.has_batch()) continue;
      ::muster::edge::v1::ConnectResponse response;
      {
        MutexLock lock(mutex_);
        if (!acknowledge_) continue;
        batches_.push_back(request.batch());
        uint64_t& applied = applied_[request.batch().lane()];
        applied = std::max(applied, request.batch().number());
        response.mutable_ack()->set_lane(request.batch().lane());
        response.mutable_ack()->set_number(applied);
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

 private:
  static CertificateTerms Terms(const std::string& name) {
    CertificateTerms terms;
    terms.common_name = name;
    terms.not_before = absl::UnixEpoch();
    terms.not_after = absl::Now() + absl::Hours(24 * 100);
    return terms;
  }
  std::string Leaf(const PrivateKey& key, const CertificateTerms& terms) const {
    return *SignRequest(*MakeCertificateRequest(key, "x"), root_key_, root_, terms);
  }
  grpc::StatusCode end_with() {
    MutexLock lock(mutex_);
    return end_with_;
  }
  ::muster::edge::v1::ConnectResponse Greet() {
    ::muster::edge::v1::ConnectResponse response;
    ::muster::edge::v1::Welcome& welcome = *response.mutable_welcome();
    welcome.set_cluster_id(std::string(16, 'c'));
    welcome.set_secret_check_key(std::string(32, 'e'));
    MutexLock lock(mutex_);
    ++hellos_;
    for (int lane = 1; lane <= 2; ++lane) {
      ::muster::edge::v1::LanePosition* position = welcome.add_applied();
      position->set_lane(static_cast<::muster::edge::v1::Lane>(lane));
      position->set_number(applied_[lane]);
    }
    return response;
  }
  void Certify(const ::muster::edge::v1::CertificateRequests& requests,
               ::muster::edge::v1::Certificates& certificates) {
    CertificateTerms terms = Terms("west");
    terms.for_client = true;
    terms.for_server = true;
    terms.dns_names = {"localhost"};
    {
      MutexLock lock(mutex_);
      terms.not_after = absl::Now() + lifetime_;
    }
    const auto sign = [&](const std::string& request) {
      return *SignRequest(request, root_key_, root_, terms) + root_;
    };
    certificates.set_client(sign(requests.client()));
    certificates.set_router_ecdsa(sign(requests.router_ecdsa()));
    certificates.set_router_rsa(sign(requests.router_rsa()));
    certificates.set_cluster_root(root_);
    certificates.set_router_root(root_);
  }

  const PrivateKey root_key_;
  std::string root_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  Mutex mutex_;
  absl::Duration lifetime_ ABSL_GUARDED_BY(mutex_) = absl::Hours(24 * 100);
  bool acknowledge_ ABSL_GUARDED_BY(mutex_) = true;
  grpc::StatusCode end_with_ ABSL_GUARDED_BY(mutex_) = grpc::StatusCode::OK;
  int renewals_ ABSL_GUARDED_BY(mutex_) = 0;
  int hellos_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t applied_[4] ABSL_GUARDED_BY(mutex_) = {0, 0, 0, 0};
  std::vector<::muster::edge::v1::Batch> batches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
