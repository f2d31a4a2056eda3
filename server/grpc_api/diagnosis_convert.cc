// The facts that DeviceDirectory collected become findings (server/devices/diagnosis) and a
// message. Words of routers and edges are cleaned once more here: they go to a terminal next.
#include "server/grpc_api/diagnosis_convert.h"

#include "common/text/clean.h"
#include "server/grpc_api/api_convert.h"

namespace muster::server {
namespace {

// Never of a time before 1970: contacts and deadlines are stamped by edges.
google::protobuf::Timestamp TimestampOf(int64_t time_us) {
  google::protobuf::Timestamp time;
  time.set_seconds(time_us / 1'000'000);
  time.set_nanos(static_cast<int32_t>(time_us % 1'000'000) * 1000);
  return time;
}

void FillContacts(const DeviceContacts& contacts, v1::DiagnoseDeviceResponse* out) {
  for (const DeviceContact& contact : contacts.contacts) {
    v1::RouterContact* row = out->add_contacts();
    row->set_kind(static_cast<v1::ContactKind>(contact.kind));
    *row->mutable_time() = TimestampOf(contact.time_us);
    row->set_http_status(static_cast<int32_t>(contact.http_status));
    row->set_reason(CleanText(contact.reason));
  }
  out->set_tls_version(contacts.tls_version);
  out->set_tls_cipher(contacts.tls_cipher);
  out->set_tls_group(contacts.tls_group);
  out->set_tls_resumed(contacts.tls_resumed);
}

}  // namespace

v1::DiagnoseDeviceResponse ToDiagnosis(const DiagnosisFacts& facts,
                                       absl::string_view organization_slug) {
  v1::DiagnoseDeviceResponse out;
  *out.mutable_device() = ToMessage(facts.device, organization_slug);
  for (const DeviceEvent& event : facts.events) {
    *out.mutable_device()->add_recent_events() = ToMessage(event);
  }
  for (const DiagnosisFinding& finding : Diagnose(facts)) {
    v1::Finding* row = out.add_findings();
    row->set_level(static_cast<v1::FindingLevel>(finding.level));
    row->set_code(finding.code);
    row->set_message(CleanText(finding.message));
    row->set_next_step(finding.next_step);
  }
  // Where the edge did not answer, Diagnose has made a finding of why; the lists stay empty.
  if (facts.contacts.ok()) FillContacts(*facts.contacts, &out);
  const DeviceStatus& status = facts.device.status;
  // A device that has never checked in has none.
  if (status.deadline_us != 0) *out.mutable_online_deadline() = TimestampOf(status.deadline_us);
  // Against the moment at which that clock was read, not against now: the router's next word may be
  // minutes away.
  const auto skew = ClockSkew(status.router_clock, absl::FromUnixMicros(status.last_check_in_us));
  if (skew.has_value()) out.mutable_clock_skew()->set_seconds(absl::ToInt64Seconds(*skew));
  // Not reported is not the same as none: no right is called missing then.
  if (facts.device.rights.empty()) return out;
  for (const std::string& right : HeldRights(facts.device.rights)) {
    out.add_rights(CleanText(right));
  }
  for (std::string& right : MissingRights(facts.device.rights, WantedRights(facts.device))) {
    out.add_missing_rights(std::move(right));
  }
  return out;
}

}  // namespace muster::server
