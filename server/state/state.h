// Reads the state that apply has made, and hears of its changes.
//
// Threads:  safe to call from any thread.
// Owns:     a few read connections.
// Blocks:   all that is not said to come from memory reads the database file; none waits for
//           writers.
// Errors:   nullopt or an empty list for what is not there; a database that can't be read stops
//           the process, as a failed fsync does.
// Example:  sqlite_state_test.cc.
//
// What was applied is visible once its proposer was answered. Each call sees one moment; two calls
// may see two. Lists are ordered by id unless said, start after `after`, and hold at most `limit`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/state/changes.h"
#include "server/state/records.h"

namespace muster::server {

class State {
 public:
  virtual ~State() = default;

  // From memory.
  virtual absl::Time StateTime() const = 0;
  virtual std::string LogId() const = 0;
  // 16 bytes; empty before Bootstrap.
  virtual std::string ClusterId() const = 0;
  // Of Bootstrap.blobs.
  virtual std::optional<std::string> FindBlob(absl::string_view name) const = 0;

  // Found by id or by name, whoever asks: what a caller may see is judged above, in server/access
  // and the rule rooms.
  virtual std::optional<Organization> FindOrganization(OrganizationId id) const = 0;
  virtual std::optional<Organization> FindOrganizationBySlug(absl::string_view slug) const = 0;
  // By slug.
  virtual std::vector<Organization> ListOrganizations(absl::string_view after_slug,
                                                      size_t limit) const = 0;

  virtual std::optional<ApiKey> FindApiKey(ApiKeyId id) const = 0;
  // From memory after the first read; revoked and expired ones too.
  virtual std::optional<ApiKey> FindApiKeyByHash(absl::string_view key_hash) const = 0;
  // `organization` none: all keys.
  virtual std::vector<ApiKey> ListApiKeys(OrganizationId organization, ApiKeyId after,
                                          size_t limit) const = 0;

  // What a request id gave that was applied within the last 10 minutes of state time: the digest
  // of its request and its internal.v1.Result, serialized.
  struct SeenRequest {
    std::string digest;
    std::string result;
  };
  virtual std::optional<SeenRequest> FindRequest(OrganizationId organization,
                                                 absl::string_view principal,
                                                 absl::string_view method,
                                                 absl::string_view request_id) const {
    return std::nullopt;
  }

  virtual std::optional<Claim> FindClaim(ClaimId id) const = 0;
  virtual std::optional<Claim> FindClaimByHash(absl::string_view claim_hash) const = 0;
  virtual std::vector<Claim> ListClaims(OrganizationId organization, ClaimId after,
                                        size_t limit) const = 0;

  // With its status; tombstones too (see delete_time_us).
  virtual std::optional<Device> FindDevice(DeviceId id) const = 0;
  // From memory; cheap enough for each check-in. Tombstones too, since a released router must be
  // recognized.
  virtual std::optional<DeviceKeyRecord> FindDeviceKey(DeviceId id) const = 0;
  // The agent text that the device should have; nullopt: what it has. Ask only where
  // DeviceKeyRecord::has_offer says so: this reads the file.
  virtual std::optional<AgentOffer> FindAgentOffer(DeviceId id) const { return std::nullopt; }
  // A live device with this serial number, the one of lowest id where several have it; none where
  // there is none.
  virtual DeviceId FindDeviceBySerial(OrganizationId organization, absl::string_view serial) const {
    return {};
  }
  // By serial number.
  virtual std::vector<Preregistration> ListPreregistrations(OrganizationId organization,
                                                            absl::string_view after_serial,
                                                            size_t limit) const {
    return {};
  }
  virtual bool HasPreregistration(OrganizationId organization, absl::string_view serial) const {
    return false;
  }
  virtual std::vector<Device> ListDevices(OrganizationId organization, DeviceId after, size_t limit,
                                          bool with_deleted) const = 0;
  // Those that changed behind `after`, in that order, tombstones too; behind ChangePlace{}
  // all. One that has left the organization since comes with its id and place only. FeatureLevel()
  // must be kPresenceLevel, else later changes are missing.
  virtual std::vector<Device> ListChangedDevices(OrganizationId organization,
                                                 const ChangePlace& after, size_t limit) const {
    return {};
  }
  // Calls `visit` for each live device of the organization in order of id, with its status but
  // without health and links; false from it ends the scan. About 5 us a device.
  virtual void ScanDevices(OrganizationId organization,
                           const std::function<bool(const Device&)>& visit) const = 0;
  // Calls `visit` for each live device of the organization with its id and what a filter over the
  // status needs (online, last check-in, numbers), from memory and in no order; false from it ends
  // the scan. About 0.2 us a device.
  virtual void ScanStatuses(OrganizationId organization,
                            const std::function<bool(DeviceId, const DeviceStatus&)>& visit) const {
    ScanDevices(organization,
                [&](const Device& device) { return visit(device.id, device.status); });
  }
  // Newest first; not those from before it came into its organization.
  virtual std::vector<DeviceEvent> ListDeviceEvents(DeviceId device, size_t limit) const = 0;

