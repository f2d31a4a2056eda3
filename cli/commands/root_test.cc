#include <gmock/gmock.h>

#include "cli/commands/command_test_support.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
namespace v1 = muster::v1;

class RootTest : public CommandTest {
 protected:
  static v1::RouterRoot Root(int number, v1::RouterRootState state, int lacking) {
    v1::RouterRoot root;
    root.set_name("routerRoots/" + std::to_string(number));
    root.set_state(state);
    root.set_sha256(std::string(64, 'a'));
    root.set_trusting_count(5);
    root.set_lacking_count(lacking);
    if (lacking > 0) root.add_lacking_devices("organizations/default/devices/3f8k2m9x0c1va");
    return root;
  }
};

TEST_F(RootTest, AreListedWithThoseThatDoNotTrustThem) {
  v1::ListRouterRootsResponse response;
  *response.add_router_roots() = Root(1, v1::ROUTER_ROOT_STATE_ACTIVE, 0);
  *response.add_router_roots() = Root(2, v1::ROUTER_ROOT_STATE_TRUSTED, 2);
  fake_.Answer("ListRouterRoots", response);
  const Ran ran = Run({"root", "list"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("trusted"));
  EXPECT_THAT(ran.err, HasSubstr("root 2: 2 devices don't trust it: 3f8k2m9x0c1va, ..."));
}

TEST_F(RootTest, ActivatingChecksFirstAndWantsAYes) {
  v1::ActivateRouterRootResponse response;
  *response.mutable_router_root() = Root(2, v1::ROUTER_ROOT_STATE_ACTIVE, 0);
  for (int i = 0; i < 3; ++i) fake_.Answer("ActivateRouterRoot", response);
  EXPECT_EQ(Run({"root", "activate", "2"}).code, 2);
  EXPECT_TRUE(
      fake_.LastRequest<v1::ActivateRouterRootRequest>("ActivateRouterRoot").validate_only());
  const Ran ran = Run({"root", "activate", "2", "--cut-off", "3", "--yes"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto request = fake_.LastRequest<v1::ActivateRouterRootRequest>("ActivateRouterRoot");
  EXPECT_EQ(request.name(), "routerRoots/2");
  EXPECT_EQ(request.accept_cut_off_count(), 3);
  EXPECT_FALSE(request.validate_only());
  EXPECT_NE(request.request_id(), "");
}

}  // namespace
}  // namespace muster::cli
