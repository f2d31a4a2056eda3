// Keys of organizations, in a whole control plane.
#include "server/pki/organization_keys.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "server/state/organization_key.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

class OrganizationKeysTest : public testing::Test {
 protected:
  OrganizationKeysTest() { server_.MakeOrganization("other"); }

  OrganizationId IdOf(absl::string_view slug) {
    return server_.state().FindOrganizationBySlug(slug)->id;
  }

  std::string Keep(absl::string_view slug, absl::string_view plain) {
    const auto sealed =
        SealForOrganization(server_.state(), server_.log(), server_.installation().master_key,
                            IdOf(slug), "test/context", plain);
    EXPECT_TRUE(sealed.ok()) << sealed.status();
    return sealed.value_or("");
  }

  absl::StatusOr<Secret> Show(absl::string_view sealed, absl::string_view context) {
    return OpenOfOrganization(server_.state(), server_.installation().master_key, context, sealed);
  }

  ApiTestServer server_;
};

TEST_F(OrganizationKeysTest, EachOrganizationHasAKeyOfItsOwnFromItsFirstSecretOn) {
  EXPECT_FALSE(server_.state().FindBlob(OrganizationKeyBlob(IdOf("default").value)).has_value());
  const std::string first = Keep("default", "alpha");
  const std::string second = Keep("default", "beta");
  const std::string other = Keep("other", "gamma");
  EXPECT_FALSE(absl::StrContains(first, "alpha"));
  // Organization and key, then the seal.
  EXPECT_EQ(first.substr(0, 24), second.substr(0, 24));
  EXPECT_NE(first.substr(0, 24), other.substr(0, 24));
  EXPECT_EQ(Show(first, "test/context")->Reveal(), "alpha");
  EXPECT_EQ(Show(second, "test/context")->Reveal(), "beta");
  EXPECT_EQ(Show(other, "test/context")->Reveal(), "gamma");
}

TEST_F(OrganizationKeysTest, WhatWasSealedUnderTheMasterKeyOpensStill) {
  const Secret& master = server_.installation().master_key;
  EXPECT_EQ(Show(Seal(master, "test/context", "old"), "test/context")->Reveal(), "old");
}

TEST_F(OrganizationKeysTest, NeitherAnotherContextNorAnotherOrganizationsKeyOpens) {
  const std::string mine = Keep("default", "alpha");
  const std::string other = Keep("other", "gamma");
  EXPECT_FALSE(Show(mine, "test/other").ok());
  EXPECT_FALSE(Show(other.substr(0, 24) + mine.substr(24), "test/context").ok());
  EXPECT_FALSE(Show(mine.substr(0, 23) + "x" + mine.substr(24), "test/context").ok());
  EXPECT_FALSE(Show(mine.substr(0, 24), "test/context").ok());
  // Nor does the master key by itself.
  EXPECT_FALSE(Open(server_.installation().master_key, "test/context", mine.substr(24)).ok());
}

TEST_F(OrganizationKeysTest, ASecondKeyOfAnOrganizationIsRefused) {
  Keep("default", "alpha");
  Command command;
  command.mutable_create_organization_key()->set_organization_id(IdOf("default").value);
  command.mutable_create_organization_key()->set_key_id(5);
  command.mutable_create_organization_key()->set_sealed_key("anything");
  EXPECT_EQ(server_.log().Propose(command).status().code(), absl::StatusCode::kAlreadyExists);
  command.mutable_create_organization_key()->set_organization_id(12345);
  EXPECT_EQ(server_.log().Propose(command).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace muster::server
