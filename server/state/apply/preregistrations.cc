// Routers that were named before they join: rows by serial number, used up by the enrolment.
#include "server/state/apply/preregistrations.h"

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "server/state/apply/apply.h"

namespace muster::server {
namespace {

constexpr int kMaxPerCommand = 2'000;
constexpr size_t kMaxTextBytes = 256;
constexpr int kMaxLabels = 64;

bool IsSound(const internal::v1::Preregistration& one) {
  return !one.serial_number().empty() && one.serial_number().size() <= kMaxTextBytes &&
         one.display_name().size() <= kMaxTextBytes && one.site().size() <= kMaxTextBytes &&
         one.labels_size() <= kMaxLabels;
}

std::string NameOf(Database& db, uint64_t organization, absl::string_view serial) {
  return absl::StrCat(OrganizationName(db, organization), "/preregistrations/", serial);
}

}  // namespace

void UsePreregistration(ApplyContext& context, const DeviceCore& core, const std::string& serial) {
  if (serial.empty()) return;
  std::string display_name;
  std::string site;
  std::map<std::string, std::string> given;
  {
    Query query(context.db,
                "SELECT display_name, site, labels FROM preregistrations "
                "WHERE organization = ? AND serial = ?",
                KeyOf(core.organization), serial);
    if (!query.Step()) return;
    display_name = query.Text(0);
    site = query.Text(1);
    given = DecodeLabels(query.View(2));
  }
  // The claim's labels stay where the row says nothing.
  std::map<std::string, std::string> labels;
  {
    Query query(context.db, "SELECT labels FROM devices WHERE id = ?", KeyOf(core.id));
    if (query.Step()) labels = DecodeLabels(query.View(0));
  }
  for (const auto& [key, value] : given) labels[key] = value;
  context.db.Run(
      "UPDATE devices SET display_name = ?1, site = CASE WHEN ?2 = '' THEN site ELSE ?2 END, "
      "labels = ?3 WHERE id = ?4",
      display_name, site, Blob{EncodeLabels(labels)}, KeyOf(core.id));
  context.db.Run("DELETE FROM preregistrations WHERE organization = ? AND serial = ?",
                 KeyOf(core.organization), serial);
  WriteEvent(context, core.id, EventKind::kPreregistered,
             absl::StrCat("got the name, site and labels imported for serial number ", serial));
}

ApplyResult Apply(ApplyContext& context, const internal::v1::ImportDevices& command) {
  const uint64_t organization = command.organization_id();
  const std::string name = OrganizationName(context.db, organization);
  if (name.empty()) return UnknownThing("organization", "");
  if (command.devices().empty() || command.devices_size() > kMaxPerCommand) {
    return Malformed("import");
  }
  // All rows are looked at before the first is written: a refused command leaves nothing.
  std::set<std::string> serials;
  for (const internal::v1::Preregistration& one : command.devices()) {
    if (!IsSound(one) || !serials.insert(one.serial_number()).second) return Malformed("import");
  }
  for (const internal::v1::Preregistration& one : command.devices()) {
    std::map<std::string, std::string> labels;
    for (const internal::v1::Label& label : one.labels()) labels[label.key()] = label.value();
    context.db.Run(
        "INSERT OR REPLACE INTO preregistrations (organization, serial, display_name, site, "
        "labels, create_us) VALUES (?, ?, ?, ?, ?, ?)",
        KeyOf(organization), one.serial_number(), one.display_name(), one.site(),
        Blob{EncodeLabels(labels)}, context.now_us());
  }
  WriteAudit(
      context, name, organization,
      absl::StrCat("imported ", command.devices_size(), " routers that have not joined yet"));
  return ResultOf(organization);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::DeletePreregistration& command) {
  context.db.Run("DELETE FROM preregistrations WHERE organization = ? AND serial = ?",
                 KeyOf(command.organization_id()), command.serial_number());
  if (context.db.Changes() == 0) return UnknownThing("preregistration", command.serial_number());
  WriteAudit(context, NameOf(context.db, command.organization_id(), command.serial_number()),
             command.organization_id(), "deleted the preregistration");
  return ResultOf(command.organization_id());
}

}  // namespace muster::server
