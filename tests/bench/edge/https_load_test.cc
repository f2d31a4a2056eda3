#include "tests/bench/edge/https_load.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/secrets/secrets.h"
#include "common/x509/x509.h"
#include "tests/bench/edge/nginx.h"
#include "tests/bench/support/process_cost.h"
#include "tests/support/free_port.h"

namespace muster::bench {
namespace {

constexpr absl::string_view kRequest =
    "POST /v1/heartbeat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";

class HttpsLoadTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/sbin/nginx")) GTEST_SKIP() << "nginx is not installed";
    ASSERT_TRUE(InitializeCryptography().ok());
    const auto folder = MakeRunFolder(testing::TempDir(), "load");
    ASSERT_TRUE(folder.ok());
    folder_ = *folder;
    const auto key = PrivateKey::GenerateEcdsaP256();
    ASSERT_TRUE(key.ok());
    CertificateTerms terms;
    terms.common_name = "localhost";
    terms.dns_names = {"localhost"};
    terms.not_before = absl::Now() - absl::Hours(1);
    terms.not_after = absl::Now() + absl::Hours(1);
    terms.for_server = true;
    std::ofstream(folder_ + "/chain.pem") << *SelfSign(*key, terms);
    std::ofstream(folder_ + "/key.pem") << key->ToPem()->Reveal();
    const auto identity = FindEcdsaIdentity(folder_);
    ASSERT_TRUE(identity.ok()) << identity.status();
    auto nginx = Nginx::Start(folder_, *identity, -1);
    ASSERT_TRUE(nginx.ok()) << nginx.status();
    nginx_ = std::move(*nginx);
  }

  void TearDown() override {
    nginx_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string folder_;
  std::unique_ptr<Nginx> nginx_;
};

TEST_F(HttpsLoadTest, CountsAReplyForEachRequest) {
  HttpsLoad load(nginx_->port());
  size_t zeros = 0;
  const auto good = load.Run(
      200, 16, [](size_t) { return kRequest; },
      [&](size_t, int status, absl::string_view body) {
        if (status == 200 && body == "0") ++zeros;
      });
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(*good, 200u);
  EXPECT_EQ(zeros, 200u);
}

TEST_F(HttpsLoadTest, HoldsConnectionsUntilTheyAreReleased) {
  HttpsLoad load(nginx_->port());
  const auto good = load.Hold(50, 16, [](size_t) { return kRequest; });
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(*good, 50u);
  EXPECT_EQ(load.Held(), 50u);
  load.Release();
  EXPECT_EQ(load.Held(), 0u);
}

TEST_F(HttpsLoadTest, SeesThatAHeldConnectionWasClosed) {
  HttpsLoad load(nginx_->port());
  ASSERT_EQ(load.Hold(5, 5, [](size_t) { return kRequest; }).value_or(0), 5u);
  nginx_.reset();
  EXPECT_EQ(load.Held(), 0u);
}

TEST_F(HttpsLoadTest, ReportsAServerThatDoesNotListen) {
  HttpsLoad load(FreePort());
  EXPECT_EQ(load.Run(
                    3, 3, [](size_t) { return kRequest; }, nullptr)
                .value_or(3),
            0u);
}

TEST_F(HttpsLoadTest, TheCostOfTheServerGrowsWithItsRequests) {
  const CostBasis basis = AvailableBasis();
  auto meter = CostMeter::Attach(nginx_->worker(), basis);
  ASSERT_TRUE(meter.ok()) << meter.status();
  HttpsLoad load(nginx_->port());
  const double begin = meter->Read().value_or(0);
  ASSERT_TRUE(load.Run(
                      100, 16, [](size_t) { return kRequest; }, nullptr)
                  .ok());
  const double cost = meter->Read().value_or(0) - begin;
  // A handshake costs 1.6 M instructions, and not less than 50 us on any machine of today.
  EXPECT_GT(cost / 100, basis == CostBasis::kInstructions ? 5e5 : 2e4);
}

}  // namespace
}  // namespace muster::bench
