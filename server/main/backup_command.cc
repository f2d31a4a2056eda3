#include "server/main/backup_command.h"

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/clock/clock.h"
#include "common/log/log.h"
#include "common/program/options.h"
#include "common/program/process.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "server/backup/backup_files.h"
#include "server/backup/create_backup.h"
#include "server/backup/restore_backup.h"
#include "server/main/etcd_settings.h"
#include "server/main/root_key.h"
#include "server/main/settings.h"
#include "server/pki/master_key.h"

namespace muster::server {
namespace {

constexpr absl::string_view kUsage =
    "Backups of a control plane, made and used on its own machine.\n"
    "\n"
    "  musterd backup create FILE --data-dir DIR    while musterd runs or stands still\n"
    "  musterd backup verify FILE                   is it undamaged, and (with the key) "
    "authentic?\n"
    "  musterd backup restore FILE --data-dir DIR   into a new or empty folder\n"
    "\n"
    "Each has --help. A backup opens only with the master key of its installation\n"
    "(DIR.master-key, or --master-key-file), which is in no backup: keep a copy of it apart.\n";

constexpr absl::string_view kCreateExamples =
    "Examples:\n"
    "  musterd backup create /backup/muster-monday --data-dir /var/lib/muster\n"
    "Run it as the user of musterd. It makes a copy of the state in the data directory first, "
    "which\n"
    "is removed at the end; --copy-dir names another place. FILE must not be there yet.\n";

constexpr absl::string_view kVerifyExamples =
    "Examples:\n"
    "  musterd backup verify /backup/muster-monday --master-key-file /safe/muster.master-key\n"
    "  musterd backup verify /backup/muster-monday\n"
    "Without the key it finds damage, but not what somebody has altered on purpose.\n";

constexpr absl::string_view kRestoreExamples =
    "Examples:\n"
    "  musterd backup restore /backup/muster-monday --data-dir /var/lib/muster\n"
    "  musterd backup restore /backup/node-2 --data-dir /var/lib/muster --as-node\n"
    "  musterd backup restore /backup/muster-monday --data-dir /var/lib/muster --etcd "
    "http://10.0.0.1:2379\n"
    "The master key must lie at DIR.master-key, or be named. Stop the musterd that the backup is\n"
    "of: two of one installation would both give jobs to its routers. Jobs that waited are held.\n";

struct BackupSettings {
  // Which etcd a restore goes into; of the others unused.
  Settings etcd;
  bool one_node = false;
  std::string file;
  std::string data_dir;
  std::string master_key_file;
  std::string copy_dir;
  bool as_node = false;
};

// FILE may stand alone: behind it the flag's name is put before it.
std::vector<std::string> WithFileFlag(int argc, char** argv) {
  std::vector<std::string> words;
  bool is_value = false;
  for (int i = 3; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (!is_value && !absl::StartsWith(word, "-")) words.push_back("--file");
    is_value = !is_value && absl::StartsWith(word, "--") && !absl::StrContains(word, "=") &&
               word != "--help" && word != "--version" && word != "--as-node" &&
               word != "--one-node";
    words.emplace_back(word);
  }
  return words;
}

std::optional<int> Parse(int argc, char** argv, Options& options) {
  std::vector<std::string> words = WithFileFlag(argc, argv);
  words.insert(words.begin(), argv[0]);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return options.Parse(static_cast<int>(pointers.size()), pointers.data());
}

void AddDataDir(Options& options, const char* help, BackupSettings& settings) {
  options.Required("data-dir", help, &settings.data_dir);
}

void AddKeyFile(Options& options, const char* standard, BackupSettings& settings) {
  options.Text("master-key-file", absl::StrCat("the installation's master key", standard),
               &settings.master_key_file);
}

// So that the folder that holds it can be told.
void DropSlashes(std::string& path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
}

std::string TimeText(int64_t time_us) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixMicros(time_us),
                          absl::UTCTimeZone());
}

