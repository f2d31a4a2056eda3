// What all of muster.v1 has in common: order_by, etags, validate_only; and the audit's chain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "muster/v1/audit_service.grpc.pb.h"
#include "muster/v1/claim_service.grpc.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/edge_admin_service.grpc.pb.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/organization_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class ApiDepthTest : public testing::Test {
 protected:
  ApiDepthTest() { key_ = server_.MakeKey("default", v1::ROLE_ADMIN); }

  // One call with the admin's key, or the root key.
  template <typename Service, typename Request, typename Response>
  Response Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                      Response*),
                const Request& request, StatusCode expected = StatusCode::OK,
                bool as_root = false) {
    Response response;
    const auto stub = Service::NewStub(server_.channel());
    const std::string& key = as_root ? server_.root_key() : key_;
    status_ = (stub.get()->*method)(server_.Context(key).get(), request, &response);
    EXPECT_EQ(status_.error_code(), expected) << status_.error_message();
    return response;
  }

  v1::ListDevicesResponse List(const std::string& order_by, int page_size = 0,
                               const std::string& token = "", const std::string& filter = "",
                               StatusCode expected = StatusCode::OK) {
    v1::ListDevicesRequest request;
    request.set_parent("organizations/default");
    request.set_order_by(order_by);
    request.set_page_size(page_size);
    request.set_page_token(token);
    request.set_filter(filter);
    return Call<v1::DeviceService>(&v1::DeviceService::Stub::ListDevices, request, expected);
  }

  std::vector<std::string> Identities(const std::string& order_by, int page_size = 0) {
    std::vector<std::string> names;
    std::string token;
    do {
      const auto page = List(order_by, page_size, token);
      for (const v1::Device& device : page.devices()) names.push_back(device.identity());
      token = page.next_page_token();
    } while (!token.empty());
    return names;
  }

  v1::Device Set(const std::string& device, const std::string& site, const std::string& etag = "",
                 bool validate_only = false, StatusCode expected = StatusCode::OK) {
    v1::UpdateDeviceRequest request;
    request.mutable_device()->set_name(device);
    request.mutable_device()->set_site(site);
    request.mutable_device()->set_etag(etag);
    request.mutable_update_mask()->add_paths("site");
    request.set_validate_only(validate_only);
    return Call<v1::DeviceService>(&v1::DeviceService::Stub::UpdateDevice, request, expected)
        .device();
  }

  v1::ListAuditEntriesResponse Audit(v1::ListAuditEntriesRequest request,
                                     StatusCode expected = StatusCode::OK) {
    if (request.parent().empty()) request.set_parent("organizations/default");
    return Call<v1::AuditService>(&v1::AuditService::Stub::ListAuditEntries, request, expected);
  }
  size_t AuditCount() { return Audit({}).entries_size(); }

  ApiTestServer server_;
  std::string key_;
  grpc::Status status_;
};

TEST_F(ApiDepthTest, DevicesComeInTheOrderThatIsAskedForPageByPage) {
  const std::string b = server_.EnrollDevice("default", "b", "7.9");
  const std::string c = server_.EnrollDevice("default", "c", "7.10");
  const std::string a = server_.EnrollDevice("default", "a", "6.49.10");
  const std::string d = server_.EnrollDevice("default", "d", "7.10");
  Set(b, "riga");
  Set(a, "riga");
  server_.CheckIn(c);
  for (const int page_size : {0, 1, 3}) {
    EXPECT_THAT(Identities("identity", page_size), ElementsAre("a", "b", "c", "d"));
    EXPECT_THAT(Identities("identity desc", page_size), ElementsAre("d", "c", "b", "a"));
    EXPECT_THAT(Identities("routeros_version, identity desc", page_size),
                ElementsAre("a", "b", "d", "c"));
    EXPECT_THAT(Identities("site desc, identity", page_size), ElementsAre("a", "b", "c", "d"));
    EXPECT_EQ(Identities("status.last_check_in_time desc", page_size)[0], "c");
    EXPECT_THAT(Identities("create_time, name", page_size), testing::SizeIs(4));
  }
  EXPECT_EQ(List("identity", 1).total_size(), 4);
}

TEST_F(ApiDepthTest, ABadOrderIsRefusedAndATokenIsBoundToItsOrderAndFilter) {
  for (const char* name : {"a", "b", "c"}) server_.EnrollDevice("default", name);
  List("memory", 0, "", "", StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status_.error_message(), HasSubstr("order_by"));
  const std::string token = List("identity", 1).next_page_token();
  List("identity", 1, token);
  List("identity desc", 1, token, "", StatusCode::INVALID_ARGUMENT);
  List("", 1, token, "", StatusCode::INVALID_ARGUMENT);
  List("identity", 1, token, "name:*", StatusCode::INVALID_ARGUMENT);
}

