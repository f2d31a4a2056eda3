// A whole control plane in this process for tests: state in a temporary folder, the API on a free
// port, an edge that is played by commands.
//
// Threads:  use from the test's thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "common/ids/ids.h"
#include "muster/v1/api_key_service.pb.h"
#include "server/command_log/local/local_node.h"
#include "server/grpc_api/api_server.h"
#include "server/pki/installation.h"

namespace muster::server {

class ApiTestServer {
 public:
  ApiTestServer();
  ~ApiTestServer();

  State& state() { return node_->state(); }
  CommandLog& log() { return node_->log(); }
  const Installation& installation() const { return *installation_; }
  const std::string& data_dir() const { return data_dir_; }
  const std::string& root_key() const { return root_key_; }
  std::shared_ptr<grpc::Channel> channel() const { return channel_; }
  // What ClusterService shows from now on; FailedPrecondition for all its calls before.
  void ShowNodes(ClusterAsker ask, ReportForgetter forget);
  void StopApi() { api_->Stop(absl::Seconds(2)); }

  // Metadata of a call with this key ("" for none) and a deadline of 10 s.
  std::unique_ptr<grpc::ClientContext> Context(absl::string_view key) const;

  // The text of a new key; `organization` is a slug, empty for the role platform.
  std::string MakeKey(absl::string_view organization, v1::Role role);
  void MakeOrganization(absl::string_view slug);

  // A joined edge "west" with a session; made at the first use.
  void StartEdge();
  // Its resource name.
  std::string EnrollDevice(absl::string_view organization, absl::string_view identity,
                           absl::string_view version = "7.20.8", bool monitor_only = false);
  // A check-in through the edge; `cpu` in percent.
  void CheckIn(const std::string& device, uint32_t cpu = 10);
  // Takes the job that waits for the device: sent and ended with this output.
  void RunJob(const std::string& device, bool ok, const std::string& output);

  // Waits until `done`, which looks at the state alone, holds after a change of the state; false
  // after 10 s.
  bool WaitForState(const std::function<bool()>& done);
  // State time goes on to what the clock says in so long.
  void Pass(absl::Duration time);

 private:
  internal::v1::Command EdgeCommand() const;
  Result MustPropose(internal::v1::Command command);
  void SendBatch(internal::v1::EdgeBatch batch, uint32_t lane);
  int64_t NowUs() const { return absl::ToUnixMicros(clock_.Now()); }

  void StartApi(ClusterAsker ask, ReportForgetter forget);

  SystemClock clock_;
  std::string folder_;
  std::string data_dir_;
  std::unique_ptr<LocalNode> node_;
  std::unique_ptr<Installation> installation_;
  std::unique_ptr<CertificateIssuer> issuer_;
  std::unique_ptr<ApiServer> api_;
  Identity identity_;
  std::shared_ptr<grpc::Channel> channel_;
  std::string root_key_;

  bool edge_started_ = false;
  std::string spool_id_;
  uint64_t session_epoch_ = 0;
  std::map<uint32_t, uint64_t> batch_numbers_;
  std::map<std::string, uint64_t> last_numbers_;
};

// The 13 characters at the end of a resource name, as a number.
uint64_t IdOfName(absl::string_view name);

}  // namespace muster::server
