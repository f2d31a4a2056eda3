// A diagnosis as the API shows it.
//
// Threads:  pure functions.
#pragma once

#include "absl/strings/string_view.h"
#include "muster/v1/device_service.pb.h"
#include "server/devices/diagnosis.h"

namespace muster::server {

// Without its open jobs. The findings are made here of the facts, so that what the answer shows and
// what it concludes come from the same reading. Contacts stay empty where the edge did not say
// them.
v1::DiagnoseDeviceResponse ToDiagnosis(const DiagnosisFacts& facts,
                                       absl::string_view organization_slug);

}  // namespace muster::server
