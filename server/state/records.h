// What the state holds, as plain structs: what rules and handlers read. Values, no behaviour.
//
// Units:    times are state time unless said; `_us` microseconds since 1970; 0 or nullopt: none.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"

namespace muster::server {

// Numbers are those of muster.v1.Role; a higher one may do what a lower one may.
enum class Role : uint8_t { kViewer = 1, kOperator = 2, kAdmin = 3, kPlatform = 4 };

// Numbers are those of muster.v1.OnlineState. kUnknown: its edge is silent, so nobody knows.
// kNever: it joined and never checked in.
enum class OnlineState : uint8_t { kOnline = 1, kOffline = 2, kUnknown = 3, kNever = 4 };

// Numbers are those of muster.v1.JobTargetState; they stand in the tables and in SQL, so none ever
// changes its meaning.
enum class JobTargetState : uint8_t {
  kQueued = 1,
  kAtEdge = 2,
  kSent = 3,
  kRunning = 4,
  kSucceeded = 5,
  kFailed = 6,
  kCancelling = 7,
  kCancelled = 8,
  kExpired = 9,
  kLost = 10,
  kReverted = 11,
  kHeld = 12,
};
inline constexpr int kJobTargetStates = 13;

// True for SUCCEEDED, FAILED, CANCELLED, EXPIRED, LOST, REVERTED.
bool HasEnded(JobTargetState state);

// Numbers are those of muster.v1.JobEnd. kReboot: the router restarts at the end of the script, and
// what proves success is its next boot.
enum class JobEnd : uint8_t { kResult = 1, kReboot = 2 };

// Why a device's jobs wait for an operator. A weightier reason takes the place of a lesser one.
enum class HoldKind : uint8_t {
  kNone = 0,
  kStateWentBack = 1,
  kReplaced = 2,
  kHardwareChanged = 3,
  kClone = 4,
  kPending = 5,
  // The state came from a backup: what it has queued may have run since.
  kRestored = 6,
};
// Which reason stays where a device is held for two: the greater. Values are stored, so they are no
// order.
int WeightOf(HoldKind kind);
// "state-went-back", "replaced", "hardware-changed", "clone", "pending", "restored"; empty for
// kNone.
absl::string_view HoldWord(HoldKind kind);

// Numbers are those of muster.edge.v1.Profile.
// kMetered also says as little as it can: at most 150 bytes a beat.
enum class Profile : uint8_t { kNormal = 1, kMetered = 2, kSlow = 3 };
// Seconds between beats.
uint32_t IntervalSeconds(Profile profile);

// Values of muster.v1.CodePage.
// What bytes that are not UTF-8 are read as at the edge.
inline constexpr uint32_t kNoCodePage = 1;
inline constexpr uint32_t kHighestCodePage = 17;

struct Organization {
  OrganizationId id;
  std::string slug;
  std::string display_name;
  int64_t create_time_us = 0;
  uint32_t fallback_code_page = kNoCodePage;
};

struct ApiKey {
  ApiKeyId id;
  // None for the role platform.
  OrganizationId organization;
  Role role = Role::kViewer;
  std::string display_name;
  std::string key_hash;
  int64_t create_time_us = 0;
  int64_t expire_time_us = 0;
  int64_t revoke_time_us = 0;
};

// What lets routers join; the text itself is shown once and only its hash is kept.
struct Claim {
  ClaimId id;
  OrganizationId organization;
  std::string claim_hash;
  int64_t create_time_us = 0;
  int64_t expire_time_us = 0;
  uint32_t max_devices = 1;
  uint32_t used_devices = 0;
  std::string allowed_source;
  // 4 or 16 bytes, empty where any address may use it.
  std::string allowed_network;
  uint32_t allowed_prefix_bits = 0;
  std::string site;
  std::map<std::string, std::string> labels;
  bool monitor_only = false;
  // Its devices wait until they are accepted.
  bool approve = false;
  Profile profile = Profile::kNormal;
  // None: it makes new devices.
  DeviceId replaces;
  // Empty: the edge that renders the installer.
  std::vector<std::string> urls;
};

// One sensor, in thousandths of its unit, since there are no floats in the state.
struct HealthReading {
  std::string sensor;
  int64_t value_milli = 0;
  std::string unit;
};

struct LinkReading {
  std::string link;
  std::string address;
  std::optional<uint32_t> rtt_us;
  std::optional<uint32_t> jitter_us;
  std::optional<uint32_t> standard_deviation_us;
  std::optional<uint32_t> loss_permille;
};

// How far somebody was told of the devices of an organization, or of a job's targets, in the order
// of their last changes: all up to the entry, and in it those up to the device.
struct ChangePlace {
  uint64_t change_index = 0;
  DeviceId device;

