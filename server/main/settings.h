// What musterd was told by flags, environment and file.
//
// Threads:  a value.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace muster::server {

struct Settings {
  std::string data_dir;
  std::string listen = "127.0.0.1:7450";
  std::string listen_edge = "0.0.0.0:7451";
  std::vector<std::string> advertise;
  std::string metrics;
  std::string master_key_file;
  std::string log_level = "info";
};

// Where metrics are served unless --metrics says otherwise.
inline constexpr char kDefaultMetrics[] = "127.0.0.1:7490";

// Nullopt: go on. Else the code to exit with.
// 0 after --help and --version, 2 with a line on stderr for wrong usage.
std::optional<int> ReadSettings(int argc, char** argv, Settings* settings);

}  // namespace muster::server
