// RouterOS versions as the simulator compares them, and the switches for behaviours that nobody
// has yet seen on hardware.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::simulator {

struct RouterVersion {
  int major = 7;
  int minor = 20;
  int patch = 8;
  std::string text = "7.20.8";

  bool AtLeast(int want_major, int want_minor) const {
    return major > want_major || (major == want_major && minor >= want_minor);
  }
  bool IsV6() const { return major < 7; }
};

// "6.49.10", "7.8", "7.21beta3". InvalidArgument below 6.40 and from 8.
absl::StatusOr<RouterVersion> ParseRouterVersion(absl::string_view text);

// Unverified rows of the behaviour table. Tests run with each of them both ways.
struct Quirks {
  // `&&` and `||` leave the right side alone where the left side decides.
  bool short_circuit = false;
  // `("1" = 1)` compares the texts instead of being false.
  bool equal_across_types = false;
  // `($unset = "")` is true.
  bool nothing_equals_empty = false;
  // The dot binds tighter than plus and minus.
  bool dot_before_plus = false;
  // `print as-value` of a settings menu gives a list with one map.
  bool settings_as_value_is_list = false;
  // A bare `[$f a]` statement runs f once more without arguments.
  bool bare_bracket_runs_twice = true;
  // `[:execute … as-string]` raises what its text raised instead of answering the error's text.
  bool as_string_raises = false;
  // Globals are hidden from and refused to a script without policy `policy`.
  bool globals_need_policy = false;
  // `:find` that finds nothing answers -1 (as :find did on early versions) instead of nil.
  bool find_answers_minus_one = false;
  // `:tonum`, `:toip` and the like answer nil for text that they can't read; off: nothing.
  bool conversions_answer_nil = true;
  // `/import` runs line by line; off: the file is read whole first.
  bool import_line_by_line = true;
  // A call of `[:len]` on a number measures its digits; off: it is 0.
  bool len_of_number_counts_digits = true;
  // Reading a hidden property (a password) needs policy `sensitive`.
  bool hidden_needs_sensitive = true;
  // A script that the scheduler or :execute started is listed twice in /system script job: once for
  // who started it, once for itself.
  bool jobs_listed_twice = false;
  // The scheduler starts an entry whose owner is no user any more.
  bool ownerless_entries_run = false;
  // A power loss takes nothing back.
  bool flash_at_once = false;
  // A file that a full flash can't take is dropped without a word.
  bool full_flash_is_silent = false;
  // A clock that is set ahead makes the scheduler fire what it passed.
  bool clock_jump_fires = false;
  // v6 gives a reply whole, as v7 does.
  bool v6_reply_whole = false;
  // v6 replies are cut at this many bytes with output=user.
  int v6_reply_bytes = 4096;
};

}  // namespace muster::simulator
