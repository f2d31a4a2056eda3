// One edge, put together: options to objects, in the order in which they need each other. No rule
// of the protocol is here; what ties a room to another (payload sizes, how texts are rendered) is.
#include "edge-proxy/main/edge.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/join_file/join_file.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"
#include "edge-proxy/heartbeats/calls.h"
#include "edge-proxy/heartbeats/proven_job_events.h"
#include "edge-proxy/https/https_server.h"
#include "edge-proxy/jobs/job_results.h"
#include "edge-proxy/main/metrics_page.h"
#include "edge-proxy/uplink/join.h"
#include "edge-proxy/uplink/uplink.h"
#include "routeros/script/agent.h"

namespace muster::edge {
namespace {

// musterd may start beside the edge: joining waits for it a little.
constexpr absl::Duration kJoinPatience = absl::Seconds(30);
// Then routers are served without it.
constexpr absl::Duration kWelcomePatience = absl::Seconds(5);
// A whole stop stays far below the 90 s of systemd; the 10 s of a container may cut it.
constexpr absl::Duration kDrain = absl::Seconds(8);
constexpr absl::Duration kFlush = absl::Seconds(3);

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("can't read ", path));
  return text.str();
}

// More loops than that would only take turns.
// Of this process (affinity, cgroup's cpuset), not of the machine.
int UsableProcessors() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return 1;
  return std::max(1, CPU_COUNT(&usable));
}

// The renderers check it again, byte by byte; here the operator hears of it at the start.
absl::Status CheckPublicUrl(const std::string& url) {
  absl::string_view host = url;
  if (absl::ConsumePrefix(&host, "https://") && !host.empty() &&
      host.find_first_of("/?# \t\"\\$") == absl::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--public-url ", url, ": expected https://HOST or https://HOST:PORT without a path"));
}

// All that can be said of the flags alone: what follows may use up the join token.
absl::Status CheckFlags(const EdgeOptions& options) {
  RETURN_IF_ERROR(CheckPublicUrl(options.public_url));
  // Asked for at the first start too, where the join file names one: later starts have no file.
  if (options.controls.empty()) {
    return absl::InvalidArgumentError("--control HOST:PORT is missing");
  }
  if (options.tls_certs.size() != options.tls_keys.size()) {
    return absl::InvalidArgumentError("give one --tls-key for each --tls-cert");
  }
  for (size_t i = 0; i < options.tls_certs.size(); ++i) {
    RETURN_IF_ERROR(ReadFile(options.tls_certs[i]).status());
    RETURN_IF_ERROR(ReadSecretFile(options.tls_keys[i]).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<Identity> JoinWith(const EdgeOptions& options, const DataFolder& folder) {
  if (options.join_file.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.data_dir,
                     " holds no identity; make a join file with `muster edge create` and give "
                     "it with --join-file"));
  }
  // Refuses a file that others may read: it holds a key and a one-use token.
  ASSIGN_OR_RETURN(const Secret text, ReadSecretFile(options.join_file));
  absl::StatusOr<JoinFile> file = ParseJoinFile(text.Reveal());
  if (!file.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--join-file ", options.join_file, ": ", file.status().message()));
  }
  // By this machine's clock: it is only for a better message, the control plane decides.
  if (file->expires < absl::Now()) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.join_file, " has expired; run `muster edge create` again"));
  }
  absl::StatusOr<Identity> identity =
      Join(options.controls, *file, options.public_url, Deadline(kJoinPatience));
  if (!identity.ok()) {
    return absl::Status(identity.status().code(),
                        absl::StrCat("can't join through ", absl::StrJoin(options.controls, ", "),
                                     ": ", identity.status().message()));
  }
  RETURN_IF_ERROR(folder.Save(*identity));
  LogInfo("main", "joined", {{"edge", identity->edge_id}});
  return identity;
}

// A join happens once in the life of a data folder.
absl::StatusOr<Identity> LoadOrJoin(const EdgeOptions& options, const DataFolder& folder) {
  absl::StatusOr<Identity> identity = folder.Load();
  // Only where there is none: a damaged identity is told, not replaced by a new edge.
  if (absl::IsNotFound(identity.status())) return JoinWith(options, folder);
  // Leaves are for that host, and installed agents post to it.
  if (identity.ok() && identity->public_url != options.public_url) {
    return absl::FailedPreconditionError(
        absl::StrCat("--public-url is ", options.public_url, ", but this edge has joined as ",
                     identity->public_url,
                     "; routers know it by that. Use it, or join as a new edge with "
                     "another --data-dir"));
  }
  return identity;
}

