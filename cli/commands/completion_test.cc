// What the shells are told; real shells run in tests/end_to_end/test_operator.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "cli/commands/command_test_support.h"
#include "muster/v1/cluster_service.pb.h"
#include "muster/v1/device_service.pb.h"
#include "muster/v1/job_service.pb.h"
#include "muster/v1/router_root_service.pb.h"
#include "muster/v1/script_service.pb.h"
#include "muster/v1/window_service.pb.h"

namespace muster::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

class CompletionTest : public CommandTest {
 protected:
  std::vector<std::string> Complete(std::vector<std::string> words) {
    words.insert(words.begin(), "__complete");
    const Ran ran = Run(words);
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.err, "");
    return absl::StrSplit(ran.out, '\n', absl::SkipEmpty());
  }

  void AnswerDevices() {
    muster::v1::ListDevicesResponse response;
    *response.add_devices() = MakeDevice(1, clock_.Now());
    *response.add_devices() = MakeDevice(2, clock_.Now());
    response.mutable_devices(1)->set_display_name("the cellar");
    fake_.Answer("ListDevices", response);
  }
};

TEST_F(CompletionTest, CompletesNounsVerbsAndFlagsWithoutAServer) {
  EXPECT_THAT(Complete({""}), IsSupersetOf({"device", "job", "audit", "completion"}));
  EXPECT_THAT(Complete({"comp"}), ElementsAre("completion"));
  EXPECT_THAT(Complete({"audit", ""}), ElementsAre("list", "verify"));
  EXPECT_THAT(Complete({"device", "list", "--so"}), ElementsAre("--sort"));
  EXPECT_THAT(Complete({"device", "set", "-"}),
              IsSupersetOf({"--label", "--output", "--request-id"}));
  EXPECT_THAT(Complete({"device", "list", "--"}), Not(Contains("--request-id")));
  EXPECT_THAT(Complete({"-o", "json", "dev"}), ElementsAre("device"));
  EXPECT_THAT(Complete({"completion", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(Complete({"nonsense", ""}), IsEmpty());
  EXPECT_EQ(fake_.RequestCount("ListDevices"), 0u);
}

TEST_F(CompletionTest, CompletesValuesByWhatTheyAre) {
  EXPECT_THAT(Complete({"device", "list", "-o", "y"}), ElementsAre("yaml"));
  EXPECT_THAT(Complete({"job", "run", "--ends-with", ""}), ElementsAre("reboot", "result"));
  EXPECT_THAT(Complete({"job", "run", "--script-file", "a"}), ElementsAre(":files"));
  EXPECT_THAT(Complete({"job", "run", "--script", "a"}), IsEmpty());
  EXPECT_THAT(Complete({"claim", "create", "--profile", "m"}), ElementsAre("metered"));
  EXPECT_THAT(Complete({"key", "create", "--role", ""}),
              ElementsAre("admin", "operator", "platform", "viewer"));
  EXPECT_THAT(Complete({"device", "list", "--sc"}), IsEmpty());
}

TEST_F(CompletionTest, OffersTheKindsOfEventsWithoutAServer) {
  EXPECT_THAT(Complete({"event", "list", "--kind", ""}),
              IsSupersetOf({"clone", "enrolled", "router-state-went-back"}));
  EXPECT_THAT(Complete({"event", "list", "--kind", "clone", "--kind", "token-"}),
              ElementsAre("token-revoked", "token-rotated"));
  EXPECT_EQ(fake_.RequestCount("ListDeviceEvents"), 0u);
}

TEST_F(CompletionTest, AsksForWindowsAndScriptsWhereOneIsNamed) {
  muster::v1::ListWindowsResponse windows;
  windows.add_windows()->set_name("organizations/default/windows/night");
  fake_.Answer("ListWindows", windows);
  EXPECT_THAT(Complete({"window", "delete", "n"}), ElementsAre("night"));
  muster::v1::ListScriptsResponse scripts;
  scripts.add_scripts()->set_name("organizations/default/scripts/ntp");
  fake_.Answer("ListScripts", scripts);
  EXPECT_THAT(Complete({"job", "run", "--script-name", ""}), ElementsAre("ntp"));
}

TEST_F(CompletionTest, OffersTheActionsOfACommandAndThenWhatTheyAreDoneTo) {
  EXPECT_THAT(Complete({"device", "tok"}), ElementsAre("token"));
  EXPECT_THAT(Complete({"device", "token", ""}), ElementsAre("revoke", "rotate"));
  EXPECT_THAT(Complete({"device", "token", "ro"}), ElementsAre("rotate"));
  EXPECT_EQ(fake_.RequestCount("ListDevices"), 0u);
  AnswerDevices();
  EXPECT_THAT(Complete({"device", "token", "rotate", ""}), ElementsAre("MikroTik-1", "the cellar"));
  EXPECT_THAT(Complete({"cluster", "upgrade", ""}), ElementsAre("finalize"));
}

TEST_F(CompletionTest, AsksForTheNumbersOfRoots) {
  muster::v1::ListRouterRootsResponse roots;
  for (const char* name : {"routerRoots/1", "routerRoots/2", "routerRoots/12"}) {
    roots.add_router_roots()->set_name(name);
  }
  fake_.Answer("ListRouterRoots", roots);
  EXPECT_THAT(Complete({"root", "activate", ""}), ElementsAre("1", "12", "2"));
  fake_.Answer("ListRouterRoots", roots);
  EXPECT_THAT(Complete({"root", "retire", "--cut-off", "3", "1"}), ElementsAre("1", "12"));
  EXPECT_THAT(Complete({"root", "list", ""}), IsEmpty());
  fake_.Fail("ListRouterRoots", grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "no"));
  EXPECT_THAT(Complete({"root", "activate", ""}), IsEmpty());
}

TEST_F(CompletionTest, AsksForTheNamesOfNodes) {
  muster::v1::GetClusterStatusResponse status;
  for (const char* name : {"riga-1", "riga-2", "vilnius"}) {
    status.add_nodes()->set_display_name(name);
  }
  fake_.Answer("GetClusterStatus", status);
  EXPECT_THAT(Complete({"cluster", "remove", "ri"}), ElementsAre("riga-1", "riga-2"));
}

TEST_F(CompletionTest, AsksTheServerForNames) {
  AnswerDevices();
  EXPECT_THAT(Complete({"device", "get", ""}), ElementsAre("MikroTik-1", "the cellar"));
  AnswerDevices();
  EXPECT_THAT(Complete({"job", "run", "--device", "the\\ c"}), ElementsAre("the cellar"));
  EXPECT_EQ(fake_.LastRequest<muster::v1::ListDevicesRequest>("ListDevices").filter(),
            R"(display_name = "the c*" OR identity = "the c*" OR name = "the c*")");
  AnswerDevices();
  EXPECT_THAT(Complete({"device", "set", "x", "--site", "ri"}), ElementsAre("riga"));
  muster::v1::ListJobsResponse jobs;
  jobs.add_jobs()->set_name("organizations/default/jobs/3f8k2m9x0c1va");
  fake_.Answer("ListJobs", jobs);
  EXPECT_THAT(Complete({"job", "watch", "3f"}), ElementsAre("3f8k2m9x0c1va"));
}

TEST_F(CompletionTest, AServerThatRefusesOrIsAwayCompletesNothing) {
  fake_.Fail("ListDevices", grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "no"));
  EXPECT_THAT(Complete({"device", "get", ""}), IsEmpty());
  fake_.Stop();
  EXPECT_THAT(Complete({"device", "get", ""}), IsEmpty());
  fake_.Start();
}

TEST_F(CompletionTest, PrintsAScriptForEachShell) {
  EXPECT_THAT(Run({"completion", "bash"}).out, testing::HasSubstr("complete -F _muster muster"));
  EXPECT_THAT(Run({"completion", "zsh"}).out, testing::StartsWith("#compdef muster"));
  EXPECT_EQ(Run({"completion", "fish"}).code, 2);
}

}  // namespace
}  // namespace muster::cli
