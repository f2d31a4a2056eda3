#include "common/x509/x509.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'750'000'000);

CertificateTerms RootTerms() {
  CertificateTerms terms;
  terms.common_name = "Muster test root";
  terms.not_before = absl::UnixEpoch();
  terms.not_after = kNow + absl::Hours(24 * 365 * 30);
  terms.is_authority = true;
  return terms;
}

CertificateTerms LeafTerms() {
  CertificateTerms terms;
  terms.common_name = "edge-one";
  terms.dns_names = {"edge.example.net"};
  terms.ip_addresses = {"192.0.2.7", "2001:db8::7"};
  terms.uris = {"spiffe://muster/abc/edge/edge-one"};
  terms.not_before = absl::UnixEpoch();
  terms.not_after = kNow + absl::Hours(24);
  terms.for_server = true;
  terms.for_client = true;
  return terms;
}

class X509Test : public ::testing::Test {
 protected:
  X509Test()
      : root_key_(*PrivateKey::GenerateEcdsaP256()), root_(*SelfSign(root_key_, RootTerms())) {}

  std::string Issue(const PrivateKey& key, const CertificateTerms& terms) {
    return *SignRequest(*MakeCertificateRequest(key, "ignored"), root_key_, root_, terms);
  }

  const PrivateKey root_key_;
  const std::string root_;
};

X509* Parse(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

TEST_F(X509Test, LeafHoldsTheTermsAndNotTheNamesOfTheRequest) {
  const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
  const absl::StatusOr<CertificateFacts> facts = ReadCertificate(Issue(key, LeafTerms()));
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->common_name, "edge-one");
  EXPECT_THAT(facts->dns_names, ElementsAre("edge.example.net"));
  EXPECT_THAT(facts->ip_addresses, ElementsAre("192.0.2.7", "2001:db8::7"));
  EXPECT_THAT(facts->uris, ElementsAre("spiffe://muster/abc/edge/edge-one"));
  EXPECT_EQ(facts->not_before, absl::UnixEpoch());
  EXPECT_EQ(facts->not_after, kNow + absl::Hours(24));
  EXPECT_EQ(facts->serial.size(), 32u);
  EXPECT_EQ(facts->sha256.size(), 64u);
}

TEST_F(X509Test, EcdsaAndRsaLeavesVerifyUpToTheRoot) {
  for (const PrivateKey& key : {*PrivateKey::GenerateEcdsaP256(), *PrivateKey::GenerateRsa2048()}) {
    const std::string leaf = Issue(key, LeafTerms());
    EXPECT_TRUE(CheckChain(leaf + root_, key, root_, kNow).ok())
        << CheckChain(leaf + root_, key, root_, kNow);
    EXPECT_TRUE(CheckChain(leaf, key, root_, absl::FromUnixSeconds(60)).ok());
    EXPECT_FALSE(CheckChain(leaf, key, root_, kNow + absl::Hours(25)).ok());
    EXPECT_FALSE(CheckChain(leaf, root_key_, root_, kNow).ok());
  }
}

TEST_F(X509Test, LeafOfAnotherRootDoesNotVerify) {
  const PrivateKey other_key = *PrivateKey::GenerateEcdsaP256();
  const std::string other_root = *SelfSign(other_key, RootTerms());
  const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
  EXPECT_FALSE(CheckChain(Issue(key, LeafTerms()), key, other_root, kNow).ok());
}

TEST_F(X509Test, LeafCanNotSignOthers) {
  const PrivateKey middle_key = *PrivateKey::GenerateEcdsaP256();
  const std::string middle = Issue(middle_key, LeafTerms());
  const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
  const std::string leaf =
      *SignRequest(*MakeCertificateRequest(key, "x"), middle_key, middle, LeafTerms());
  EXPECT_FALSE(CheckChain(leaf + middle, key, root_, kNow).ok());
}

TEST_F(X509Test, ExtensionsAreThoseThatStrictVerifiersAskFor) {
  const PrivateKey key = *PrivateKey::GenerateRsa2048();
  X509* leaf = Parse(Issue(key, LeafTerms()));
  X509* root = Parse(root_);
  ASSERT_NE(leaf, nullptr);
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(X509_get_version(leaf), X509_VERSION_3);
  EXPECT_EQ(X509_get_key_usage(leaf),
            static_cast<uint32_t>(KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT));
  EXPECT_EQ(X509_get_extended_key_usage(leaf),
            static_cast<uint32_t>(XKU_SSL_SERVER | XKU_SSL_CLIENT));
  EXPECT_EQ(X509_check_ca(leaf), 0);
  EXPECT_EQ(X509_check_ca(root), 1);
  EXPECT_EQ(X509_get_pathlen(root), 0);
  EXPECT_EQ(X509_get_key_usage(root), static_cast<uint32_t>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  ASSERT_NE(X509_get0_subject_key_id(leaf), nullptr);
  ASSERT_NE(X509_get0_authority_key_id(leaf), nullptr);
  EXPECT_EQ(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf), X509_get0_subject_key_id(root)),
            0);
  X509_free(leaf);
  X509_free(root);
}

TEST_F(X509Test, SerialNumbersDiffer) {
  const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
  EXPECT_NE(ReadCertificate(Issue(key, LeafTerms()))->serial,
            ReadCertificate(Issue(key, LeafTerms()))->serial);
}

TEST_F(X509Test, KeyGoesThroughPem) {
  const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
  const Secret pem = *key.ToPem();
  EXPECT_THAT(std::string(pem.Reveal()), HasSubstr("BEGIN PRIVATE KEY"));
  const absl::StatusOr<PrivateKey> again = PrivateKey::FromPem(pem);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(CheckChain(Issue(key, LeafTerms()), *again, root_, kNow).ok());
}

TEST_F(X509Test, RefusesWhatIsNotReadable) {
  EXPECT_EQ(ReadCertificate("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadCertificate("-----BEGIN CERTIFICATE-----\nAAAA\n").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PrivateKey::FromPem(Secret("nonsense")).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SignRequest("nonsense", root_key_, root_, LeafTerms()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(X509Test, RefusesRequestWhoseSignatureIsWrong) {
  std::string request = *MakeCertificateRequest(*PrivateKey::GenerateEcdsaP256(), "x");
  request.back() ^= 1;
  EXPECT_EQ(SignRequest(request, root_key_, root_, LeafTerms()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      SignRequest(*MakeCertificateRequest(root_key_, "x") + "x", root_key_, root_, LeafTerms())
          .status()
          .code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(X509Test, RefusesNamesThatCouldBeReadTwoWays) {
  const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
  for (const std::string& name : {std::string("a\0b", 3), std::string("a b"), std::string("")}) {
    CertificateTerms terms = LeafTerms();
    terms.dns_names = {name};
    EXPECT_EQ(SelfSign(key, terms).status().code(), absl::StatusCode::kInvalidArgument);
  }
  CertificateTerms terms = LeafTerms();
  terms.ip_addresses = {"192.0.2.700"};
  EXPECT_EQ(SelfSign(key, terms).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(X509Test, RefusesIssuerWhoseKeyIsAnother) {
  const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
  EXPECT_FALSE(SignRequest(*MakeCertificateRequest(key, "x"), key, root_, LeafTerms()).ok());
}

TEST_F(X509Test, CertificateWithoutAlternativeNamesReadsAsSuch) {
  EXPECT_THAT(ReadCertificate(root_)->dns_names, IsEmpty());
}

}  // namespace
}  // namespace muster
