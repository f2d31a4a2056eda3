#include "tests/bench/ingest/simulated_edge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "routeros/token/token.h"

namespace muster::bench {
namespace {

constexpr size_t kWindow = 4;
constexpr size_t kMaxBatch = 1000;
constexpr absl::Duration kFlush = absl::Milliseconds(50);
constexpr absl::Duration kWatermarkEvery = absl::Milliseconds(900);
constexpr absl::Duration kPause = absl::Milliseconds(5);

std::shared_ptr<grpc::Channel> OpenChannel(const EdgeIdentity& identity,
                                           const std::string& address) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = identity.cluster_root_pem;
  options.pem_cert_chain = identity.certificate_pem;
  options.pem_private_key = std::string(identity.key_pem.Reveal());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 4000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

}  // namespace

SimulatedEdge::SimulatedEdge(const Fleet& fleet, size_t number, EdgeIdentity identity,
                             const std::string& address)
    : fleet_(fleet),
      number_(number),
      identity_(std::move(identity)),
      channel_(OpenChannel(identity_, address)),
      stub_(edge::v1::EdgeService::NewStub(channel_)) {}

SimulatedEdge::~SimulatedEdge() {
  context_.TryCancel();
  if (reader_.joinable()) reader_.join();
}

absl::Status SimulatedEdge::Connect() {
  stream_ = stub_->Connect(&context_);
  edge::v1::ConnectRequest request;
  edge::v1::Hello& hello = *request.mutable_hello();
  hello.set_edge_id(identity_.id);
  hello.set_spool_id(RandomBytes(16));
  hello.set_version("bench");
  hello.set_time_us(absl::ToUnixMicros(absl::Now()));
  hello.set_protocol(1);
  edge::v1::ConnectResponse response;
  if (!stream_->Write(request) || !stream_->Read(&response) || !response.has_welcome()) {
    context_.TryCancel();
    return absl::UnavailableError(
        absl::StrCat(identity_.id, " was not welcome: ", stream_->Finish().error_message()));
  }
  RETURN_IF_ERROR(TakeWelcome(response.welcome()));
  reader_ = std::thread([this] { ReadAll(); });
  return absl::OkStatus();
}

absl::Status SimulatedEdge::TakeWelcome(const edge::v1::Welcome& welcome) {
  const Secret key(welcome.secret_check_key());
  if (key.size() != 32) return absl::InternalError("the welcome has no key for secret checks");
  const size_t devices = fleet_.DevicesAt(number_);
  checks_.reserve(devices);
  for (size_t place = 0; place < devices; ++place) {
    checks_.push_back(
        routeros::SecretCheck(key, fleet_.TokenSecret(fleet_.DeviceAt(number_, place))));
  }
  return absl::OkStatus();
}

absl::Status SimulatedEdge::Run(double rate, absl::Time end) {
  // Edges don't flush at the same moment.
  absl::SleepFor(kFlush * static_cast<double>(number_) / static_cast<double>(fleet_.edges()));
  const absl::Time begin = absl::Now();
  const absl::Duration spacing = rate > 0 ? absl::Seconds(1 / rate) : absl::ZeroDuration();
  const auto receipt = [&](uint64_t check_in) {
    return begin + spacing * static_cast<double>(check_in);
  };
  absl::Time next_flush = begin, next_watermark = begin;
  uint64_t made = 0;
  for (absl::Time now = begin; now < end; now = absl::Now()) {
    RETURN_IF_ERROR(SendVerdicts());
    const absl::Time newest = rate > 0 ? receipt(made) : now;
    if (now >= next_watermark) {
      RETURN_IF_ERROR(SendWatermark(std::min(newest, now)));
      next_watermark = now + kWatermarkEvery;
    }
    const double due = rate > 0 ? absl::ToDoubleSeconds(now - begin) * rate - made : kMaxBatch;
    const bool flush = rate <= 0 || (now >= next_flush && due >= 1);
    if (WindowIsFull() || !flush) {
      MutexLock lock(mutex_);
      acked_.WaitFor(mutex_, kPause);
      continue;
    }
    const size_t count = std::min(kMaxBatch, static_cast<size_t>(due));
    RETURN_IF_ERROR(SendBatch(count, newest, spacing));
    made += count;
    // What did not fit into one batch goes at once.
    if (due - count < 1) next_flush = now + kFlush;
  }
  if (rate > 0) {
    MutexLock lock(mutex_);
    figures_.lag_seconds = std::max(0.0, absl::ToDoubleSeconds(end - receipt(made)));
  }
  return absl::OkStatus();
}

absl::Status SimulatedEdge::SendBatch(size_t check_ins, absl::Time oldest, absl::Duration spacing) {
  edge::v1::Batch& batch = *message_.mutable_batch();
  batch.Clear();
  batch.set_lane(edge::v1::LANE_LIVE);
  batch.set_number(++last_number_);
  for (size_t i = 0; i < check_ins; ++i) {
    edge::v1::CheckIn& check_in = *batch.add_check_ins();
    fleet_.FillCheckIn(fleet_.DeviceAt(number_, next_place_),
                       absl::ToUnixMicros(oldest + spacing * static_cast<double>(i)), check_in);
    check_in.set_secret_check(checks_[next_place_]);
    next_place_ = (next_place_ + 1) % checks_.size();
  }
  all_sent_ += check_ins;
  {
    MutexLock lock(mutex_);
    unacked_.push_back({last_number_, check_ins, absl::Now(), oldest});
    figures_.sent += check_ins;
  }
  return stream_->Write(message_) ? absl::OkStatus() : Ended();
}

absl::Status SimulatedEdge::SendWatermark(absl::Time time) {
  edge::v1::ConnectRequest request;
  request.mutable_watermark()->set_time_us(absl::ToUnixMicros(time));
  request.mutable_watermark()->set_live_number(last_number_);
  return stream_->Write(request) ? absl::OkStatus() : Ended();
}

absl::Status SimulatedEdge::SendVerdicts() {
  std::vector<uint64_t> generations;
  {
    MutexLock lock(mutex_);
    if (ended_) return absl::UnavailableError(identity_.id + ": the stream has ended");
    generations.swap(generations_);
  }
  for (const uint64_t generation : generations) {
    edge::v1::ConnectRequest request;
    request.mutable_state_verdict()->set_generation(generation);
    if (!stream_->Write(request)) return Ended();
  }
  return absl::OkStatus();
}

bool SimulatedEdge::WindowIsFull() {
  MutexLock lock(mutex_);
  return unacked_.size() >= kWindow;
}

absl::Status SimulatedEdge::Ended() {
  MutexLock lock(mutex_);
  return absl::UnavailableError(
      absl::StrCat(identity_.id, ": the control plane ended the stream. ", drain_reason_));
}

void SimulatedEdge::ReadAll() {
  edge::v1::ConnectResponse response;
  while (stream_->Read(&response)) {
    if (response.has_ack()) TakeAck(response.ack());
    if (on_job_ != nullptr) {
      for (const edge::v1::JobPut& job : response.state().jobs()) {
        on_job_(job.device_id(), absl::Now());
      }
    }
    MutexLock lock(mutex_);
    if (response.has_state() && response.state().last()) {
      generations_.push_back(response.state().generation());
    }
    if (response.has_drain()) drain_reason_ = response.drain().reason();
  }
  MutexLock lock(mutex_);
  ended_ = true;
  acked_.NotifyAll();
}

void SimulatedEdge::TakeAck(const edge::v1::Ack& ack) {
  const absl::Time now = absl::Now();
  MutexLock lock(mutex_);
  if (ack.lane() != edge::v1::LANE_LIVE) return;
  while (!unacked_.empty() && unacked_.front().number <= ack.number()) {
    const Sent& sent = unacked_.front();
    figures_.acknowledged += sent.check_ins;
    figures_.ack_ms.push_back(absl::ToDoubleMilliseconds(now - sent.written));
    figures_.receipt_to_ack_ms.push_back(absl::ToDoubleMilliseconds(now - sent.oldest));
    unacked_.pop_front();
  }
  figures_.refused += static_cast<uint64_t>(ack.verdicts_size());
  if (ack.verdicts_size() > 0) {
    figures_.refusal = absl::StrCat(edge::v1::ItemVerdictCode_Name(ack.verdicts(0).code()), " ",
                                    ack.verdicts(0).reason());
  }
  acked_.NotifyAll();
}

absl::Status SimulatedEdge::Drain(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (absl::Now() < deadline) {
    RETURN_IF_ERROR(SendVerdicts());
    MutexLock lock(mutex_);
    if (unacked_.empty()) return absl::OkStatus();
    acked_.WaitFor(mutex_, kPause);
  }
  return absl::DeadlineExceededError(identity_.id + ": not all batches were acknowledged");
}

uint64_t SimulatedEdge::acknowledged() {
  MutexLock lock(mutex_);
  return figures_.acknowledged;
}

EdgeFigures SimulatedEdge::TakeFigures() {
  MutexLock lock(mutex_);
  return std::exchange(figures_, EdgeFigures());
}

absl::Status OnAll(Edges& edges, const std::function<absl::Status(SimulatedEdge&)>& work) {
  std::vector<absl::Status> outcomes(edges.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < edges.size(); ++i) {
    threads.emplace_back([&, i] { outcomes[i] = work(*edges[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& outcome : outcomes) RETURN_IF_ERROR(outcome);
  return absl::OkStatus();
}

uint64_t AcknowledgedBy(Edges& edges) {
  uint64_t all = 0;
  for (const auto& edge : edges) all += edge->acknowledged();
  return all;
}

}  // namespace muster::bench
