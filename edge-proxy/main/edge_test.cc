#include "edge-proxy/main/edge.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/join_file/join_file.h"
#include "common/secrets/secrets.h"

namespace muster::edge {
namespace {

class EdgeTest : public testing::Test {
 protected:
  EdgeTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    std::string folder = testing::TempDir() + "edge-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    // Port 1 answers nobody: who tried to join would say so, half a minute later.
    options_ = {.data_dir = folder + "/data",
                .controls = {"127.0.0.1:1"},
                .join_file = folder + "/west.join",
                .listen = "127.0.0.1:0",
                .public_url = "https://localhost",
                .metrics = "127.0.0.1:0"};
    std::ofstream(options_.join_file) << FormatJoinFile({.edge_id = "west",
                                                         .control = "127.0.0.1:1",
                                                         .expires = absl::Now() + absl::Hours(1)})
                                             .Reveal();
    chmod(options_.join_file.c_str(), 0600);
  }
  absl::Status Open() const { return Edge::Open(options_).status(); }

  EdgeOptions options_;
};

TEST_F(EdgeTest, ChecksAllFlagsBeforeTheJoinTokenIsUsed) {
  options_.controls.clear();
  EXPECT_EQ(Open().code(), absl::StatusCode::kInvalidArgument) << "the join file's is no setting";
  options_.controls = {"127.0.0.1:1"};
  options_.tls_certs = {"a.pem"};
  EXPECT_EQ(Open().code(), absl::StatusCode::kInvalidArgument);
  options_.tls_keys = {"a.key"};
  EXPECT_EQ(Open().code(), absl::StatusCode::kNotFound) << "a certificate that isn't there";
  options_.tls_certs.clear();
  options_.tls_keys.clear();
  options_.public_url = "http://localhost";
  EXPECT_EQ(Open().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster::edge
