#include "common/join_file/join_file.h"

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

JoinFile Example() {
  JoinFile file;
  file.edge_id = "edge-one";
  file.cluster = std::string(32, 'a');
  file.control = "control.example.net:7451";
  file.expires = absl::FromUnixSeconds(1'750'000'000);
  file.token = Secret(std::string(64, '0'));
  file.cluster_root_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  file.certificate_pem = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n";
  file.private_key_pem = Secret("-----BEGIN PRIVATE KEY-----\nCCCC\n-----END PRIVATE KEY-----\n");
  return file;
}

std::string ExampleText() { return std::string(FormatJoinFile(Example()).Reveal()); }

TEST(JoinFileTest, ReadsWhatItWrote) {
  const absl::StatusOr<JoinFile> file = ParseJoinFile(ExampleText());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->edge_id, "edge-one");
  EXPECT_EQ(file->cluster, Example().cluster);
  EXPECT_EQ(file->control, "control.example.net:7451");
  EXPECT_EQ(file->expires, Example().expires);
  EXPECT_EQ(file->token.Reveal(), Example().token.Reveal());
  EXPECT_EQ(file->cluster_root_pem, Example().cluster_root_pem);
  EXPECT_EQ(file->certificate_pem, Example().certificate_pem);
  EXPECT_EQ(file->private_key_pem.Reveal(), Example().private_key_pem.Reveal());
}

TEST(JoinFileTest, ReadsLinesEndingInCrLfAndSkipsRemarks) {
  const std::string text =
      "# from the wiki\r\n" + absl::StrReplaceAll(ExampleText(), {{"\n", "\r\n"}});
  const absl::StatusOr<JoinFile> file = ParseJoinFile(text);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->cluster_root_pem, Example().cluster_root_pem);
}

TEST(JoinFileTest, ControlAddressMayBeAbsent) {
  JoinFile without = Example();
  without.control = "";
  const absl::StatusOr<JoinFile> file = ParseJoinFile(FormatJoinFile(without).Reveal());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->control, "");
}

TEST(JoinFileTest, RefusesEveryCutText) {
  const std::string text = ExampleText();
  for (size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_FALSE(ParseJoinFile(text.substr(0, size)).ok()) << size;
  }
}

TEST(JoinFileTest, RefusesAnotherVersionAndMalformedValues) {
  for (const auto& [from, to] :
       {std::pair("Muster-Join: 1", "Muster-Join: 2"), std::pair("Edge: edge", "Edge: Edge"),
        std::pair("Cluster: a", "Cluster: x"), std::pair("Expires: 2", "Expires: x")}) {
    EXPECT_EQ(ParseJoinFile(absl::StrReplaceAll(ExampleText(), {{from, to}})).status().code(),
              absl::StatusCode::kInvalidArgument)
        << to;
  }
}

}  // namespace
}  // namespace muster
