#include <gmock/gmock.h>

#include "cli/commands/command_test_support.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
namespace v1 = muster::v1;

class WindowTest : public CommandTest {};

TEST_F(WindowTest, IsSetForOneKindOfDevicesAndShown) {
  v1::SetWindowResponse response;
  response.mutable_window()->set_name("organizations/default/windows/night");
  response.mutable_window()->set_site("riga");
  response.mutable_window()->set_next_change("2026-09-21T22:00:00+03:00");
  fake_.Answer("SetWindow", response);
  const Ran ran = Run({"window", "set", "night", "--site", "riga", "--times", "mon-fri 22:00-04:00",
                       "--zone", "Europe/Riga"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("2026-09-21T22:00:00+03:00"));
  const auto request = fake_.LastRequest<v1::SetWindowRequest>("SetWindow");
  EXPECT_EQ(request.window().name(), "organizations/default/windows/night");
  EXPECT_EQ(request.window().times(), "mon-fri 22:00-04:00");
  EXPECT_EQ(Run({"window", "set", "night", "--site", "a", "--label", "b=c", "--times", "daily 1-2",
                 "--zone", "UTC"})
                .code,
            2);
}

TEST_F(WindowTest, AreListedAndDeleted) {
  v1::ListWindowsResponse response;
  auto* window = response.add_windows();
  window->set_name("organizations/default/windows/night");
  window->set_label("role=core");
  window->set_open(true);
  fake_.Answer("ListWindows", response);
  const Ran ran = Run({"window", "list"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("label role=core"));
  EXPECT_THAT(ran.out, HasSubstr("open"));
  fake_.Answer("DeleteWindow", v1::DeleteWindowResponse());
  EXPECT_EQ(Run({"window", "delete", "night"}).code, 0);
}

}  // namespace
}  // namespace muster::cli