void Line(absl::string_view what, absl::string_view value) {
  std::cout << "  " << what << std::string(14 - what.size(), ' ') << value << "\n";
}

// The file may be anybody's: its text is cleaned before it comes to a terminal.
void Describe(const CheckedBackup& backup) {
  const BackupManifest& manifest = backup.manifest;
  Line("backup", absl::BytesToHexString(manifest.backup_id()));
  Line("installation", absl::BytesToHexString(manifest.cluster_id()));
  Line("made", TimeText(manifest.create_time_us()));
  Line("state", absl::StrCat("log index ", manifest.log_index(), ", ", manifest.device_count(),
                             " devices, schema ", manifest.schema_version(), ", by musterd ",
                             CleanText(manifest.program_version())));
  Line("size", absl::StrCat(FormatSize(backup.file_bytes), " (state ",
                            FormatSize(manifest.state_bytes()), ")"));
}

absl::Status Create(const BackupSettings& settings) {
  CreateBackupTerms terms;
  terms.data_dir = settings.data_dir;
  terms.master_key_file = settings.master_key_file;
  terms.file = settings.file;
  terms.copy_dir = settings.copy_dir;
  terms.program_version = std::string(Version());
  terms.wants_end = SignalIsPending;
  ASSIGN_OR_RETURN(const CheckedBackup made, CreateBackup(terms, SystemClock()));
  std::cout << settings.file << ": backup made\n";
  Describe(made);
  std::cout << "It opens only with the master key in "
            << MasterKeyFile(settings.data_dir, settings.master_key_file)
            << ":\nkeep a copy of that apart from the backups.\n";
  return absl::OkStatus();
}

absl::Status Verify(const BackupSettings& settings) {
  std::optional<BackupKeys> keys;
  if (!settings.master_key_file.empty()) {
    ASSIGN_OR_RETURN(const std::vector<Secret> masters, ReadMasterKeys(settings.master_key_file));
    ASSIGN_OR_RETURN(keys, BackupKeysFor(settings.file, masters));
  }
  ASSIGN_OR_RETURN(
      const CheckedBackup found,
      VerifyBackup(settings.file, keys.has_value() ? &*keys : nullptr, SignalIsPending));
  std::cout << settings.file << (found.is_authentic ? ": whole and authentic\n" : ": undamaged\n");
  Describe(found);
  if (!found.is_authentic) {
    std::cout << "Whether somebody has altered it can't be told without the master key: name it "
                 "with\n--master-key-file.\n";
  }
  return absl::OkStatus();
}

absl::Status Restore(const BackupSettings& settings) {
  RestoreTerms terms;
  terms.file = settings.file;
  terms.data_dir = settings.data_dir;
  terms.master_key_file = settings.master_key_file;
  terms.as_node = settings.as_node;
  ASSIGN_OR_RETURN(terms.etcd, EtcdTermsOf(settings.etcd));
  terms.make_root_key = MakeRootKey;
  terms.wants_end = SignalIsPending;
  ASSIGN_OR_RETURN(const Restored restored, RestoreBackup(terms, SystemClock()));
  if (settings.as_node) {
    std::cout
        << settings.data_dir << ": a node's state, up to log index " << restored.position.index
        << "\nStart it now with --etcd: it reads on from there, if that is not older than what "
           "etcd keeps\n(10 minutes or 512 MiB).\n";
    return absl::OkStatus();
  }
  std::cout << settings.data_dir << ": restored\n";
  Line("backup", absl::BytesToHexString(restored.manifest.backup_id()));
  Line("made", TimeText(restored.manifest.create_time_us()));
  Line("devices", absl::StrCat(restored.manifest.device_count()));
  Line("jobs held", absl::StrCat("on ", restored.held_devices, " devices"));
  Line("agents", absl::StrCat(restored.cancelled_upgrades, " upgrades cancelled"));
  Line("root key", restored.root_key_file);
  const std::string key_flag =
      settings.master_key_file.empty() ? "" : " --master-key-file " + settings.master_key_file;
  std::cout
      << "What to do next:\n"
         "  musterd --data-dir "
      << settings.data_dir << key_flag << (terms.etcd.urls.empty() ? "" : " --etcd ...")
      << " ...     never beside the musterd that the backup is of\n"
         "  muster device list      wait until the routers are online\n"
         "  muster job list --held  what waited; it may have run since the backup was made\n"
         "  muster job release ID   lets it go on; muster job cancel ID drops it\n"
         "Keys, edges and tokens that were revoked since the backup are valid again: revoke them\n"
         "once more. Devices and edges that joined since are unknown: let them join again.\n";
  return absl::OkStatus();
}

