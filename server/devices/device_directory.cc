// Finding, listing and changing devices of one organization. Every read ends in Find or in a scan
// by organization, so that no path leads to a stranger's device.
#include "server/devices/device_directory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "routeros/script/reported_agent.h"
#include "server/access/resource_names.h"
#include "server/devices/device_match.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr size_t kLargestNameBytes = 128;
constexpr size_t kLargestNotesBytes = 4096;
constexpr size_t kScanChunk = 1000;
// Somebody waits at a terminal; an edge answers from memory within milliseconds or not at all.
constexpr absl::Duration kContactPatience = absl::Seconds(3);
constexpr size_t kDiagnosedEvents = 20;
constexpr size_t kDiagnosedTargets = 100;

// Limits of people's own words; apply has wider ones, against damage.
absl::Status CheckEdit(const DeviceEdit& edit) {
  if (edit.display_name.has_value()) {
    RETURN_IF_ERROR(CheckText("device.display_name", *edit.display_name, kLargestNameBytes, false));
  }
  if (edit.notes.has_value()) {
    RETURN_IF_ERROR(CheckText("device.notes", *edit.notes, kLargestNotesBytes, true));
  }
  if (edit.site.has_value()) {
    RETURN_IF_ERROR(CheckText("device.site", *edit.site, kLargestNameBytes, false));
  }
  if (edit.all_labels.has_value()) RETURN_IF_ERROR(CheckLabels("device.labels", *edit.all_labels));
  return CheckLabels("device.labels", edit.set_labels);
}

void AddLabel(const std::pair<const std::string, std::string>& label, internal::v1::Label* out) {
  out->set_key(label.first);
  out->set_value(label.second);
}

void FillUpdate(const DeviceEdit& edit, internal::v1::UpdateDevice* update) {
  update->set_expected_etag(edit.expected_etag);
  if (edit.display_name.has_value()) update->set_display_name(*edit.display_name);
  if (edit.notes.has_value()) update->set_notes(*edit.notes);
  if (edit.site.has_value()) update->set_site(*edit.site);
  if (edit.all_labels.has_value()) {
    // An empty list may mean "none at all", which the list alone could not say.
    update->set_replace_labels(true);
    for (const auto& label : *edit.all_labels) AddLabel(label, update->add_labels());
  }
  for (const auto& label : edit.set_labels) AddLabel(label, update->add_set_labels());
  for (const std::string& key : edit.remove_labels) update->add_remove_labels(key);
  update->set_release_hold(edit.release_hold);
}

// The device as the edit would leave it.
// The same order as in apply: replace, set, remove.
Device Edited(Device device, const DeviceEdit& edit) {
  if (edit.display_name.has_value()) device.display_name = *edit.display_name;
  if (edit.notes.has_value()) device.notes = *edit.notes;
  if (edit.site.has_value()) device.site = *edit.site;
  if (edit.all_labels.has_value()) device.labels = *edit.all_labels;
  for (const auto& [key, value] : edit.set_labels) device.labels[key] = value;
  for (const std::string& key : edit.remove_labels) device.labels.erase(key);
  if (edit.release_hold) device.jobs_held = false;
  return device;
}

// Ok, or Aborted where somebody expects another version.
absl::Status CheckEtag(const OrganizationScope& scope, const Device& device,
                       absl::string_view expected) {
  if (expected.empty() || expected == device.etag) return absl::OkStatus();
  return StaleEtag(FormatChildName(scope.slug(), "devices", device.id.value));
}

// By the order that was asked for, then by id: no two devices have one key.
std::string KeyOf(const Order& order, const Device& device) {
  SortKey key;
  for (const auto& [field, descending] : order.parts()) {
    if (field == "display_name") key.AddText(device.display_name, descending);
    if (field == "identity") key.AddText(device.identity, descending);
    if (field == "site") key.AddText(device.site, descending);
    if (field == "model") key.AddText(device.board, descending);
    if (field == "routeros_version") key.AddVersion(device.routeros_version, descending);
    if (field == "create_time") key.AddNumber(device.create_time_us, descending);
    if (field == "name") key.AddText(FormatId(device.id), descending);
    if (field == "status.last_check_in_time") {
      key.AddNumber(device.status.last_check_in_us, descending);
    }
  }
  return std::move(key).Finish(device.id.value);
}

