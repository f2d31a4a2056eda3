// What holds for every command: usage, help, exit codes, errors, retries, secrets.
#include "cli/commands/command_line.h"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "cli/commands/command_test_support.h"
#include "cli/commands/groups.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class CommandLineTest : public CommandTest {};

TEST_F(CommandLineTest, EveryCommandHasHelpWithExamples) {
  for (const Command& command : AllCommands()) {
    std::vector<std::string> arguments = {command.noun};
    if (!command.verb.empty()) arguments.push_back(command.verb);
    arguments.push_back("--help");
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.code, 0) << command.noun << " " << command.verb;
    EXPECT_THAT(ran.out, HasSubstr("Examples:\n  muster " + command.noun)) << command.verb;
    EXPECT_EQ(ran.err, "");
  }
}

TEST_F(CommandLineTest, WrongUsageEndsWithTwoAndSaysWhereHelpIs) {
  const std::vector<std::vector<std::string>> kWrong = {
      {},
      {"device"},
      {"nonsense"},
      {"device", "lst"},
      {"device", "list", "extra"},
      {"device", "set", "x", "--name", "caf\xE9"},
      {"device", "list", "--nonsense"},
      {"device", "list", "-o", "xml"},
      {"device", "list", "--limit", "-3"},
      {"device", "get"},
      {"device", "set", "x"},
      {"key", "create"},
      {"key", "create", "--role", "king"},
      {"key", "create", "--role", "viewer", "--expires", "soon"},
      {"claim", "create", "--max-devices", "0"},
      {"claim", "create", "--ttl", "0s"},
      {"claim", "create", "--label", "novalue"},
      {"claim", "create", "--label", "a=1", "--label", "a=2"},
      {"claim", "delete", "not-an-id"},
      {"job", "run", "--device", "x"},
      {"job", "run", "--script", "x"},
      {"job", "run", "--device", "x", "--where", "y", "--script", "z"},
      {"job", "run", "--device", "x", "--script", "z", "--script-file", "f"},
      {"job", "run", "--device", "x", "--script", "  "},
      {"job", "run", "--device", "x", "--script-file", "/does/not/exist"},
      {"job", "run", "--device", "x", "--script", "z", "--ends-with", "bang"},
      {"device", "list", "--server", "https://x"},
      {"device", "list", "--organization", "NO"},
  };
  for (const auto& arguments : kWrong) {
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.code, 2) << testing::PrintToString(arguments) << ran.err;
    EXPECT_EQ(ran.out, "") << testing::PrintToString(arguments);
    EXPECT_NE(ran.err, "") << testing::PrintToString(arguments);
  }
}

TEST_F(CommandLineTest, VersionIsPrintedInEachFormat) {
  EXPECT_THAT(Run({"version"}).out, StartsWith("muster 0."));
  EXPECT_THAT(Run({"--version"}).out, StartsWith("muster 0."));
  EXPECT_THAT(Run({"version", "-o", "json"}).out, HasSubstr("\"version\": \"0."));
  EXPECT_THAT(Run({"-o", "csv", "version"}).out, StartsWith("version\n0."));
}

TEST_F(CommandLineTest, StatusCodesBecomeExitCodes) {
  const struct {
    grpc::StatusCode status;
    int exit;
  } kCases[] = {
      {grpc::StatusCode::INVALID_ARGUMENT, 2},   {grpc::StatusCode::NOT_FOUND, 3},
      {grpc::StatusCode::UNAUTHENTICATED, 4},    {grpc::StatusCode::PERMISSION_DENIED, 4},
      {grpc::StatusCode::UNAVAILABLE, 5},        {grpc::StatusCode::FAILED_PRECONDITION, 1},
      {grpc::StatusCode::RESOURCE_EXHAUSTED, 1}, {grpc::StatusCode::INTERNAL, 1},
      {grpc::StatusCode::ALREADY_EXISTS, 1}};
  environment_["MUSTER_RETRY_FOR"] = "0s";
  for (const auto& test : kCases) {
    fake_.Fail("ListOrganizations", grpc::Status(test.status, "the server's words"));
    const Ran ran = Run({"organization", "list"});
    EXPECT_EQ(ran.code, test.exit) << test.status;
    EXPECT_THAT(ran.err, StartsWith("muster: the server's words"));
  }
}

TEST_F(CommandLineTest, ErrorsShowTheFieldsThatAreWrong) {
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field("filter");
  violation->set_description("character 7: expected a value");
  google::rpc::Status details;
  details.add_details()->PackFrom(bad_request);
  fake_.Fail("ListDevices", grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "the filter is wrong",
                                         details.SerializeAsString()));
  const Ran ran = Run({"device", "list", "--where", "name = "});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "muster: the filter is wrong\n  filter: character 7: expected a value\n");
}

TEST_F(CommandLineTest, ErrorTextCanNotReachTheTerminalRaw) {
  fake_.Fail("ListDevices", grpc::Status(grpc::StatusCode::INTERNAL, "bad \x1B]0;owned\x07 thing"));
  EXPECT_THAT(Run({"device", "list"}).err, Not(HasSubstr("\x1B")));
}

