// What RouterOS does, as far as the simulator claims to know it: one row per behaviour, run by
// behaviour_table_test.cc and printed for a comparison with hardware by tests/real-router.
//
// A row that nobody has seen on hardware has a switch (Quirks by name): the row says what the
// simulator answers with it as it is, and with it the other way.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"

namespace muster::simulator {

struct Behaviour {
  int group;                   // of device-protocol.md section 8
  absl::string_view name;      // a sentence
  absl::string_view versions;  // comma list; "" = one of each family
  absl::string_view input;     // pasted at a terminal
  // What it prints, lines joined by "|"; "ERROR text" where it fails; "REFUSED" where it
  // doesn't load.
  absl::string_view expected;
  absl::string_view source;
  bool verified;                     // by a manual, a tree or a script tested on hardware
  absl::string_view quirk = {};      // the switch of an unverified row
  absl::string_view otherwise = {};  // the answer with the switch the other way
};

const std::vector<Behaviour>& BehaviourTable();

}  // namespace muster::simulator
