// A whole control plane for edges in one process, on a temporary folder and a free port.
//
// Threads:  of one test.
#pragma once

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "server/command_log/local/local_node.h"
#include "server/grpc_api/edge_service/edge_listener.h"
#include "server/grpc_api/node_service/node_service.h"
#include "server/pki/join_credentials.h"
#include "server/snapshots/snapshot_shelf.h"
#include "tests/support/edge_client.h"

namespace muster::server {

// A temporary folder that goes with it.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class EdgeHarness : public ::testing::Test {
 protected:
  static constexpr uint64_t kNodeId = 77;
  // The node that listens has the edge of this device, as far as other nodes ask.
  static constexpr uint64_t kDeviceHere = 5;
  static constexpr char kUrl[] = "https://edge.example.net";

  void SetUp() override;
  void TearDown() override;

  // Stops what runs and opens the same data anew.
  void Restart();

  // Makes an edge and answers its join file.
  std::string CreateEdge(const std::string& edge_id);
  // Makes an edge that has joined.
  testing::EdgeIdentity JoinEdge(const std::string& edge_id);
  void RevokeEdge(const std::string& edge_id);

  // Makes a claim in the default organization and answers its 16 bytes.
  std::string CreateClaim(uint32_t max_devices, absl::Duration ttl = absl::Hours(1));
  absl::StatusOr<edge::v1::EnrollResponse> Enroll(testing::EdgeClient& client,
                                                  const std::string& claim,
                                                  const std::string& nonce,
                                                  const std::string& token = "");
  OrganizationId DefaultOrganization();

  // A check-in that the control plane takes.
  static edge::v1::CheckIn CheckInOf(const edge::v1::DeviceRecord& record);
  static edge::v1::ConnectRequest BatchOf(uint64_t number,
                                          const std::vector<edge::v1::CheckIn>& items);

  absl::StatusOr<Applied> Propose(Command command);
  State& state() { return node_->state(); }
  const Installation& installation() const { return *installation_; }
  const CertificateIssuer& issuer() const { return *issuer_; }
  const std::string& address() const { return address_; }

  SystemClock clock_;

 private:
  void Start();
  void Stop();

  TestFolder folder_;
  std::unique_ptr<LocalNode> node_;
  std::unique_ptr<Installation> installation_;
  std::unique_ptr<CertificateIssuer> issuer_;
  Identity identity_;
  std::unique_ptr<SnapshotShelf> shelf_;
  std::unique_ptr<NodeService> node_service_;
  std::unique_ptr<EdgeListener> listener_;
  std::string address_;
};

}  // namespace muster::server