  friend bool operator==(const ChangePlace&, const ChangePlace&) = default;
};

// What the last check-in said. Health, links and the router's clock are kept in memory only: after
// a restart they are absent for a router that has not checked in within the last half minute.
struct DeviceStatus {
  OnlineState online = OnlineState::kNever;
  // As the edge stamped it; 0: never.
  int64_t last_check_in_us = 0;
  // When it will be called offline.
  int64_t deadline_us = 0;
  // 4 or 16 bytes, or empty.
  std::string source_address;
  // The edge that took it.
  std::string edge;
  uint32_t interval_seconds = 0;
  std::optional<uint64_t> uptime_seconds;
  std::optional<uint32_t> cpu_load_percent;
  std::optional<uint32_t> cpu_count;
  std::optional<uint32_t> cpu_frequency_mhz;
  std::optional<uint64_t> memory_free_bytes;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<uint64_t> disk_free_bytes;
  std::optional<uint64_t> disk_total_bytes;
  std::optional<uint32_t> bad_blocks_millipercent;
  std::optional<uint64_t> sectors_written;
  std::optional<uint64_t> agent_errors;
  std::vector<HealthReading> health;
  std::vector<LinkReading> links;
  std::string router_clock;
};

// A router as readers see it: row, facts and status in one.
struct Device {
  DeviceId id;
  OrganizationId organization;
  std::string display_name;
  std::string notes;
  std::string site;
  std::map<std::string, std::string> labels;
  std::string identity;
  std::string serial_number;
  std::string software_id;
  // 6 bytes or empty.
  std::string mac_address;
  std::string routeros_version;
  std::string board;
  std::string architecture;
  std::string agent_version;
  bool format_hex = false;
  bool format_escaped = false;
  std::string rights;
  std::string tunnel_public_key;
  // As in muster.edge.v1.Facts.
  std::string router_roots;
  bool monitor_only = false;
  bool jobs_held = false;
  HoldKind hold_kind = HoldKind::kNone;
  // For people.
  std::string hold_reason;
  Profile profile = Profile::kNormal;
  // Empty: the edge that rendered its installer.
  std::vector<std::string> urls;
  // The agent text that it should have; `offer_version` empty: what it has.
  std::string offer_version;
  uint32_t agent_generation = 0;
  bool offer_open = false;
  // Tokens of a lower epoch are refused.
  uint32_t least_epoch = 1;
  // Of the token that is on its way to the router; 0: none.
  uint32_t next_epoch = 0;
  // Its tokens were revoked; 0: no.
  int64_t revoke_time_us = 0;
  // The job that takes the agent off the router, while it runs.
  JobId release_job;
  // The router was released; set for tombstones only.
  int64_t release_time_us = 0;
  int64_t create_time_us = 0;
  int64_t update_time_us = 0;
  // Set for a tombstone.
  int64_t delete_time_us = 0;
  std::string etag;
  // The log entry of its last change that watchers are told: of whether it is online, of its facts,
  // or of what an operator can set.
  uint64_t change_index = 0;
  DeviceStatus status;
};

// What handlers of the edge stream need of a device for each check-in; from memory.
struct DeviceKeyRecord {
  DeviceId id;
  OrganizationId organization;
  uint32_t least_epoch = 1;
  std::string sealed_secret;
  bool monitor_only = false;
  // Gone, or its tokens are revoked.
  bool deleted = false;
  // A tombstone whose router is answered X.
  bool released = false;
  Profile profile = Profile::kNormal;
  // True: State::FindAgentOffer has one.
  bool has_offer = false;
  // The organization that stands in its tokens.
  OrganizationId token_organization;
  // A token on its way to the router; 0: none.
  uint32_t next_epoch = 0;
  std::string sealed_next_secret;
  // Of the organization; value of muster.v1.CodePage.
  uint32_t code_page = kNoCodePage;
};

// The agent text that a device should have: muster.edge.v1.AgentOffer without the token.
struct AgentOffer {
  std::string agent_version;
  uint32_t generation = 0;
  bool offered = false;
  Profile profile = Profile::kNormal;
  std::vector<std::string> urls;
};

// A root that routers trust.
struct RouterRoot {
  uint32_t number = 0;
  std::string pem;
  // Empty for a retired one.
  std::string sealed_key;
  // The certificates of edges end in it; exactly one does.
  bool active = false;
  // 0: when this installation was made.
  int64_t create_time_us = 0;
  int64_t activate_time_us = 0;
  // Above 0: no text pins it any more.
  int64_t retire_time_us = 0;
};

// What a device gets that joins with this serial number.
struct Preregistration {
  std::string serial_number;
  std::string display_name;
  std::string site;
  std::map<std::string, std::string> labels;
  int64_t create_time_us = 0;
};

struct DeviceEvent {
  DeviceId device;
  int64_t time_us = 0;
  std::string kind;
  std::string message;
  // Where it was written: entry and place in it.
  uint64_t log_index = 0;
  uint32_t ordinal = 0;

