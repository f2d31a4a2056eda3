// The state in an SQLite file and in memory: what the log feeds (Store) and all others read
// (State).
//
// Threads:  as Store and State say. One writer connection for transactions, a few for readers, one
//           for checkpoints.
// Owns:     the connections and the tables in memory.
// Errors:   Open: FailedPrecondition for a newer schema, DataLoss for damaged slabs or entries.
//           Later: see Database.
// Example:  sqlite_state_test.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/store.h"
#include "server/state/apply/context.h"
#include "server/state/database.h"
#include "server/state/device_table.h"
#include "server/state/edge_table.h"
#include "server/state/listeners.h"
#include "server/state/read/read_pool.h"
#include "server/state/schema.h"
#include "server/state/state.h"
#include "server/state/state_hash.h"

namespace muster::server {

// What a commit promises.
enum class Durability {
  // It is on the disk.
  kFull,
  // It is there in order: a machine that loses power may come up with an older state, whole. For
  // engines that keep the entries elsewhere and apply again what is missing. Other nodes apply
  // them too, so the state's hash is kept, to be compared.
  kOrdered,
};

class SqliteState : public State, public Store {
 public:
  // Opens or makes the file at `path`, loads what is kept in memory and replays the entries that
  // its slabs do not have yet. After success memory and tables say what the last committed entry
  // left.
  // `hash_every`: how many entries lie between two marks of its hash.
  static absl::StatusOr<std::unique_ptr<SqliteState>> Open(
      const std::string& path, Durability durability = Durability::kFull,
      uint64_t hash_every = kHashEvery);
  ~SqliteState() override;

  // Store.
  std::unique_ptr<Transaction> Begin() override;
  Position AppliedPosition() const override;
  int64_t StateTimeUs() const override;
  uint32_t FeatureLevel() const override;
  bool IsRemovedMember(uint64_t node_id) const override;
  uint32_t KeyGeneration() const override;
  std::optional<std::string> FindSealedKey(uint32_t generation, uint64_t member) const override;
  std::string EngineNote() override;
  absl::Status AdoptLog(absl::string_view log_id) override;
  void Checkpoint() override;
  int WalPages() const override;
  void CheckpointFromWriter() override;
  uint64_t NextJobToExpand() const override;

