#include "edge-proxy/jobs/job_secrets.h"

#include <optional>

#include "routeros/placeholders/placeholders.h"

namespace muster::edge {

absl::StatusOr<std::string> FillSecrets(absl::string_view script,
                                        const std::vector<JobSecret>& secrets) {
  if (secrets.empty()) return std::string(script);
  const auto value_of = [&secrets](absl::string_view placeholder) -> std::optional<std::string> {
    // Labels and device fields were filled in by the control plane, so only secrets are wanted
    // here.
    const std::optional<std::string> name = routeros::SecretNameOf(placeholder);
    for (const JobSecret& secret : secrets) {
      if (name == secret.name) return std::string(secret.value.Reveal());
    }
    return std::nullopt;
  };
  return routeros::FillPlaceholders(
      script, [&](absl::string_view name) { return value_of(name).has_value(); }, value_of);
}

}  // namespace muster::edge
