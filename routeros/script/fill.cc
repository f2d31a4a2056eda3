// StrReplaceAll looks at each place once and never at what it has put in: a value that itself holds
// "@PIN@" stays as it is, within one call. A text that is filled in twice is looked at twice.
#include "routeros/script/fill.h"

#include "absl/strings/str_replace.h"

namespace muster::routeros {

std::string Fill(absl::string_view text,
                 const std::vector<std::pair<absl::string_view, std::string>>& values) {
  return absl::StrReplaceAll(text, values);
}

}  // namespace muster::routeros