std::optional<int> ParseVerb(absl::string_view verb, int argc, char** argv,
                             BackupSettings& settings) {
  const std::string program = absl::StrCat("musterd backup ", verb);
  const bool creates = verb == "create";
  Options options(program,
                  creates            ? "Makes a backup of the state, while musterd goes on or not."
                  : verb == "verify" ? "Checks a backup from its beginning to its end."
                                     : "Makes an installation out of a backup.",
                  "MUSTERD",
                  creates            ? kCreateExamples
                  : verb == "verify" ? kVerifyExamples
                                     : kRestoreExamples);
  options.Required("file", "the backup; the flag's name may be left out", &settings.file);
  if (verb == "verify") {
    AddKeyFile(options, "", settings);
  } else {
    AddDataDir(options, creates ? "folder of the state" : "folder to restore into; absent or empty",
               settings);
    AddKeyFile(options, " [DATA-DIR.master-key]", settings);
  }
  if (creates) {
    options.Text("copy-dir", "where a copy of the state lies meanwhile [DATA-DIR]",
                 &settings.copy_dir);
  }
  if (verb == "restore") {
    options.Switch(
        "as-node",
        "as a further node of the running cluster that the backup is of; nothing is held",
        &settings.as_node);
    AddEtcdOptions(
        options,
        "URLs of an etcd without keys of Muster, in which the log shall go on [none: one "
        "node]",
        &settings.etcd);
    options.Switch("one-node", "leaves etcd out, whatever environment and file say",
                   &settings.one_node);
  }
  options.ShareFile();
  if (const std::optional<int> exit_code = Parse(argc, argv, options)) return exit_code;
  DropSlashes(settings.data_dir);
  const std::string problem = FinishEtcdOptions(&settings.etcd);
  // What a cluster's node reads from its file names an etcd that is not empty.
  if (settings.as_node || settings.one_node) settings.etcd = Settings();
  if (problem.empty()) return std::nullopt;
  std::cerr << program << ": " << problem << "; see " << program << " --help\n";
  return 2;
}

}  // namespace

int RunBackup(int argc, char** argv) {
  const absl::string_view verb = argc > 2 ? argv[2] : "";
  if (verb == "--help" || verb == "-h" || verb == "help") {
    std::cout << kUsage;
    return 0;
  }
  if (verb != "create" && verb != "verify" && verb != "restore") {
    std::cerr << "musterd backup: "
              << (verb.empty() ? "create, verify or restore is missing"
                               : absl::StrCat("\"", CleanText(verb),
                                              "\" is none of create, verify and restore"))
              << "; see musterd backup --help\n";
    return 2;
  }
  BackupSettings settings;
  if (const auto exit_code = ParseVerb(verb, argc, argv, settings)) return *exit_code;
  StartLogging("musterd", LogLevel::kWarning);
  absl::Status status = InitializeCryptography();
  if (status.ok()) {
    status = verb == "create"   ? Create(settings)
             : verb == "verify" ? Verify(settings)
                                : Restore(settings);
  }
  return status.ok() ? 0 : FailWith(absl::StrCat("musterd backup ", verb), status.message());
}

}  // namespace muster::server
