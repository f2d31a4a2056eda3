// What RouterOS does, as far as the simulator claims to know it: one row per behaviour, in the 15
// groups of the device protocol's section on the simulator. Run by behaviour_table_test.cc and, on
// hardware, by the script that tests/real-router writes from it.
//
// A row that nobody has seen on hardware has a switch (Quirks by name): the row says what the
// simulator answers with it as it is, and with it the other way.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::simulator {

struct Behaviour {
  int group;
  absl::string_view name;  // a sentence
  // Versions to try it on, separated by commas; "" = one of each family. "<7.4" says where it ends
  // inside of a family.
  absl::string_view versions;
  // Pasted at a terminal. @URL@ stands for a plain web server with the files of BehaviourFiles.
  absl::string_view input;
  // What it prints, lines joined by "|"; "ERROR text" where it fails; "REFUSED" where it
  // doesn't load.
  absl::string_view expected;
  absl::string_view source;
  bool verified;                     // by a manual, a tree or a script tested on hardware
  absl::string_view quirk = {};      // the switch of an unverified row
  absl::string_view otherwise = {};  // the answer with the switch the other way
  // What happens first: `before` is pasted, then `act` done to the router from outside ("reboot",
  // "wait 10;power-loss", "upgrade 7.22.3" … : behaviour_runner.h). Rows with an act need a hand on
  // hardware; tests/real-router leaves them out and lists them.
  absl::string_view before = {};
  absl::string_view act = {};
};

const std::vector<Behaviour>& BehaviourTable();

// What the web server at @URL@ has; every other path is 404.
struct BehaviourFile {
  absl::string_view path;
  std::string contents;
};
const std::vector<BehaviourFile>& BehaviourFiles();

// The parts of the table.
std::vector<Behaviour> LanguageRows();
std::vector<Behaviour> TextRows();
std::vector<Behaviour> MenuRows();
std::vector<Behaviour> NetworkRows();
std::vector<Behaviour> LifeRows();

}  // namespace muster::simulator
