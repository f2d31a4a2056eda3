// Building the control plane and taking it down. The only place that names concrete classes: who
// gets which log, state and clock is decided here and nowhere else.
#include "server/main/daemon.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock/clock.h"
#include "common/log/log.h"
#include "common/program/options.h"
#include "common/program/process.h"
#include "common/status/status_macros.h"
#include "server/grpc_api/api_server.h"
#include "server/grpc_api/edge_service/edge_listener.h"
#include "server/grpc_api/node_service/node_service.h"
#include "server/main/cluster_view.h"
#include "server/main/contact_route.h"
#include "server/main/health_watch.h"
#include "server/main/measured_log.h"
#include "server/main/member_entry.h"
#include "server/main/metrics.h"
#include "server/main/open_node.h"
#include "server/main/root_key.h"
#include "server/pki/certificate_issuer.h"
#include "server/pki/installation.h"
#include "server/pki/master_key.h"
#include "server/snapshots/snapshot_shelf.h"

namespace muster::server {
namespace {

// For each listener: long enough for answers under way, short enough for a supervisor that kills.
constexpr absl::Duration kDrainDeadline = absl::Seconds(5);

// Absolute, without a slash at the end, so that what is printed can be used from anywhere.
std::string Absolute(const std::string& path) {
  std::error_code error;
  std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string();
  if (error) return path;
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  return absolute;
}

std::string PortOf(const std::string& address) { return address.substr(address.rfind(':') + 1); }

// Where others are told to call: the first advertised name, else the address that is listened on.
std::string ToldAddress(const Settings& settings, const std::string& address) {
  const std::string port = PortOf(address);
  if (!settings.advertise.empty()) {
    const std::string& name = settings.advertise.front();
    const bool is_ipv6 = name.find(':') != std::string::npos;
    return is_ipv6 ? absl::StrCat("[", name, "]:", port) : absl::StrCat(name, ":", port);
  }
  const std::string host = address.substr(0, address.rfind(':'));
  // All addresses are nobody's address; an operator who has edges elsewhere says --advertise.
  return host == "0.0.0.0" || host == "[::]" ? absl::StrCat("localhost:", port) : address;
}

void Welcome(const std::string& data_dir, const std::string& master_key_file,
             const std::string& api_address) {
  const std::string url_hint = "https://HOST[:PORT]";
  // On stderr: stdout has the lines that scripts wait for.
  std::cerr << "musterd: this is a new installation. It lies in\n"
            << "  " << data_dir << "  state and history\n"
            << "  " << data_dir
            << "/root-key  the root API key: whoever has it controls everything\n"
            << "  " << master_key_file
            << "  the master key: back it up, apart from the data; nothing opens without it\n"
            << "  " << data_dir << "/pki/cluster-ca.pem  what clients and edges trust\n"
            << "  " << data_dir << "/pki/router-ca.pem  what routers will trust\n"
            << "What to do next:\n"
            << "  export MUSTER_SERVER=" << api_address << " MUSTER_CA_FILE=" << data_dir
            << "/pki/cluster-ca.pem MUSTER_API_KEY_FILE=" << data_dir << "/root-key\n"
            << "  muster edge create EDGE --url " << url_hint << " > EDGE.join\n"
            << "  muster-edge --data-dir DIR --control HOST:PORT --join-file EDGE.join --listen "
               "0.0.0.0:443 --public-url "
            << url_hint << "\n"
            << "  muster claim create     prints the line to paste into a router\n"
            << std::flush;
}

// Serves metrics; where only the default address is in use, goes on without them.
absl::StatusOr<std::string> ServeMetrics(const Settings& settings, Metrics& metrics,
                                         const MetricSources& sources) {
  if (settings.metrics == "off") return std::string();
  // Asked for by name: then it must work.
  if (!settings.metrics.empty()) return metrics.Serve(settings.metrics, sources);
  absl::StatusOr<std::string> address = metrics.Serve(kDefaultMetrics, sources);
  if (address.ok()) return address;
  LogWarning("main", "no metrics", {{"reason", std::string(address.status().message())}});
  return std::string();
}

void WaitForEnd() {
  int signal = WaitForSignal();
  // musterd has nothing to read again; a closed terminal must not end it.
  while (signal == SIGHUP) signal = WaitForSignal();
  LogInfo("main", "stopping", {{"signal", signal == SIGTERM ? "TERM" : "INT"}});
}

// What lives from start to stop, in the order of need.
class ControlPlane {
 public:
  explicit ControlPlane(const Settings& settings)
      : settings_(settings), data_dir_(Absolute(settings.data_dir)), metrics_(Metrics::Make()) {}