  // What narrows a list of events; each only if set.
  struct EventQuery {
    DeviceId device;
    std::vector<std::string> kinds;
    int64_t since_us = 0;
  };
  // Of devices that are in the organization now. Newest first, those before `before` (the place of
  // an earlier page's last; 0: all).
  virtual std::vector<DeviceEvent> ListEvents(OrganizationId organization, const EventQuery& query,
                                              uint64_t before, size_t limit) const {
    return {};
  }

  // `with_script` false leaves Job::script empty.
  virtual std::optional<Job> FindJob(JobId id, bool with_script) const = 0;
  // What narrows a list of jobs; each only if set.
  struct JobQuery {
    DeviceId device;
    bool only_open = false;
    bool only_failed = false;
    bool only_held = false;
    int64_t created_after_us = 0;
  };
  // Newest first. `after` none: from the newest.
  virtual std::vector<Job> ListJobs(OrganizationId organization, const JobQuery& query, JobId after,
                                    size_t limit) const = 0;
  // By device. Members that are not targets yet are missing; Job::state_counts has them as queued.
  virtual std::vector<JobTarget> ListJobTargets(JobId job, DeviceId after, size_t limit) const = 0;
  // Those that changed behind `after`, in that order; behind ChangePlace{} all.
  virtual std::vector<JobTarget> ListChangedTargets(JobId job, const ChangePlace& after,
                                                    size_t limit) const {
    return {};
  }
  virtual std::optional<JobTarget> FindJobTarget(JobId job, DeviceId device) const = 0;
  // The device's targets that have not ended, oldest first.
  virtual std::vector<JobTarget> ListOpenTargets(DeviceId device, size_t limit) const { return {}; }

  // `name` is that of the library.
  virtual std::optional<LibraryScript> FindLibraryScript(OrganizationId organization,
                                                         absl::string_view name) const {
    return std::nullopt;
  }
  // By name, without text.
  virtual std::vector<LibraryScript> ListLibraryScripts(OrganizationId organization,
                                                        absl::string_view after,
                                                        size_t limit) const {
    return {};
  }
  virtual std::optional<SecretRecord> FindSecret(OrganizationId organization,
                                                 absl::string_view name) const {
    return std::nullopt;
  }
  // Its value, as server/jobs sealed it.
  virtual std::optional<std::string> FindSealedSecret(OrganizationId organization,
                                                      absl::string_view name) const {
    return std::nullopt;
  }
  // By name.
  virtual std::vector<SecretRecord> ListSecrets(OrganizationId organization,
                                                absl::string_view after, size_t limit) const {
    return {};
  }

  // A job that has not ended and needs the secret; none where there is none.
  virtual JobId FindJobThatNeeds(OrganizationId organization, absl::string_view secret) const {
    return {};
  }

