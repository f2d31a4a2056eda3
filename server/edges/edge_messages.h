// What an edge and the control plane say to each other on a stream, as plain values: what
// edge_convert makes of the wire and into it.
//
// Threads:  values.
// Units:    `_us` microseconds since 1970; generation counts per stream from 1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/state/records.h"

namespace muster::server {

// Numbers are those of muster.edge.v1.Lane.
enum class Lane : uint8_t { kResults = 1, kLive = 2, kBackfill = 3 };
inline constexpr size_t kEdgeLanes = 3;

struct LaneNumber {
  Lane lane = Lane::kResults;
  uint64_t number = 0;
};

// ---- up: edge to control plane

// The first message of a stream. `edge_id` must be the certificate's; `time_us` is the edge's own
// clock, from which its offset is made.
struct UpHello {
  std::string edge_id;
  std::string spool_id;
  std::string version;
  int64_t time_us = 0;
  uint32_t protocol = 0;
  std::string router_root_sha256;
};

// Which device an item speaks for and what proves it. Parallel to the items of a batch.
struct SecretProof {
  DeviceId device;
  std::array<char, 16> check{};
  // False where the item carried no 16 bytes: never right.
  bool present = false;
};

// Numbers are those of muster.edge.v1.ItemVerdictCode.
enum class ItemVerdictCode : uint8_t { kRefused = 1, kWrongSecret = 2, kUnknownDevice = 3 };

// An item that was not simply taken.
struct ItemVerdict {
  uint64_t batch_number = 0;
  uint32_t item = 0;
  ItemVerdictCode code = ItemVerdictCode::kRefused;
  std::string reason;
};

struct UpBatch {
  // With lane, number, base time and the well-formed items; the rest is the session's.
  internal::v1::EdgeBatch batch;
  // Of check_ins, then job_events, then job_results.
  std::vector<SecretProof> proofs;
  // Items that were malformed and are not in `batch`.
  std::vector<ItemVerdict> refused;
};

// "All check-ins up to `time_us` are in live batches up to `live_number`."
struct UpWatermark {
  int64_t time_us = 0;
  uint64_t live_number = 0;
};

// Whether the edge took a generation; `refusal` empty: yes.
struct UpStateVerdict {
  uint64_t generation = 0;
  std::string refusal;
};

// Numbers are those of muster.edge.v1.ContactKind.
enum class RouterContactKind : uint8_t {
  kCheckIn = 1,
  kResult = 2,
  kPayload = 3,
  kAgent = 4,
  kRefused = 5,
};

struct RouterContact {
  RouterContactKind kind = RouterContactKind::kCheckIn;
  int64_t time_us = 0;
  uint32_t http_status = 0;
  // Cleaned by the edge; to be cleaned again before it is shown.
  std::string reason;
};

// What an edge remembers of a router, as muster.edge.v1.ContactAnswer.
struct RouterContacts {
  // Newest first.
  std::vector<RouterContact> contacts;
  std::string tls_version;
  std::string tls_cipher;
  std::string tls_group;
  bool tls_resumed = false;
  std::string source_address;
};

struct UpContactAnswer {
  uint64_t question = 0;
  RouterContacts contacts;
};

using UpMessage = std::variant<UpHello, UpBatch, UpWatermark, UpStateVerdict, UpContactAnswer>;

// ---- down: control plane to edge

// Tokens of a lower epoch are refused.
struct RevokedDevice {
  DeviceId device;
  uint32_t least_epoch = 0;
};

// A key under which tokens are sealed.
struct SealingKey {
  uint32_t key_id = 0;
  Secret key;
};

// The answer to the hello: all that an edge needs before the state of its devices.
struct DownWelcome {
  std::string cluster_id;
  uint64_t session_epoch = 0;
  std::vector<LaneNumber> applied;
  std::vector<SealingKey> token_keys;
  Secret secret_check_key;
  std::vector<RevokedDevice> revocations;
  int64_t time_offset_us = 0;
  uint32_t interval_seconds = 30;
  // PEM, the active one first.
  std::vector<std::string> router_roots;
};

struct DownSettings {
  uint32_t interval_seconds = 30;
  std::vector<std::string> router_roots;
};

// Everything up to `applied` is durable; `verdicts` are about items of it.
struct DownAck {
  LaneNumber applied;
  std::vector<ItemVerdict> verdicts;
};

// What an edge needs to serve a device itself.
struct EdgeDevice {
  DeviceId device;
  OrganizationId organization;
  uint32_t least_epoch = 1;
  std::array<char, 16> secret_check{};
  uint32_t interval_seconds = 30;
  bool monitor_only = false;
  // Value of muster.edge.v1.CodePage.
  uint32_t code_page = kNoCodePage;
  // A token on its way to the router; 0: none.
  uint32_t next_epoch = 0;
  std::array<char, 16> next_secret_check{};
  // The agent text that it should have, with the token that comes along (or none).
  std::optional<AgentOffer> offer;
  Secret offered_token;
  // Every beat is answered X.
  bool released = false;
};

// The edge drops it and answers REMOVED, also where it never had it.
struct RemovedJob {
  DeviceId device;
  uint64_t number = 0;
};

struct FastBeats {
  DeviceId device;
  uint32_t seconds = 0;
};

// A chunk of a generation: of the snapshot (which replaces) or a delta (which adds).
struct DownState {
  uint64_t generation = 0;
  bool snapshot = false;
  // True in the last chunk of the generation.
  bool last = false;
  std::vector<EdgeDevice> devices;
  std::vector<DeviceId> removed_devices;
  std::vector<EdgeJob> jobs;
  std::vector<RemovedJob> removed_jobs;
  std::vector<RevokedDevice> revocations;
  std::vector<RemovedJob> stopped_jobs;
  std::vector<FastBeats> fast_beats;

  bool empty() const {
    return devices.empty() && removed_devices.empty() && jobs.empty() && removed_jobs.empty() &&
           revocations.empty() && stopped_jobs.empty() && fast_beats.empty();
  }
};

// The stream ends by this side's will; connect elsewhere or again.
struct DownDrain {
  std::string reason;
};

// "What do you remember of this router?"; answered with the same number.
struct DownContactQuestion {
  uint64_t question = 0;
  DeviceId device;
};

using DownMessage =
    std::variant<DownWelcome, DownAck, DownState, DownDrain, DownContactQuestion, DownSettings>;

}  // namespace muster::server