  static constexpr int kOrdinalBits = 20;
  // Rises with every event of the installation.
  uint64_t place() const { return (log_index << kOrdinalBits) | ordinal; }
};

// Members in waves; the next opens when the one before has ended.
struct JobWaves {
  // 0: the first is as large as the others.
  uint32_t canary_count = 0;
  // 0: all that are left.
  uint32_t batch_size = 0;
  // More stop the job.
  uint32_t max_failures = 0;
  // The open one, from 1.
  uint32_t open_wave = 0;
  uint32_t failure_count = 0;
};

struct Job {
  JobId id;
  OrganizationId organization;
  std::string script;
  std::string description;
  // How the members were chosen.
  DeviceId device;
  std::string filter;
  int64_t create_time_us = 0;
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
  bool idempotent = false;
  JobEnd ends_with = JobEnd::kResult;
  uint32_t timeout_seconds = 300;
  std::string expect_version;
  std::string creator;
  uint32_t target_count = 0;
  // Nullopt: all devices at once.
  std::optional<JobWaves> waves;
  bool ignore_windows = false;
  // Of the library, or empty.
  std::string script_name;
  // The agent that it brings, instead of a script; empty: a script.
  std::string agent_version;
  // Why it stopped by itself, or empty.
  std::string stop_reason;
  // Indexed by JobTargetState; members that have no target yet are counted as queued.
  std::array<uint32_t, kJobTargetStates> state_counts{};
  int64_t end_time_us = 0;
};

// A job on one device.
struct JobTarget {
  JobId job;
  DeviceId device;
  JobTargetState state = JobTargetState::kQueued;
  // 0 until it was released to an edge.
  uint64_t number = 0;
  uint32_t attempt = 1;
  std::string output;
  bool output_cut = false;
  std::string phase;
  std::string error;
  int64_t update_time_us = 0;
  uint32_t times_sent = 0;
  // 0 in a job without waves.
  uint32_t wave = 0;
  // The log entry of its last change that watchers are told.
  uint64_t change_index = 0;
};

// A script that is kept under a name.
struct LibraryScript {
  std::string name;
  std::string body;
  std::string description;
  int64_t create_time_us = 0;
  int64_t update_time_us = 0;
};

// When jobs may start on some devices: exactly one of device, site and label is set.
struct MaintenanceWindow {
  struct Interval {
    int64_t start_us = 0;
    int64_t end_us = 0;
  };

