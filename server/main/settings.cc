#include "server/main/settings.h"

#include <iostream>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/program/options.h"

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
  options.List("etcd",
               "URLs of etcd's members, http(s)://HOST:PORT; without it musterd is one node",
               &settings->etcd);
  options.Text("etcd-ca-file", "PEM that etcd's certificates are checked with [the system's]",
               &settings->etcd_ca_file);
  options.Text("etcd-cert-file", "PEM certificate to show to etcd", &settings->etcd_cert_file);
  options.Text("etcd-key-file", "its key (0600)", &settings->etcd_key_file);
  options.Text("etcd-user", "user of etcd, where it has users", &settings->etcd_user);
  options.Text("etcd-password-file", "file of that user's password (0600)",
               &settings->etcd_password_file);
  options.Number("etcd-quota-mib", "etcd's --quota-backend-bytes, in MiB",
                 &settings->etcd_quota_mib, 64, 65536);
  options.Text("node-name", "name of this node in `muster cluster status` [the host's]",
               &settings->node_name);
}

// One flag may name several, as lists in the environment do.
void SplitAtCommas(std::vector<std::string>* list) {
  *list = absl::StrSplit(absl::StrJoin(*list, ","), ',', absl::SkipEmpty());
}

// What belongs together; empty: nothing is wrong.
std::string ClusterProblem(const Settings& settings) {
  const bool details = !settings.etcd_ca_file.empty() || !settings.etcd_cert_file.empty() ||
                       !settings.etcd_key_file.empty() || !settings.etcd_user.empty() ||
                       !settings.etcd_password_file.empty() || !settings.node_name.empty();
  if (settings.etcd.empty()) return details ? "--etcd is missing beside what belongs to it" : "";
  if (settings.etcd_cert_file.empty() != settings.etcd_key_file.empty()) {
    return "--etcd-cert-file and --etcd-key-file go together";
  }
  if (settings.etcd_user.empty() != settings.etcd_password_file.empty()) {
    return "--etcd-user and --etcd-password-file go together";
  }
  return settings.node_name.size() > 64 ? "--node-name has more than 64 characters" : "";
}

}  // namespace

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
  SplitAtCommas(&settings->etcd);
  if (const std::string problem = ClusterProblem(*settings); !problem.empty()) {
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
