// For tests beside this room: a state and a log that do what they are told, and a stream that
// remembers.
//
// Threads:  safe to call from any thread.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"
#include "server/edges/edge_session.h"
#include "server/pki/device_secret.h"
#include "server/pki/join_credentials.h"
#include "server/state/state.h"

namespace muster::server {

// Holds what tests put into it; answers empty for the rest.
class FakeState : public State {
 public:
  // Makes a device whose secret is `secret` under `master`.
  void AddDevice(const Secret& master, DeviceId id, const Secret& secret) {
    MutexLock lock(mutex_);
    DeviceKeyRecord key;
    key.id = id;
    key.organization = OrganizationId{7};
    key.sealed_secret = SealDeviceSecret(master, id, secret);
    keys_[id.value] = key;
  }
  void PutAtEdge(absl::string_view edge, DeviceId id) {
    MutexLock lock(mutex_);
    at_edge_[std::string(edge)].push_back(id.value);
  }
  void SetLastEdge(DeviceId id, const std::string& edge) {
    MutexLock lock(mutex_);
    last_edges_[id.value] = edge;
  }
  void SetCodePage(DeviceId id, uint32_t code_page) {
    MutexLock lock(mutex_);
    keys_[id.value].code_page = code_page;
  }
  void DeleteDevice(DeviceId id) {
    MutexLock lock(mutex_);
    keys_[id.value].deleted = true;
    ++keys_[id.value].least_epoch;
  }
  void PutEdge(Edge edge) {
    MutexLock lock(mutex_);
    edges_[edge.id] = std::move(edge);
  }
  void PutJob(absl::string_view edge, EdgeJob job) {
    MutexLock lock(mutex_);
    jobs_[std::string(edge)][job.device.value] = std::move(job);
  }
  void PutJobSecrets(DeviceId device, uint64_t number, SealedJobSecrets secrets) {
    MutexLock lock(mutex_);
    job_secrets_[{device.value, number}] = std::move(secrets);
  }
  void PutRemoval(absl::string_view edge, DeviceId device, uint64_t number) {
    MutexLock lock(mutex_);
    removals_[std::string(edge)].push_back({device, number});
  }
  void Tell(ChangeBatch batch) {
    ChangeListener listener;
    {
      MutexLock lock(mutex_);
      listener = listener_;
    }
    if (listener) listener(batch);
  }

  std::optional<DeviceKeyRecord> FindDeviceKey(DeviceId id) const override {
    MutexLock lock(mutex_);
    ++key_reads_;
    const auto found = keys_.find(id.value);
    if (found == keys_.end()) return std::nullopt;
    return found->second;
  }
  int key_reads() const {
    MutexLock lock(mutex_);
    return key_reads_;
  }
  std::optional<Edge> FindEdge(absl::string_view id) const override {
    MutexLock lock(mutex_);
    const auto found = edges_.find(std::string(id));
    if (found == edges_.end()) return std::nullopt;
    return found->second;
  }
  EdgeDevices ListEdgeDevices(absl::string_view edge, uint64_t after, size_t limit) const override {
    MutexLock lock(mutex_);
    EdgeDevices page;
    const auto found = at_edge_.find(std::string(edge));
    if (found == at_edge_.end()) return page;
    for (size_t i = after; i < found->second.size(); ++i) {
      if (page.devices.size() == limit) {
        page.next = i;
        break;
      }
      page.devices.push_back(keys_.at(found->second[i]));
    }
    return page;
  }
  std::vector<EdgeJob> ListEdgeJobs(absl::string_view edge, DeviceId after,
                                    size_t limit) const override {
    MutexLock lock(mutex_);
    std::vector<EdgeJob> page;
    const auto found = jobs_.find(std::string(edge));
    if (found == jobs_.end()) return page;
    for (auto job = found->second.upper_bound(after.value);
         job != found->second.end() && page.size() < limit; ++job) {
      page.push_back(job->second);
    }
    return page;
  }
  std::optional<EdgeJob> FindEdgeJob(absl::string_view edge, DeviceId device) const override {
    MutexLock lock(mutex_);
    const auto jobs = jobs_.find(std::string(edge));
    if (jobs == jobs_.end()) return std::nullopt;
    const auto found = jobs->second.find(device.value);
    if (found == jobs->second.end()) return std::nullopt;
    return found->second;
  }
  SealedJobSecrets FindJobSecrets(DeviceId device, uint64_t number) const override {
    MutexLock lock(mutex_);
    const auto found = job_secrets_.find({device.value, number});
    return found == job_secrets_.end() ? SealedJobSecrets() : found->second;
  }
  std::vector<EdgeRemoval> ListEdgeRemovals(absl::string_view edge, DeviceId after,
                                            size_t limit) const override {
    MutexLock lock(mutex_);
    const auto found = removals_.find(std::string(edge));
    if (found == removals_.end() || after) return {};
    return found->second;
  }
  std::unique_ptr<Subscription> Subscribe(ChangeListener listener) override {
    MutexLock lock(mutex_);
    listener_ = std::move(listener);
    return std::make_unique<Subscription>();
  }