// With certificates of one's own the chain is checked to the router root, and not to what browsers
// trust: routers pin that root and nothing else.
// The pairs to show to routers: the operator's own, or those of the identity.
absl::StatusOr<std::vector<TlsPair>> PairsOf(const EdgeOptions& options, const Identity& identity) {
  if (options.tls_certs.empty()) {
    return std::vector<TlsPair>{{identity.router_ecdsa_chain, identity.router_ecdsa_key},
                                {identity.router_rsa_chain, identity.router_rsa_key}};
  }
  std::vector<TlsPair> pairs;
  for (size_t i = 0; i < options.tls_certs.size(); ++i) {
    TlsPair pair;
    ASSIGN_OR_RETURN(pair.chain_pem, ReadFile(options.tls_certs[i]));
    ASSIGN_OR_RETURN(pair.key_pem, ReadSecretFile(options.tls_keys[i]));
    ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::FromPem(pair.key_pem));
    const absl::Status chain = CheckChain(pair.chain_pem, key, identity.router_root, absl::Now());
    if (!chain.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("--tls-cert ", options.tls_certs[i],
                       " must end in the router root of this installation, which routers trust: ",
                       chain.message()));
    }
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

// Three characters a byte, where fetch cuts a reply at 64,512: for a router that could take the hex
// form by its version, but whose agent doesn't.
// (LargestScript goes by version alone.)
constexpr size_t kLargestEscapedScript = 21'000;

// The verbs' text is routeros/script's; a version that it can't read makes the job wait, not fail.
PayloadRules RealPayloadRules() {
  return {.largest_script = [](const Reader& reader) -> absl::StatusOr<size_t> {
            ASSIGN_OR_RETURN(const routeros::Version version,
                             routeros::ParseVersion(reader.routeros_version));
            const size_t largest = routeros::LargestScript(version);
            const bool escaped = reader.format == routeros::PayloadFormat::kEscaped;
            return escaped ? std::min(largest, kLargestEscapedScript) : largest;
          },
          .reply = routeros::JobReply,
          .announce = [](uint64_t number, absl::string_view script,
                         const Reader& reader) -> absl::StatusOr<std::string> {
            ASSIGN_OR_RETURN(const routeros::Version version,
                             routeros::ParseVersion(reader.routeros_version));
            return routeros::PartedJobReply(number, script.size(), version, reader.format);
          },
          .part = [](uint64_t number, uint32_t part, absl::string_view script,
                     const Reader& reader) -> absl::StatusOr<std::string> {
            ASSIGN_OR_RETURN(const routeros::Version version,
                             routeros::ParseVersion(reader.routeros_version));
            return routeros::PartReply(number, part, script, version, reader.format);
          },
          .stop = routeros::StopReply};
}

// Two enums, because the edge's numbers are those of the wire, and routeros knows no wire.
routeros::Profile ProfileOf(Profile profile) {
  switch (profile) {
    case Profile::kMetered:
      return routeros::Profile::kMetered;
    case Profile::kSlow:
      return routeros::Profile::kSlow;
    case Profile::kNormal:
      break;
  }
  return routeros::Profile::kNormal;
}

struct PinnedRoots {
  std::string own_sha256;
  // Empty: there is no other.
  std::string other_pem;
  std::string other_sha256;
};

absl::StatusOr<PinnedRoots> PinsOf(const RouterRoots& roots) {
  RouterRoots::Pins pins = roots.ForTexts();
  PinnedRoots pinned;
  ASSIGN_OR_RETURN(CertificateFacts own, ReadCertificate(pins.own));
  pinned.own_sha256 = std::move(own.sha256);
  if (pins.other.empty()) return pinned;
  ASSIGN_OR_RETURN(CertificateFacts other, ReadCertificate(pins.other));
  pinned.other_sha256 = std::move(other.sha256);
  pinned.other_pem = std::move(pins.other);
  return pinned;
}

// The edge's own URL is where the router enrols; where it posts later may be others.
RenderInstallerFor RealInstaller(const std::string& url, const RouterRoots& roots) {
  return [url, &roots](absl::string_view version, absl::string_view claim,
                       const ClaimAnswer& terms) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(const routeros::Version parsed, routeros::ParseVersion(version));
    ASSIGN_OR_RETURN(PinnedRoots pins, PinsOf(roots));
    return routeros::RenderInstaller({.url = url,
                                      .root_sha256 = std::move(pins.own_sha256),
                                      .claim = std::string(claim),
                                      .monitor_only = terms.monitor_only,
                                      .profile = ProfileOf(terms.profile),
                                      .urls = terms.urls,
                                      .new_root_pem = std::move(pins.other_pem),
                                      .new_root_sha256 = std::move(pins.other_sha256)},
                                     parsed);
  };
}

