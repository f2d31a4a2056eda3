// Values of a device in a job's script, and secrets: taken when the number is given.
#include <gmock/gmock.h>

#include "server/state/script_variables.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::ElementsAre;
using testing::Pair;
using S = JobTargetState;

constexpr uint64_t kDevice = 100;
constexpr uint64_t kJob = 500;

class JobVariablesTest : public StateFixture {
 protected:
  JobVariablesTest() {
    SetUpInstallation();
    MakeDevice(kDevice);
  }

  void SetLabels(const std::map<std::string, std::string>& labels) {
    Command command;
    auto& update = *command.mutable_update_device();
    update.set_device_id(kDevice);
    update.set_organization_id(kOrganization);
    update.set_replace_labels(true);
    for (const auto& [key, value] : labels) {
      auto& label = *update.add_labels();
      label.set_key(key);
      label.set_value(value);
    }
    ASSERT_TRUE(Apply(command).status.ok());
  }
  Command Job(const std::string& variable, bool in_word = false) {
    Command command = JobCommand(kJob, {kDevice});
    auto& wanted = *command.mutable_create_job()->mutable_variables()->add_variables();
    wanted.set_name(variable);
    wanted.set_in_word(in_word);
    return command;
  }
  Outcome SetSecret(const std::string& name, const std::string& sealed) {
    Command command;
    auto& set = *command.mutable_set_secret();
    set.set_organization_id(kOrganization);
    set.set_name(name);
    set.set_sealed_value(sealed);
    return Apply(command);
  }
  Outcome DeleteSecret(const std::string& name) {
    Command command;
    command.mutable_delete_secret()->set_organization_id(kOrganization);
    command.mutable_delete_secret()->set_name(name);
    return Apply(command);
  }
};

TEST_F(JobVariablesTest, GoWithTheNumberAndStayAsTheyWereThen) {
  SetLabels({{"vlan", "20"}});
  ASSERT_TRUE(Apply(Job("label.vlan")).status.ok());
  SetLabels({{"vlan", "30"}});
  const auto job = state_->FindEdgeJob("edge-a", DeviceId{kDevice});
  ASSERT_TRUE(job.has_value());
  EXPECT_THAT(job->variables, ElementsAre(Pair("label.vlan", "20")));
  EXPECT_EQ(job->organization.value, kOrganization);
}

TEST_F(JobVariablesTest, AMissingValueFailsTheTargetBeforeItIsSentAndTheNextJobGoes) {
  ASSERT_TRUE(Apply(Job("label.vlan")).status.ok());
  EXPECT_EQ(StateOf(kJob, kDevice), S::kFailed);
  EXPECT_EQ(Target(kJob, kDevice).phase, "variables");
  EXPECT_EQ(Target(kJob, kDevice).error, "label vlan is not set");
  EXPECT_EQ(NumberOf(kJob, kDevice), 0U);
  Apply(JobCommand(kJob + 1, {kDevice}));
  EXPECT_EQ(StateOf(kJob + 1, kDevice), S::kAtEdge);
}

TEST_F(JobVariablesTest, ALabelThatIsRemovedWhileTheJobWaitsFailsItClearly) {
  SetLabels({{"vlan", "20"}});
  Apply(JobCommand(kJob + 1, {kDevice}));
  ASSERT_TRUE(Apply(Job("label.vlan")).status.ok());
  EXPECT_EQ(StateOf(kJob, kDevice), S::kQueued);
  SetLabels({});
  ResultOf("edge-a", kDevice, NumberOf(kJob + 1, kDevice));
  EXPECT_EQ(StateOf(kJob, kDevice), S::kFailed);
  EXPECT_EQ(state_->FindJob(JobId{kJob}, false)->state_counts[6], 1U);
}

TEST_F(JobVariablesTest, AValueThatCantStandInAWordFailsTheTarget) {
  SetLabels({{"vlan", "2 0"}});
  ASSERT_TRUE(Apply(Job("label.vlan", true)).status.ok());
  EXPECT_EQ(StateOf(kJob, kDevice), S::kFailed);
}