  absl::Time StateTime() const override { return absl::FromUnixSeconds(1'750'000'000); }
  std::string LogId() const override { return std::string(16, 'L'); }
  std::string ClusterId() const override { return std::string(16, 'C'); }
  std::optional<std::string> FindBlob(absl::string_view) const override { return {}; }
  std::optional<Organization> FindOrganization(OrganizationId) const override { return {}; }
  std::optional<Organization> FindOrganizationBySlug(absl::string_view) const override {
    return {};
  }
  std::vector<Organization> ListOrganizations(absl::string_view, size_t) const override {
    return {};
  }
  std::optional<ApiKey> FindApiKey(ApiKeyId) const override { return {}; }
  std::optional<ApiKey> FindApiKeyByHash(absl::string_view) const override { return {}; }
  std::vector<ApiKey> ListApiKeys(OrganizationId, ApiKeyId, size_t) const override { return {}; }
  std::optional<Claim> FindClaim(ClaimId) const override { return {}; }
  std::optional<Claim> FindClaimByHash(absl::string_view) const override { return {}; }
  std::vector<Claim> ListClaims(OrganizationId, ClaimId, size_t) const override { return {}; }
  std::optional<Device> FindDevice(DeviceId id) const override {
    MutexLock lock(mutex_);
    if (!keys_.contains(id.value)) return std::nullopt;
    Device device;
    device.id = id;
    const auto edge = last_edges_.find(id.value);
    if (edge != last_edges_.end()) device.status.edge = edge->second;
    return device;
  }
  std::vector<Device> ListDevices(OrganizationId, DeviceId, size_t, bool) const override {
    return {};
  }
  void ScanDevices(OrganizationId, const std::function<bool(const Device&)>&) const override {}
  std::vector<DeviceEvent> ListDeviceEvents(DeviceId, size_t) const override { return {}; }
  std::optional<Job> FindJob(JobId, bool) const override { return {}; }
  std::vector<Job> ListJobs(OrganizationId, const JobQuery&, JobId, size_t) const override {
    return {};
  }
  std::vector<JobTarget> ListJobTargets(JobId, DeviceId, size_t) const override { return {}; }
  std::optional<JobTarget> FindJobTarget(JobId, DeviceId) const override { return {}; }
  std::vector<Edge> ListEdges(absl::string_view, size_t) const override { return {}; }
  std::vector<Revocation> ListRevocations(DeviceId, size_t) const override { return {}; }
  std::vector<AuditEntry> ListAudit(const AuditQuery&, uint64_t, size_t) const override {
    return {};
  }

 private:
  mutable Mutex mutex_;
  mutable int key_reads_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, DeviceKeyRecord> keys_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, std::string> last_edges_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<uint64_t>> at_edge_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Edge> edges_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::map<uint64_t, EdgeJob>> jobs_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<uint64_t, uint64_t>, SealedJobSecrets> job_secrets_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<EdgeRemoval>> removals_ ABSL_GUARDED_BY(mutex_);
  ChangeListener listener_ ABSL_GUARDED_BY(mutex_);
};

// Keeps each command until the test says what became of it.
class FakeLog : public CommandLog {
 public:
  void ProposeAsync(Command command, Done done) override {
    MutexLock lock(mutex_);
    waiting_.emplace_back(std::move(command), std::move(done));
  }
  Position AppliedPosition() const override { return {}; }
  absl::Status WaitUntilApplied(const Position&, absl::Duration) override { return {}; }
  absl::Status ReadBarrier(absl::Duration) override { return {}; }
  LogHealth Health() const override { return {}; }
  void Stop() override {}

  size_t waiting() const {
    MutexLock lock(mutex_);
    return waiting_.size();
  }
  // A copy of the command at `place` of those that wait.
  Command at(size_t place) const {
    MutexLock lock(mutex_);
    return waiting_.at(place).first;
  }
  // Answers the oldest that waits.
  void Answer(absl::StatusOr<Result> result) {
    std::pair<Command, Done> first;
    {
      MutexLock lock(mutex_);
      first = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (!result.ok()) return first.second(result.status());
    Applied applied;
    applied.result = *std::move(result);
    first.second(std::move(applied));
  }

 private:
  mutable Mutex mutex_;
  std::deque<std::pair<Command, Done>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// Remembers what was written; the test calls OnWritten.
class FakeSink : public EdgeSink {
 public:
  void Write(const DownMessage& message) override {
    MutexLock lock(mutex_);
    written_.push_back(message);
  }
  void ResumeReading() override {
    MutexLock lock(mutex_);
    ++resumed_;
  }
  void Finish(const absl::Status& status) override {
    MutexLock lock(mutex_);
    finished_ = status;
  }

  std::vector<DownMessage> written() const {
    MutexLock lock(mutex_);
    return written_;
  }
  int resumed() const {
    MutexLock lock(mutex_);
    return resumed_;
  }
  std::optional<absl::Status> finished() const {
    MutexLock lock(mutex_);
    return finished_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<DownMessage> written_ ABSL_GUARDED_BY(mutex_);
  int resumed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<absl::Status> finished_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