// With a token in the offer each router gets a text of its own; none is cached.
AgentRules RealAgent(const std::string& url, const RouterRoots& roots) {
  return {.own_version = std::string(routeros::AgentVersion()),
          .render = [url, &roots](absl::string_view version,
                                  const AgentOffer& offer) -> absl::StatusOr<std::string> {
            ASSIGN_OR_RETURN(const routeros::Version parsed, routeros::ParseVersion(version));
            ASSIGN_OR_RETURN(const routeros::Family family, routeros::FamilyOf(parsed));
            ASSIGN_OR_RETURN(PinnedRoots pins, PinsOf(roots));
            routeros::AgentTerms terms{.urls = offer.urls,
                                       .root_sha256 = std::move(pins.own_sha256),
                                       .new_root_pem = std::move(pins.other_pem),
                                       .new_root_sha256 = std::move(pins.other_sha256),
                                       .profile = ProfileOf(offer.profile),
                                       .generation = offer.generation,
                                       .token = std::string(offer.token.Reveal())};
            // No URLs in the offer: the router stays with the edge that it asked.
            if (terms.urls.empty()) terms.urls = {url};
            return routeros::RenderAgent(terms, family);
          }};
}

}  // namespace

// Two callbacks look forward (outbox to uplink, uplink to Keep): they are only called after Start.
// In the order in which they use each other; they end in reverse.
struct Edge::Parts {
  Parts(const EdgeOptions& the_options, DataFolder the_folder, Identity the_identity)
      : options(the_options),
        folder(std::move(the_folder)),
        identity(std::move(the_identity)),
        roots(identity.router_root),
        clock(own_clock),
        gate(devices, metrics, own_clock, absl::Hours(options.max_stale_hours)),
        outbox(
            clock, OutboxLimits(), [this] { uplink.Wake(); },
            [this] { devices.ForgetSentFacts(); }),
        events(devices, outbox),
        results(outbox),
        jobs(RealPayloadRules(), events),
        busy(own_clock, static_cast<uint32_t>(options.soft_limit)),
        uplink({.controls = options.controls,
                .clock = clock,
                .own_clock = own_clock,
                .outbox = outbox,
                .devices = devices,
                .jobs = jobs,
                .gate = gate,
                .contacts = contacts,
                .fast = fast,
                .roots = roots,
                .on_renewed = [this](const Identity& renewed) { return Keep(renewed); }},
               identity),
        heartbeats({clock, devices, jobs, outbox, results, metrics, busy, fast,
                    std::string(routeros::AgentVersion())}),
        enrolments(uplink, devices, RealInstaller(options.public_url, roots)),
        scripts(devices, jobs, RealAgent(options.public_url, roots)),
        calls({.gate = gate,
               .heartbeats = heartbeats,
               .enrolments = enrolments,
               .scripts = scripts,
               .contacts = contacts,
               .pace = pace,
               .metrics = metrics,
               .clock = clock,
               .router_root = [this] { return roots.Own(); },
               .ready = [this] { return gate.ready(); }}),
        server({.listen = options.listen, .threads = UsableProcessors()}, calls, metrics) {}

  // Kept on disk before it is used: an edge that crashes after showing a new certificate still has
  // it. Certificates of the operator's own that don't end in the renewed root refuse the renewal.
  absl::Status Keep(const Identity& renewed) {
    ASSIGN_OR_RETURN(const std::vector<TlsPair> pairs, PairsOf(options, renewed));
    RETURN_IF_ERROR(folder.Save(renewed));
    if (!options.tls_certs.empty()) return absl::OkStatus();
    return server.SetCertificates(pairs);
  }
  // From the metrics page's thread.
  std::vector<MetricValue> Measure() const;

  const EdgeOptions options;
  const DataFolder folder;
  // Of the start; a renewed one differs in keys, leaves and the router root.
  const Identity identity;
  RouterRoots roots;
  // Not corrected; `clock` is this one with the control plane's offset.
  const SystemClock own_clock;
  Metrics metrics;
  CorrectedClock clock;
  DeviceTable devices;
  ContactBook contacts;
  DevicePace pace;
  TokenGate gate;
  Outbox outbox;
  ProvenJobEvents events;
  ResultsOnTheWay results;
  JobShelf jobs;
  BusyValve busy;
  FastBeats fast;
  Uplink uplink;
  HeartbeatDesk heartbeats;
  EnrolmentDesk enrolments;
  ScriptDesk scripts;
  Calls calls;
  HttpsServer server;
  std::unique_ptr<MetricsPage> page;
  std::string https_address;
};