TEST_F(JobVariablesTest, ManyThatCantBeFilledInEndInBoundedSteps) {
  Apply(JobCommand(1, {kDevice}));
  for (uint64_t job = 10; job < 50; ++job) {
    Command command = Job("label.vlan");
    command.mutable_create_job()->set_job_id(job);
    Apply(command);
  }
  ResultOf("edge-a", kDevice, NumberOf(1, kDevice));
  EXPECT_EQ(StateOf(49, kDevice), S::kQueued);
  for (int i = 0; i < 3; ++i) Beat("edge-a", kDevice, NumberOf(1, kDevice));
  EXPECT_EQ(StateOf(49, kDevice), S::kFailed);
}

TEST_F(JobVariablesTest, SecretsGoSealedToTheEdgeAndCantBeDeletedMeanwhile) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->add_secrets("radius");
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(SetSecret("radius", "sealed-1").status.ok());
  ASSERT_TRUE(Apply(command).status.ok());
  ASSERT_TRUE(SetSecret("radius", "sealed-2").status.ok());
  const auto job = state_->FindEdgeJob("edge-a", DeviceId{kDevice});
  ASSERT_EQ(job->sealed_secrets.size(), 1U);
  EXPECT_EQ(job->sealed_secrets[0].name, "radius");
  EXPECT_EQ(job->sealed_secrets[0].sealed, "sealed-2");
  EXPECT_EQ(DeleteSecret("radius").status.code(), absl::StatusCode::kFailedPrecondition);
  ResultOf("edge-a", kDevice, NumberOf(kJob, kDevice));
  EXPECT_TRUE(DeleteSecret("radius").status.ok());
}

TEST_F(JobVariablesTest, AChangedSecretGoesToEdgesThatHaveNotSentTheJob) {
  ASSERT_TRUE(SetSecret("radius", "sealed-1").status.ok());
  ASSERT_TRUE(SetSecret("other", "sealed-1").status.ok());
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->add_secrets("radius");
  ASSERT_TRUE(Apply(command).status.ok());
  const int before = CountChanges(ChangeKind::kJobPut);
  ASSERT_TRUE(SetSecret("other", "sealed-2").status.ok());
  EXPECT_EQ(CountChanges(ChangeKind::kJobPut), before);
  ASSERT_TRUE(SetSecret("radius", "sealed-2").status.ok());
  EXPECT_EQ(CountChanges(ChangeKind::kJobPut), before + 1);
  EXPECT_EQ(changes_.back().edge, "edge-a");
  EXPECT_EQ(changes_.back().number, NumberOf(kJob, kDevice));
  Event("edge-a", kDevice, NumberOf(kJob, kDevice), 1, 1);
  ASSERT_TRUE(SetSecret("radius", "sealed-3").status.ok());
  EXPECT_EQ(CountChanges(ChangeKind::kJobPut), before + 1) << "it was sent with the value before";
}

TEST(ScriptVariablesTest, KnowEachKindAndWhatIsMissing) {
  VariableSource source;
  source.device = 1;
  source.identity = "MikroTik";
  source.labels = {{"empty", ""}};
  EXPECT_EQ(ValueOfVariable(source, "device.name"), "MikroTik");
  source.display_name = "core";
  EXPECT_EQ(ValueOfVariable(source, "device.name"), "core");
  EXPECT_EQ(ValueOfVariable(source, "device.id"), "0000000000001");
  EXPECT_EQ(ValueOfVariable(source, "device.site"), std::nullopt);
  EXPECT_EQ(ValueOfVariable(source, "label.empty"), "");
  EXPECT_EQ(ValueOfVariable(source, "label.vlan"), std::nullopt);
  EXPECT_EQ(ValueOfVariable(source, "secret:x"), std::nullopt);
}

}  // namespace
}  // namespace muster::server
