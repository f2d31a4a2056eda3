// A disk that is full: nothing that was answered is lost, and all goes on where there is space
// again.
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>

#include "server/history/duckdb/history_fixture.h"

namespace muster::server {
namespace {

// While it lives, files of this process that would get larger fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_;
};

class FullDiskTest : public HistoryFixture {
 protected:
  // All that was answered is there after a start, and more comes in.
  void ExpectToGoOn(uint64_t answered) {
    const auto history = Open();
    ASSERT_NE(history, nullptr);
    EXPECT_EQ(history->AppliedIndex(), answered);
    ExpectRows(*history, 1, answered);
    SealUpTo(*history, answered + 100);
    ExpectRows(*history, 1, answered + 100);
  }
};

TEST_F(FullDiskTest, LosesNothingWhereAnAppendDoesNotFit) {
  auto history = Open();
  AppendUpTo(*history, 500);
  {
    const FileSizeLimit limit(150'000);
    absl::Status status;
    for (int i = 0; i < 1000 && status.ok(); ++i) {
      const uint64_t applied = history->AppliedIndex();
      status = history->Append(RowsOf(applied + 1, applied + 10), applied + 10);
      EXPECT_EQ(history->AppliedIndex(), status.ok() ? applied + 10 : applied);
    }
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  }
  const uint64_t answered = history->AppliedIndex();
  ExpectRows(*history, 1, answered);
  // There is space again, but what lies in memory is not to be trusted with more.
  EXPECT_TRUE(absl::IsUnavailable(history->Append({}, answered + 1)));
  EXPECT_TRUE(absl::IsUnavailable(history->Cut()));
  history.reset();
  ExpectToGoOn(answered);
}

TEST_F(FullDiskTest, LosesNothingWhereASealDoesNotFit) {
  auto history = Open();
  AppendUpTo(*history, 500);
  ASSERT_TRUE(history->Cut().ok());
  {
    const FileSizeLimit limit(150'000);
    const absl::Status status = history->Seal();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_TRUE(history->SealedRanges().empty());
  }
  history.reset();
  ExpectToGoOn(500);
}

}  // namespace
}  // namespace muster::server
