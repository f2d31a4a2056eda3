// What a script wants filled in, and whether the devices of a job have it.
//
// Threads:  a value after Read.
// Errors:   InvalidArgument for a placeholder of unknown form.
// Example:  tests/api/job_service_test.cc.
#pragma once

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/state/records.h"

namespace muster::server {

class JobTemplate {
 public:
  // Finds the placeholders of a script; one without any is good for every device.
  static absl::StatusOr<JobTemplate> Read(absl::string_view script);

  // Names of variables ("label.vlan"), and whether one stands in a bare word somewhere.
  const std::map<std::string, bool>& variables() const { return variables_; }
  // Names without "secret:".
  const std::set<std::string>& secrets() const { return secrets_; }
  // Those of them that are part of a bare word somewhere, where not every value can stand.
  const std::set<std::string>& secrets_in_words() const { return secrets_in_words_; }

  // The script as the device gets it, but for secrets. NotFound where it lacks a value,
  // FailedPrecondition where one can't stand in its place; the message says it for people.
  // With values of now, so it says what would happen; the values that count are taken when a number
  // is given.
  absl::StatusOr<std::string> For(const Device& device) const;

 private:
  std::string script_;
  std::map<std::string, bool> variables_;
  std::set<std::string> secrets_;
  std::set<std::string> secrets_in_words_;
};

}  // namespace muster::server
