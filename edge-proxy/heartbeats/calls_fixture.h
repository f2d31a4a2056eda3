// An edge's calls over fakes, for tests of this room and of https.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "edge-proxy/heartbeats/calls.h"
#include "edge-proxy/heartbeats/proven_job_events.h"

namespace muster::edge {

class FakeUpstream : public CheckIns, public JobEvents, public JobResults {
 public:
  void AddCheckIn(CheckIn check_in) override {
    MutexLock lock(mutex_);
    check_ins_.push_back(std::move(check_in));
  }
  void AddJobEvent(JobEvent event) override {
    MutexLock lock(mutex_);
    events_.push_back(std::move(event));
  }
  void AddJobResult(JobResult result, ResultDone done) override {
    {
      MutexLock lock(mutex_);
      results_.push_back(std::move(result));
      if (!answer_at_once_) return dones_.push_back(std::move(done));
    }
    done(answer_);
  }

  std::vector<CheckIn> check_ins() {
    MutexLock lock(mutex_);
    return check_ins_;
  }
  std::vector<JobEvent> events() {
    MutexLock lock(mutex_);
    return events_;
  }
  std::vector<JobResult> results() {
    MutexLock lock(mutex_);
    return results_;
  }
  std::vector<ResultDone> TakeDones() {
    MutexLock lock(mutex_);
    return std::exchange(dones_, {});
  }
  void AnswerWith(absl::Status answer) { answer_ = std::move(answer); }
  void AnswerLater() { answer_at_once_ = false; }

 private:
  Mutex mutex_;
  std::vector<CheckIn> check_ins_;
  std::vector<JobEvent> events_;
  std::vector<JobResult> results_;
  std::vector<ResultDone> dones_;
  absl::Status answer_;
  bool answer_at_once_ = true;
};

class FakeControlPlane : public ControlPlane {
 public:
  void CheckClaim(const ClaimQuestion& question,
                  std::function<void(absl::StatusOr<ClaimAnswer>)> done) override {
    question_ = question;
    if (keep_waiting) return waiting.push_back(std::move(done));
    done(claim_answer);
  }
  void Enroll(const ClaimQuestion& question, const routeros::Enrolment& enrolment,
              std::function<void(absl::StatusOr<EnrolmentAnswer>)> done) override {
    question_ = question;
    enrolment_ = enrolment;
    done(enrolment_answer);
  }

  absl::StatusOr<ClaimAnswer> claim_answer = ClaimAnswer{.verdict = ClaimVerdict::kOk};
  absl::StatusOr<EnrolmentAnswer> enrolment_answer = absl::UnavailableError("away");
  // True: questions about claims are answered by hand.
  bool keep_waiting = false;
  std::vector<std::function<void(absl::StatusOr<ClaimAnswer>)>> waiting;
  ClaimQuestion question_;
  routeros::Enrolment enrolment_;
};

// A full heartbeat of the device that the fixture knows.
inline constexpr char kFullBeat[] =
    R"({"p":1,"last":9,"boot":"b1","fmt":"hex","id":"r","ver":"7.20.8","cpu":3})";

// One known device (5) with its token, and everything that Calls needs.
struct CallsFixture {
  CallsFixture() {
    (void)InitializeCryptography();
    gate.SetTrust(trust);
    record.secret_check = routeros::SecretCheck(trust.secret_check_key, secret);
    devices.Put(record);
  }

  static Job NewJob(uint64_t number) {
    return {.device = DeviceId{5},
            .number = number,
            .script = ":put 1",
            .not_before = absl::InfinitePast(),
            .not_after = absl::InfiniteFuture()};
  }

  std::string TokenOf(DeviceId device, uint32_t epoch, const Secret& with_secret) const {
    const auto token = routeros::SealToken(trust.token_keys[0], trust.cluster_id,
                                           {.device = device,
                                            .organization = OrganizationId{3},
                                            .epoch = epoch,
                                            .issued_at = absl::UnixEpoch(),
                                            .secret = with_secret});
    return token.ok() ? std::string(token->Reveal()) : "";
  }
  std::string Token() const { return TokenOf(record.device, 1, secret); }

