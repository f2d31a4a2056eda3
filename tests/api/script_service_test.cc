// The script library, variables and secrets through the API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "muster/v1/audit_service.grpc.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/script_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kValue[] = "canary-of-a-script-secret";

class ScriptServiceTest : public testing::Test {
 protected:
  ScriptServiceTest()
      : scripts_(v1::ScriptService::NewStub(server_.channel())),
        secrets_(v1::SecretService::NewStub(server_.channel())),
        jobs_(v1::JobService::NewStub(server_.channel())) {
    operator_ = server_.MakeKey("default", v1::ROLE_OPERATOR);
    viewer_ = server_.MakeKey("default", v1::ROLE_VIEWER);
  }

  StatusCode CreateScript(const std::string& id, const std::string& body) {
    v1::CreateScriptRequest request;
    request.set_parent("organizations/default");
    request.set_script_id(id);
    request.mutable_script()->set_body(body);
    v1::CreateScriptResponse response;
    const auto status =
        scripts_->CreateScript(server_.Context(operator_).get(), request, &response);
    script_ = response.script();
    return status.error_code();
  }
  v1::Script GetScript(const std::string& key) {
    v1::GetScriptRequest request;
    request.set_name("organizations/default/scripts/ntp");
    v1::GetScriptResponse response;
    EXPECT_TRUE(scripts_->GetScript(server_.Context(key).get(), request, &response).ok());
    return response.script();
  }
  StatusCode SetSecret(const std::string& name, const std::string& value,
                       const std::string& request_id = "") {
    v1::SetSecretRequest request;
    request.set_name("organizations/default/secrets/" + name);
    request.set_value(value);
    request.set_request_id(request_id);
    v1::SetSecretResponse response;
    return secrets_->SetSecret(server_.Context(operator_).get(), request, &response).error_code();
  }
  StatusCode DeleteSecret(const std::string& name) {
    v1::DeleteSecretRequest request;
    request.set_name("organizations/default/secrets/" + name);
    v1::DeleteSecretResponse response;
    return secrets_->DeleteSecret(server_.Context(operator_).get(), request, &response)
        .error_code();
  }
  grpc::Status Create(const std::string& script, const std::string& script_name = "") {
    v1::CreateJobRequest request;
    request.set_parent("organizations/default");
    request.set_filter("name = \"*\"");
    request.set_script(script);
    if (!script_name.empty()) {
      request.set_script_name("organizations/default/scripts/" + script_name);
    }
    v1::CreateJobResponse response;
    const auto status = jobs_->CreateJob(server_.Context(operator_).get(), request, &response);
    job_ = response.job();
    return status;
  }
  void SetLabel(const std::string& device, const std::string& key, const std::string& value) {
    v1::UpdateDeviceRequest request;
    request.mutable_device()->set_name(device);
    (*request.mutable_device()->mutable_labels())[key] = value;
    request.mutable_update_mask()->add_paths("labels." + key);
    v1::UpdateDeviceResponse response;
    EXPECT_TRUE(v1::DeviceService::NewStub(server_.channel())
                    ->UpdateDevice(server_.Context(operator_).get(), request, &response)
                    .ok());
  }

  ApiTestServer server_;
  std::unique_ptr<v1::ScriptService::Stub> scripts_;
  std::unique_ptr<v1::SecretService::Stub> secrets_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::string operator_;
  std::string viewer_;
  v1::Script script_;
  v1::Job job_;
};