  ~ControlPlane() { Stop(); }

  absl::Status Start() {
    ASSIGN_OR_RETURN(OpenedNode opened, OpenNode(settings_, Terms(), clock_));
    node_ = std::move(opened.node);
    member_ = opened.member;
    // Everybody from here on proposes through it, so that nothing goes uncounted but Ticks.
    log_ = std::make_unique<MeasuredLog>(node_->log());
    RETURN_IF_ERROR(OpenKeys());
    roots_ = std::make_unique<RouterRoots>(node_->state(), installation_->master_key,
                                           installation_->keys.cluster_id);
    issuer_ = std::make_unique<CertificateIssuer>(installation_->keys, clock_, roots_.get());
    // A new leaf at each start: clients check the root, not the leaf.
    ASSIGN_OR_RETURN(identity_, issuer_->IssueServer(settings_.advertise));
    // Everything else is ready: the first call may come at once.
    RETURN_IF_ERROR(StartListeners());
    if (installation_->first_start) {
      Welcome(data_dir_, Absolute(installation_->master_key_file), api_->address());
    }
    RETURN_IF_ERROR(ShowNode());
    PrintReady("api", api_->address());
    PrintReady("edges", edges_->address());
    if (!metrics_address_.empty()) PrintReady("metrics", metrics_address_);
    health_ = std::make_unique<HealthWatch>(
        *log_, [this](LogState state) { api_->ShowHealth(state); },
        // As if it had been told to stop: WaitForEnd waits for signals.
        // SIGINT, so that a SIGTERM which comes at the same time is another signal.
        [] { kill(getpid(), SIGINT); });
    return absl::OkStatus();
  }

  // Ok, or why the log can't go on.
  absl::Status Problem() const {
    const std::string problem = health_->problem();
    if (problem.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("the command log has stopped: ", problem));
  }

  // It stopped by itself, because only a start can bring its state up to date.
  bool wants_restart() const { return health_->needs_snapshot(); }

  // Edges first, so that what they have sent is applied before the log ends.
  void Stop() {
    if (health_ != nullptr) health_->Stop();
    member_entry_.reset();
    if (edges_ != nullptr) edges_->Stop(kDrainDeadline);
    if (api_ != nullptr) api_->Stop(kDrainDeadline);
    metrics_.reset();
    api_.reset();
    edges_.reset();
    if (log_ != nullptr) log_->Stop();
    node_.reset();
    log_.reset();
  }

 private:
  InstallationTerms Terms() const {
    InstallationTerms terms;
    terms.data_dir = data_dir_;
    terms.master_key_file = settings_.master_key_file;
    const std::string root_key = data_dir_ + "/root-key";
    terms.make_root_key = [root_key] { return MakeRootKey(root_key); };
    terms.drop_root_key = [root_key] { DropRootKey(root_key); };
    return terms;
  }