TEST_F(CommandLineTest, CallsAreRepeatedWhileTheServerIsUnavailableWithTheSameRequestId) {
  fake_.Fail("CreateOrganization", grpc::Status(grpc::StatusCode::UNAVAILABLE, "starting"));
  fake_.Answer("CreateOrganization", muster::v1::CreateOrganizationResponse());
  EXPECT_EQ(Run({"organization", "create", "acme"}).code, 0);
  EXPECT_EQ(fake_.RequestCount("CreateOrganization"), 2u);
  EXPECT_EQ(fake_.LastRequest<muster::v1::CreateOrganizationRequest>("CreateOrganization")
                .request_id()
                .size(),
            37u);
}

TEST_F(CommandLineTest, AnUnknownOutcomeNamesTheRequestIdToRepeat) {
  environment_["MUSTER_RETRY_FOR"] = "0s";
  fake_.Fail("CreateOrganization", grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down"));
  const Ran ran = Run({"organization", "create", "acme", "--request-id", "once-only"});
  EXPECT_EQ(ran.code, 5);
  EXPECT_THAT(ran.err, HasSubstr("--request-id once-only"));
  EXPECT_EQ(
      fake_.LastRequest<muster::v1::CreateOrganizationRequest>("CreateOrganization").request_id(),
      "once-only");
}

TEST_F(CommandLineTest, ARepetitionUnderItsRequestIdSaysTheSameTimes) {
  fake_.Answer("CreateApiKey", muster::v1::CreateApiKeyResponse());
  ASSERT_EQ(Run({"key", "create", "ci", "--role", "viewer", "--expires", "24h"}).code, 0);
  const auto first = fake_.LastRequest<muster::v1::CreateApiKeyRequest>("CreateApiKey");
  clock_.Advance(absl::Minutes(3));
  fake_.Answer("CreateApiKey", muster::v1::CreateApiKeyResponse());
  ASSERT_EQ(Run({"key", "create", "ci", "--role", "viewer", "--expires", "24h", "--request-id",
                 first.request_id()})
                .code,
            0);
  const auto second = fake_.LastRequest<muster::v1::CreateApiKeyRequest>("CreateApiKey");
  EXPECT_EQ(second.SerializeAsString(), first.SerializeAsString());
}

TEST_F(CommandLineTest, ACallWaitsForAServerThatIsBeingRestarted) {
  fake_.Answer("ListOrganizations", muster::v1::ListOrganizationsResponse());
  fake_.Stop();
  environment_["MUSTER_RETRY_FOR"] = "60s";
  std::thread restart([&] { fake_.Start(); });
  const Ran ran = Run({"organization", "list"});
  restart.join();
  EXPECT_EQ(ran.code, 0) << ran.err;
}

TEST_F(CommandLineTest, AnUnreachableServerIsNamedWithWhereItsAddressIsFrom) {
  const Ran ran = Run({"device", "list", "--server", "127.0.0.1:1"});
  EXPECT_EQ(ran.code, 5);
  EXPECT_THAT(ran.err, HasSubstr("127.0.0.1:1 (--server)"));
}

TEST_F(CommandLineTest, AServerWithAnotherCertificateGetsNoKey) {
  const std::string other_folder = folder_ + "/other";
  ASSERT_EQ(system(("mkdir " + other_folder).c_str()), 0);
  FakeMuster other(other_folder);
  const Ran ran = Run({"device", "list", "--ca-file", other.ca_file()});
  EXPECT_EQ(ran.code, 5);
  EXPECT_THAT(ran.err, HasSubstr("--ca-file"));
  EXPECT_EQ(fake_.RequestCount("ListDevices"), 0u);
}

TEST_F(CommandLineTest, WithoutAUsableKeyNothingIsSent) {
  environment_.erase("MUSTER_API_KEY_FILE");
  Ran ran = Run({"device", "list"});
  EXPECT_EQ(ran.code, 4);
  EXPECT_THAT(ran.err, HasSubstr("muster login"));
  const std::string loose = folder_ + "/loose";
  std::ofstream(loose) << FakeMuster::kKey;
  ASSERT_EQ(system(("chmod 644 " + loose).c_str()), 0);
  ran = Run({"device", "list", "--api-key-file", loose});
  EXPECT_EQ(ran.code, 4);
  EXPECT_THAT(ran.err, HasSubstr("chmod 600"));
  EXPECT_EQ(Run({"device", "list", "--api-key-file", folder_}).code, 4);
  EXPECT_EQ(Run({"device", "list", "--api-key-file", "/does/not/exist"}).code, 4);
}

TEST_F(CommandLineTest, AWrongCaFileIsNamed) {
  const Ran ran = Run({"device", "list", "--ca-file", "/does/not/exist"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("/does/not/exist (--ca-file)"));
  EXPECT_EQ(Run({"device", "list", "--ca-file", fake_.key_file()}).code, 1);
}

TEST_F(CommandLineTest, AKeyGivenAsAnArgumentIsNotRepeated) {
  EXPECT_EQ(Run({"device", "list", "--api-key", FakeMuster::kKey}).code, 2);
  EXPECT_EQ(Run({"login", "default", FakeMuster::kKey}).code, 2);
  EXPECT_EQ(Run({"device", "get", std::string("x/") + FakeMuster::kKey}).code, 1);
}

}  // namespace
}  // namespace muster::cli
