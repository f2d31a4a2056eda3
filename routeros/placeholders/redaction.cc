// What counts here is that a text never carries a value; that it may blank a word too many is the
// price.
#include "routeros/placeholders/redaction.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/text/clean.h"
#include "routeros/placeholders/placeholders.h"

namespace muster::routeros {
namespace {

// What people wrote in the script, so that an output reads as the script does.
std::string PlaceOf(const SecretValue& secret) {
  return absl::StrCat("{{secret:", secret.name, "}}");
}

using Replacement = std::pair<std::string, std::string>;

// What to look for, the longest first. In an output line ends stay, in an error they are spaces.
std::vector<Replacement> Wanted(const std::vector<SecretValue>& secrets) {
  std::vector<Replacement> wanted;
  for (const SecretValue& secret : secrets) {
    const absl::string_view value = secret.value.Reveal();
    // As it is; as the cleaner leaves it in an output and in an error, since the text was cleaned
    // before; and as the script has it (\XX), which an error message may quote.
    for (std::string form : {std::string(value), CleanText(value, LineBreaks::kKeep),
                             CleanText(value, LineBreaks::kToSpace),
                             ValueText(Place::kString, secret.name, value).value_or("")}) {
      if (form.size() < kShortestRedacted) continue;
      wanted.emplace_back(std::move(form), PlaceOf(secret));
    }
  }
  // The longest first: a value that is part of another must not break it up before it is found.
  std::stable_sort(wanted.begin(), wanted.end(), [](const auto& left, const auto& right) {
    return left.first.size() > right.first.size();
  });
  return wanted;
}

// The longest part of a value, from its one end, that stands at the other end of the text.
struct CutValue {
  size_t size = 0;
  std::string place;
};
CutValue FindCut(const std::vector<Replacement>& wanted, absl::string_view text, bool at_end) {
  CutValue longest;
  for (const auto& [value, place] : wanted) {
    const absl::string_view whole = value;
    // From the longest possible part downwards; shorter ones than the best so far are not tried.
    for (size_t size = std::min(whole.size(), text.size()); size >= kShortestRedacted; --size) {
      if (size <= longest.size) break;
      const bool found = at_end ? absl::EndsWith(text, whole.substr(0, size))
                                : absl::StartsWith(text, whole.substr(whole.size() - size));
      if (found) longest = {size, place};
    }
  }
  return longest;
}

// The agent keeps the end of a long output, and the beginning or the end of a long error.
void RedactCutEnds(const std::vector<Replacement>& wanted, std::string& text) {
  // The end before the beginning: a text shorter than the value may be both.
  if (const CutValue last = FindCut(wanted, text, true); last.size > 0) {
    text.resize(text.size() - last.size);
    text += last.place;
  }
  if (const CutValue first = FindCut(wanted, text, false); first.size > 0) {
    text.replace(0, first.size, first.place);
  }
}

}  // namespace

std::string RedactSecrets(absl::string_view text, bool cut,
                          const std::vector<SecretValue>& secrets) {
  std::string redacted(text);
  const std::vector<Replacement> wanted = Wanted(secrets);
  // Before whole values are replaced: a shorter value inside of a cut one would break it up.
  if (cut) RedactCutEnds(wanted, redacted);
  for (const Replacement& one : wanted) {
    redacted = absl::StrReplaceAll(redacted, {{one.first, one.second}});
  }
  return redacted;
}

}  // namespace muster::routeros
