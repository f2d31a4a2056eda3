#include "server/edges/job_filling.h"

#include <utility>

#include "common/log/log.h"
#include "routeros/placeholders/placeholders.h"
#include "server/pki/organization_keys.h"
#include "server/state/script_variables.h"

namespace muster::server {
namespace {

bool Refuse(const EdgeJob& job, const absl::Status& why) {
  LogWarning("edges", "a job can't be filled in, and does not go out",
             {{"job", FormatId(job.job)},
              {"device", FormatId(job.device)},
              {"why", std::string(why.message())}});
  return false;
}

}  // namespace

bool FillIn(const State& state, const Secret& master, EdgeJob& job) {
  // The values that were taken with the number, not those of now: a text that was given once stays.
  if (!job.variables.empty()) {
    auto filled = routeros::FillPlaceholders(
        job.script,
        [](absl::string_view name) { return !routeros::SecretNameOf(name).has_value(); },
        [&](absl::string_view name) -> std::optional<std::string> {
          const auto found = job.variables.find(std::string(name));
          if (found == job.variables.end()) return std::nullopt;
          return found->second;
        });
    if (!filled.ok()) return Refuse(job, filled.status());
    job.script = *std::move(filled);
  }
  for (const SealedJobSecret& secret : job.sealed_secrets) {
    absl::StatusOr<Secret> value =
        // As it is now: a secret that was changed counts for what has not been sent.
        OpenOfOrganization(state, master, SecretContext(job.organization, secret.name),
                           secret.sealed);
    if (!value.ok()) return Refuse(job, value.status());
    job.secrets.push_back({secret.name, *std::move(value)});
  }
  job.sealed_secrets.clear();
  return true;
}

}  // namespace muster::server