  // State.
  absl::Time StateTime() const override;
  std::string LogId() const override;
  std::string ClusterId() const override;
  std::optional<std::string> FindBlob(absl::string_view name) const override;
  std::optional<Organization> FindOrganization(OrganizationId id) const override;
  std::optional<Organization> FindOrganizationBySlug(absl::string_view slug) const override;
  std::vector<Organization> ListOrganizations(absl::string_view after_slug,
                                              size_t limit) const override;
  std::optional<ApiKey> FindApiKey(ApiKeyId id) const override;
  std::optional<ApiKey> FindApiKeyByHash(absl::string_view key_hash) const override;
  std::vector<ApiKey> ListApiKeys(OrganizationId organization, ApiKeyId after,
                                  size_t limit) const override;
  std::optional<SeenRequest> FindRequest(OrganizationId organization, absl::string_view principal,
                                         absl::string_view method,
                                         absl::string_view request_id) const override;
  std::optional<Claim> FindClaim(ClaimId id) const override;
  std::optional<Claim> FindClaimByHash(absl::string_view claim_hash) const override;
  std::vector<Claim> ListClaims(OrganizationId organization, ClaimId after,
                                size_t limit) const override;
  std::optional<Device> FindDevice(DeviceId id) const override;
  std::optional<DeviceKeyRecord> FindDeviceKey(DeviceId id) const override;
  std::optional<AgentOffer> FindAgentOffer(DeviceId id) const override;
  DeviceId FindDeviceBySerial(OrganizationId organization, absl::string_view serial) const override;
  std::vector<Preregistration> ListPreregistrations(OrganizationId organization,
                                                    absl::string_view after_serial,
                                                    size_t limit) const override;
  bool HasPreregistration(OrganizationId organization, absl::string_view serial) const override;
  std::vector<Device> ListDevices(OrganizationId organization, DeviceId after, size_t limit,
                                  bool with_deleted) const override;
  std::vector<Device> ListChangedDevices(OrganizationId organization, const ChangePlace& after,
                                         size_t limit) const override;
  void ScanDevices(OrganizationId organization,
                   const std::function<bool(const Device&)>& visit) const override;
  void ScanStatuses(OrganizationId organization,
                    const std::function<bool(DeviceId, const DeviceStatus&)>& visit) const override;
  std::vector<DeviceEvent> ListEvents(OrganizationId organization, const EventQuery& query,
                                      uint64_t before, size_t limit) const override;
  std::vector<DeviceEvent> ListDeviceEvents(DeviceId device, size_t limit) const override;
  std::optional<Job> FindJob(JobId id, bool with_script) const override;
  std::vector<Job> ListJobs(OrganizationId organization, const JobQuery& query, JobId after,
                            size_t limit) const override;
  std::vector<JobTarget> ListJobTargets(JobId job, DeviceId after, size_t limit) const override;
  std::vector<JobTarget> ListChangedTargets(JobId job, const ChangePlace& after,
                                            size_t limit) const override;
  std::optional<JobTarget> FindJobTarget(JobId job, DeviceId device) const override;
  std::vector<JobTarget> ListOpenTargets(DeviceId device, size_t limit) const override;
  std::optional<LibraryScript> FindLibraryScript(OrganizationId organization,
                                                 absl::string_view name) const override;
  std::vector<LibraryScript> ListLibraryScripts(OrganizationId organization,
                                                absl::string_view after,
                                                size_t limit) const override;
  std::optional<SecretRecord> FindSecret(OrganizationId organization,
                                         absl::string_view name) const override;
  std::vector<SecretRecord> ListSecrets(OrganizationId organization, absl::string_view after,
                                        size_t limit) const override;
  std::optional<std::string> FindSealedSecret(OrganizationId organization,
                                              absl::string_view name) const override;
  JobId FindJobThatNeeds(OrganizationId organization, absl::string_view secret) const override;
  std::vector<MaintenanceWindow> ListWindows(OrganizationId organization) const override;
  std::optional<Edge> FindEdge(absl::string_view id) const override;
  std::vector<Edge> ListEdges(absl::string_view after_id, size_t limit) const override;
  std::vector<RouterRoot> ListRouterRoots() const override;
  std::vector<Member> ListMembers() const override;
  std::optional<NodeJoinToken> FindJoinToken(uint64_t id) const override;
  EdgeDevices ListEdgeDevices(absl::string_view edge, uint64_t after, size_t limit) const override;
  std::vector<EdgeJob> ListEdgeJobs(absl::string_view edge, DeviceId after,
                                    size_t limit) const override;
  std::optional<EdgeJob> FindEdgeJob(absl::string_view edge, DeviceId device) const override;
  SealedJobSecrets FindJobSecrets(DeviceId device, uint64_t number) const override;
  std::vector<EdgeRemoval> ListEdgeRemovals(absl::string_view edge, DeviceId after,
                                            size_t limit) const override;
  std::vector<Revocation> ListRevocations(DeviceId after, size_t limit) const override;
  std::vector<AuditEntry> ListAudit(const AuditQuery& query, uint64_t after_sequence,
                                    size_t limit) const override;
  AuditHead FindAuditHead() const override;
  std::unique_ptr<Subscription> Subscribe(ChangeListener listener) override;

