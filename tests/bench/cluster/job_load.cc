#include "tests/bench/cluster/job_load.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "muster/v1/job_service.grpc.pb.h"

namespace muster::bench {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(10);

}  // namespace

JobLoad::JobLoad(const Fleet& fleet, const Nodes& nodes)
    : fleet_(fleet), nodes_(nodes), times_(fleet.size()) {
  places_.reserve(fleet.size());
  for (size_t i = 0; i < fleet.size(); ++i) places_.emplace(fleet.Id(i), i);
}

void JobLoad::Arrived(uint64_t device_id, absl::Time now) {
  const auto place = places_.find(device_id);
  if (place == places_.end()) return;
  int64_t none = 0;
  // The first time counts: a snapshot may say it again.
  if (times_[place->second].arrived_ns.compare_exchange_strong(none, absl::ToUnixNanos(now))) {
    ++arrived_;
  }
}

absl::Status JobLoad::Connect(int connections) {
  for (int i = 0; i < connections; ++i) {
    for (const auto& node : nodes_) connections_.push_back({node.get(), node->ApiChannel()});
  }
  for (const Connection& connection : connections_) connection.channel->GetState(true);
  const auto deadline = absl::ToChronoTime(absl::Now() + kConnectTimeout);
  for (const Connection& connection : connections_) {
    if (!connection.channel->WaitForConnected(deadline)) {
      return absl::UnavailableError("a node's API does not answer");
    }
  }
  return absl::OkStatus();
}

absl::Status JobLoad::Call(const Connection& connection, double rate, absl::Time end) {
  const auto api = v1::JobService::NewStub(connection.channel);
  absl::Time next = absl::Now();
  while (absl::Now() < end) {
    if (rate > 0) {
      absl::SleepFor(next - absl::Now());
      next += absl::Seconds(1 / rate);
    }
    const size_t place = next_++;
    if (place >= fleet_.size()) {
      return absl::ResourceExhaustedError("every device of the fleet has a job");
    }
    v1::CreateJobRequest request;
    request.set_parent("organizations/default");
    request.set_device(absl::StrCat("organizations/default/devices/", FormatId(fleet_.Id(place))));
    request.set_script(":put [/system identity get name]");
    request.set_request_id(absl::StrCat("bench-", place));
    v1::CreateJobResponse response;
    grpc::ClientContext context;
    connection.node->Authorize(context);
    times_[place].called_ns = absl::GetCurrentTimeNanos();
    if (grpc::Status s = api->CreateJob(&context, request, &response); !s.ok()) {
      return absl::UnavailableError("CreateJob: " + s.error_message());
    }
    ++created_;
  }
  return absl::OkStatus();
}

absl::Status JobLoad::Run(int callers, double rate, absl::Time end) {
  std::vector<absl::Status> outcomes(callers);
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back(
        [&, i] { outcomes[i] = Call(connections_[i % connections_.size()], rate / callers, end); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& outcome : outcomes) RETURN_IF_ERROR(outcome);
  return absl::OkStatus();
}

bool JobLoad::WaitForAll(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (arrived_ < created_ && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
  return arrived_ >= created_;
}

std::vector<double> JobLoad::ArrivalMilliseconds() const {
  std::vector<double> all;
  for (const Times& times : times_) {
    if (times.arrived_ns == 0 || times.called_ns == 0) continue;
    all.push_back(static_cast<double>(times.arrived_ns - times.called_ns) / 1e6);
  }
  return all;
}

}  // namespace muster::bench
