#include "tests/router_simulator/quirk_names.h"

#include "absl/strings/str_cat.h"

namespace muster::simulator {

const std::vector<NamedQuirk>& AllQuirks() {
  static const auto* const kAll = new std::vector<NamedQuirk>{
      {"short-circuit", &Quirks::short_circuit},
      {"equal-across-types", &Quirks::equal_across_types},
      {"nothing-equals-empty", &Quirks::nothing_equals_empty},
      {"dot-before-plus", &Quirks::dot_before_plus},
      {"settings-as-list", &Quirks::settings_as_value_is_list},
      {"bare-bracket-once", &Quirks::bare_bracket_runs_twice},
      {"as-string-raises", &Quirks::as_string_raises},
      {"globals-need-policy", &Quirks::globals_need_policy},
      {"find-minus-one", &Quirks::find_answers_minus_one},
      {"conversions-give-nothing", &Quirks::conversions_answer_nil},
      {"import-whole", &Quirks::import_line_by_line},
      {"len-of-number-zero", &Quirks::len_of_number_counts_digits},
      {"hidden-needs-no-sensitive", &Quirks::hidden_needs_sensitive},
      {"jobs-listed-twice", &Quirks::jobs_listed_twice},
      {"flash-at-once", &Quirks::flash_at_once},
      {"full-flash-is-silent", &Quirks::full_flash_is_silent},
      {"clock-jump-fires", &Quirks::clock_jump_fires},
      {"v6-reply-whole", &Quirks::v6_reply_whole},
      {"ownerless-entries-run", &Quirks::ownerless_entries_run},
  };
  return *kAll;
}

std::string QuirkNames() {
  std::string text;
  for (const NamedQuirk& quirk : AllQuirks()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", quirk.name);
  }
  return text;
}

bool FlipQuirk(absl::string_view name, Quirks* quirks) {
  for (const NamedQuirk& quirk : AllQuirks()) {
    if (quirk.name != name) continue;
    quirks->*quirk.field = !(quirks->*quirk.field);
    return true;
  }
  return false;
}

}  // namespace muster::simulator