  // Begins another log where this one ends, for a state that was restored: kept entries and what an
  // engine knew of the order are gone, the slabs are true up to now, positions of before are of
  // another log. The index goes on. `note` is what its engine goes on from (KeepEngineNote), empty
  // for a node that is alone. From the thread of the transactions, between two of them.
  void StartNewLog(absl::string_view log_id, absl::string_view note = "");
  // What a restored state would begin by itself.
  struct OpenWork {
    // With jobs that have not ended, or will have: ascending.
    std::vector<uint64_t> devices;
    // Agent upgrades, which no hold of a device stops.
    std::vector<std::pair<JobId, OrganizationId>> upgrades;
  };
  OpenWork FindOpenWork() const;
  struct HashMark {
    // Divisible by what Open was told.
    uint64_t index = 0;
    // 32 bytes: of tables, status rows and the numbers that apply goes on with. Two nodes with the
    // same index and kHashVersion differ only if their states do.
    std::string hash;
  };
  // What can be compared: the shape of the hash, and the tables that it is over.
  static constexpr uint32_t kHashVersion = StateHash::kVersion << 16 | kSchemaVersion;
  static constexpr uint64_t kHashEvery = 10'000;
  // So that nodes of which one is a little behind have some in common.
  static constexpr size_t kKeptHashes = 8;
  // The newest since the start, oldest first. Safe from any thread.
  std::vector<HashMark> RecentHashes() const;
  // Of the last committed entry. The writer's thread; a tenth of a second for a million devices.
  // Empty without Durability::kOrdered.
  std::string HashNow() const;

  // Everything that apply has made, as text, in a fixed order: equal on every node that applied
  // the same entries. For tests and for finding out where two nodes differ.
  // Secrets stand in it sealed, as they lie in the tables.
  std::string Dump() const;

 private:
  class WriteTransaction;

  SqliteState(std::string path, uint64_t hash_every);

  absl::Status Load();
  absl::Status LoadDevices();
  absl::Status LoadSlabs();
  void LoadEdges();
  void LoadRemovedMembers();
  // Reads them once more: after a start, and after an organization has changed.
  void LoadCodePages();
  void LoadQueues();
  absl::Status Replay(const std::vector<uint64_t>& slab_index);
  absl::Status ReplayEntry(absl::string_view bytes, absl::string_view taken,
                           const std::vector<uint64_t>& slab_index);

  // The writer's.
  // Writes this Tick's share of the slabs into the open transaction.
  void FlushSlabs(uint64_t entry_index);
  // Writes the row `node`; memory is right only with what is committed.
  void SaveNode();
  void MarkHash();
  // After the commit: lets readers see the new position and tells subscriptions.
  void Publish(ChangeBatch changes);

  // What readers see: the last committed entry, not the one that is being applied.
  NodeState Published() const;
  // `decided` is what apply has decided, where it does.
  OnlineState OnlineOf(const NodeState& node, const StatusRow& row, OnlineState decided) const;
  // status.online is what apply has decided, as the device's row has it.
  void FillStatus(const NodeState& node, DenseIndex index, bool readings,
                  DeviceStatus& status) const;
  std::optional<ApiKey> ReadApiKeyByHash(absl::string_view key_hash) const;

  const std::string path_;
  const uint64_t hash_every_;
  std::unique_ptr<Database> writer_;
  std::unique_ptr<Database> checkpointer_;
  mutable ReadPool readers_;
  DeviceTable devices_;
  EdgeTable edges_;
  // Of `writer_`; null without Durability::kOrdered.
  std::unique_ptr<StateHash> hash_;
  // The writer thread's own; readers see `published_`.
  NodeState node_;
  uint64_t kept_bytes_ = 0;

  mutable Mutex mutex_;
  NodeState published_ ABSL_GUARDED_BY(mutex_);
  std::vector<HashMark> recent_hashes_ ABSL_GUARDED_BY(mutex_);
  mutable absl::flat_hash_map<std::string, ApiKey> api_keys_ ABSL_GUARDED_BY(mutex_);
  // Rises when keys change: a row that was read before must not be kept.
  uint64_t api_key_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of the organizations that have one.
  absl::flat_hash_map<OrganizationId, uint32_t> code_pages_ ABSL_GUARDED_BY(mutex_);

  // Shared with subscriptions, which may outlive this object.
  std::shared_ptr<Listeners> listeners_;
};

}  // namespace muster::server
