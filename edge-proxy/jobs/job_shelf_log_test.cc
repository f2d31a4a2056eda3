// Apart from the other tests of the shelf, which TSan runs: the log's library is not built for it.
#include <gtest/gtest.h>

#include <string>

#include "common/log/log.h"
#include "edge-proxy/jobs/job_shelf_fixture.h"

namespace muster::edge {
namespace {

TEST_F(JobShelfTest, WaitsForAVersionThatItKnows) {
  shelf_.Put(NewJob(10));
  asking_.routeros_version = "unknown";
  StartLogging("test", LogLevel::kInfo);
  testing::internal::CaptureStderr();
  EXPECT_EQ(Ask(), "0");
  EXPECT_EQ(Ask(), "0");
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(shelf_.size(), 1u);
  // Said once, and not with each beat.
  const size_t said = log.find("can't be read");
  EXPECT_NE(said, std::string::npos) << log;
  EXPECT_EQ(log.find("can't be read", said + 1), std::string::npos) << log;
  asking_.routeros_version = "7.20.8";
  EXPECT_EQ(Ask(), "J10 hex :put 1.");
}

}  // namespace
}  // namespace muster::edge
