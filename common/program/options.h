// Settings of a program: flags, over environment variables, over a TOML file (--config).
//
// A flag --data-dir of a program with prefix MUSTERD is MUSTERD_DATA_DIR in the environment and
// data-dir = "..." in the file. Lists repeat the flag, are separated by commas in the environment
// and are arrays in the file.
//
// Threads:  not safe; used at the start of main.
// Errors:   Parse prints what is wrong and which setting to mend on stderr.
// Example:
//   Options options("muster-edge", "Edge proxy of Muster.", "MUSTER_EDGE", kExamples);
//   options.Required("data-dir", "folder of this edge's state", &data_dir);
//   if (std::optional<int> exit_code = options.Parse(argc, argv)) return *exit_code;
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster {

class Options {
 public:
  // `examples` ends the text of --help.
  Options(absl::string_view program, absl::string_view description,
          absl::string_view environment_prefix, absl::string_view examples);
  ~Options();

  // Each adds one setting; the target keeps its value as default and must outlive Parse.
  void Text(const std::string& name, const std::string& help, std::string* target);
  void Required(const std::string& name, const std::string& help, std::string* target);
  void List(const std::string& name, const std::string& help, std::vector<std::string>* target);
  // InvalidArgument outside of low..high.
  void Number(const std::string& name, const std::string& help, int64_t* target, int64_t low,
              int64_t high);
  void Switch(const std::string& name, const std::string& help, bool* target);

  // The file is shared with a larger program, which looks after misspelled names: what is not among
  // these settings is passed over.
  void ShareFile() { shares_file_ = true; }

  // Nullopt: go on. Else the code to exit with: 0 after --help and --version, 2 for wrong usage.
  std::optional<int> Parse(int argc, char** argv);

 private:
  struct Setting;
  Setting& Add(const std::string& name, const std::string& help);
  // Says what is wrong; the code to exit with.
  int UsageError(absl::string_view message) const;
  std::optional<int> ReadFlags(int argc, char** argv, std::string* config_path);
  absl::Status ReadFile(const std::string& path);
  absl::Status Take(Setting& setting, const std::string& config_path) const;

  std::string program_, description_, prefix_, examples_;
  std::vector<std::unique_ptr<Setting>> settings_;
  bool shares_file_ = false;
};

// "muster 0.1.0": what --version prints behind the program's name.
absl::string_view Version();

}  // namespace muster