std::vector<MetricValue> Edge::Parts::Measure() const {
  std::vector<MetricValue> values;
  for (size_t call = 0; call < kCalls; ++call) {
    for (const int status : Metrics::kStatuses) {
      const uint64_t count = metrics.Replies(static_cast<Call>(call), status);
      // Calls times statuses are 144 series, most of them never used.
      if (count == 0) continue;
      values.push_back({"replies",
                        static_cast<double>(count),
                        true,
                        {{"call", std::string(CallName(static_cast<Call>(call)))},
                         {"status", absl::StrCat(status)}}});
    }
  }
  for (int i = 0; i < Metrics::kCounters; ++i) {
    const auto counter = static_cast<Metrics::Counter>(i);
    values.push_back({std::string(Metrics::CounterName(counter)),
                      static_cast<double>(metrics.Value(counter)), true});
  }
  const Outbox::Stats stats = outbox.stats();
  const auto gauge = [&values](const char* name, double value) {
    values.push_back({name, value, false});
  };
  gauge("connections", static_cast<double>(metrics.connections()));
  gauge("devices", static_cast<double>(devices.size()));
  gauge("jobs", static_cast<double>(jobs.size()));
  gauge("connected", uplink.connected() ? 1 : 0);
  gauge("queued_check_ins", static_cast<double>(stats.queued_check_ins));
  gauge("queued_results", static_cast<double>(stats.queued_results));
  gauge("unacknowledged_batches", static_cast<double>(stats.unacknowledged_batches));
  values.push_back({"dropped_check_ins", static_cast<double>(stats.dropped_check_ins), true});
  values.push_back({"refused_results", static_cast<double>(stats.refused_results), true});
  values.push_back({"dropped_job_events", static_cast<double>(stats.dropped_job_events), true});
  values.push_back({"refused_items", static_cast<double>(stats.refused_items), true});
  return values;
}

Edge::Edge(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Edge::~Edge() { Stop(); }

const std::string& Edge::https_address() const { return parts_->https_address; }
const std::string& Edge::metrics_address() const { return parts_->page->address(); }

absl::StatusOr<std::unique_ptr<Edge>> Edge::Open(const EdgeOptions& options) {
  RETURN_IF_ERROR(CheckFlags(options));
  ASSIGN_OR_RETURN(DataFolder folder, DataFolder::Open(options.data_dir));
  ASSIGN_OR_RETURN(Identity identity, LoadOrJoin(options, folder));
  ASSIGN_OR_RETURN(const std::vector<TlsPair> pairs, PairsOf(options, identity));
  RETURN_IF_ERROR(ReadCertificate(identity.router_root).status());
  // Nothing is bound and nothing runs yet: an error up to here leaves no trace but the identity.
  auto parts = std::make_unique<Parts>(options, std::move(folder), std::move(identity));
  RETURN_IF_ERROR(parts->server.SetCertificates(pairs));
  return std::unique_ptr<Edge>(new Edge(std::move(parts)));
}

absl::Status Edge::Start() {
  Parts& parts = *parts_;
  // The page first: it must tell of an edge that can't bind its port.
  ASSIGN_OR_RETURN(parts.page,
                   MetricsPage::Start(parts.options.metrics, [&parts] { return parts.Measure(); }));
  ASSIGN_OR_RETURN(parts.https_address, parts.server.Start());
  parts.uplink.Start();
  // Routers would be served anyway; this only orders the lines of the log.
  if (!parts.uplink.WaitForWelcome(kWelcomePatience)) {
    LogWarning("main", "the control plane does not answer; serving without it");
  }
  return absl::OkStatus();
}

// Read and checked whole before anything is changed.
absl::Status Edge::ReloadCertificates() {
  if (parts_->options.tls_certs.empty()) return absl::OkStatus();
  Identity current = parts_->identity;
  current.router_root = parts_->roots.Own();
  ASSIGN_OR_RETURN(const std::vector<TlsPair> pairs, PairsOf(parts_->options, current));
  return parts_->server.SetCertificates(pairs);
}

// Replies may come until the outbox is closed and the uplink has ended; the loops of the server
// that they go to are still there then.
void Edge::Stop() {
  if (parts_ == nullptr) return;
  // Routers first, then what they have said, then the stream.
  parts_->server.Drain(kDrain);
  parts_->uplink.Flush(kFlush);
  parts_->outbox.Close();
  parts_->uplink.Stop();
  parts_.reset();
}

}  // namespace muster::edge
