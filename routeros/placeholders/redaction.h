// Takes the values of {{secret:NAME}} out of what a router answers. Both sides of the stream do it:
// the edge that holds the job, so that a value goes no further than there; and the control plane,
// since a result may come through an edge that never held the job or has forgotten it.
//
// It finds a value as it is, not what a script made of it: base64 of a password passes.
//
// Threads:  pure functions. The values are never logged.
// Example:  redaction_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster::routeros {

struct SecretValue {
  std::string name;
  Secret value;
};

// Shorter values are not looked for: they would blank ordinary words.
inline constexpr size_t kShortestRedacted = 4;

// The text with {{secret:NAME}} in place of the values, longer ones first: as they are, as scripts
// write them, and as the cleaner makes them. Where `cut`, the beginning of a value at the text's
// end counts too, and the end of a value at its beginning.
std::string RedactSecrets(absl::string_view text, bool cut,
                          const std::vector<SecretValue>& secrets);

}  // namespace muster::routeros