  std::string name;
  DeviceId device;
  std::string site;
  std::string label_key;
  std::string label_value;
  // "mon-fri 22:00-04:00, sun 00:00-24:00", and an IANA name.
  std::string times;
  std::string time_zone;
  // The next ones; those that are over may be missing.
  std::vector<Interval> intervals;
};

// A secret for scripts, without its value.
struct SecretRecord {
  std::string name;
  int64_t create_time_us = 0;
  int64_t update_time_us = 0;
};

// One that a job's script wants, sealed.
struct SealedJobSecret {
  std::string name;
  std::string sealed;
};

// All of a job, with the organization that their seal is bound to.
struct SealedJobSecrets {
  OrganizationId organization;
  std::vector<SealedJobSecret> secrets;
};

struct JobSecret {
  std::string name;
  Secret value;
};

// A job as an edge holds it.
struct EdgeJob {
  DeviceId device;
  JobId job;
  uint64_t number = 0;
  // With its placeholders.
  std::string script;
  // By name ("label.vlan"): what takes their place.
  std::map<std::string, std::string> variables;
  OrganizationId organization;
  std::vector<SealedJobSecret> sealed_secrets;
  // Opened only on the way to the edge.
  std::vector<JobSecret> secrets;
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
  uint32_t times_sent = 0;
  std::string boot_at_first_send;
  uint32_t timeout_seconds = 300;
};

// An edge proxy: what its maker gave, what it said at its last hello, how far it has spoken.
struct Edge {
  // A slug.
  std::string id;
  std::string public_url;
  std::string version;
  std::string join_token_hash;
  int64_t join_expire_time_us = 0;
  std::string sealed_check_key;
  int64_t create_time_us = 0;
  // 0: not joined yet.
  int64_t join_time_us = 0;
  int64_t revoke_time_us = 0;
  // Position of its newest hello; 0: never connected.
  uint64_t session_epoch = 0;
  std::string spool_id;
  int64_t watermark_us = 0;
  // State time when the watermark was last moved.
  int64_t watermark_seen_us = 0;
  // Devices whose last check-in came through it.
  int64_t device_count = 0;
  // What is wrong with it, in words; empty: nothing that is known.
  std::string problem;
  int64_t problem_time_us = 0;
  // SHA-256 of the router root that its leaves end in, hex; empty: it has not said.
  std::string router_root_sha256;
};

// A node of the cluster.
struct Member {
  uint64_t id = 0;
  std::string display_name;
  // Of the entry that added it, and state time; 0: it never served.
  uint64_t join_index = 0;
  int64_t join_time_us = 0;
  // 0: it is one.
  uint64_t remove_index = 0;
  int64_t remove_time_us = 0;
  // What new master keys are sealed for; empty: it has not said yet.
  std::string public_key;
};

// Lets one node join.
struct NodeJoinToken {
  uint64_t id = 0;
  // BLAKE2b-256.
  std::string token_hash;
  // As its maker sealed it; empty once it was used.
  std::string sealed_key;
  int64_t expire_time_us = 0;
  // 0: it was not used.
  int64_t use_time_us = 0;
};

struct AuditEntry {
  // Rising by one over the whole installation.
  uint64_t sequence = 0;
  int64_t time_us = 0;
  std::string actor;
  std::string method;
  std::string resource;
  std::string summary;
  std::string request_id;
  // None for what concerns the platform.
  OrganizationId organization;
  uint64_t log_index = 0;
  // BLAKE2b-256 over the hash before it and this entry's bytes: common/audit_chain.
  std::string chain_hash;
  // chain_hash of the entry before it; empty for the first, and where that is gone.
  std::string previous_hash;
};

// Which entries of the audit are meant; what is empty or 0 excludes nothing.
struct AuditQuery {
  // None: all entries.
  OrganizationId organization;
  // The whole actor; parts of method and resource.
  std::string actor;
  std::string method;
  std::string resource;
  // From `since_us` on, before `until_us`.
  int64_t since_us = 0;
  int64_t until_us = 0;
  bool oldest_first = false;
};

// The last entry that apply wrote.
struct AuditHead {
  uint64_t sequence = 0;
  std::string hash;
};

}  // namespace muster::server
