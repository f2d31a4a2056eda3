// What musterd was told by flags, environment and file.
//
// Threads:  a value.
#pragma once

#include <cstdint>
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
  // URLs of etcd's members; empty: this node is alone and keeps its log by itself.
  std::vector<std::string> etcd;
  std::string etcd_ca_file;
  std::string etcd_cert_file;
  std::string etcd_key_file;
  std::string etcd_user;
  std::string etcd_password_file;
  int64_t etcd_quota_mib = 2048;
  // Entries between two hashes of the state, by which nodes compare.
  int64_t state_hash_every = 10'000;
  // For people; the host's name unless given.
  std::string node_name;
  // Of `muster cluster join-token`; empty: none.
  std::string join_file;
};

// Where metrics are served unless --metrics says otherwise.
inline constexpr char kDefaultMetrics[] = "127.0.0.1:7490";

// What a join has left in the data directory, where etcd was not named. Nullopt: go on.
std::optional<int> ReadEtcdSettings(Settings* settings);

// Nullopt: go on. Else the code to exit with.
// 0 after --help and --version, 2 with a line on stderr for wrong usage.
std::optional<int> ReadSettings(int argc, char** argv, Settings* settings);

}  // namespace muster::server