TEST_F(ApiDepthTest, EveryOtherListTakesAnOrderToo) {
  for (const char* slug : {"bravo", "alpha"}) server_.MakeOrganization(slug);
  v1::ListOrganizationsRequest organizations;
  organizations.set_order_by("organization_id desc");
  organizations.set_page_size(2);
  const auto listed = Call<v1::OrganizationService>(
      &v1::OrganizationService::Stub::ListOrganizations, organizations, StatusCode::OK, true);
  EXPECT_EQ(listed.organizations(0).name(), "organizations/default");
  EXPECT_EQ(listed.organizations(1).name(), "organizations/bravo");
  organizations.set_page_token(listed.next_page_token());
  EXPECT_EQ(Call<v1::OrganizationService>(&v1::OrganizationService::Stub::ListOrganizations,
                                          organizations, StatusCode::OK, true)
                .organizations(0)
                .name(),
            "organizations/alpha");
  server_.MakeKey("default", v1::ROLE_VIEWER);
  v1::ListApiKeysRequest keys;
  keys.set_organization("organizations/default");
  keys.set_order_by("role");
  EXPECT_EQ(Call<v1::ApiKeyService>(&v1::ApiKeyService::Stub::ListApiKeys, keys).api_keys(0).role(),
            v1::ROLE_VIEWER);
  keys.set_order_by("secret");
  Call<v1::ApiKeyService>(&v1::ApiKeyService::Stub::ListApiKeys, keys,
                          StatusCode::INVALID_ARGUMENT);
  server_.StartEdge();
  v1::ListEdgesRequest edges;
  edges.set_order_by("device_count desc");
  EXPECT_EQ(Call<v1::EdgeAdminService>(&v1::EdgeAdminService::Stub::ListEdges, edges,
                                       StatusCode::OK, true)
                .edges_size(),
            1);
  v1::ListAuditEntriesRequest audit;
  audit.set_order_by("time");
  const auto oldest_first = Audit(audit);
  ASSERT_GT(oldest_first.entries_size(), 1);
  EXPECT_LT(oldest_first.entries(0).sequence(), oldest_first.entries(1).sequence());
}

TEST_F(ApiDepthTest, JobsComeOldestFirstWhereThatIsAskedFor) {
  const std::string device = server_.EnrollDevice("default", "gw");
  v1::CreateJobRequest request;
  request.set_parent("organizations/default");
  request.set_device(device);
  std::vector<std::string> names;
  for (const char* script : {":put 1", ":put 2", ":put 3"}) {
    request.set_script(script);
    names.push_back(Call<v1::JobService>(&v1::JobService::Stub::CreateJob, request).job().name());
  }
  v1::ListJobsRequest list;
  list.set_parent("organizations/default");
  list.set_order_by("create_time, name");
  list.set_page_size(2);
  const auto first = Call<v1::JobService>(&v1::JobService::Stub::ListJobs, list);
  list.set_page_token(first.next_page_token());
  const auto second = Call<v1::JobService>(&v1::JobService::Stub::ListJobs, list);
  ASSERT_EQ(first.jobs_size(), 2);
  ASSERT_EQ(second.jobs_size(), 1);
  EXPECT_THAT(
      (std::vector<std::string>{first.jobs(0).name(), first.jobs(1).name(), second.jobs(0).name()}),
      testing::UnorderedElementsAreArray(names));
}

TEST_F(ApiDepthTest, AStaleEtagAbortsAndChangesNothing) {
  const std::string device = server_.EnrollDevice("default", "gw");
  const std::string old_etag = Set(device, "a").etag();
  const std::string etag = Set(device, "b", old_etag).etag();
  EXPECT_NE(etag, old_etag);
  for (const bool validate_only : {false, true}) {
    Set(device, "c", old_etag, validate_only, StatusCode::ABORTED);
    v1::DeleteDeviceRequest remove;
    remove.set_name(device);
    remove.set_etag(old_etag);
    remove.set_validate_only(validate_only);
    Call<v1::DeviceService>(&v1::DeviceService::Stub::DeleteDevice, remove, StatusCode::ABORTED);
  }
  EXPECT_EQ(List("").devices(0).site(), "b");
  v1::DeleteDeviceRequest remove;
  remove.set_name(device);
  remove.set_etag(etag);
  Call<v1::DeviceService>(&v1::DeviceService::Stub::DeleteDevice, remove);
  EXPECT_EQ(List("").devices_size(), 0);
}

