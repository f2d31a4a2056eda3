// muster-behaviours: writes the behaviour table as a script for a real router.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/program/options.h"
#include "common/program/process.h"
#include "tests/real-router/behaviour_script.h"

int main(int argc, char** argv) {
  constexpr char kProgram[] = "muster-behaviours";
  std::string version = "7.20.8";
  std::string url = "http://192.168.88.254:8080";
  std::string folder = ".";
  muster::Options options(kProgram, "Writes table.rsc and the files that it fetches.",
                          "MUSTER_BEHAVIOURS",
                          "Example:\n  muster-behaviours --routeros 7.20.8 --url "
                          "http://192.168.88.254:8080 --folder served\n");
  options.Text("routeros", "RouterOS version of the router", &version);
  options.Text("url", "where the router finds the folder", &url);
  options.Text("folder", "where the files go", &folder);
  if (std::optional<int> code = options.Parse(argc, argv)) return *code;
  const auto script = muster::simulator::BehaviourScript(version, url);
  if (!script.ok()) {
    muster::FailWith(kProgram, std::string(script.status().message()));
    return 2;
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::ofstream(absl::StrCat(folder, "/table.rsc"), std::ios::binary) << *script;
  for (const auto& file : muster::simulator::BehaviourFiles()) {
    std::ofstream(absl::StrCat(folder, file.path), std::ios::binary) << file.contents;
  }
  std::ifstream written(absl::StrCat(folder, "/table.rsc"));
  if (!written) {
    muster::FailWith(kProgram, absl::StrCat("can't write into ", folder));
    return 1;
  }
  std::cout << "/tool fetch url=\"" << url << "/table.rsc\" dst-path=mu-table.rsc; :delay 2s; "
            << "/import file-name=mu-table.rsc\n";
  return 0;
}
