#include "server/main/settings.h"

#include <unistd.h>

#include <iostream>

#include "absl/strings/string_view.h"
#include "common/program/options.h"
#include "server/main/etcd_settings.h"
#include "server/main/join_cluster.h"

namespace muster::server {
namespace {

constexpr absl::string_view kExamples =
    "Examples:\n"
    "  musterd --data-dir /var/lib/muster/control --advertise muster.example.net\n"
    "  musterd --data-dir ./control --listen 127.0.0.1:0 --listen-edge 127.0.0.1:0\n"
    "  musterd --data-dir ... --etcd https://10.0.0.1:2379,https://10.0.0.2:2379 --etcd-ca-file "
    "ca.pem --etcd-cert-file node.pem --etcd-key-file node.key\n"
    "    one of several nodes, see docs/cluster.md\n"
    "The first start makes the roots and keys and says where they lie and what to do next.\n"
    "Backups: musterd backup create|verify|restore; see musterd backup --help.\n"
    "From one node to a cluster and back: musterd migrate; see musterd migrate --help.\n"
    "Environment: MUSTERD_DATA_DIR, MUSTERD_LISTEN ...; file: data-dir = \"...\".\n";

// "HOST:PORT", with a port.
bool IsAddressWithPort(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return false;
  for (size_t i = colon + 1; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return text.size() - colon <= 6;
}

void AddClusterOptions(Options& options, Settings* settings) {
  AddEtcdOptions(options,
                 "URLs of etcd's members, http(s)://HOST:PORT; without it musterd is one node",
                 settings);
  options.Number("etcd-quota-mib", "etcd's --quota-backend-bytes, in MiB",
                 &settings->etcd_quota_mib, 64, 65536);
  options.Text("join", "file from: muster cluster join-token; only at a new node's first start",
               &settings->join_file);
  options.Number("state-hash-every",
                 "log entries between two comparisons of the nodes' states; equal on all nodes",
                 &settings->state_hash_every, 10, 1'000'000);
  options.Text("node-name", "name of this node in `muster cluster status` [the host's]",
               &settings->node_name);
}

// What belongs together; empty: nothing is wrong.
std::string ClusterProblem(Settings* settings) {
  if (!settings->join_file.empty()) {
    const bool named = !settings->etcd.empty() || !settings->etcd_user.empty() ||
                       !settings->etcd_ca_file.empty() || !settings->etcd_cert_file.empty();
    return named ? "--join brings what is needed to reach etcd: leave the --etcd flags out" : "";
  }
  if (std::string problem = FinishEtcdOptions(settings); !problem.empty()) return problem;
  if (settings->etcd.empty() && !settings->node_name.empty()) {
    return "--etcd is missing beside what belongs to it";
  }
  return settings->node_name.size() > 64 ? "--node-name has more than 64 characters" : "";
}

}  // namespace

std::optional<int> ReadEtcdSettings(Settings* settings) {
  std::string path = EtcdSettingsFile(settings->data_dir);
  if (!settings->etcd.empty() || access(path.c_str(), F_OK) != 0) return std::nullopt;
  // No environment has this prefix: what stands there was read before.
  Options options("musterd", "Etcd of a node that joined.", "MUSTERD_JOINED", "");
  AddEtcdOptions(options, "", settings);
  options.Number("etcd-quota-mib", "", &settings->etcd_quota_mib, 64, 65536);
  std::string program = "musterd";
  std::string flag = "--config";
  char* words[] = {program.data(), flag.data(), path.data()};
  return options.Parse(3, words);
}

std::optional<int> ReadSettings(int argc, char** argv, Settings* settings) {
  Options options("musterd", "Control plane of Muster.", "MUSTERD", kExamples);
  options.Required("data-dir", "folder of the state; made with mode 0700 where it is absent",
                   &settings->data_dir);
  options.Text("listen", "address of the API", &settings->listen);
  options.Text("listen-edge", "address for edge proxies", &settings->listen_edge);
  options.List("advertise", "name or address by which edges and clients reach this musterd",
               &settings->advertise);
  options.Text("metrics",
               "address of the Prometheus metrics, \"off\" for none [127.0.0.1:7490, left out "
               "where that is in use]",
               &settings->metrics);
  options.Text("master-key-file",
               "key under which all secrets in the state are sealed [DATA-DIR.master-key]",
               &settings->master_key_file);
  options.Text("log-level", "debug, info, warning or error", &settings->log_level);
  AddClusterOptions(options, settings);
  if (const std::optional<int> exit_code = options.Parse(argc, argv)) return exit_code;
  if (settings->join_file.empty()) {
    if (const auto exit_code = ReadEtcdSettings(settings)) return exit_code;
  }
  if (const std::string problem = ClusterProblem(settings); !problem.empty()) {
    std::cerr << "musterd: " << problem << "; see musterd --help\n";
    return 2;
  }
  for (const auto& [flag, value] :
       {std::pair("--listen", settings->listen), std::pair("--listen-edge", settings->listen_edge),
        std::pair("--metrics", settings->metrics)}) {
    // Empty means the default address, if it is free.
    const bool may_be_word = std::string(flag) == "--metrics" && (value.empty() || value == "off");
    if (may_be_word || IsAddressWithPort(value)) continue;
    std::cerr << "musterd: " << flag << ": \"" << value
              << "\" is not of the form HOST:PORT; see musterd --help\n";
    return 2;
  }
  const std::string& level = settings->log_level;
  if (level != "debug" && level != "info" && level != "warning" && level != "error") {
    std::cerr << "musterd: --log-level: \"" << level
              << "\" is none of debug, info, warning and error; see musterd --help\n";
    return 2;
  }
  return std::nullopt;
}

}  // namespace muster::server
