// Runs commands in the test's own process against the fake server. Test only.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands/fake_muster.h"
#include "cli/output/console.h"

namespace muster::cli {

// What a run answered.
struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

// In the same process, since a run costs milliseconds then, clock and terminal are the test's, and
// a sanitizer sees everything; tests/end_to_end runs the real program.
class CommandTest : public testing::Test {
 protected:
  CommandTest();
  ~CommandTest() override;

  // With MUSTER_* set for the fake server. Fails the test if the API key shows up anywhere.
  Ran Run(const std::vector<std::string>& arguments);

  // Compares with tests/golden/cli/NAME; MUSTER_UPDATE_GOLDEN=1 writes it instead.
  void ExpectGolden(const std::string& name, const std::string& text);

  // Made for each test and removed after it.
  std::string folder_;
  // Answers and remembers; its address and key are in the environment of each run.
  FakeMuster fake_;
  FakeClock clock_;
  // Besides MUSTER_SERVER and the like: what a test wants to be set.
  std::map<std::string, std::string> environment_;
  // What stands on stdin, and what is typed where a secret is asked for.
  std::string input_;
  std::string typed_secret_;
  // Streams are no terminals unless a test says so.
  Console console_;
  // True where the command asked for 0600 on what is behind stdout.
  bool out_was_protected_ = false;

 private:
  static std::string MakeFolder();
};

// A device as a router of a test would be.
muster::v1::Device MakeDevice(int number, absl::Time now);

}  // namespace muster::cli
