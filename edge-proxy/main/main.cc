// muster-edge: flags, signals, exit codes.
#include <sys/resource.h>

#include <csignal>
#include <memory>
#include <optional>

#include "common/log/log.h"
#include "common/program/options.h"
#include "common/program/process.h"
#include "common/secrets/secrets.h"
#include "edge-proxy/main/edge.h"

namespace muster::edge {
namespace {

constexpr char kProgram[] = "muster-edge";
constexpr char kExamples[] = R"(Examples:
  First start, with the file that `muster edge create west --url https://west.example.net` printed:
    muster-edge --data-dir /var/lib/muster-edge --control musterd.example.net:7451 \
      --join-file west.join --listen 0.0.0.0:443 --public-url https://west.example.net
  Later starts need no --join-file.
  With certificates of your own, which must end in the router root:
    muster-edge ... --tls-cert ecdsa.pem --tls-key ecdsa.key --tls-cert rsa.pem --tls-key rsa.key
)";

std::optional<int> ReadOptions(int argc, char** argv, EdgeOptions& edge) {
  Options options(kProgram, "Serves MikroTik routers for a Muster control plane.", "MUSTER_EDGE",
                  kExamples);
  options.Required("data-dir", "folder of this edge's identity (0700)", &edge.data_dir);
  options.List("control", "HOST:PORT where musterd listens for edges; repeat for each node",
               &edge.controls);
  options.Text("join-file", "what `muster edge create` printed (0600); only for the first start",
               &edge.join_file);
  options.Text("listen", "ADDR:PORT for routers", &edge.listen);
  options.Required("public-url", "https://HOST[:PORT] that routers are told", &edge.public_url);
  options.Text("metrics", "ADDR:PORT for Prometheus", &edge.metrics);
  options.List("tls-cert", "PEM chain to show to routers; repeat for ECDSA and RSA",
               &edge.tls_certs);
  options.List("tls-key", "PEM key of the --tls-cert in the same place (0600)", &edge.tls_keys);
  options.Number("max-stale", "hours to serve routers without the control plane",
                 &edge.max_stale_hours, 1, 8760);
  options.Number("soft-limit", "beats a second above which routers are told to skip two minutes",
                 &edge.soft_limit, 0, 1'000'000);
  return options.Parse(argc, argv);
}

// To the hard limit; what that is belongs to the service's unit (LimitNOFILE).
// A connection needs a descriptor.
void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Run(const EdgeOptions& options) {
  absl::StatusOr<std::unique_ptr<Edge>> edge = Edge::Open(options);
  if (!edge.ok()) return FailWith(kProgram, edge.status().message());
  const absl::Status started = (*edge)->Start();
  if (!started.ok()) return FailWith(kProgram, started.message());
  PrintReady("metrics", (*edge)->metrics_address());
  PrintReady("https", (*edge)->https_address());
  // Any other of the signals that are waited for ends the edge, with 0 after draining.
  while (WaitForSignal() == SIGHUP) {
    const absl::Status reloaded = (*edge)->ReloadCertificates();
    if (!reloaded.ok()) {
      LogError("main", "certificates not reloaded", {{"why", std::string(reloaded.message())}});
    }
  }
  (*edge)->Stop();
  return 0;
}

}  // namespace
}  // namespace muster::edge

int main(int argc, char** argv) {
  // Before any thread is started: the mask is inherited.
  muster::PrepareSignals();
  muster::edge::EdgeOptions options;
  options.listen = "0.0.0.0:443";
  options.metrics = "127.0.0.1:7491";
  if (const auto code = muster::edge::ReadOptions(argc, argv, options)) return *code;
  muster::StartLogging("muster-edge", muster::LogLevel::kInfo);
  const absl::Status ready = muster::InitializeCryptography();
  if (!ready.ok()) return muster::FailWith("muster-edge", ready.message());
  muster::edge::RaiseDescriptorLimit();
  return muster::edge::Run(options);
}
