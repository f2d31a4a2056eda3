// A test's own world: a folder, a server, an environment, a clock. Nothing of the machine's gets
// in, so a test does the same for everybody.
#include "cli/commands/command_test_support.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "cli/commands/command_line.h"
#include "cli/output/values.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"

namespace muster::cli {

std::string CommandTest::MakeFolder() {
  EXPECT_TRUE(InitializeCryptography().ok());
  // A folder for each test: tests run at once.
  std::string pattern = testing::TempDir() + "/commands-XXXXXX";
  return mkdtemp(pattern.data());
}

CommandTest::CommandTest()
    // A fixed time in 2026, so that ages and ids in golden files stay as they are.
    : folder_(MakeFolder()), fake_(folder_), clock_(absl::FromUnixSeconds(1'790'000'000)) {
  environment_ = {{"HOME", folder_},
                  {"MUSTER_SERVER", fake_.address()},
                  {"MUSTER_CA_FILE", fake_.ca_file()},
                  {"MUSTER_API_KEY_FILE", fake_.key_file()},
                  // Short: tests of a server that is away wait for it.
                  {"MUSTER_RETRY_FOR", "1s"}};
  console_.clock = &clock_;
  console_.environment = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = environment_.find(name);
    if (found == environment_.end()) return std::nullopt;
    return found->second;
  };
  // Not asked of a terminal, so the prompt itself is not tested here.
  console_.read_secret = [this](const std::string&) -> absl::StatusOr<Secret> {
    return Secret(typed_secret_);
  };
  console_.protect_out = [this] { out_was_protected_ = true; };
}

CommandTest::~CommandTest() { std::filesystem::remove_all(folder_); }

Ran CommandTest::Run(const std::vector<std::string>& arguments) {
  std::istringstream in(input_);
  std::ostringstream out, err;
  console_.in = &in;
  console_.out = &out;
  console_.err = &err;
  Ran ran;
  ran.code = RunCommandLine(arguments, console_);
  ran.out = out.str();
  ran.err = err.str();
  // In every run of every test: a key that is printed is found by whichever test prints it.
  EXPECT_EQ((ran.out + ran.err).find(FakeMuster::kKey), std::string::npos)
      << "the API key was printed";
  return ran;
}

void CommandTest::ExpectGolden(const std::string& name, const std::string& text) {
  const char* root = std::getenv("MUSTER_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "run by ctest, or set MUSTER_SOURCE_DIR";
  const std::string path = absl::StrCat(root, "/tests/golden/cli/", name);
  // A changed file is then looked at in the diff, which is where changes of output are judged.
  if (std::getenv("MUSTER_UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str()) << path;
}

muster::v1::Device MakeDevice(int number, absl::Time now) {
  muster::v1::Device device;
  device.set_name(absl::StrCat("organizations/default/devices/", FormatId(1000 + number)));
  device.set_identity(absl::StrCat("MikroTik-", number));
  device.set_serial_number(absl::StrCat("HC10000", number));
  device.set_mac_address(absl::StrCat("02:00:00:00:00:0", number));
  device.set_model("RB5009UG+S+");
  device.set_architecture("arm64");
  device.set_routeros_version("7.15.3 (stable)");
  device.set_agent_version("1");
  device.set_site("riga");
  (*device.mutable_labels())["role"] = "branch";
  *device.mutable_create_time() = ToTimestamp(now - absl::Hours(50));
  auto& status = *device.mutable_status();
  status.set_online(muster::v1::ONLINE_STATE_ONLINE);
  *status.mutable_last_check_in_time() = ToTimestamp(now - absl::Seconds(12));
  status.set_source_address("203.0.113.7");
  status.set_edge("edges/edge-1");
  *status.mutable_uptime() = ToDurationMessage(absl::Hours(49));
  status.set_cpu_load_percent(7);
  status.set_cpu_count(4);
  status.set_memory_free_bytes(700 << 20);
  status.set_memory_total_bytes(1024 << 20);
  auto* reading = status.add_health();
  reading->set_sensor("temperature");
  reading->set_value_milli(41500);
  reading->set_unit("C");
  return device;
}

}  // namespace muster::cli
