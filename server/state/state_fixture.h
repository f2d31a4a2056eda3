// For tests: a state in a temp folder, fed without a log, and short words for commands.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/event_kinds/event_kinds.h"
#include "common/secrets/secrets.h"
#include "server/command_log/log/entry_codec.h"
#include "server/command_log/log/feature_level.h"
#include "server/state/sqlite_state.h"

namespace muster::server {

inline constexpr int64_t kStartUs = 1'700'000'000'000'000;
inline constexpr uint64_t kOrganization = 11;

class TempFolder {
 public:
  TempFolder() {
    // In memory where there is such a place: an fsync on a busy disk takes long.
    std::error_code ignored;
    std::string pattern = std::filesystem::is_directory("/dev/shm", ignored)
                              ? "/dev/shm/muster-XXXXXX"
                              : testing::TempDir() + "muster-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string Hash(absl::string_view text) { return Hash256(text); }

// A set-up installation: organization 11 "default", edges "edge-a" and "edge-b" with sessions.
class StateFixture : public testing::Test {
 protected:
  StateFixture() {
    EXPECT_TRUE(InitializeCryptography().ok());
    Open();
  }

  // Whatever a test did, the hash that was kept up is the one that a start computes.
  ~StateFixture() override {
    if (state_ == nullptr) return;
    const std::string kept = state_->HashNow();
    Open();
    EXPECT_EQ(absl::BytesToHexString(kept), absl::BytesToHexString(state_->HashNow()));
  }

  void Open() {
    state_.reset();
    auto state = SqliteState::Open(folder_.path() + "/state.db", Durability::kOrdered);
    ASSERT_TRUE(state.ok()) << state.status();
    state_ = *std::move(state);
    subscription_ = state_->Subscribe([this](const ChangeBatch& batch) {
      for (const Change& change : batch.changes) changes_.push_back(change);
    });
  }

  // One entry with these commands, applied and kept.
  std::vector<Outcome> Apply(const std::vector<Command>& commands) {
    const Position at = state_->AppliedPosition();
    std::vector<CheckedCommand> checked;
    std::vector<const Command*> pointers;
    std::vector<absl::string_view> bytes;
    for (const Command& command : commands) checked.push_back(*CheckCommand(command));
    for (const CheckedCommand& one : checked) {
      pointers.push_back(&one.command);
      bytes.push_back(one.bytes);
    }
    auto transaction = state_->Begin();
    auto outcomes = transaction->Apply(at.index + 1, pointers);
    entries_.push_back(EncodeEntry({at.log_id, at.index + 1, 0, state_->StateTimeUs()}, bytes));
    transaction->KeepEntry(entries_.back());
    transaction->Commit();
    return outcomes;
  }
  Outcome Apply(const Command& command) { return Apply(std::vector<Command>{command})[0]; }

  void SetUpInstallation() {
    Command command;
    command.mutable_actor()->set_principal("musterd");
    auto& bootstrap = *command.mutable_bootstrap();
    bootstrap.set_cluster_id(std::string(16, 'c'));
    bootstrap.set_time_us(kStartUs);
    bootstrap.set_feature_level(feature_level_);
    auto& key = *bootstrap.mutable_root_api_key();
    key.set_api_key_id(1);
    key.set_role(4);
    key.set_key_hash(Hash("root"));
    auto& organization = *bootstrap.mutable_default_organization();
    organization.set_organization_id(kOrganization);
    organization.set_slug("default");
    ASSERT_TRUE(Apply(command).status.ok());
    MakeEdge("edge-a");
    MakeEdge("edge-b");
  }

  void MakeEdge(const std::string& id) {
    Command command;
    auto& edge = *command.mutable_create_edge();
    edge.set_edge_id(id);
    edge.set_join_token_hash(Hash("join-" + id));
    edge.set_join_ttl_us(3'600'000'000);
    edge.set_sealed_check_key("sealed");
    ASSERT_TRUE(Apply(command).status.ok());
    Say(id, "spool-" + id);
  }

  // A hello; the new session's epoch is used by Batch from then on.
  internal::v1::EdgeSessionResult Say(const std::string& edge, std::string spool) {
    spool.resize(16, '.');
    Command command;
    command.mutable_edge_session()->set_edge_id(edge);
    command.mutable_edge_session()->set_spool_id(spool);
    const Outcome outcome = Apply(command);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    Session& session = sessions_[edge];
    session.spool = spool;
    session.epoch = outcome.result.edge_session().session_epoch();
    session.numbers = {};
    for (const auto& lane : outcome.result.edge_session().applied()) {
      session.numbers[lane.lane()] = lane.number();
    }
    return outcome.result.edge_session();
  }

  Command ClaimCommand(uint64_t id, uint32_t devices) {
    Command command;
    auto& claim = *command.mutable_create_claim();
    claim.set_claim_id(id);
    claim.set_organization_id(kOrganization);
    claim.set_claim_hash(Hash(absl::StrCat("claim-", id)));
    claim.set_max_devices(devices);
    claim.set_ttl_us(3'600'000'000);
    return command;
  }

  Command EnrollCommand(uint64_t claim, uint64_t device, const std::string& nonce) {
    Command command;
    auto& enroll = *command.mutable_enroll_device();
    enroll.set_edge_id("edge-a");
    enroll.set_claim_hash(Hash(absl::StrCat("claim-", claim)));
    enroll.set_nonce_hash(Hash(nonce));
    enroll.set_proposed_device_id(device);
    enroll.set_proposed_sealed_secret(absl::StrCat("secret-", device));
    enroll.mutable_facts()->set_identity(absl::StrCat("router-", device));
    enroll.mutable_facts()->set_routeros_version("7.15.3 (stable)");
    return command;
  }

  // A device that has checked in once through edge-a.
  void MakeDevice(uint64_t id) {
    ASSERT_TRUE(Apply(ClaimCommand(id, 1)).status.ok());
    const Outcome outcome = Apply(EnrollCommand(id, id, "nonce"));
    ASSERT_EQ(outcome.result.enroll().verdict(), internal::v1::ENROLL_VERDICT_OK);
    Beat("edge-a", id, 0);
  }

  // The next batch of the lane, to be filled.
  Command Batch(const std::string& edge, uint32_t lane) {
    Session& session = sessions_[edge];
    Command command;
    auto& batch = *command.mutable_edge_batch();
    batch.set_edge_id(edge);
    batch.set_spool_id(session.spool);
    batch.set_session_epoch(session.epoch);
    batch.set_lane(lane);
    batch.set_number(++session.numbers[lane]);
    batch.set_base_time_us(NowUs());
    return command;
  }

  // A check-in of now. State time goes on by a second.
  Outcome Beat(const std::string& edge, uint64_t device, uint64_t last, uint64_t running = 0) {
    Pass(1);
    Command command = Batch(edge, 2);
    auto& check_in = *command.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(device);
    check_in.set_interval_seconds(30);
    check_in.set_boot(boot_);
    check_in.set_last_number(last);
    check_in.set_running_number(running);
    check_in.set_source_address(std::string("\x0a\x00\x00\x01", 4));
    return Apply(command);
  }

  Outcome Event(const std::string& edge, uint64_t device, uint64_t number, uint32_t kind,
                uint32_t times_sent = 0) {
    Command command = Batch(edge, 1);
    auto& event = *command.mutable_edge_batch()->add_job_events();
    event.set_device_id(device);
    event.set_number(number);
    event.set_kind(kind);
    event.set_time_us(NowUs());
    event.set_times_sent(times_sent);
    if (times_sent > 0) event.set_boot_at_first_send(boot_);
    return Apply(command);
  }

  Outcome ResultOf(const std::string& edge, uint64_t device, uint64_t number, uint32_t status = 1,
                   const std::string& output = "done") {
    Command command = Batch(edge, 1);
    auto& result = *command.mutable_edge_batch()->add_job_results();
    result.set_device_id(device);
    result.set_number(number);
    result.set_status(status);
    result.set_output(output);
    return Apply(command);
  }

  Command JobCommand(uint64_t job, const std::vector<uint64_t>& devices) {
    Command command;
    auto& create = *command.mutable_create_job();
    create.set_job_id(job);
    create.set_organization_id(kOrganization);
    create.set_script(":put hello");
    if (devices.size() == 1) create.set_device_id(devices[0]);
    for (const uint64_t device : devices) create.add_members(device);
    return command;
  }

  // What the log's housekeeping does: expands jobs, goes on with waves and cancellations.
  void Housekeep() {
    while (const uint64_t job = state_->NextJobToExpand()) {
      Command command;
      command.mutable_actor()->set_principal("musterd");
      command.set_method("ExpandJob");
      command.mutable_expand_job()->set_job_id(job);
      ASSERT_TRUE(Apply(command).status.ok());
    }
  }

  // State time goes on, a Tick a second up to 60, then in jumps of 5 s.
  void Pass(int64_t seconds) {
    while (seconds > 0) {
      const int64_t step = seconds > 60 ? 5 : 1;
      Command command;
      command.mutable_tick()->set_time_us(NowUs() + step * 1'000'000);
      ASSERT_TRUE(Apply(command).status.ok());
      seconds -= step;
    }
  }

  // All check-ins of the edge up to now are here.
  void Watermark(const std::string& edge) {
    Command command;
    auto& mark = *command.mutable_edge_watermark();
    mark.set_edge_id(edge);
    mark.set_spool_id(sessions_[edge].spool);
    mark.set_session_epoch(sessions_[edge].epoch);
    mark.set_time_us(NowUs());
    mark.set_live_number(sessions_[edge].numbers[2]);
    ASSERT_TRUE(Apply(command).status.ok());
  }

  OnlineState Online(uint64_t device) const {
    return state_->FindDevice(DeviceId{device})->status.online;
  }

  int64_t NowUs() const { return state_->StateTimeUs(); }

  JobTarget Target(uint64_t job, uint64_t device) const {
    const auto target = state_->FindJobTarget(JobId{job}, DeviceId{device});
    EXPECT_TRUE(target.has_value());
    return target.value_or(JobTarget{});
  }
  JobTargetState StateOf(uint64_t job, uint64_t device) const { return Target(job, device).state; }
  uint64_t NumberOf(uint64_t job, uint64_t device) const { return Target(job, device).number; }

  std::vector<std::string> EventKinds(uint64_t device) const {
    std::vector<std::string> kinds;
    for (const DeviceEvent& event : state_->ListDeviceEvents(DeviceId{device}, 100)) {
      // What apply writes is what operators may look for.
      EXPECT_TRUE(FindEventKind(event.kind).has_value()) << event.kind;
      kinds.push_back(event.kind);
    }
    return kinds;
  }

  int CountChanges(ChangeKind kind) const {
    int count = 0;
    for (const Change& change : changes_) count += change.kind == kind ? 1 : 0;
    return count;
  }

  struct Session {
    std::string spool;
    uint64_t epoch = 0;
    std::array<uint64_t, 4> numbers{};
  };

  TempFolder folder_;
  std::unique_ptr<SqliteState> state_;
  std::unique_ptr<Subscription> subscription_;
  std::vector<Change> changes_;
  std::vector<std::string> entries_;
  std::map<std::string, Session> sessions_;
  std::string boot_ = "boot-1";
  // Of the installation; a test of an older one sets it before SetUpInstallation.
  uint32_t feature_level_ = FeatureLevel();
};

}  // namespace muster::server