TEST_F(ApiDepthTest, AClaimThatWasUsedSinceIsNotDeletedByItsOldEtag) {
  server_.StartEdge();
  v1::CreateClaimRequest create;
  create.set_parent("organizations/default");
  const v1::Claim claim =
      Call<v1::ClaimService>(&v1::ClaimService::Stub::CreateClaim, create).claim();
  v1::DeleteClaimRequest remove;
  remove.set_name(claim.name());
  for (const bool validate_only : {true, false}) {
    remove.set_validate_only(validate_only);
    remove.set_etag("17");
    Call<v1::ClaimService>(&v1::ClaimService::Stub::DeleteClaim, remove, StatusCode::ABORTED);
  }
  remove.set_etag(claim.etag());
  Call<v1::ClaimService>(&v1::ClaimService::Stub::DeleteClaim, remove);
  Call<v1::ClaimService>(&v1::ClaimService::Stub::DeleteClaim, remove, StatusCode::NOT_FOUND);
}

TEST_F(ApiDepthTest, ValidateOnlyAnswersWhatWouldBeAndLeavesNoTrace) {
  server_.StartEdge();
  const std::string device = server_.EnrollDevice("default", "gw");
  const size_t before = AuditCount();
  EXPECT_EQ(Set(device, "riga", "", true).site(), "riga");
  EXPECT_EQ(List("").devices(0).site(), "");
  v1::DeleteDeviceRequest remove;
  remove.set_name(device);
  remove.set_validate_only(true);
  EXPECT_EQ(Call<v1::DeviceService>(&v1::DeviceService::Stub::DeleteDevice, remove).device().name(),
            device);
  v1::CreateClaimRequest claim;
  claim.set_parent("organizations/default");
  claim.set_site("riga");
  claim.set_validate_only(true);
  const auto claimed = Call<v1::ClaimService>(&v1::ClaimService::Stub::CreateClaim, claim);
  EXPECT_GT(claimed.previews_size(), 0);
  EXPECT_EQ(claimed.claim().name() + claimed.bootstrap_line(), "");
  v1::CreateApiKeyRequest key;
  key.mutable_api_key()->set_organization("organizations/default");
  key.mutable_api_key()->set_role(v1::ROLE_VIEWER);
  key.set_validate_only(true);
  const auto made = Call<v1::ApiKeyService>(&v1::ApiKeyService::Stub::CreateApiKey, key);
  EXPECT_EQ(made.api_key().role(), v1::ROLE_VIEWER);
  EXPECT_EQ(made.key() + made.api_key().name(), "");
  EXPECT_EQ(List("").devices_size(), 1);
  EXPECT_EQ(AuditCount(), before);
}

TEST_F(ApiDepthTest, ValidateOnlyRefusesWhatTheRealCallWould) {
  server_.StartEdge();
  v1::CreateOrganizationRequest organization;
  organization.set_organization_id("default");
  organization.set_validate_only(true);
  Call<v1::OrganizationService>(&v1::OrganizationService::Stub::CreateOrganization, organization,
                                StatusCode::ALREADY_EXISTS, true);
  organization.set_organization_id("fresh");
  EXPECT_EQ(Call<v1::OrganizationService>(&v1::OrganizationService::Stub::CreateOrganization,
                                          organization, StatusCode::OK, true)
                .organization()
                .name(),
            "organizations/fresh");
  v1::CreateEdgeRequest edge;
  edge.set_edge_id("west");
  edge.set_validate_only(true);
  Call<v1::EdgeAdminService>(&v1::EdgeAdminService::Stub::CreateEdge, edge,
                             StatusCode::ALREADY_EXISTS, true);
  edge.set_edge_id("east");
  EXPECT_EQ(Call<v1::EdgeAdminService>(&v1::EdgeAdminService::Stub::CreateEdge, edge,
                                       StatusCode::OK, true)
                .join_file(),
            "");
  v1::RevokeEdgeRequest revoke;
  revoke.set_name("edges/east");
  revoke.set_validate_only(true);
  Call<v1::EdgeAdminService>(&v1::EdgeAdminService::Stub::RevokeEdge, revoke, StatusCode::NOT_FOUND,
                             true);
  v1::CreateClaimRequest claim;
  claim.set_parent("organizations/default");
  claim.set_max_devices(-1);
  claim.set_validate_only(true);
  Call<v1::ClaimService>(&v1::ClaimService::Stub::CreateClaim, claim, StatusCode::INVALID_ARGUMENT);
  v1::ListOrganizationsRequest list;
  EXPECT_EQ(Call<v1::OrganizationService>(&v1::OrganizationService::Stub::ListOrganizations, list,
                                          StatusCode::OK, true)
                .organizations_size(),
            1);
}

