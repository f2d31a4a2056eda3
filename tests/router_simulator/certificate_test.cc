// The certificate store: what an import adds, what it trusts, what it counts.
#include <string>

#include "gtest/gtest.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/test_certificates.h"

namespace muster::simulator {
namespace {

class CertificateTest : public testing::TestWithParam<const char*> {
 protected:
  CertificateTest() : router(OptionsOf(GetParam())) {}
  static RouterOptions OptionsOf(const char* version) {
    RouterOptions options;
    options.version = *ParseRouterVersion(version);
    return options;
  }
  std::string Said(absl::string_view text) {
    const RunResult result = router.Run(text);
    std::string said = result.ok ? result.output : "ERROR " + result.error;
    while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.pop_back();
    return said;
  }
  void Import(absl::string_view contents) {
    WriteFile(router, "ca.pem", contents, "file");
    router.Run("/certificate import file-name=ca.pem passphrase=\"\"");
  }

  Router router;
};

TEST_P(CertificateTest, TrustsWhatWasImportedAndFindsItByFingerprint) {
  Import(kRootA);
  EXPECT_EQ(Said(std::string(":put [:len [/certificate find where fingerprint=\"") +
                 std::string(kRootAFingerprint) + "\"]]"),
            "1");
  EXPECT_EQ(Said(":put [/certificate get [find] trusted]"), "true");
}

TEST_P(CertificateTest, TakesEveryCertificateOfAFile) {
  Import(std::string(kRootA) + std::string(kRootB));
  EXPECT_EQ(Said(":put [:len [/certificate find]]"), "2");
}

TEST_P(CertificateTest, KeepsOneOfTheSameTwice) {
  Import(std::string(kRootA) + std::string(kRootA));
  Import(kRootA);
  EXPECT_EQ(Said(":put [:len [/certificate find]]"), "1");
}

TEST_P(CertificateTest, AddsNothingFromAFileWithoutOne) {
  Import("no certificate");
  EXPECT_EQ(Said(":put [:len [/certificate find]]"), "0");
}

TEST_P(CertificateTest, RaisesForAFileThatIsNotThere) {
  EXPECT_EQ(Said("/certificate import file-name=nosuch passphrase=\"\""),
            "ERROR failure: no such file");
}

TEST_P(CertificateTest, NamesThemAfterTheFile) {
  Import(std::string(kRootA) + std::string(kRootB));
  EXPECT_EQ(Said(":put [/certificate get ca.pem_1 common-name]"), "Muster test root B");
}

TEST_P(CertificateTest, KeepsCertificatesOverARebootAndOutOfExportAndBackup) {
  const ConfigStore before = router.CopyConfig();
  Import(kRootA);
  EXPECT_EQ(router.Export("", true).find("certificate"), std::string::npos);
  router.Reboot(PowerDown::kClean);
  EXPECT_EQ(Said(":put [:len [/certificate find]]"), "1");
  router.RestoreConfig(before);
  EXPECT_EQ(Said(":put [:len [/certificate find]]"), "1");
}

INSTANTIATE_TEST_SUITE_P(Versions, CertificateTest,
                         testing::Values("6.49.10", "7.8", "7.12.2", "7.20.8"));

}  // namespace
}  // namespace muster::simulator
