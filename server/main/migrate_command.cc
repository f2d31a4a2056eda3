#include "server/main/migrate_command.h"

#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/clock/clock.h"
#include "common/log/log.h"
#include "common/program/options.h"
#include "common/program/process.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "server/main/etcd_settings.h"
#include "server/main/settings.h"
#include "server/migration/migration.h"

namespace muster::server {
namespace {

constexpr absl::string_view kExamples =
    "Examples:\n"
    "  musterd migrate --to etcd --data-dir /var/lib/muster --etcd https://10.0.0.1:2379 ...\n"
    "    one node becomes the first of a cluster: stop it before, start it with --etcd after\n"
    "  musterd migrate --to local --data-dir /var/lib/muster --etcd https://10.0.0.1:2379 ...\n"
    "    a cluster becomes one node: stop all nodes before, start this one without --etcd after\n"
    "Nothing is lost and nothing held; edges and routers notice nothing. Where it was "
    "interrupted,\n"
    "run it again. Run it as the user of musterd. See docs/cluster.md.\n";

absl::Status ToEtcd(const MigrateTerms& terms) {
  ASSIGN_OR_RETURN(const Migrated done, MigrateToEtcd(terms));
  std::cout << terms.data_dir << ": its log " << (done.was_done ? "is in" : "went to")
            << " etcd, from entry " << done.position.index + 1 << " on\n"
            << "What to do next:\n"
               "  start this musterd as before, and with --etcd\n"
               "  then the other nodes; the same master key must be on each\n"
               "  tell edges (--control) and clients (MUSTER_SERVER) of all nodes\n";
  return absl::OkStatus();
}

absl::Status ToLocal(const MigrateTerms& terms) {
  ASSIGN_OR_RETURN(const Migrated done, MigrateToLocal(terms, SystemClock()));
  if (done.was_given_up) {
    std::cout << terms.data_dir << ": its way to etcd was given up; start musterd without --etcd\n";
    return absl::OkStatus();
  }
  std::cout << terms.data_dir << (done.was_done ? ": is one node" : ": is one node now")
            << ", from entry " << done.position.index + 1 << " on\n"
            << "What to do next:\n"
               "  start this musterd as before, without --etcd\n"
               "  the other nodes' data directories are of before, as are the keys muster/ in "
               "etcd:\n"
               "  remove them once you are content\n";
  return absl::OkStatus();
}

// Empty: nothing is wrong.
std::string ProblemOf(const std::string& to, Settings* settings) {
  if (to != "etcd" && to != "local") {
    return absl::StrCat("--to: \"", CleanText(to), "\" is neither etcd nor local");
  }
  if (std::string problem = FinishEtcdOptions(settings); !problem.empty()) return problem;
  return settings->etcd.empty() ? "--etcd is missing: it names the cluster's etcd" : "";
}

absl::Status Migrate(const std::string& to, const Settings& settings) {
  RETURN_IF_ERROR(InitializeCryptography());
  MigrateTerms terms;
  terms.data_dir = settings.data_dir;
  terms.master_key_file = settings.master_key_file;
  ASSIGN_OR_RETURN(terms.etcd, EtcdTermsOf(settings));
  return to == "etcd" ? ToEtcd(terms) : ToLocal(terms);
}

}  // namespace

int RunMigrate(int argc, char** argv) {
  Settings settings;
  std::string to;
  Options options("musterd migrate",
                  "Brings an installation from one node to etcd, or back, with all it has.",
                  "MUSTERD", kExamples);
  options.Required("to", "etcd or local", &to);
  options.Required("data-dir", "folder of the state; its musterd must not run", &settings.data_dir);
  options.Text("master-key-file", "the installation's master key [DATA-DIR.master-key]",
               &settings.master_key_file);
  AddEtcdOptions(options, "URLs of etcd's members, http(s)://HOST:PORT", &settings);
  options.ShareFile();
  if (const auto exit_code = options.Parse(argc - 1, argv + 1)) return *exit_code;
  if (const std::string problem = ProblemOf(to, &settings); !problem.empty()) {
    std::cerr << "musterd migrate: " << problem << "; see musterd migrate --help\n";
    return 2;
  }
  while (settings.data_dir.size() > 1 && settings.data_dir.back() == '/') {
    settings.data_dir.pop_back();
  }
  StartLogging("musterd", LogLevel::kWarning);
  const absl::Status status = Migrate(to, settings);
  return status.ok() ? 0 : FailWith("musterd migrate", status.message());
}

}  // namespace muster::server
