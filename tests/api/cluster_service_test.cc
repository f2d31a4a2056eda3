// ClusterService against a control plane that is alone; several nodes are in
// tests/end_to_end/test_cluster.py.
#include "gtest/gtest.h"
#include "muster/v1/cluster_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

TEST(ClusterServiceTest, AServerThatKnowsOfNoNodesSaysSo) {
  ApiTestServer server;
  const auto stub = v1::ClusterService::NewStub(server.channel());
  v1::GetClusterStatusResponse response;
  EXPECT_EQ(
      stub->GetClusterStatus(server.Context(server.root_key()).get(), {}, &response).error_code(),
      grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace muster::server
