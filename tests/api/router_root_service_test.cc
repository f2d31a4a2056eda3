// Router roots through the API: what is refused before routers or edges would be lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "muster/v1/audit_service.grpc.pb.h"
#include "muster/v1/router_root_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

class RouterRootServiceTest : public testing::Test {
 protected:
  RouterRootServiceTest() : stub_(v1::RouterRootService::NewStub(server_.channel())) {}

  std::vector<v1::RouterRoot> List() {
    v1::ListRouterRootsResponse response;
    EXPECT_TRUE(
        stub_->ListRouterRoots(server_.Context(server_.root_key()).get(), {}, &response).ok());
    return {response.router_roots().begin(), response.router_roots().end()};
  }
  grpc::Status Create(const std::string& request_id = "", bool validate_only = false,
                      v1::RouterRoot* made = nullptr) {
    v1::CreateRouterRootRequest request;
    request.set_request_id(request_id);
    request.set_validate_only(validate_only);
    v1::CreateRouterRootResponse response;
    const grpc::Status status =
        stub_->CreateRouterRoot(server_.Context(server_.root_key()).get(), request, &response);
    if (made != nullptr) *made = response.router_root();
    return status;
  }
  grpc::Status Activate(const std::string& name, int cut_off = 0, bool validate_only = false) {
    v1::ActivateRouterRootRequest request;
    request.set_name(name);
    request.set_accept_cut_off_count(cut_off);
    request.set_validate_only(validate_only);
    v1::ActivateRouterRootResponse response;
    return stub_->ActivateRouterRoot(server_.Context(server_.root_key()).get(), request, &response);
  }
  grpc::Status Retire(const std::string& name, int cut_off = 0) {
    v1::RetireRouterRootRequest request;
    request.set_name(name);
    request.set_accept_cut_off_count(cut_off);
    v1::RetireRouterRootResponse response;
    return stub_->RetireRouterRoot(server_.Context(server_.root_key()).get(), request, &response);
  }

  ApiTestServer server_;
  std::unique_ptr<v1::RouterRootService::Stub> stub_;
};

TEST_F(RouterRootServiceTest, ARepeatedCallMakesOneRootAndACheckMakesNone) {
  ASSERT_EQ(List().size(), 1u);
  EXPECT_EQ(List()[0].state(), v1::ROUTER_ROOT_STATE_ACTIVE);
  EXPECT_EQ(List()[0].sha256().size(), 64u);
  v1::RouterRoot would;
  ASSERT_TRUE(Create("", true, &would).ok());
  EXPECT_EQ(would.name(), "routerRoots/2");
  EXPECT_EQ(List().size(), 1u);
  v1::RouterRoot first;
  v1::RouterRoot again;
  ASSERT_TRUE(Create("once", false, &first).ok());
  ASSERT_TRUE(Create("once", false, &again).ok());
  EXPECT_EQ(first.sha256(), again.sha256());
  EXPECT_EQ(first.state(), v1::ROUTER_ROOT_STATE_TRUSTED);
  ASSERT_EQ(List().size(), 2u);
  EXPECT_NE(List()[0].sha256(), List()[1].sha256());
  EXPECT_EQ(Create().error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Create("", true).error_code(), StatusCode::FAILED_PRECONDITION);
}

TEST_F(RouterRootServiceTest, CutsOffNobodyUnlessTheirNumberIsAccepted) {
  const std::string alpha = server_.EnrollDevice("default", "alpha");
  server_.EnrollDevice("default", "beta");
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(List()[1].lacking_count(), 2);
  EXPECT_THAT(List()[1].lacking_devices(), testing::Contains(alpha));
  // The edge of these tests says nothing of its root.
  const grpc::Status edge = Activate("routerRoots/2", 2);
  EXPECT_EQ(edge.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(edge.error_message(), HasSubstr("edge west has not said"));
  internal::v1::Command command;
  command.mutable_actor()->set_principal("edges/west");
  command.mutable_edge_session()->set_edge_id("west");
  command.mutable_edge_session()->set_spool_id(std::string(16, 's'));
  command.mutable_edge_session()->set_router_root_sha256(List()[0].sha256());
  ASSERT_TRUE(server_.log().Propose(std::move(command)).ok());
  EXPECT_THAT(List()[0].serving_edges(), testing::ElementsAre("edges/west"));

  const grpc::Status refused = Activate("routerRoots/2", 1);
  EXPECT_EQ(refused.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("2 devices do not trust root 2"));
  EXPECT_THAT(refused.error_message(), HasSubstr("alpha ("));
  EXPECT_THAT(refused.error_message(), HasSubstr("--cut-off 2"));
  ASSERT_TRUE(Activate("routerRoots/2", 2, true).ok());
  EXPECT_EQ(List()[0].state(), v1::ROUTER_ROOT_STATE_ACTIVE) << "a check changes nothing";
  ASSERT_TRUE(Activate("routerRoots/2", 2).ok());
  EXPECT_EQ(List()[1].state(), v1::ROUTER_ROOT_STATE_ACTIVE);
  const grpc::Status shown = Retire("routerRoots/1", 2);
  EXPECT_EQ(shown.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(shown.error_message(), HasSubstr("edge west still shows root 1"));
  EXPECT_EQ(Retire("routerRoots/2").error_code(), StatusCode::FAILED_PRECONDITION);

  v1::ListAuditEntriesRequest request;
  request.set_method("muster.v1.RouterRootService/ActivateRouterRoot");
  v1::ListAuditEntriesResponse response;
  const auto audit = v1::AuditService::NewStub(server_.channel());
  ASSERT_TRUE(
      audit->ListAuditEntries(server_.Context(server_.root_key()).get(), request, &response).ok());
  ASSERT_EQ(response.entries_size(), 1);
  EXPECT_THAT(response.entries(0).summary(), HasSubstr("although 2 devices will be cut off"));
}

TEST_F(RouterRootServiceTest, NamesThatAreNoRootsAreRefused) {
  for (const char* name : {"", "routerRoots/", "routerRoots/x", "routerRoots/0", "2"}) {
    EXPECT_EQ(Activate(name).error_code(), StatusCode::INVALID_ARGUMENT) << name;
  }
  EXPECT_EQ(Activate("routerRoots/7").error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(Activate("routerRoots/1", -1).error_code(), StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace muster::server
