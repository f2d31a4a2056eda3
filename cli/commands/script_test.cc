#include <gmock/gmock.h>

#include <fstream>

#include "cli/commands/command_test_support.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace v1 = muster::v1;

class ScriptTest : public CommandTest {
 protected:
  void AnswerScript() {
    v1::GetScriptResponse response;
    response.mutable_script()->set_name("organizations/default/scripts/ntp");
    response.mutable_script()->set_body(":put {{label.dns}}\n");
    response.mutable_script()->set_description("old");
    response.mutable_script()->add_variables("label.dns");
    fake_.Answer("GetScript", response);
  }
};

TEST_F(ScriptTest, IsKeptFromAFileOrStdin) {
  input_ = "\xEF\xBB\xBF:put 1\n";
  v1::CreateScriptResponse response;
  response.mutable_script()->set_name("organizations/default/scripts/ntp");
  fake_.Answer("CreateScript", response);
  const Ran ran = Run({"script", "create", "ntp", "--file", "-", "--description", "time"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto request = fake_.LastRequest<v1::CreateScriptRequest>("CreateScript");
  EXPECT_EQ(request.script_id(), "ntp");
  EXPECT_EQ(request.script().body(), ":put 1\n");
  EXPECT_EQ(request.script().description(), "time");
  EXPECT_EQ(Run({"script", "create", "ntp", "--file", folder_ + "/none"}).code, 2);
}

TEST_F(ScriptTest, IsShownWithWhatItWantsFilledIn) {
  AnswerScript();
  const Ran ran = Run({"script", "get", "ntp"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("label.dns"));
  EXPECT_THAT(ran.out, HasSubstr(":put {{label.dns}}"));
}

TEST_F(ScriptTest, AChangeLeavesWhatIsNotNamed) {
  AnswerScript();
  fake_.Answer("UpdateScript", v1::UpdateScriptResponse());
  EXPECT_EQ(Run({"script", "set", "ntp", "--description", "new"}).code, 0);
  const auto request = fake_.LastRequest<v1::UpdateScriptRequest>("UpdateScript");
  EXPECT_EQ(request.script().body(), ":put {{label.dns}}\n");
  EXPECT_EQ(request.script().description(), "new");
  EXPECT_EQ(Run({"script", "set", "ntp"}).code, 2);
}

TEST_F(ScriptTest, AJobNamesItInsteadOfAText) {
  EXPECT_EQ(Run({"job", "run", "--device", "x", "--script-name", "ntp", "--script", ":put 1"}).code,
            2);
  v1::CreateJobResponse response;
  response.mutable_job()->set_name("organizations/default/jobs/3f8k2m9x0c1va");
  fake_.Answer("CreateJob", response);
  const std::string device = MakeDevice(1, clock_.Now()).name();
  EXPECT_EQ(Run({"job", "run", "--device", device, "--script-name", "ntp"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<v1::CreateJobRequest>("CreateJob").script_name(),
            "organizations/default/scripts/ntp");
}

TEST_F(ScriptTest, ASecretComesFromStdinAFileOrTypedUnseenAndIsNeverShown) {
  const std::string canary = "canary-of-a-secret";
  for (const bool typed : {false, true}) {
    input_ = canary + "\r\n";
    typed_secret_ = canary;
    fake_.Answer("SetSecret", v1::SetSecretResponse());
    std::vector<std::string> arguments = {"secret", "set", "radius"};
    if (!typed) arguments.insert(arguments.end(), {"--file", "-"});
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out + ran.err, Not(HasSubstr(canary)));
    EXPECT_EQ(fake_.LastRequest<v1::SetSecretRequest>("SetSecret").value(), canary);
  }
  input_ = "\n";
  EXPECT_EQ(Run({"secret", "set", "radius", "--file", "-"}).code, 2);
  // There is no way to give it on the command line.
  EXPECT_EQ(Run({"secret", "set", "radius", "--value", canary}).code, 2);
}

}  // namespace
}  // namespace muster::cli