  // By name.
  virtual std::vector<MaintenanceWindow> ListWindows(OrganizationId organization) const {
    return {};
  }

  virtual std::optional<Edge> FindEdge(absl::string_view id) const = 0;
  virtual std::vector<Edge> ListEdges(absl::string_view after_id, size_t limit) const = 0;
  // By number.
  virtual std::vector<RouterRoot> ListRouterRoots() const { return {}; }

  // What the installation uses (server/command_log/log/feature_level.h). From memory.
  virtual uint32_t FeatureLevel() const { return 1; }
  // From memory.
  virtual bool IsRemovedMember(uint64_t node_id) const { return false; }
  // Of the newest master key; 0: the first one. From memory.
  virtual uint32_t KeyGeneration() const { return 0; }
  // The copy of a later one for a member (server/command_log/log/member_key.h).
  virtual std::optional<std::string> FindSealedKey(uint32_t generation, uint64_t member) const {
    return std::nullopt;
  }
  // By id, removed ones too.
  virtual std::vector<Member> ListMembers() const { return {}; }
  virtual std::optional<NodeJoinToken> FindJoinToken(uint64_t id) const { return std::nullopt; }
  // Live devices that checked in through the edge within the last 10 minutes of its watermark, or
  // last of all; from memory. `after` is the answer's `next`, 0 to begin; done where `next` is 0.
  struct EdgeDevices {
    std::vector<DeviceKeyRecord> devices;
    uint64_t next = 0;
  };
  virtual EdgeDevices ListEdgeDevices(absl::string_view edge, uint64_t after,
                                      size_t limit) const = 0;
  // Jobs that lie (or shall lie) at the edge, by device; with the values of their variables,
  // secrets sealed.
  virtual std::vector<EdgeJob> ListEdgeJobs(absl::string_view edge, DeviceId after,
                                            size_t limit) const = 0;
  // The job of `device` that lies at `edge`, if one does; the one of lowest number where an older
  // one is not acknowledged yet.
  virtual std::optional<EdgeJob> FindEdgeJob(absl::string_view edge, DeviceId device) const = 0;
  // What the job wants that got this number on this device, also after its end; as it is sealed
  // now. Empty for a job without secrets and for a number that was never given.
  virtual SealedJobSecrets FindJobSecrets(DeviceId device, uint64_t number) const = 0;
  // Jobs that the edge was asked to drop and has not acknowledged (JobEvent REMOVED). `limit`
  // counts devices: all numbers of a device come together, else the next page would begin behind
  // some of them.
  struct EdgeRemoval {
    DeviceId device;
    uint64_t number = 0;
  };
  virtual std::vector<EdgeRemoval> ListEdgeRemovals(absl::string_view edge, DeviceId after,
                                                    size_t limit) const = 0;
  // Deleted or re-keyed devices: the whole set of (device, least epoch) above 1 or deleted. Not
  // those that were released: their router is to hear X, which a refused token would keep from it.
  struct Revocation {
    DeviceId device;
    uint32_t least_epoch = 0;
  };
  virtual std::vector<Revocation> ListRevocations(DeviceId after, size_t limit) const = 0;

  // `after_sequence` 0: from the first in the query's order.
  virtual std::vector<AuditEntry> ListAudit(const AuditQuery& query, uint64_t after_sequence,
                                            size_t limit) const = 0;
  // From memory.
  virtual AuditHead FindAuditHead() const { return {}; }

  // Calls `listener` after each entry that changed something that it may care for, on the log's
  // writer thread, in order, before the entry's proposers are answered. It must not block and not
  // read this State from inside: keep the changes and wake another thread. The subscription ends
  // with the answer; no call comes after its destructor.
  virtual std::unique_ptr<Subscription> Subscribe(ChangeListener listener) = 0;
};

}  // namespace muster::server
