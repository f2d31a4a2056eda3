#include "server/jobs/job_template.h"

#include "common/status/status_macros.h"
#include "routeros/placeholders/placeholders.h"
#include "server/errors/errors.h"
#include "server/state/script_variables.h"

namespace muster::server {

absl::StatusOr<JobTemplate> JobTemplate::Read(absl::string_view script) {
  JobTemplate result;
  result.script_ = std::string(script);
  const auto found = routeros::FindPlaceholders(script);
  if (!found.ok()) return BadField("script", found.status());
  for (const routeros::Placeholder& one : *found) {
    if (const auto secret = routeros::SecretNameOf(one.name)) {
      result.secrets_.insert(*secret);
      if (one.place == routeros::Place::kWord) result.secrets_in_words_.insert(*secret);
    } else {
      // One place in a bare word is enough: the value must fit everywhere it stands.
      bool& in_word = result.variables_[one.name];
      in_word = in_word || one.place == routeros::Place::kWord;
    }
  }
  return result;
}

absl::StatusOr<std::string> JobTemplate::For(const Device& device) const {
  if (variables_.empty()) return script_;
  const VariableSource source{device.id.value, device.display_name, device.identity, device.site,
                              device.labels};
  // Asked one by one first, since the filling would say only that something is missing.
  for (const auto& [name, in_word] : variables_) {
    if (!ValueOfVariable(source, name).has_value()) {
      return absl::NotFoundError(MissingVariable(name));
    }
  }
  return routeros::FillPlaceholders(
      // Secrets stay as they are: their values are filled in at the edge.
      script_, [](absl::string_view name) { return !routeros::SecretNameOf(name).has_value(); },
      [&](absl::string_view name) { return ValueOfVariable(source, name); });
}

}  // namespace muster::server
