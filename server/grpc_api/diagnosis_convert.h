// A diagnosis as the API shows it.
//
// Threads:  pure functions.
#pragma once

#include "absl/strings/string_view.h"
#include "muster/v1/device_service.pb.h"
#include "server/devices/diagnosis.h"

namespace muster::server {

// Without its open jobs.
v1::DiagnoseDeviceResponse ToDiagnosis(const DiagnosisFacts& facts,
                                       absl::string_view organization_slug);

}  // namespace muster::server
