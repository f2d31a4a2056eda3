#include "server/edges/result_redaction.h"

#include <vector>

#include "absl/status/statusor.h"
#include "common/log/log.h"
#include "routeros/placeholders/redaction.h"
#include "server/pki/organization_keys.h"
#include "server/state/script_variables.h"

namespace muster::server {
namespace {

absl::StatusOr<std::vector<routeros::SecretValue>> OpenAll(const State& state, const Secret& master,
                                                           const SealedJobSecrets& sealed) {
  std::vector<routeros::SecretValue> secrets;
  for (const SealedJobSecret& one : sealed.secrets) {
    absl::StatusOr<Secret> value =
        OpenOfOrganization(state, master, SecretContext(sealed.organization, one.name), one.sealed);
    if (!value.ok()) return value.status();
    secrets.push_back({one.name, *std::move(value)});
  }
  return secrets;
}

}  // namespace

void RedactResults(const State& state, const Secret& master, internal::v1::EdgeBatch& batch) {
  for (internal::v1::JobResult& result : *batch.mutable_job_results()) {
    if (result.output().empty() && result.error().empty()) continue;
    const DeviceId device{result.device_id()};
    const SealedJobSecrets sealed = state.FindJobSecrets(device, result.number());
    if (sealed.secrets.empty()) continue;
    const auto secrets = OpenAll(state, master, sealed);
    if (!secrets.ok()) {
      // What can't be looked for can't be shown either; how the job ended is kept.
      LogWarning("edges", "the output of a job was dropped, since its secrets don't open",
                 {{"device", FormatId(device)}, {"why", std::string(secrets.status().message())}});
      result.clear_output();
      result.clear_error();
      continue;
    }
    result.set_output(routeros::RedactSecrets(result.output(), result.cut(), *secrets));
    // An error may have been cut at either end by the agent, without a sign of it.
    result.set_error(routeros::RedactSecrets(result.error(), true, *secrets));
  }
}

}  // namespace muster::server