  absl::Status ShowNode() {
    const std::string& name = settings_.node_name;
    viewer_made_ = std::make_unique<ClusterViewer>(
        *log_, member_,
        ClusterViewer::Facts{name.empty() ? HostName() : name,
                             ToldAddress(settings_, api_->address()),
                             ToldAddress(settings_, edges_->address())},
        clock_);
    viewer_ = viewer_made_.get();
    if (member_ == nullptr) return absl::OkStatus();
    RETURN_IF_ERROR(ShareRoot());
    member_->Announce([viewer = viewer_made_.get()] { return viewer->OwnReport(); },
                      [viewer = viewer_made_.get()](const std::vector<MemberReport>& reports) {
                        viewer->Hear(reports);
                      });
    member_entry_ =
        std::make_unique<MemberEntry>(*log_, node_->state(), member_->id(),
                                      name.empty() ? HostName() : name, member_->public_key());
    return absl::OkStatus();
  }

  absl::Status OpenKeys() {
    ASSIGN_OR_RETURN(installation_, OpenInstallation(Terms(), *log_, node_->state(), clock_));
    return absl::OkStatus();
  }

  node::v1::DescribeNodeResponse Describe() const {
    const Position applied = log_->AppliedPosition();
    node::v1::DescribeNodeResponse description;
    description.set_node_id(member_ == nullptr ? 0 : member_->id());
    description.set_version(std::string(Version()));
    description.set_log_id(applied.log_id);
    description.set_log_index(applied.index);
    description.set_log_state(std::string(NameOf(log_->Health().state)));
    return description;
  }

  absl::StatusOr<node::v1::AskContactsResponse> AskContactsForOther(DeviceId device,
                                                                    absl::Duration deadline) {
    // The first call may come before the listener is known here.
    EdgeListener* const edges = listening_;
    if (edges == nullptr) return absl::NotFoundError("this node is starting");
    return AskContactsHere(*edges, device, deadline);
  }

  absl::Status RouteContacts() {
    listening_ = edges_.get();
    if (member_ != nullptr) {
      ASSIGN_OR_RETURN(Identity own, issuer_->IssueNode(member_->id()));
      client_ = std::make_unique<NodeClient>(std::move(own), installation_->keys.cluster_root.pem);
    }
    route_ = std::make_unique<ContactRoute>(*edges_, member_, client_.get());
    return absl::OkStatus();
  }

  NodeRules RulesForNodes() {
    NodeRules rules;
    rules.cluster_id = installation_->keys.cluster_id;
    rules.describe = [this] { return Describe(); };
    rules.ask_contacts = [this](uint64_t device, absl::Duration deadline) {
      return AskContactsForOther(DeviceId{device}, deadline);
    };
    rules.is_removed = [this](uint64_t node) { return node_->state().IsRemovedMember(node); };
    rules.redeem = [this](const PresentedToken& token, RedeemDone done) {
      RedeemJoinToken(node_->state(), *log_, installation_->master_key,
                      {token.token_id, token.token, token.nonce}, std::move(done));
    };
    rules.open_snapshot = GiveSnapshots();
    return rules;
  }

  // Only where there are others that it could be for, and while it is true of now.
  SnapshotOpener GiveSnapshots() {
    if (member_ == nullptr) return {};
    shelf_ = std::make_unique<SnapshotShelf>(
        SnapshotShelfTerms{.data_dir = data_dir_,
                           .master_key_file = installation_->master_key_file,
                           .program_version = std::string(Version())},
        clock_);
    return [this](absl::string_view id, const std::function<bool()>& wants_end)
               -> absl::StatusOr<std::shared_ptr<const OpenSnapshot>> {
      const LogHealth health = log_->Health();
      if (health.state != LogState::kServing) {
        return absl::UnavailableError(absl::StrCat("this node is ", NameOf(health.state)));
      }
      return shelf_->Open(id, wants_end);
    };
  }

  absl::Status ShareRoot() {
    const std::optional<std::string> sealed = node_->state().FindBlob(kClusterRootKey);
    if (!sealed.has_value())
      return absl::DataLossError("the state holds no key of the cluster root");
    ClusterRoot root;
    root.set_cluster_id(installation_->keys.cluster_id);
    root.set_certificate_pem(installation_->keys.cluster_root.pem);
    root.set_sealed_key(*sealed);
    member_->ShareRoot(std::move(root));
    return absl::OkStatus();
  }

