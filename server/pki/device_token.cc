#include "server/pki/device_token.h"

#include "common/status/status_macros.h"
#include "routeros/token/token.h"
#include "server/pki/device_secret.h"

namespace muster::server {

absl::StatusOr<Secret> IssueDeviceToken(const ClusterKeys& keys,
                                        const OrganizationKeys& organization_keys,
                                        const DeviceTokenTerms& terms,
                                        absl::string_view sealed_secret) {
  routeros::TokenContents contents;
  contents.device = terms.device;
  contents.organization = terms.organization;
  contents.epoch = terms.epoch;
  contents.issued_at = terms.issued_at;
  // The only place where a device's secret leaves its seal to become a token; it is wiped with
  // `contents`.
  ASSIGN_OR_RETURN(contents.secret,
                   OpenDeviceSecret(organization_keys, terms.device, sealed_secret));
  // The newest key seals; older ones open what is out there.
  return routeros::SealToken(keys.token_keys.back(), keys.cluster_id, contents);
}

}  // namespace muster::server
