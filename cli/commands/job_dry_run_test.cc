#include "cli/commands/job_dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "cli/commands/command_test_support.h"
#include "muster/v1/device_service.pb.h"

namespace muster::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::map<std::string, int64_t> kFleet = {{"7.20.8", 3}, {"6.49.10", 2}, {"7.9", 1}};

TEST(DryRunTest, SaysInWhichFormEachVersionGetsTheScript) {
  const DryRun small = CheckForVersions(":put 1", kFleet, false, nullptr);
  ASSERT_THAT(small.versions, SizeIs(3));
  EXPECT_EQ(small.versions[0].version, "6.49.10");
  EXPECT_EQ(small.versions[1].version, "7.9");
  EXPECT_EQ(small.versions[2].version, "7.20.8");
  EXPECT_EQ(small.versions[2].device_count, 3);
  EXPECT_EQ(small.versions[0].payload_bytes, 18u) << "\\XX a byte";
  EXPECT_EQ(small.versions[2].payload_bytes, 12u) << "two hex digits a byte";
  EXPECT_EQ(small.versions[0].parts, 1u);
  EXPECT_THAT(small.findings, IsEmpty());
  const std::string large = absl::StrCat(":put \"", std::string(30'000, 'x'), "\"");
  const DryRun parted = CheckForVersions(large, kFleet, false, nullptr);
  EXPECT_GT(parted.versions[0].parts, 10u);
  EXPECT_EQ(parted.versions[2].parts, 1u);
}

TEST(DryRunTest, GathersFindingsOverVersions) {
  const DryRun broken = CheckForVersions(":put {", kFleet, false, nullptr);
  ASSERT_THAT(broken.findings, SizeIs(testing::Ge(1)));
  EXPECT_EQ(broken.findings[0].kind, "syntax");
  EXPECT_EQ(broken.versions_with_syntax_errors, 3u);
  const DryRun newer = CheckForVersions(":put [:convert \"a\" to=hex]", kFleet, false, nullptr);
  ASSERT_THAT(newer.findings, SizeIs(testing::Ge(1)));
  for (const ScriptFinding& finding : newer.findings) {
    EXPECT_THAT(finding.versions, Not(testing::Contains("7.20.8"))) << finding.text;
  }
}

TEST(DryRunTest, VariablesAreNoFindingAndMoveNoColumn) {
  EXPECT_THAT(
      CheckForVersions(":put {{label.vlan}}\n:put \"{{secret:psk}}\"", kFleet, false, nullptr)
          .findings,
      IsEmpty());
  const DryRun broken =
      CheckForVersions(":put {{device.name}}; :put [", {{"7.20.8", 1}}, false, nullptr);
  ASSERT_THAT(broken.findings, SizeIs(1));
  EXPECT_THAT(broken.findings[0].text, HasSubstr("line 1 column 2")) << broken.findings[0].text;
}

TEST(DryRunTest, NamesWhatEndsTheRoutersSession) {
  EXPECT_THAT(CheckForVersions("/system reboot", kFleet, false, nullptr).effects,
              ElementsAre(HasSubstr("--ends-with reboot")));
  EXPECT_THAT(CheckForVersions("/system reboot", kFleet, true, nullptr).effects,
              ElementsAre(Not(HasSubstr("--ends-with"))));
  EXPECT_THAT(CheckForVersions(":put 1", kFleet, false, nullptr).effects, IsEmpty());
}

TEST(DryRunTest, ChecksCommandsAndArgumentsAgainstTrees) {
  const char* data = std::getenv("MUSTER_TEST_DATA");
  const std::string folder = absl::StrCat(data == nullptr ? "" : data, "/routeros-trees");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no console dumps in MUSTER_TEST_DATA";
  const auto dumps = routeros::ConsoleDumps::Read(folder);
  ASSERT_TRUE(dumps.ok()) << dumps.status();
  const DryRun dry_run =
      CheckForVersions("/ip address add adress=192.0.2.1/32", {{"7.20.8", 1}}, false, &*dumps);
  EXPECT_EQ(dry_run.versions[0].tree, "7.20.8");
  ASSERT_THAT(dry_run.findings, SizeIs(1));
  EXPECT_THAT(dry_run.findings[0].text, HasSubstr("adress"));
}

class DryRunCommandTest : public CommandTest {
 protected:
  void Answer() {
    for (int i = 0; i < 2; ++i) {
      muster::v1::ListDevicesResponse devices;
      *devices.add_devices() = MakeDevice(1, clock_.Now());
      *devices.add_devices() = MakeDevice(2, clock_.Now());
      devices.mutable_devices(1)->set_routeros_version("6.49.10 (long-term)");
      devices.set_total_size(2);
      fake_.Answer("ListDevices", devices);
    }
    muster::v1::CreateJobResponse created;
    created.mutable_job()->set_target_count(2);
    fake_.Answer("CreateJob", created);
  }
};

TEST_F(DryRunCommandTest, ShowsVersionsFindingsAndTheText) {
  Answer();
  const Ran ran = Run({"job", "run", "--where", "site = riga", "--script",
                       ":put [/system identity get name]", "--dry-run"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("2 devices match"));
  EXPECT_THAT(ran.err, HasSubstr("nothing was done"));
  ExpectGolden("job_dry_run.table", ran.out);
}

TEST_F(DryRunCommandTest, TellsProgramsEverythingInAnOrderThatStays) {
  Answer();
  const Ran ran =
      Run({"job", "run", "--where", "site = riga", "--script",
           ":put \"{{device.name}}\"\n:put [:convert \"a\" to=hex]", "--dry-run", "-o", "json"});
  EXPECT_EQ(ran.code, 6) << "only 7.15 takes it: " << ran.err;
  ExpectGolden("job_dry_run.json", ran.out);
}

TEST_F(DryRunCommandTest, ShowsAllFindingsOfAScriptThatTheServerRefuses) {
  for (int i = 0; i < 2; ++i) {
    muster::v1::ListDevicesResponse devices;
    *devices.add_devices() = MakeDevice(1, clock_.Now());
    devices.mutable_devices(0)->set_routeros_version("6.49.10 (long-term)");
    devices.set_total_size(1);
    fake_.Answer("ListDevices", devices);
  }
  fake_.Fail("CreateJob", grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                                       "script: it holds /system reboot; give ends_with"));
  const Ran ran = Run({"job", "run", "--where", "site = riga", "--script",
                       "/system reboot; :convert a", "--dry-run"});
  EXPECT_EQ(ran.code, 2) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("line 1 column"));
  EXPECT_THAT(ran.err, HasSubstr("reboots or shuts down the router"));
  EXPECT_THAT(ran.err, HasSubstr("give ends_with"));
}

TEST_F(DryRunCommandTest, ChecksAScriptOfTheLibrary) {
  Answer();
  muster::v1::GetScriptResponse script;
  script.mutable_script()->set_body(":put {{{");
  fake_.Answer("GetScript", script);
  const Ran ran =
      Run({"job", "run", "--where", "site = riga", "--script-name", "ntp", "--dry-run"});
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("syntax"));
}

TEST_F(DryRunCommandTest, AScriptThatLoadsNowhereFails) {
  Answer();
  const Ran ran =
      Run({"job", "run", "--where", "site = riga", "--script", ":put {{{", "--dry-run"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("syntax"));
}

}  // namespace
}  // namespace muster::cli