constexpr size_t kMostUrls = 4;
constexpr size_t kLongestUrl = 256;

}  // namespace

absl::Status CheckAgentUrls(absl::string_view field, const std::vector<std::string>& urls) {
  if (urls.size() > kMostUrls) return BadField(field, "wants at most 4");
  for (const std::string& url : urls) {
    if (!absl::StartsWith(url, "https://") || url.size() > kLongestUrl ||
        url.find_first_of(" \"\\$\r\n\t?#") != std::string::npos) {
      return BadField(field, "wants the form https://HOST[:PORT]");
    }
  }
  return absl::OkStatus();
}

const std::vector<absl::string_view>& DeviceOrderFields() {
  // Never destroyed: threads may list until the very end.
  static const auto* fields = new std::vector<absl::string_view>{
      "name",  "display_name",     "identity",    "site",
      "model", "routeros_version", "create_time", "status.last_check_in_time"};
  return *fields;
}

absl::StatusOr<Device> DeviceDirectory::Find(const OrganizationScope& scope, DeviceId id) const {
  std::optional<Device> device = state_.FindDevice(id);
  // One answer for "none" and "not yours".
  if (!device.has_value() || device->organization != scope.id()) {
    return UnknownResource(FormatChildName(scope.slug(), "devices", id.value));
  }
  return *std::move(device);
}

absl::StatusOr<Device> DeviceDirectory::Get(const OrganizationScope& scope, DeviceId id) const {
  return Find(scope, id);
}

std::vector<DeviceEvent> DeviceDirectory::RecentEvents(const OrganizationScope& scope,
                                                       const Device& device, size_t limit) const {
  if (device.organization != scope.id()) return {};
  return state_.ListDeviceEvents(device.id, limit);
}

std::vector<DeviceEvent> DeviceDirectory::ListEvents(const OrganizationScope& scope,
                                                     const State::EventQuery& query,
                                                     uint64_t before, size_t limit) const {
  return state_.ListEvents(scope.id(), query, before, limit);
}

std::string DeviceDirectory::TitleOf(DeviceId id) const {
  const std::optional<Device> device = state_.FindDevice(id);
  if (!device.has_value()) return FormatId(id);
  if (!device->display_name.empty()) return device->display_name;
  return device->identity.empty() ? FormatId(id) : device->identity;
}

absl::StatusOr<DiagnosisFacts> DeviceDirectory::Examine(const OrganizationScope& scope, DeviceId id,
                                                        const ContactAsker& ask_contacts) const {
  DiagnosisFacts facts;
  ASSIGN_OR_RETURN(facts.device, Find(scope, id));
  // A failure is kept as such: that the edge does not answer is part of the diagnosis.
  facts.contacts = ask_contacts ? ask_contacts(id, kContactPatience)
                                : absl::UnavailableError("no edges connect to this node");
  facts.events = state_.ListDeviceEvents(id, kDiagnosedEvents);
  facts.open_targets = state_.ListOpenTargets(id, kDiagnosedTargets);
  facts.now_us = absl::ToUnixMicros(state_.StateTime());
  return facts;
}

absl::StatusOr<DevicePage> DeviceDirectory::List(const OrganizationScope& scope,
                                                 const DeviceQuery& query) const {
  if (!query.order.empty()) return ListOrdered(scope, query);
  return query.show_deleted ? ListAll(scope, query) : ListLive(scope, query);
}

DevicePage DeviceDirectory::ListLive(const OrganizationScope& scope,
                                     const DeviceQuery& query) const {
  DevicePage page;
  // Ids of all that match, then the rows of one page: the total is wanted with each page anyway.
  std::optional<std::vector<DeviceId>> matches = MatchByStatus(scope, query.filter);
  if (!matches.has_value()) {
    matches.emplace();
    VisitMatches(scope, query.filter, [&](const Device& device) {
      matches->push_back(device.id);
      return true;
    });
  }
  page.total = matches->size();
  // The first behind the last page's, whatever has come and gone meanwhile.
  auto id = std::upper_bound(matches->begin(), matches->end(), query.after);
  DeviceId last;
  for (size_t taken = 0; id != matches->end() && taken < query.limit; ++id, ++taken) {
    last = *id;
    std::optional<Device> device = state_.FindDevice(*id);
    // Rows are never removed; a device that ceased to match since is shown as it is now. One that
    // was moved in between is not ours to show.
    if (device.has_value() && device->organization == scope.id())
      page.devices.push_back(*std::move(device));
  }
  // Only where more follow: a full last page has no successor.
  if (id != matches->end()) page.next = last;
  return page;
}

