// `muster device find`: devices by any name that somebody may have on a label, an invoice or a
// screenshot.
//
// Threads:  pure functions.
// Example:  device_find_test.cc.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "cli/commands/command.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

Command DeviceFindCommand();

// The filter for what holds `text` in its name, id, identity, serial number, address or MAC
// address, that in any notation.
std::string FindFilter(absl::string_view text);

// "48:a9:8a:00:11:22" of "48A98A001122", "48-a9-8a-00-11-22" or "48a9.8a00.1122", or the part of
// it that `text` holds; empty for what is no MAC address of at least two bytes.
std::string MacPart(absl::string_view text);

// Where `text` was found: "serial", "mac,identity" ...
std::string FoundIn(const muster::v1::Device& device, absl::string_view text);

}  // namespace muster::cli
