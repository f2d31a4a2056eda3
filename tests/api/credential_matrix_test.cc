// Every method of muster.v1 with every kind of credential. What methods there are is asked of the
// running server by reflection: a new method without a row fails the test.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "muster/v1/audit_service.grpc.pb.h"
#include "server/access/api_key_text.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using grpc::StatusCode;

struct MatrixRow {
  const char* method;
  v1::Role least_role;
  // Names organization "first"; a key of "second" must not see it. "" where nothing is named.
  const char* request;
};

// DEVICE, JOB, CLAIM stand for ids in "first" that exist.
const MatrixRow kRows[] = {
    {"OrganizationService/CreateOrganization", v1::ROLE_PLATFORM, ""},
    {"OrganizationService/ListOrganizations", v1::ROLE_VIEWER, ""},
    {"OrganizationService/UpdateOrganization", v1::ROLE_ADMIN,
     R"({"organization":{"name":"organizations/first"},"updateMask":"displayName"})"},
    {"ApiKeyService/CreateApiKey", v1::ROLE_ADMIN,
     R"({"apiKey":{"organization":"organizations/first","role":"ROLE_VIEWER"}})"},
    {"ApiKeyService/ListApiKeys", v1::ROLE_ADMIN, R"({"organization":"organizations/first"})"},
    {"ApiKeyService/RevokeApiKey", v1::ROLE_ADMIN, R"({"name":"apiKeys/KEY"})"},
    {"DeviceService/GetDevice", v1::ROLE_VIEWER,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceService/ListDevices", v1::ROLE_VIEWER, R"({"parent":"organizations/first"})"},
    {"DeviceService/UpdateDevice", v1::ROLE_OPERATOR,
     R"({"device":{"name":"organizations/first/devices/DEVICE"},"updateMask":"notes"})"},
    {"DeviceService/DeleteDevice", v1::ROLE_ADMIN,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceService/DiagnoseDevice", v1::ROLE_VIEWER,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceService/ListDeviceEvents", v1::ROLE_VIEWER, R"({"parent":"organizations/first"})"},
    {"DeviceService/RequestFastBeats", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceService/WatchDevices", v1::ROLE_VIEWER, R"({"parent":"organizations/first"})"},
    {"DeviceIdentityService/AcceptDevice", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceIdentityService/AcceptDeviceIdentity", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceIdentityService/ResyncDevice", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceIdentityService/MoveDevice", v1::ROLE_PLATFORM, ""},
    {"DeviceIdentityService/ReleaseDevice", v1::ROLE_ADMIN,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceIdentityService/PreviewDevice", v1::ROLE_VIEWER,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceIdentityService/RotateDeviceToken", v1::ROLE_ADMIN,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceIdentityService/RevokeDeviceToken", v1::ROLE_ADMIN,
     R"({"name":"organizations/first/devices/DEVICE"})"},
    {"DeviceIdentityService/SetDeviceProfile", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/devices/DEVICE","profile":"PROFILE_SLOW"})"},
    {"DeviceIdentityService/SetDeviceUrls", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/devices/DEVICE","urls":["https://edge.example.net"]})"},
    {"DeviceIdentityService/ImportPreregistrations", v1::ROLE_OPERATOR,
     R"({"parent":"organizations/first","preregistrations":[{"serialNumber":"HC1"}]})"},
    {"DeviceIdentityService/ListPreregistrations", v1::ROLE_VIEWER,
     R"({"parent":"organizations/first"})"},
    {"DeviceIdentityService/DeletePreregistration", v1::ROLE_OPERATOR,
     R"({"parent":"organizations/first","serialNumber":"HC1"})"},
    {"ClaimService/CreateClaim", v1::ROLE_OPERATOR, R"({"parent":"organizations/first"})"},
    {"ClaimService/ListClaims", v1::ROLE_VIEWER, R"({"parent":"organizations/first"})"},
    {"ClaimService/DeleteClaim", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/claims/CLAIM"})"},
    {"JobService/CreateJob", v1::ROLE_OPERATOR,
     R"({"parent":"organizations/first","filter":"name:*","script":":put 1"})"},
    {"JobService/GetJob", v1::ROLE_VIEWER, R"({"name":"organizations/first/jobs/JOB"})"},
    {"JobService/ListJobs", v1::ROLE_VIEWER, R"({"parent":"organizations/first"})"},
    {"JobService/ListJobTargets", v1::ROLE_VIEWER, R"({"parent":"organizations/first/jobs/JOB"})"},
    {"JobService/CancelJob", v1::ROLE_OPERATOR, R"({"name":"organizations/first/jobs/JOB"})"},
    {"JobService/RerunJob", v1::ROLE_OPERATOR, R"({"name":"organizations/first/jobs/JOB"})"},
    {"JobService/ReleaseJobs", v1::ROLE_OPERATOR,
     R"({"parent":"organizations/first","device":"organizations/first/devices/DEVICE"})"},
    {"JobService/CancelDeviceJobs", v1::ROLE_OPERATOR,
     R"({"device":"organizations/first/devices/DEVICE"})"},
    {"JobService/WatchJob", v1::ROLE_VIEWER, R"({"name":"organizations/first/jobs/JOB"})"},
    {"AgentService/ListAgents", v1::ROLE_VIEWER, R"({"parent":"organizations/first"})"},
    {"AgentService/UpgradeAgents", v1::ROLE_OPERATOR, R"({"parent":"organizations/first"})"},
    {"WindowService/SetWindow", v1::ROLE_ADMIN,
     R"({"window":{"name":"organizations/first/windows/night"}})"},
    {"WindowService/ListWindows", v1::ROLE_VIEWER, R"({"parent":"organizations/first"})"},
    {"WindowService/DeleteWindow", v1::ROLE_ADMIN,
     R"({"name":"organizations/first/windows/night"})"},
    {"ScriptService/CreateScript", v1::ROLE_OPERATOR, R"({"parent":"organizations/first"})"},
    {"ScriptService/GetScript", v1::ROLE_VIEWER, R"({"name":"organizations/first/scripts/ntp"})"},
    {"ScriptService/ListScripts", v1::ROLE_VIEWER, R"({"parent":"organizations/first"})"},
    {"ScriptService/UpdateScript", v1::ROLE_OPERATOR,
     R"({"script":{"name":"organizations/first/scripts/ntp"}})"},
    {"ScriptService/DeleteScript", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/scripts/ntp"})"},
    {"SecretService/SetSecret", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/secrets/radius","value":"eA=="})"},
    {"SecretService/ListSecrets", v1::ROLE_OPERATOR, R"({"parent":"organizations/first"})"},
    {"SecretService/DeleteSecret", v1::ROLE_OPERATOR,
     R"({"name":"organizations/first/secrets/radius"})"},
    {"EdgeAdminService/CreateEdge", v1::ROLE_PLATFORM, ""},
    {"EdgeAdminService/ListEdges", v1::ROLE_PLATFORM, ""},
    {"EdgeAdminService/RevokeEdge", v1::ROLE_PLATFORM, ""},
    {"ClusterService/GetClusterStatus", v1::ROLE_PLATFORM, ""},
    {"ClusterService/FinalizeUpgrade", v1::ROLE_PLATFORM, ""},
    {"ClusterService/RemoveNode", v1::ROLE_PLATFORM, ""},
    {"ClusterService/CreateJoinToken", v1::ROLE_PLATFORM, ""},
    {"RouterRootService/ListRouterRoots", v1::ROLE_PLATFORM, ""},
    {"RouterRootService/CreateRouterRoot", v1::ROLE_PLATFORM, ""},
    {"RouterRootService/ActivateRouterRoot", v1::ROLE_PLATFORM, ""},
    {"RouterRootService/RetireRouterRoot", v1::ROLE_PLATFORM, ""},
    {"AuditService/ListAuditEntries", v1::ROLE_ADMIN, R"({"parent":"organizations/first"})"},
    {"AuditService/VerifyAudit", v1::ROLE_PLATFORM, ""},
};

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

class CredentialMatrixTest : public testing::Test {
 protected:
  CredentialMatrixTest() {
    server_.MakeOrganization("first");
    server_.MakeOrganization("second");
    device_ = server_.EnrollDevice("first", "gw");
    for (const v1::Role role : {v1::ROLE_VIEWER, v1::ROLE_OPERATOR, v1::ROLE_ADMIN}) {
      keys_[role] = server_.MakeKey("first", role);
      foreign_keys_[role] = server_.MakeKey("second", role);
    }
    keys_[v1::ROLE_PLATFORM] = server_.root_key();
    victim_ = server_.MakeKey("first", v1::ROLE_VIEWER);
  }

  // Writes one message, reads all, answers the status; `answer` gets the first message.
  grpc::Status Call(const std::string& method, absl::string_view key, const std::string& request,
                    std::string* answer = nullptr) {
    grpc::GenericStub stub(server_.channel());
    grpc::CompletionQueue queue;
    const auto context = server_.Context(key);
    auto call = stub.PrepareCall(context.get(), absl::StrCat("/", method), &queue);
    const auto wait = [&] {
      void* tag = nullptr;
      bool ok = false;
      queue.Next(&tag, &ok);
      return ok;
    };
    call->StartCall(nullptr);
    if (wait()) {
      call->WriteLast(ToBuffer(request), grpc::WriteOptions(), nullptr);
      wait();
      grpc::ByteBuffer buffer;
      call->Read(&buffer, nullptr);
      while (wait()) {
        if (answer != nullptr && answer->empty()) *answer = ToBytes(buffer);
        // One message is enough of a stream that has no end.
        if (absl::StrContains(method, "Service/Watch")) {
          context->TryCancel();
          return grpc::Status::OK;
        }
        call->Read(&buffer, nullptr);
      }
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    wait();
    return status;
  }

  std::string Fill(const MatrixRow& row, bool validate_only = false) {
    const std::string text =
        absl::StrReplaceAll(*row.request == '\0' ? "{}" : row.request,
                            {{"DEVICE", device_.substr(device_.rfind('/') + 1)},
                             {"KEY", FormatId(*IdOfApiKey(victim_))},
                             {"CLAIM", FormatId(RandomId())},
                             {"JOB", FormatId(RandomId())}});
    const auto* method = DescriptorPool::generated_pool()->FindMethodByName(
        absl::StrReplaceAll(absl::StrCat("muster.v1.", row.method), {{"/", "."}}));
    EXPECT_NE(method, nullptr) << row.method;
    const auto* prototype =
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method->input_type());
    const std::unique_ptr<Message> message(prototype->New());
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, message.get()).ok()) << text;
    const auto* field = message->GetDescriptor()->FindFieldByName("validate_only");
    if (validate_only) message->GetReflection()->SetBool(message.get(), field, true);
    return message->SerializeAsString();
  }

  // Everything that was ever written about a change.
  size_t CountAudit() {
    const auto stub = v1::AuditService::NewStub(server_.channel());
    v1::ListAuditEntriesRequest request;
    request.set_page_size(1000);
    v1::ListAuditEntriesResponse response;
    EXPECT_TRUE(
        stub->ListAuditEntries(server_.Context(server_.root_key()).get(), request, &response).ok());
    EXPECT_EQ(response.next_page_token(), "");
    return static_cast<size_t>(response.entries_size());
  }

  ApiTestServer server_;
  std::string device_;
  // A key to revoke.
  std::string victim_;
  std::map<v1::Role, std::string> keys_;
  std::map<v1::Role, std::string> foreign_keys_;
};

TEST_F(CredentialMatrixTest, EveryMethodThatTheServerShowsHasARow) {
  // ServerReflectionRequest{list_services: "*"}; its descriptors come with the library.
  std::string answer;
  const grpc::Status status = Call("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                   "", "\x3a\x01*", &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::set<std::string> rows;
  for (const MatrixRow& row : kRows) rows.insert(absl::StrCat("muster.v1.", row.method));
  std::set<std::string> shown;
  for (const char* service : {"OrganizationService", "ApiKeyService", "DeviceService",
                              "DeviceIdentityService", "ClaimService", "JobService", "AgentService",
                              "WindowService", "ScriptService", "SecretService", "EdgeAdminService",
                              "RouterRootService", "ClusterService", "AuditService"}) {
    const std::string name = absl::StrCat("muster.v1.", service);
    EXPECT_TRUE(absl::StrContains(answer, name)) << name;
    const auto* descriptor = DescriptorPool::generated_pool()->FindServiceByName(name);
    ASSERT_NE(descriptor, nullptr) << name;
    for (int i = 0; i < descriptor->method_count(); ++i) {
      shown.insert(absl::StrCat(name, "/", descriptor->method(i)->name()));
    }
  }
  EXPECT_EQ(rows, shown);
  // Nothing else of ours is served here: each name in the answer is one of those.
  size_t services = 0;
  for (size_t at = answer.find("muster."); at != std::string::npos;
       at = answer.find("muster.", at + 1)) {
    ++services;
  }
  EXPECT_EQ(services, 14u);
}

// By their names, so that a new method that isn't a reading one must take both.
bool OnlyReads(absl::string_view method) {
  for (const char* verb : {"Get", "List", "Watch", "Diagnose", "Preview", "Verify"}) {
    if (absl::StartsWith(method, verb)) return true;
  }
  return false;
}

const google::protobuf::MethodDescriptor* MethodOf(const MatrixRow& row) {
  return DescriptorPool::generated_pool()->FindMethodByName(
      absl::StrReplaceAll(absl::StrCat("muster.v1.", row.method), {{"/", "."}}));
}

TEST_F(CredentialMatrixTest, EveryMethodThatChangesCanBeRepeatedAndTried) {
  int changing = 0;
  for (const MatrixRow& row : kRows) {
    const auto* method = MethodOf(row);
    ASSERT_NE(method, nullptr) << row.method;
    const bool changes = !OnlyReads(method->name());
    changing += changes ? 1 : 0;
    const auto* request_id = method->input_type()->FindFieldByName("request_id");
    const auto* validate_only = method->input_type()->FindFieldByName("validate_only");
    EXPECT_EQ(request_id != nullptr, changes) << row.method;
    ASSERT_EQ(validate_only != nullptr, changes) << row.method;
    if (!changes) continue;
    EXPECT_EQ(request_id->cpp_type(), google::protobuf::FieldDescriptor::CPPTYPE_STRING);
    EXPECT_EQ(validate_only->cpp_type(), google::protobuf::FieldDescriptor::CPPTYPE_BOOL);
  }
  EXPECT_GT(changing, 30);
}

TEST_F(CredentialMatrixTest, WhatIsOnlyTriedWritesNothing) {
  server_.CheckIn(device_);
  const size_t before = CountAudit();
  const Position position = server_.log().AppliedPosition();
  for (const MatrixRow& row : kRows) {
    if (OnlyReads(MethodOf(row)->name())) continue;
    const std::string method = absl::StrCat("muster.v1.", row.method);
    const StatusCode code = Call(method, server_.root_key(), Fill(row, true)).error_code();
    EXPECT_NE(code, StatusCode::INTERNAL) << method;
    EXPECT_NE(code, StatusCode::UNIMPLEMENTED) << method;
    EXPECT_EQ(server_.log().AppliedPosition().index, position.index) << method;
  }
  EXPECT_EQ(CountAudit(), before);
}

TEST_F(CredentialMatrixTest, WithoutAValidKeyEverythingIsUnauthenticated) {
  const std::string& good = keys_[v1::ROLE_ADMIN];
  std::string changed = good;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  const std::string revoked = server_.MakeKey("first", v1::ROLE_ADMIN);
  const std::string id = FormatId(*IdOfApiKey(revoked));
  ASSERT_TRUE(
      Call("muster.v1.ApiKeyService/RevokeApiKey", server_.root_key(),
           absl::StrCat("\n", std::string(1, static_cast<char>(8 + id.size())), "apiKeys/", id))
          .ok());
  const std::string keys[] = {"",         "x",
                              "mk1.",     changed,
                              good + "x", good.substr(0, good.size() - 1),
                              revoked,    std::string(MakeApiKey().text.Reveal())};
  for (const MatrixRow& row : kRows) {
    for (const std::string& key : keys) {
      const grpc::Status status = Call(absl::StrCat("muster.v1.", row.method), key, Fill(row));
      EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED)
          << row.method << " " << key.size();
    }
  }
}

TEST_F(CredentialMatrixTest, RolesBelowAreDeniedAndRolesFromItOnAreLetIn) {
  for (const MatrixRow& row : kRows) {
    const std::string method = absl::StrCat("muster.v1.", row.method);
    for (const auto& [role, key] : keys_) {
      const StatusCode code = Call(method, key, Fill(row)).error_code();
      if (role < row.least_role) {
        EXPECT_EQ(code, StatusCode::PERMISSION_DENIED) << method << " " << role;
      } else {
        EXPECT_NE(code, StatusCode::PERMISSION_DENIED) << method << " " << role;
        EXPECT_NE(code, StatusCode::UNAUTHENTICATED) << method << " " << role;
        EXPECT_NE(code, StatusCode::INTERNAL) << method << " " << role;
        EXPECT_NE(code, StatusCode::UNKNOWN) << method << " " << role;
      }
    }
  }
}

TEST_F(CredentialMatrixTest, AnotherOrganizationLooksLikeNone) {
  for (const MatrixRow& row : kRows) {
    if (*row.request == '\0') continue;
    const std::string method = absl::StrCat("muster.v1.", row.method);
    for (const auto& [role, key] : foreign_keys_) {
      if (role < row.least_role) continue;
      EXPECT_EQ(Call(method, key, Fill(row)).error_code(), StatusCode::NOT_FOUND)
          << method << " " << role;
    }
  }
}

}  // namespace
}  // namespace muster::server