std::optional<std::vector<DeviceId>> DeviceDirectory::MatchByStatus(const OrganizationScope& scope,
                                                                    const Filter& filter) const {
  const int64_t now_us = absl::ToUnixMicros(state_.StateTime());
  std::vector<DeviceId> matches;
  bool decided = true;
  state_.ScanStatuses(scope.id(), [&](DeviceId id, const DeviceStatus& status) {
    const FilterVerdict verdict = filter.MatchStatus(StatusForFilter(status), now_us);
    // The first device that needs its row ends the scan in memory: others will need it too.
    decided = verdict != FilterVerdict::kNeedsFacts;
    if (verdict == FilterVerdict::kYes) matches.push_back(id);
    return decided;
  });
  if (!decided) return std::nullopt;
  // The scan goes by place in memory.
  std::sort(matches.begin(), matches.end());
  return matches;
}

DevicePage DeviceDirectory::ListOrdered(const OrganizationScope& scope,
                                        const DeviceQuery& query) const {
  DevicePage page;
  FirstRows<DeviceId> first(query.after_key, query.limit);
  // Counts all, keeps a page: FirstRows drops the rest at once.
  const auto offer = [&](const Device& device) {
    ++page.total;
    first.Offer(KeyOf(query.order, device), device.id);
    return true;
  };
  if (query.show_deleted) {
    const int64_t now_us = absl::ToUnixMicros(state_.StateTime());
    std::vector<Device> chunk;
    do {
      const DeviceId after = chunk.empty() ? DeviceId{} : chunk.back().id;
      chunk = state_.ListDevices(scope.id(), after, kScanChunk, true);
      for (const Device& device : chunk) {
        if (FilterMatches(query.filter, device, now_us)) offer(device);
      }
    } while (chunk.size() == kScanChunk);
  } else {
    VisitMatches(scope, query.filter, offer);
  }
  for (const DeviceId id : std::move(first).Take(&page.next_key)) {
    std::optional<Device> device = state_.FindDevice(id);
    // As above: it may have been moved in between.
    const bool ours = device.has_value() && device->organization == scope.id();
    if (ours) page.devices.push_back(*std::move(device));
  }
  return page;
}

DevicePage DeviceDirectory::ListAll(const OrganizationScope& scope,
                                    const DeviceQuery& query) const {
  DevicePage page;
  const int64_t now_us = absl::ToUnixMicros(state_.StateTime());
  DeviceId after;
  while (true) {
    // Tombstones are in no memory scan: they are read from the file.
    std::vector<Device> chunk = state_.ListDevices(scope.id(), after, kScanChunk, true);
    if (chunk.empty()) return page;
    after = chunk.back().id;
    for (Device& device : chunk) {
      if (!FilterMatches(query.filter, device, now_us)) continue;
      ++page.total;
      if (device.id.value <= query.after.value) continue;
      if (page.devices.size() < query.limit) {
        page.devices.push_back(std::move(device));
      } else {
        page.next = page.devices.back().id;
      }
    }
  }
}

std::string DeviceDirectory::DescriptionOf(JobId job) const {
  const std::optional<Job> found = state_.FindJob(job, false);
  return found.has_value() ? found->description : "";
}

void DeviceDirectory::VisitMatches(const OrganizationScope& scope, const Filter& filter,
                                   const std::function<bool(const Device&)>& visit) const {
  const int64_t now_us = absl::ToUnixMicros(state_.StateTime());
  state_.ScanDevices(scope.id(), [&](const Device& device) {
    return !FilterMatches(filter, device, now_us) || visit(device);
  });
}

