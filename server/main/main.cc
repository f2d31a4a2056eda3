// musterd: the control plane.
#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/log/log.h"
#include "common/program/process.h"
#include "common/secrets/secrets.h"
#include "server/main/backup_command.h"
#include "server/main/daemon.h"
#include "server/main/join_cluster.h"
#include "server/main/migrate_command.h"
#include "server/main/settings.h"

namespace muster {
namespace {

LogLevel LevelOf(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

int Main(int argc, char** argv) {
  // First of all: threads inherit the mask, and a client that hangs up must not end the process
  // (SIGPIPE).
  PrepareSignals();
  if (argc > 1 && absl::string_view(argv[1]) == "backup") return server::RunBackup(argc, argv);
  if (argc > 1 && absl::string_view(argv[1]) == "migrate") return server::RunMigrate(argc, argv);
  server::Settings settings;
  if (const auto exit_code = server::ReadSettings(argc, argv, &settings)) return *exit_code;
  StartLogging("musterd", LevelOf(settings.log_level));
  absl::Status status = InitializeCryptography();
  if (status.ok() && !settings.join_file.empty()) {
    std::error_code error;
    const std::filesystem::path dir = std::filesystem::absolute(settings.data_dir, error);
    if (!error) settings.data_dir = dir.lexically_normal().string();
    status = server::JoinCluster({settings.join_file, settings.data_dir, settings.master_key_file});
    if (status.ok()) {
      if (const auto exit_code = server::ReadEtcdSettings(&settings)) return *exit_code;
    }
  }
  if (status.ok()) status = server::RunControlPlane(settings);
  // One line on stderr, and 1.
  return status.ok() ? 0 : FailWith("musterd", status.message());
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) { return muster::Main(argc, argv); }
