#include "server/pki/node_join_file.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"

namespace muster::server {
namespace {

using internal::v1::NodeJoinFile;
using internal::v1::NodeJoinSecrets;

class NodeJoinFileTest : public testing::Test {
 protected:
  NodeJoinFileTest() : key_(std::string(32, 'k')) {
    EXPECT_TRUE(InitializeCryptography().ok());
    file_.set_format(1);
    file_.set_cluster_id(std::string(16, 'c'));
    file_.set_token_id(7);
    file_.set_token(std::string(32, 't'));
    file_.set_expire_time_us(1'750'000'000'000'000);
    file_.set_cluster_root_pem("root");
    file_.set_certificate_pem("certificate");
    file_.set_key_pem("key");
    file_.add_nodes("10.0.0.1:7451");
    secrets_.set_master_key(std::string(32, 'm'));
    secrets_.add_etcd_urls("https://10.0.0.1:2379");
    secrets_.set_etcd_password("a password");
    SealNodeJoin(key_, secrets_, file_);
  }
  std::string Text() const { return std::string(FormatNodeJoinFile(file_).Reveal()); }

  const Secret key_;
  NodeJoinFile file_;
  NodeJoinSecrets secrets_;
};

TEST_F(NodeJoinFileTest, ReadsWhatItWroteAlsoWithOtherLineEnds) {
  for (const std::string& text :
       {Text(), "a remark\r\n" + absl::StrReplaceAll(Text(), {{"\n", "\r\n"}})}) {
    const auto read = ParseNodeJoinFile(text);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->SerializeAsString(), file_.SerializeAsString());
    const auto secrets = OpenNodeJoin(key_, *read);
    ASSERT_TRUE(secrets.ok()) << secrets.status();
    EXPECT_EQ(secrets->SerializeAsString(), secrets_.SerializeAsString());
  }
}

TEST_F(NodeJoinFileTest, RefusesEveryCutAndEveryChangedCharacter) {
  const std::string text = Text();
  const size_t begin = text.find("-----BEGIN");
  for (size_t size = 0; size + 2 < text.size(); ++size) {
    EXPECT_FALSE(ParseNodeJoinFile(text.substr(0, size)).ok()) << size;
  }
  for (size_t at = begin; at < text.size(); ++at) {
    if (text[at] == '\n') continue;
    std::string changed = text;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ParseNodeJoinFile(changed).ok()) << at;
  }
}

TEST_F(NodeJoinFileTest, WhatIsSealedOpensWithItsKeyAndBesideItsOwnWordsOnly) {
  EXPECT_FALSE(absl::StrContains(file_.SerializeAsString(), secrets_.master_key()));
  EXPECT_FALSE(absl::StrContains(file_.SerializeAsString(), "a password"));
  EXPECT_EQ(OpenNodeJoin(Secret(std::string(32, 'x')), file_).status().code(),
            absl::StatusCode::kDataLoss);
  // With a checksum that is right: somebody who means it.
  file_.set_nodes(0, "10.6.6.6:7451");
  const auto read = ParseNodeJoinFile(Text());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(OpenNodeJoin(key_, *read).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(NodeJoinFileTest, RefusesALaterFormatAndAFileThatLacksAField) {
  NodeJoinFile later = file_;
  later.set_format(2);
  EXPECT_FALSE(ParseNodeJoinFile(FormatNodeJoinFile(later).Reveal()).ok());
  file_.clear_nodes();
  EXPECT_FALSE(ParseNodeJoinFile(Text()).ok());
}

}  // namespace
}  // namespace muster::server
