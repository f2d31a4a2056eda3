// The flags that say which etcd, which musterd and its commands share.
//
// Threads:  pure functions.
// Errors:   EtcdTermsOf: FailedPrecondition for a password file that others can read.
// Example:  settings.cc, migrate_command.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/program/options.h"
#include "server/command_log/etcd/grpc_etcd.h"
#include "server/main/settings.h"

namespace muster::server {

// `help` is that of --etcd itself.
void AddEtcdOptions(Options& options, const std::string& help, Settings* settings);

// After Parse: one flag may name several members. What is wrong with them together; empty: nothing.
std::string FinishEtcdOptions(Settings* settings);

absl::StatusOr<EtcdTerms> EtcdTermsOf(const Settings& settings);

}  // namespace muster::server
