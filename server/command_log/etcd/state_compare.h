// Whether nodes that applied the same entries have the same state, by the hashes in their reports.
//
// Threads:  pure function.
// Example:  state_compare_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "muster/internal/v1/member_report.pb.h"

namespace muster::server {

struct StateVerdict {
  enum class Kind {
    // There is no other node to compare with, or one that will decide has not come so far yet.
    kNothing,
    // All that can be compared are equal.
    kAgrees,
    // Another node's state differs, and most nodes have this one's.
    kMajority,
    // States differ, and no state is that of most of three or more.
    kUndecided,
    // Most nodes have another state than this one.
    kMinority,
  };

  Kind kind = Kind::kNothing;
  // The entry after which they were compared.
  uint64_t index = 0;
  // The newest entry after which this node's state was that of all with which it can be compared
  // there; 0: none.
  uint64_t agreed_index = 0;
  // Where states differ: whose, for people.
  std::string reason;
};

// `own` beside what all nodes reported (also this one, which is left out). Reports count also of
// nodes that are gone: what they had at an entry stays true. Of another log, or with hashes of
// another version, they don't.
StateVerdict CompareStates(const internal::v1::MemberReport& own,
                           const std::vector<internal::v1::MemberReport>& reports, absl::Time now);

}  // namespace muster::server