TEST_F(ScriptServiceTest, AScriptIsKeptShownChangedAndDeleted) {
  EXPECT_EQ(CreateScript("ntp", "/ip dns set servers={{label.dns}} # {{secret:a}}"),
            StatusCode::OK);
  EXPECT_THAT(script_.variables(), ElementsAre("label.dns"));
  EXPECT_THAT(script_.secrets(), ElementsAre("a"));
  EXPECT_EQ(CreateScript("ntp", ":put 1"), StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(CreateScript("a b", ":put 1"), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CreateScript("typo", ":put {{lable.x}}"), StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(GetScript(operator_).body(), "");
  EXPECT_EQ(GetScript(viewer_).body(), "");
  v1::UpdateScriptRequest update;
  update.mutable_script()->set_name("organizations/default/scripts/ntp");
  update.mutable_script()->set_body(":put 2");
  v1::UpdateScriptResponse updated;
  ASSERT_TRUE(scripts_->UpdateScript(server_.Context(operator_).get(), update, &updated).ok());
  EXPECT_EQ(GetScript(operator_).body(), ":put 2");
  v1::ListScriptsRequest list;
  list.set_parent("organizations/default");
  v1::ListScriptsResponse listed;
  ASSERT_TRUE(scripts_->ListScripts(server_.Context(viewer_).get(), list, &listed).ok());
  ASSERT_EQ(listed.scripts_size(), 1);
  EXPECT_EQ(listed.scripts(0).body(), "");
  v1::DeleteScriptRequest remove;
  remove.set_name("organizations/default/scripts/ntp");
  v1::DeleteScriptResponse removed;
  ASSERT_TRUE(scripts_->DeleteScript(server_.Context(operator_).get(), remove, &removed).ok());
  EXPECT_EQ(scripts_->DeleteScript(server_.Context(operator_).get(), remove, &removed).error_code(),
            StatusCode::NOT_FOUND);
}

TEST_F(ScriptServiceTest, AJobTakesAScriptByNameAndKeepsItsText) {
  server_.EnrollDevice("default", "alpha");
  ASSERT_EQ(CreateScript("ntp", ":put 1"), StatusCode::OK);
  ASSERT_TRUE(Create("", "ntp").ok());
  EXPECT_EQ(job_.script(), ":put 1");
  EXPECT_EQ(job_.script_name(), "organizations/default/scripts/ntp");
  EXPECT_EQ(Create("", "nope").error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(Create(":put 2", "ntp").error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(ScriptServiceTest, MissingValuesAreRefusedWithTheFirstDevices) {
  const std::string alpha = server_.EnrollDevice("default", "alpha");
  const std::string beta = server_.EnrollDevice("default", "beta");
  SetLabel(alpha, "vlan", "20");
  grpc::Status status = Create("/interface vlan add vlan-id={{label.vlan}}");
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("label vlan is not set on beta"));
  SetLabel(beta, "vlan", "x y");
  EXPECT_TRUE(Create("/interface vlan add vlan-id={{label.vlan}}").ok());
  status = Create("/interface vlan add name=vlan{{label.vlan}}");
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("beta"));
  EXPECT_EQ(Create(":put {{device.serial}}").error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(ScriptServiceTest, SecretsAreNeverAnsweredAndStayWhileAJobNeedsThem) {
  const std::string device = server_.EnrollDevice("default", "alpha");
  server_.CheckIn(device);
  EXPECT_EQ(Create(":put {{secret:radius}}").error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(SetSecret("radius", ""), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(SetSecret("radius", std::string("a\0b", 3)), StatusCode::INVALID_ARGUMENT);
  ASSERT_EQ(SetSecret("radius", "first", "once"), StatusCode::OK);
  EXPECT_EQ(SetSecret("radius", "first", "once"), StatusCode::OK);
  EXPECT_EQ(SetSecret("radius", "other", "once"), StatusCode::ALREADY_EXISTS);
  ASSERT_EQ(SetSecret("radius", kValue), StatusCode::OK);
  ASSERT_TRUE(Create(":put \"{{secret:radius}}\"").ok());
  EXPECT_EQ(job_.script(), ":put \"{{secret:radius}}\"");
  EXPECT_EQ(DeleteSecret("radius"), StatusCode::FAILED_PRECONDITION);
  server_.RunJob(device, true, "done");
  EXPECT_EQ(DeleteSecret("radius"), StatusCode::OK);
  EXPECT_EQ(DeleteSecret("radius"), StatusCode::NOT_FOUND);
}

TEST_F(ScriptServiceTest, ASecretThatCantStandInItsPlaceIsRefusedWhenTheJobIsMade) {
  server_.EnrollDevice("default", "alpha");
  ASSERT_EQ(SetSecret("psk", "two words"), StatusCode::OK);
  const grpc::Status status = Create("/ppp secret set x password=p{{secret:psk}}");
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("put the word in quotes"));
  EXPECT_EQ(status.error_message().find("two words"), std::string::npos);
  EXPECT_TRUE(Create("/ppp secret set x password=\"p{{secret:psk}}\"").ok());
  EXPECT_TRUE(Create("/ppp secret set x password={{secret:psk}}").ok());
  ASSERT_EQ(SetSecret("psk", "plain"), StatusCode::OK);
  EXPECT_TRUE(Create("/ppp secret set x password=p{{secret:psk}}").ok());
}

TEST_F(ScriptServiceTest, TheValueLiesInNoFileOfTheState) {
  ASSERT_EQ(SetSecret("radius", kValue, "id"), StatusCode::OK);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(server_.data_dir())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    EXPECT_FALSE(absl::StrContains(bytes, kValue)) << entry.path();
  }
  v1::ListSecretsRequest list;
  list.set_parent("organizations/default");
  v1::ListSecretsResponse listed;
  ASSERT_TRUE(secrets_->ListSecrets(server_.Context(operator_).get(), list, &listed).ok());
  ASSERT_EQ(listed.secrets_size(), 1);
  EXPECT_FALSE(absl::StrContains(listed.SerializeAsString(), kValue));
}

}  // namespace
}  // namespace muster::server