TEST_F(ApiDepthTest, TheAuditIsFilteredByActorMethodResourceAndTime) {
  const std::string a = server_.EnrollDevice("default", "a");
  const std::string b = server_.EnrollDevice("default", "b");
  Set(a, "riga");
  Set(b, "riga");
  Set(b, "rix");
  v1::ListAuditEntriesRequest request;
  request.set_method("UpdateDevice");
  EXPECT_EQ(Audit(request).entries_size(), 3);
  request.set_resource(b);
  const auto of_b = Audit(request);
  ASSERT_EQ(of_b.entries_size(), 2);
  request.set_actor("apiKeys/0000000000001");
  EXPECT_EQ(Audit(request).entries_size(), 0);
  request.set_actor(of_b.entries(0).actor());
  EXPECT_EQ(Audit(request).entries_size(), 2);
  *request.mutable_until() = of_b.entries(1).time();
  EXPECT_EQ(Audit(request).entries_size(), 0);
  request.clear_until();
  *request.mutable_since() = of_b.entries(1).time();
  EXPECT_EQ(Audit(request).entries_size(), 2);
  request.set_page_size(1);
  const auto first = Audit(request);
  request.set_page_token(first.next_page_token());
  EXPECT_EQ(Audit(request).entries(0).sequence(), of_b.entries(1).sequence());
  request.set_method("Update");
  Audit(request, StatusCode::INVALID_ARGUMENT);
}

TEST_F(ApiDepthTest, TheServerVerifiesItsChainAndNamesTheFirstBrokenEntry) {
  const std::string device = server_.EnrollDevice("default", "gw");
  for (const char* site : {"a", "b", "c", "d"}) Set(device, site);
  const auto verify = [&] {
    return Call<v1::AuditService>(&v1::AuditService::Stub::VerifyAudit, v1::VerifyAuditRequest(),
                                  StatusCode::OK, true);
  };
  const auto whole = verify();
  EXPECT_EQ(whole.first_broken_sequence(), 0u) << whole.reason();
  v1::ListAuditEntriesRequest updates;
  updates.set_method("UpdateDevice");
  const uint64_t victim = Audit(updates).entries(2).sequence();
  EXPECT_GT(whole.entry_count(), victim);
  const auto tamper = [&](const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(absl::StrCat(server_.data_dir(), "/state.db").c_str(), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  };
  tamper(absl::StrCat("UPDATE audit SET summary = 'nothing' WHERE sequence = ", victim));
  const auto broken = verify();
  EXPECT_EQ(broken.first_broken_sequence(), victim);
  EXPECT_EQ(broken.entry_count(), victim - 1);
  EXPECT_THAT(broken.reason(), HasSubstr("was changed"));
  tamper(absl::StrCat("DELETE FROM audit WHERE sequence = ", victim - 1));
  EXPECT_EQ(verify().first_broken_sequence(), victim - 1);
}

TEST_F(ApiDepthTest, AnAuditWhoseEndWasCutOffIsNotWhole) {
  const std::string device = server_.EnrollDevice("default", "gw");
  Set(device, "a");
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(absl::StrCat(server_.data_dir(), "/state.db").c_str(), &db), SQLITE_OK);
  sqlite3_busy_timeout(db, 5000);
  EXPECT_EQ(sqlite3_exec(db, "DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  const auto broken = Call<v1::AuditService>(&v1::AuditService::Stub::VerifyAudit,
                                             v1::VerifyAuditRequest(), StatusCode::OK, true);
  EXPECT_EQ(broken.first_broken_sequence(), broken.entry_count() + 1);
}

TEST_F(ApiDepthTest, ADiagnosisShowsOpenJobsRightsAndWhatToDo) {
  const std::string device = server_.EnrollDevice("default", "gw");
  v1::DiagnoseDeviceRequest request;
  request.set_name(device);
  const auto never = Call<v1::DeviceService>(&v1::DeviceService::Stub::DiagnoseDevice, request);
  ASSERT_GT(never.findings_size(), 0);
  EXPECT_EQ(never.findings(0).code(), "never-checked-in");
  EXPECT_EQ(never.findings(0).level(), v1::FINDING_LEVEL_PROBLEM);
  EXPECT_FALSE(never.findings(0).next_step().empty());
  server_.CheckIn(device);
  v1::CreateJobRequest job;
  job.set_parent("organizations/default");
  job.set_device(device);
  job.set_script(":put 1");
  job.set_description("a test");
  const std::string name = Call<v1::JobService>(&v1::JobService::Stub::CreateJob, job).job().name();
  const auto now = Call<v1::DeviceService>(&v1::DeviceService::Stub::DiagnoseDevice, request);
  ASSERT_EQ(now.open_jobs_size(), 1);
  EXPECT_EQ(now.open_jobs(0).job(), name);
  EXPECT_EQ(now.open_jobs(0).description(), "a test");
  EXPECT_EQ(now.open_jobs(0).target().state(), v1::JOB_TARGET_STATE_AT_EDGE);
  EXPECT_TRUE(now.has_online_deadline());
  EXPECT_EQ(now.device().status().online(), v1::ONLINE_STATE_ONLINE);
  request.set_name("organizations/default/devices/0000000000001");
  Call<v1::DeviceService>(&v1::DeviceService::Stub::DiagnoseDevice, request, StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace muster::server