absl::StatusOr<Device> DeviceDirectory::Update(const OrganizationScope& scope,
                                               const AuditedCall& call, DeviceId id,
                                               const DeviceEdit& edit) {
  RETURN_IF_ERROR(CheckEdit(edit));
  ASSIGN_OR_RETURN(const Device before, Find(scope, id));
  const std::string name = FormatChildName(scope.slug(), "devices", id.value);
  if (before.delete_time_us != 0) return DeviceDeleted(name);
  if (call.validate_only) {
    RETURN_IF_ERROR(CheckEtag(scope, before, edit.expected_etag));
    Device after = Edited(before, edit);
    // What is there and what is set together may be too many.
    RETURN_IF_ERROR(CheckLabels("device.labels", after.labels));
    return after;
  }
  // The etag goes along: two editors at once are told apart by the log's order.
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::UpdateDevice* update = command.mutable_update_device();
  update->set_device_id(id.value);
  update->set_organization_id(scope.id().value);
  FillUpdate(edit, update);
  // The etag is compared in apply alone: a repeated call finds the version that its first attempt
  // made, and apply knows it by its request id.
  const absl::Status status = log_.Propose(std::move(command)).status();
  if (absl::IsAborted(status)) return StaleEtag(name);
  RETURN_IF_ERROR(status);
  return Find(scope, id);
}

absl::StatusOr<Device> DeviceDirectory::Delete(const OrganizationScope& scope,
                                               const AuditedCall& call, DeviceId id,
                                               absl::string_view expected_etag) {
  ASSIGN_OR_RETURN(const Device before, Find(scope, id));
  if (call.validate_only) {
    RETURN_IF_ERROR(CheckEtag(scope, before, expected_etag));
    return before;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::DeleteDevice* removal = command.mutable_delete_device();
  removal->set_device_id(id.value);
  removal->set_organization_id(scope.id().value);
  removal->set_expected_etag(std::string(expected_etag));
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  return Find(scope, id);
}

absl::StatusOr<int64_t> DeviceDirectory::RequestFastBeats(const OrganizationScope& scope,
                                                          const AuditedCall& call, DeviceId id,
                                                          absl::Duration duration) {
  if (duration < absl::Seconds(2) || duration > absl::Seconds(300)) {
    return BadField("duration", "wants 2 s to 300 s");
  }
  ASSIGN_OR_RETURN(const Device device, Find(scope, id));
  const std::string name = FormatChildName(scope.slug(), "devices", id.value);
  if (device.delete_time_us != 0) return DeviceDeleted(name);
  if (device.status.online != OnlineState::kOnline) return DeviceNotOnline(name);
  if (routeros::ParseReportedAgent(device.agent_version).number < routeros::kFirstAgentWithVerbs) {
    return AgentTooOld(name, "fast beats");
  }
  if (!call.validate_only) {
    internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
    internal::v1::RequestFastBeats& fast = *command.mutable_request_fast_beats();
    fast.set_device_id(id.value);
    fast.set_organization_id(scope.id().value);
    fast.set_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(duration)));
    RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  }
  const int64_t interval_us = int64_t{device.status.interval_seconds} * 1'000'000;
  return std::max(device.status.last_check_in_us + interval_us,
                  absl::ToUnixMicros(state_.StateTime()));
}

absl::Status CheckLabels(absl::string_view field,
                         const std::map<std::string, std::string>& labels) {
  if (labels.size() > 64) return BadField(field, "at most 64 labels");
  for (const auto& [key, value] : labels) {
    bool good = !key.empty() && key.size() <= 63 && absl::ascii_isalnum(key.front());
    for (const char c : key) {
      good = good && (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' ||
                      c == '.' || c == '/');
    }
    if (!good) {
      return BadField(field, absl::StrCat("the key \"", CleanText(key),
                                          "\" must be 1 to 63 letters, digits and _ - . /, and "
                                          "begin with a letter or digit"));
    }
    RETURN_IF_ERROR(CheckText(absl::StrCat(field, ".", key), value, 256, false));
  }
  return absl::OkStatus();
}

absl::Status CheckText(absl::string_view field, absl::string_view text, size_t limit,
                       bool line_breaks) {
  if (text.size() > limit) {
    return BadField(field,
                    absl::StrCat("has ", text.size(), " bytes; at most ", limit, " are taken"));
  }
  // The cleaner is the rule: what it would change could mislead in a terminal or a file.
  if (CleanText(text, line_breaks ? LineBreaks::kKeep : LineBreaks::kToSpace) != text) {
    return BadField(field, "must be UTF-8 without control characters");
  }
  return absl::OkStatus();
}

}  // namespace muster::server
