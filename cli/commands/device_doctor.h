// `muster device doctor`: what is wrong with a device and what to do about it.
//
// The server finds what is wrong; here it is only shown, so that other clients see the same.
#pragma once

#include "absl/time/time.h"
#include "cli/commands/command.h"
#include "muster/v1/device_service.pb.h"

namespace muster::cli {

Command DeviceDoctorCommand();

// The findings, what they were found in, the last calls and the open jobs. `answer` must outlive
// the printing.
Report DoctorReport(const muster::v1::DiagnoseDeviceResponse& answer, absl::Time now);

}  // namespace muster::cli
