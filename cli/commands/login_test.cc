// login and context.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "cli/commands/command_test_support.h"
#include "cli/connection/contexts.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class LoginTest : public CommandTest {
 protected:
  LoginTest() {
    environment_.erase("MUSTER_SERVER");
    environment_.erase("MUSTER_CA_FILE");
    environment_.erase("MUSTER_API_KEY_FILE");
  }

  void AnswerOrganizations(const std::vector<std::string>& slugs) {
    muster::v1::ListOrganizationsResponse response;
    for (const std::string& slug : slugs)
      response.add_organizations()->set_name("organizations/" + slug);
    fake_.Answer("ListOrganizations", response);
  }

  ContextFile Contexts() {
    return ReadContexts(folder_ + "/.config/muster/config.toml").value_or(ContextFile());
  }
};

TEST_F(LoginTest, KeepsServerAndKeyFileAsAContextThatCommandsUse) {
  AnswerOrganizations({"acme"});
  const Ran login = Run({"login", "--server", fake_.address(), "--ca-file", fake_.ca_file(),
                         "--api-key-file", fake_.key_file()});
  EXPECT_EQ(login.code, 0) << login.err;
  EXPECT_EQ(Contexts().current, "default");
  EXPECT_EQ(Contexts().contexts["default"].organization, "acme");
  fake_.Answer("ListDevices", muster::v1::ListDevicesResponse());
  EXPECT_EQ(Run({"device", "list"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::ListDevicesRequest>("ListDevices").parent(),
            "organizations/acme");
}

TEST_F(LoginTest, AsksForTheKeyAndKeepsItFromOthers) {
  AnswerOrganizations({"default", "other"});
  typed_secret_ = std::string("  ") + FakeMuster::kKey + " \r";
  const Ran login =
      Run({"login", "lab", "--server", fake_.address(), "--ca-file", fake_.ca_file()});
  EXPECT_EQ(login.code, 0) << login.err;
  const std::string key_file = folder_ + "/.config/muster/keys/lab";
  struct stat status;
  ASSERT_EQ(stat(key_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(Contexts().contexts["lab"].organization, "default");
  std::stringstream text;
  text << std::ifstream(Contexts().path).rdbuf();
  EXPECT_THAT(text.str(), Not(HasSubstr(FakeMuster::kKey)));
  fake_.Answer("ListDevices", muster::v1::ListDevicesResponse());
  EXPECT_EQ(Run({"device", "list"}).code, 0);
  AnswerOrganizations({"default"});
  EXPECT_EQ(Run({"login", "lab"}).code, 0) << "a second login takes the rest from the context";
}

TEST_F(LoginTest, AKeyThatIsRefusedIsNotKept) {
  typed_secret_ = "mk1.wrong";
  const Ran refused = Run({"login", "--server", fake_.address(), "--ca-file", fake_.ca_file()});
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.err, Not(HasSubstr("mk1.wrong")));
  EXPECT_TRUE(Contexts().contexts.empty());
  typed_secret_ = "hunter2 is no key";
  const Ran nonsense = Run({"login", "--server", fake_.address(), "--ca-file", fake_.ca_file()});
  EXPECT_EQ(nonsense.code, 2);
  EXPECT_THAT(nonsense.err, Not(HasSubstr("hunter2")));
}

TEST_F(LoginTest, AnOrganizationThatTheKeyCanNotSeeIsRefused) {
  AnswerOrganizations({"acme"});
  EXPECT_EQ(Run({"login", "--server", fake_.address(), "--ca-file", fake_.ca_file(),
                 "--api-key-file", fake_.key_file(), "--organization", "other"})
                .code,
            3);
}

TEST_F(LoginTest, ContextsAreListedChosenAndDeleted) {
  ContextFile file;
  file.path = folder_ + "/.config/muster/config.toml";
  file.current = "lab";
  file.contexts["lab"] = {"lab:7450", "/ca", "/key", "default"};
  file.contexts["production"] = {"prod:7450", "/ca2", "/key2", "acme"};
  ASSERT_TRUE(WriteContexts(file).ok());
  ExpectGolden("context_list.table", Run({"context", "list"}).out);
  EXPECT_EQ(Run({"context"}).out, Run({"context", "list"}).out);
  EXPECT_EQ(Run({"context", "use", "production"}).code, 0);
  EXPECT_THAT(Run({"context", "show"}).out, HasSubstr("prod:7450"));
  EXPECT_EQ(Run({"context", "list", "-o", "name"}).out, "lab\nproduction\n");
  EXPECT_EQ(Run({"context", "use", "nowhere"}).code, 3);
  EXPECT_EQ(Run({"context", "delete", "production"}).code, 0);
  EXPECT_EQ(Contexts().contexts.size(), 1u);
  EXPECT_EQ(Contexts().current, "");
  EXPECT_EQ(Run({"device", "list", "--context", "production"}).code, 3);
}

}  // namespace
}  // namespace muster::cli