  absl::Status StartListeners() {
    node_service_ = std::make_unique<NodeService>(RulesForNodes());
    ASSIGN_OR_RETURN(
        edges_, EdgeListener::Start({settings_.listen_edge, *log_, node_->state(), *installation_,
                                     *issuer_, identity_, clock_, node_service_.get()}));
    RETURN_IF_ERROR(RouteContacts());
    ApiServerTerms terms;
    terms.listen = settings_.listen;
    terms.identity = identity_;
    terms.control = ToldAddress(settings_, edges_->address());
    terms.ask_cluster = [this] {
      // The first call may come before the listeners' addresses are known here.
      ClusterViewer* const viewer = viewer_;
      return viewer == nullptr ? ClusterView{.problem = "this node is starting"} : viewer->View();
    };
    terms.forget_node = [member = member_](uint64_t node) {
      return member == nullptr ? absl::OkStatus() : member->ForgetMember(node);
    };
    terms.read_join_secrets = [this] {
      return ReadJoinSecrets(settings_, installation_->master_key_file,
                             node_->state().KeyGeneration());
    };
    terms.observer = [metrics = metrics_.get()](absl::string_view method, grpc::StatusCode code) {
      metrics->CountCall(method, code);
    };
    terms.ask_contacts = [route = route_.get()](DeviceId device, absl::Duration deadline) {
      return route->Ask(device, deadline);
    };
    terms.on_router_root = [this](const std::string& pem) {
      const absl::Status written = WriteRouterRoot(data_dir_, pem);
      if (!written.ok()) LogWarning("main", "router-ca.pem", {{"why", written.ToString()}});
    };
    ASSIGN_OR_RETURN(api_, ApiServer::Start(terms, node_->state(), *log_, *issuer_,
                                            installation_->master_key, clock_));
    const MetricSources sources{node_->state(), *log_,
                                [edges = edges_.get()] { return edges->stream_count(); }, member_};
    ASSIGN_OR_RETURN(metrics_address_, ServeMetrics(settings_, *metrics_, sources));
    return absl::OkStatus();
  }

  const Settings& settings_;
  const std::string data_dir_;
  SystemClock clock_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Node> node_;
  // The same where it is one of several.
  EtcdNode* member_ = nullptr;
  std::unique_ptr<MeasuredLog> log_;
  std::unique_ptr<ClusterViewer> viewer_made_;
  std::atomic<ClusterViewer*> viewer_ = nullptr;
  std::unique_ptr<Installation> installation_;
  std::unique_ptr<RouterRoots> roots_;
  std::unique_ptr<CertificateIssuer> issuer_;
  Identity identity_;
  std::unique_ptr<SnapshotShelf> shelf_;
  std::unique_ptr<NodeService> node_service_;
  std::unique_ptr<EdgeListener> edges_;
  std::atomic<EdgeListener*> listening_ = nullptr;
  std::unique_ptr<NodeClient> client_;
  std::unique_ptr<ContactRoute> route_;
  std::unique_ptr<ApiServer> api_;
  std::string metrics_address_;
  std::unique_ptr<MemberEntry> member_entry_;
  std::unique_ptr<HealthWatch> health_;
};

}  // namespace

absl::Status RunControlPlane(const Settings& settings) {
  for (;;) {
    ControlPlane control_plane(settings);
    const absl::Status started = control_plane.Start();
    // While it waited for the state of another node.
    if (absl::IsCancelled(started) && SignalIsPending()) return absl::OkStatus();
    RETURN_IF_ERROR(started);
    WaitForEnd();
    control_plane.Stop();
    if (!control_plane.wants_restart() || SignalIsPending()) return control_plane.Problem();
    LogInfo("main", "starting again, with the state of another node");
  }
}

}  // namespace muster::server
