// Begins a log in an etcd that holds none, for a state that exists already.
//
// Threads:  pure functions.
// Blocks:   some seconds at most, where etcd does not answer.
// Errors:   FailedPrecondition, with what to do, for an etcd that holds something of Muster, that
//           refuses this client or can't be reached.
// Example:  server/migration/migration_test.cc.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"
#include "server/command_log/etcd/grpc_etcd.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

// Ok where nothing of Muster lies there, or only the record that ClaimLog makes for `own`, and
// where this client may write; nothing is changed.
absl::Status CheckEtcdIsFree(Etcd& etcd, const EtcdLogOptions& options, const EtcdTerms& terms,
                             const Position& own);

// The log of this id goes on in etcd after this entry. Repeating is harmless.
absl::Status ClaimLog(Etcd& etcd, const EtcdLogOptions& options, const EtcdTerms& terms,
                      const Position& after);

// What the engine goes on from in a state that no entry of its log came to yet.
std::string BeginningNote();
// True where `note` is that.
bool IsBeginning(absl::string_view note);

}  // namespace muster::server
