// What a board is told apart by. The serial number is burnt in; a software id stands for an
// installation on a disk (x86, CHR), which a copied disk shares; a MAC can be set by hand and is
// the last resort.
#include "server/state/hardware.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster::server {

std::string HardwareOf(const internal::v1::Facts& facts) {
  if (!facts.serial_number().empty()) return absl::StrCat("serial ", facts.serial_number());
  if (!facts.software_id().empty()) return absl::StrCat("software-id ", facts.software_id());
  if (!facts.mac_address().empty()) {
    return absl::StrCat("mac ", absl::BytesToHexString(facts.mac_address()));
  }
  return "";
}

bool IsOtherHardware(absl::string_view accepted, absl::string_view reported) {
  // A board that reports less in one beat (a small body, a failed command) is compared with
  // nothing.
  const absl::string_view kind = accepted.substr(0, accepted.find(' '));
  return !kind.empty() && kind == reported.substr(0, reported.find(' ')) && accepted != reported;
}

}  // namespace muster::server