  // What a request is answered with, at once.
  Reply Ask(absl::string_view method, absl::string_view target, absl::string_view authorization,
            absl::string_view body) {
    const Heard heard = calls.Hear({method, target, authorization});
    if (heard.refusal.has_value()) return *heard.refusal;
    Reply reply = Refusal(599, "not answered");
    calls.Take(heard, body, std::string("\x7f\x00\x00\x01", 4),
               [&reply](Reply answer) { reply = std::move(answer); });
    return reply;
  }
  Reply Beat(absl::string_view token, absl::string_view body) {
    return Ask("POST", "/v1/heartbeat", absl::StrCat("Bearer ", token), body);
  }

  const Trust trust = {.cluster_id = std::string(16, 'c'),
                       .token_keys = {{.key_id = 1, .key = Secret(std::string(32, 'k'))}},
                       .secret_check_key = Secret(std::string(32, 'e')),
                       .interval_seconds = 30};
  const Secret secret{"0123456789abcdef"};
  DeviceRecord record = {
      .device = DeviceId{5}, .organization = OrganizationId{3}, .least_epoch = 1};
  FakeClock clock{absl::FromUnixSeconds(1'790'000'000)};
  Metrics metrics;
  DeviceTable devices;
  TokenGate gate{devices, metrics, clock};
  FakeUpstream upstream;
  ProvenJobEvents events{devices, upstream};
  // Of the last router that a job was written for.
  std::string asked_version;
  JobShelf jobs{
      {.largest_script = [this](const Reader& reader) -> absl::StatusOr<size_t> {
         asked_version = reader.routeros_version;
         return 1000;
       },
       .reply = [](uint64_t number, absl::string_view script,
                   routeros::PayloadFormat) { return absl::StrCat("J", number, " ", script); },
       .announce = [](uint64_t number, absl::string_view script, const Reader&)
           -> absl::StatusOr<std::string> { return absl::StrCat("L", number, " ", script.size()); },
       .part = [](uint64_t number, uint32_t part, absl::string_view script,
                  const Reader&) -> absl::StatusOr<std::string> {
         const size_t from = (part - 1) * size_t{1000};
         if (from >= script.size()) return absl::NotFoundError("part");
         return absl::StrCat("P", number, " ", part, " ", script.substr(from, 1000));
       },
       .stop = [](uint64_t number) { return absl::StrCat("K", number); }},
      events};
  BusyValve busy{clock, 1000};
  FastBeats fast;
  HeartbeatDesk heartbeats{{clock, devices, jobs, upstream, upstream, metrics, busy, fast, "2"}};
  FakeControlPlane control_plane;
  // How many were rendered.
  int installers = 0;
  EnrolmentDesk enrolments{control_plane, devices,
                           [this](absl::string_view version, absl::string_view claim,
                                  const ClaimAnswer& terms) -> absl::StatusOr<std::string> {
                             if (version != "7.20.8") return absl::InvalidArgumentError("version");
                             ++installers;
                             return absl::StrCat("installer ", claim,
                                                 terms.monitor_only ? " monitor" : "");
                           }};
  ScriptDesk scripts{devices,
                     jobs,
                     {.own_version = "2",
                      .render = [](absl::string_view version,
                                   const AgentOffer& offer) -> absl::StatusOr<std::string> {
                        if (version != "7.20.8") return absl::InvalidArgumentError("version");
                        return absl::StrCat("agent ", version, " ", offer.generation, " ",
                                            offer.token.Reveal());
                      }}};
  ContactBook contacts;
  DevicePace pace;
  Calls calls{{.gate = gate,
               .heartbeats = heartbeats,
               .enrolments = enrolments,
               .scripts = scripts,
               .contacts = contacts,
               .pace = pace,
               .metrics = metrics,
               .clock = clock,
               .router_root = [] { return std::string("-----BEGIN CERTIFICATE-----\n"); },
               .ready = [this] { return gate.ready(); }}};
};

}  // namespace muster::edge
