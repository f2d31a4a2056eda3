#include "edge-proxy/heartbeats/calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "edge-proxy/heartbeats/calls_fixture.h"

namespace muster::edge {
namespace {

class CallsTest : public testing::Test {
 protected:
  CallsFixture edge_;
};

TEST_F(CallsTest, AHeartbeatIsAnsweredAndGoesUpstream) {
  const Reply reply = edge_.Beat(edge_.Token(), kFullBeat);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text, "0");
  const auto check_ins = edge_.upstream.check_ins();
  ASSERT_EQ(check_ins.size(), 1u);
  EXPECT_EQ(check_ins[0].device, DeviceId{5});
  EXPECT_EQ(check_ins[0].time, edge_.clock.Now());
  EXPECT_EQ(check_ins[0].secret_check, edge_.record.secret_check);
  EXPECT_EQ(check_ins[0].interval_seconds, 30u);
  EXPECT_EQ(check_ins[0].source_address.size(), 4u);
  EXPECT_EQ(check_ins[0].beat.cpu_load_percent, 3u);
  EXPECT_TRUE(check_ins[0].with_facts);
}

TEST_F(CallsTest, FactsGoUpstreamOncePerSessionAndWhenTheyChange) {
  edge_.Beat(edge_.Token(), kFullBeat);
  edge_.Beat(edge_.Token(), kFullBeat);
  edge_.Beat(edge_.Token(), R"({"p":1,"last":9,"fmt":"hex","id":"new name","ver":"7.20.8"})");
  edge_.Beat(edge_.Token(), R"({"p":1,"last":9,"err":1})");
  edge_.devices.ForgetSentFacts();
  edge_.Beat(edge_.Token(), R"({"p":1,"last":9,"fmt":"hex","id":"new name","ver":"7.20.8"})");
  std::vector<bool> with_facts;
  for (const CheckIn& check_in : edge_.upstream.check_ins()) {
    with_facts.push_back(check_in.with_facts);
  }
  EXPECT_EQ(with_facts, (std::vector<bool>{true, false, true, false, true}));
}

TEST_F(CallsTest, ASmallBeatTellsOfAnotherAgent) {
  edge_.Beat(edge_.Token(), R"({"p":1,"agent":"2","last":9,"fmt":"hex","id":"a","ver":"7.20.8"})");
  for (const absl::string_view agent : {"2", "2+1", "2+1"}) {
    edge_.Beat(edge_.Token(),
               absl::StrCat(R"({"p":1,"agent":")", agent, R"(","last":9,"fmt":"hex"})"));
  }
  std::vector<bool> with_facts;
  for (const CheckIn& check_in : edge_.upstream.check_ins()) {
    with_facts.push_back(check_in.with_facts);
  }
  EXPECT_EQ(with_facts, (std::vector<bool>{true, false, true, false}));
}

TEST_F(CallsTest, TextIsReadByTheCodePageOfTheDevice) {
  const std::string body = "{\"p\":1,\"last\":9,\"id\":\"\xCF\xE8\"}";
  edge_.Beat(edge_.Token(), body);
  edge_.record.code_page = routeros::CodePage::kWindows1251;
  edge_.devices.Put(edge_.record);
  edge_.Beat(edge_.Token(), body);
  const auto check_ins = edge_.upstream.check_ins();
  ASSERT_EQ(check_ins.size(), 2u);
  EXPECT_EQ(check_ins[0].beat.facts.identity, "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(check_ins[1].beat.facts.identity, "Пи");
  EXPECT_TRUE(check_ins[1].with_facts);
}

TEST_F(CallsTest, AJobThatWaitsIsInTheReply) {
  edge_.jobs.Put(CallsFixture::NewJob(10));
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).text, "J10 :put 1");
  ASSERT_EQ(edge_.upstream.events().size(), 1u);
  EXPECT_EQ(edge_.upstream.events()[0].kind, JobEventKind::kSent);
}

TEST_F(CallsTest, ASmallBeatWithoutAVersionGetsItsJobToo) {
  const auto beat = [this](absl::string_view formats) {
    edge_.jobs.Put(CallsFixture::NewJob(10));
    return edge_
        .Beat(edge_.Token(), absl::StrCat(R"({"p":1,"agent":"2","fmt":")", formats,
                                          R"(","boot":"b","last":0,"up":"1m"})"))
        .text;
  };
  EXPECT_EQ(beat("hex,esc"), "J10 :put 1");
  EXPECT_EQ(edge_.asked_version, "7.11");
  EXPECT_EQ(beat("esc"), "J10 :put 1");
  EXPECT_EQ(edge_.asked_version, "6.48");
}

TEST_F(CallsTest, EventsOfTheEdgeItselfCarryTheDevicesCheck) {
  edge_.jobs.Put(CallsFixture::NewJob(10));
  edge_.jobs.Remove(DeviceId{5}, 10, edge_.clock.Now());
  ASSERT_EQ(edge_.upstream.events().size(), 1u);
  EXPECT_EQ(edge_.upstream.events()[0].secret_check, edge_.record.secret_check);
}

TEST_F(CallsTest, ANumberThatWasReportedOnceIsNeverSentAgain) {
  edge_.Beat(edge_.Token(), kFullBeat);
  edge_.jobs.Put(CallsFixture::NewJob(9));
  EXPECT_EQ(edge_.Beat(edge_.Token(), R"({"p":1,"last":3,"boot":"b1","fmt":"hex"})").text, "0");
  EXPECT_EQ(edge_.Beat(edge_.Token(), R"({"p":1,"last":3,"boot":"b1","fmt":"hex"})").text, "0");
}

TEST_F(CallsTest, ARouterThatWentBackGetsNothingUntilTheJobIsPutAgain) {
  edge_.Beat(edge_.Token(), kFullBeat);
  edge_.jobs.Put(CallsFixture::NewJob(10));
  const std::string back = R"({"p":1,"last":3,"boot":"b1","fmt":"hex","ver":"7.20.8"})";
  EXPECT_EQ(edge_.Beat(edge_.Token(), back).text, "0");
  EXPECT_EQ(edge_.Beat(edge_.Token(), back).text, "0");
  edge_.jobs.Put(CallsFixture::NewJob(10));
  EXPECT_NE(edge_.Beat(edge_.Token(), back).text, "0");
}

TEST_F(CallsTest, AMonitorOnlyDeviceGetsNoJob) {
  edge_.record.monitor_only = true;
  edge_.devices.Put(edge_.record);
  edge_.jobs.Put(CallsFixture::NewJob(10));
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).text, "0");
}

TEST_F(CallsTest, ADeviceWithoutARecordIsHeardAndGetsNothing) {
  edge_.devices.Remove(DeviceId{5});
  edge_.jobs.Put(CallsFixture::NewJob(10));
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).text, "0");
  ASSERT_EQ(edge_.upstream.check_ins().size(), 1u);
  EXPECT_EQ(edge_.upstream.check_ins()[0].secret_check, edge_.record.secret_check);
  EXPECT_TRUE(edge_.upstream.events().empty());
}

TEST_F(CallsTest, BrokenStructureIsRefusedAndGoesNowhere) {
  EXPECT_EQ(edge_.Beat(edge_.Token(), "{").status, 400);
  EXPECT_EQ(edge_.Beat(edge_.Token(), R"({"p":1})").status, 400);
  EXPECT_TRUE(edge_.upstream.check_ins().empty());
}

TEST_F(CallsTest, AResultIsTakenOnlyWhenItIsCommitted) {
  const std::string bearer = "Bearer " + edge_.Token();
  const std::string body = R"({"p":1,"n":10,"st":"ok","out":"x"})";
  const auto post = [&] { return edge_.Ask("POST", "/v1/result", bearer, body); };
  Reply reply = post();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text, "A10");
  edge_.upstream.AnswerWith(absl::UnavailableError("away"));
  reply = post();
  EXPECT_EQ(reply.status, 503);
  EXPECT_TRUE(reply.retry_after_seconds.has_value());
  edge_.upstream.AnswerWith(absl::UnauthenticatedError("secret"));
  EXPECT_EQ(post().status, 401);
  edge_.upstream.AnswerWith(absl::InvalidArgumentError("refused"));
  EXPECT_EQ(post().status, 400);
  EXPECT_EQ(edge_.Ask("POST", "/v1/result", bearer, R"({"p":1,"n":0,"st":"ok"})").status, 400);
}

TEST_F(CallsTest, PartsOfAJobNeedTheTokenOfItsDevice) {
  Job job = CallsFixture::NewJob(10);
  job.script = std::string(1500, 'x');
  edge_.jobs.Put(job);
  const auto get = [&](absl::string_view target, absl::string_view token) {
    return edge_.Ask("GET", target, absl::StrCat("Bearer ", token), "");
  };
  EXPECT_EQ(get("/v1/payload/10/1", edge_.Token()).status, 404);
  const std::string beat =
      R"({"p":1,"agent":"2+1","last":9,"boot":"b1","fmt":"hex","id":"r","ver":"7.20.8"})";
  EXPECT_EQ(edge_.Beat(edge_.Token(), beat).text, "L10 1500");
  EXPECT_EQ(get("/v1/payload/10/1", edge_.Token()).text, "P10 1 " + std::string(1000, 'x'));
  EXPECT_EQ(get("/v1/payload/10/2", edge_.Token()).text, "P10 2 " + std::string(500, 'x'));
  EXPECT_EQ(get("/v1/payload/10/3", edge_.Token()).status, 404);
  EXPECT_EQ(get("/v1/payload/11/1", edge_.Token()).status, 404);
  EXPECT_EQ(get("/v1/payload/10/1", "").status, 401);
  const Secret wrong("fedcba9876543210");
  EXPECT_EQ(get("/v1/payload/10/1", edge_.TokenOf(DeviceId{5}, 1, wrong)).status, 401);
  // Another device, and one whose secret nobody has checked yet.
  DeviceRecord other = edge_.record;
  other.device = DeviceId{6};
  edge_.devices.Put(other);
  EXPECT_EQ(get("/v1/payload/10/1", edge_.TokenOf(DeviceId{6}, 1, edge_.secret)).status, 404);
  edge_.devices.Remove(DeviceId{5});
  EXPECT_EQ(get("/v1/payload/10/1", edge_.Token()).status, 503);
  EXPECT_EQ(edge_.Ask("POST", "/v1/payload/10/1", "Bearer " + edge_.Token(), "").status, 405);
}

TEST_F(CallsTest, AnOldAgentIsNotGivenParts) {
  Job job = CallsFixture::NewJob(10);
  job.script = std::string(1500, 'x');
  edge_.jobs.Put(job);
  const std::string beat =
      R"({"p":1,"agent":"1","last":9,"boot":"b1","fmt":"hex","id":"r","ver":"7.20.8"})";
  EXPECT_EQ(edge_.Beat(edge_.Token(), beat).text, "0");
  ASSERT_EQ(edge_.upstream.events().size(), 1u);
  EXPECT_EQ(edge_.upstream.events()[0].kind, JobEventKind::kTooLong);
}

std::string BeatOf(absl::string_view agent, uint64_t run = 0) {
  return absl::StrCat(R"({"p":1,"agent":")", agent, R"(","last":9,"run":)", run,
                      R"(,"boot":"b1","fmt":"hex","id":"r","ver":"7.20.8"})");
}

TEST_F(CallsTest, AnUpdateIsToldWhenNothingElseIsToBeSaidAndNotTooOften) {
  auto offer = std::make_shared<AgentOffer>();
  offer->agent_version = "2";
  offer->generation = 3;
  offer->offered = true;
  edge_.record.offer = offer;
  edge_.devices.Put(edge_.record);
  const auto beat = [&](absl::string_view agent, uint64_t run = 0) {
    return edge_.Beat(edge_.Token(), BeatOf(agent, run)).text;
  };
  EXPECT_EQ(beat("2+3"), "0") << "it runs that";
  EXPECT_EQ(beat("1", 9), "0") << "a job runs";
  edge_.jobs.Put(CallsFixture::NewJob(10));
  EXPECT_EQ(beat("1"), "J10 :put 1");
  edge_.jobs.Remove(DeviceId{5}, 10, edge_.clock.Now());
  EXPECT_EQ(beat("1"), "U");
  EXPECT_EQ(beat("2+2"), "0") << "it was told just now";
  edge_.clock.Advance(absl::Seconds(121));
  EXPECT_EQ(beat("2+2"), "U");
  edge_.clock.Advance(absl::Seconds(121));
  EXPECT_EQ(beat("2"), "U") << "a version alone is generation 0";
  edge_.clock.Advance(absl::Seconds(121));
  auto withdrawn = std::make_shared<AgentOffer>(*offer);
  withdrawn->offered = false;
  edge_.record.offer = withdrawn;
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(beat("1"), "0");
  auto foreign = std::make_shared<AgentOffer>(*offer);
  foreign->agent_version = "3";
  edge_.record.offer = foreign;
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(beat("1"), "0") << "this edge can't render it";
}

TEST_F(CallsTest, AgentTextIsGivenToTheDeviceThatIsOfferedIt) {
  const auto get = [&](absl::string_view version) {
    return edge_.Ask("GET", absl::StrCat("/agent/", version), "Bearer " + edge_.Token(), "");
  };
  EXPECT_EQ(get("7.20.8").status, 404);
  auto offer = std::make_shared<AgentOffer>();
  offer->agent_version = "2";
  offer->generation = 3;
  offer->token = Secret("m1.fresh");
  offer->offered = true;
  edge_.record.offer = offer;
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(get("7.20.8").text, "agent 7.20.8 3 m1.fresh");
  EXPECT_EQ(get("5.1").status, 400);
  EXPECT_EQ(get("").status, 400);
  EXPECT_EQ(edge_.Ask("GET", "/agent/7.20.8", "", "").status, 401);
  const std::string wrong = edge_.TokenOf(DeviceId{5}, 1, Secret("fedcba9876543210"));
  EXPECT_EQ(edge_.Ask("GET", "/agent/7.20.8", "Bearer " + wrong, "").status, 401);
  edge_.record.monitor_only = true;
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(get("7.20.8").status, 404);
  edge_.devices.Remove(DeviceId{5});
  EXPECT_EQ(get("7.20.8").status, 503);
}

TEST_F(CallsTest, BeatsAboveTheLimitOfASecondAreToldToComeLessOften) {
  const auto beat = [&](absl::string_view agent) {
    return edge_.Beat(edge_.Token(), BeatOf(agent)).text;
  };
  // Of other routers, whose beats count all the same.
  for (uint64_t device = 100; device < 1099; ++device) {
    ASSERT_EQ(edge_.Beat(edge_.TokenOf(DeviceId{device}, 1, edge_.secret), BeatOf("2")).text, "0");
  }
  ASSERT_EQ(beat("2"), "0");
  EXPECT_EQ(edge_.upstream.check_ins().back().interval_seconds, 30u);
  EXPECT_EQ(beat("2"), "W120");
  EXPECT_EQ(edge_.upstream.check_ins().back().interval_seconds, 150u)
      << "it is not to be called offline meanwhile";
  EXPECT_EQ(beat("1"), "0") << "it knows no W";
  edge_.record.interval_seconds = 300;
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(beat("2"), "0") << "it comes seldom as it is";
  edge_.jobs.Put(CallsFixture::NewJob(10));
  EXPECT_EQ(beat("2"), "J10 :put 1");
  edge_.clock.Advance(absl::Seconds(1));
  edge_.jobs.Remove(DeviceId{5}, 10, edge_.clock.Now());
  EXPECT_EQ(beat("2"), "0");
}

TEST_F(CallsTest, ADeviceThatCallsTooOftenIsToldSoAndTakesNothingFromOthers) {
  const auto result = [&](int number) {
    return edge_.Ask("POST", "/v1/result", "Bearer " + edge_.Token(),
                     absl::StrCat(R"({"p":1,"n":)", number, R"(,"st":"ok"})"));
  };
  for (int i = 0; i < 60; ++i) {
    ASSERT_EQ(edge_.Beat(edge_.Token(), kFullBeat).status, 200) << i;
    ASSERT_EQ(result(1 + i).status, 200) << i;
  }
  const Reply refused = edge_.Beat(edge_.Token(), kFullBeat);
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.retry_after_seconds.has_value());
  EXPECT_EQ(result(99).status, 429);
  EXPECT_EQ(edge_.upstream.check_ins().size(), 60u);
  EXPECT_EQ(edge_.upstream.results().size(), 60u);
  EXPECT_EQ(edge_.metrics.Value(Metrics::kTooOften), 2u);
  // Another one; without a record it has a pace of its own, too.
  const std::string other = edge_.TokenOf(DeviceId{8}, 1, edge_.secret);
  for (int i = 0; i < 120; ++i) ASSERT_EQ(edge_.Beat(other, kFullBeat).status, 200) << i;
  EXPECT_EQ(edge_.Beat(other, kFullBeat).status, 429);
  edge_.clock.Advance(absl::Seconds(1));
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).status, 200);
  EXPECT_EQ(result(99).status, 200);
  EXPECT_EQ(result(99).status, 429);
}

TEST_F(CallsTest, ADeviceThatIsToBeatFastIsToldForAsLongAsItWasAsked) {
  const auto beat = [&] { return edge_.Beat(edge_.Token(), BeatOf("2")).text; };
  edge_.fast.Ask(DeviceId{5}, 60, edge_.clock.Now());
  edge_.clock.Advance(absl::Minutes(4));
  EXPECT_EQ(beat(), "F60") << "it counts from its first beat";
  edge_.clock.Advance(absl::Seconds(20));
  EXPECT_EQ(beat(), "F40");
  edge_.jobs.Put(CallsFixture::NewJob(10));
  EXPECT_EQ(beat(), "J10 :put 1");
  edge_.jobs.Remove(DeviceId{5}, 10, edge_.clock.Now());
  edge_.clock.Advance(absl::Seconds(39));
  EXPECT_EQ(beat(), "0");
  edge_.fast.Ask(DeviceId{5}, 4000, edge_.clock.Now());
  EXPECT_EQ(beat(), "F300") << "the router takes no more";
  edge_.fast.Ask(DeviceId{5}, 60, edge_.clock.Now());
  edge_.clock.Advance(FastBeats::kPatience);
  EXPECT_EQ(beat(), "0") << "it came too late";
}

TEST_F(CallsTest, AReleasedDeviceHearsThatAndNothingElse) {
  edge_.record.released = true;
  edge_.devices.Put(edge_.record);
  edge_.jobs.Put(CallsFixture::NewJob(10));
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).text, "X");
  EXPECT_EQ(edge_.upstream.check_ins().size(), 1u);
  EXPECT_TRUE(edge_.upstream.events().empty());
  edge_.record.monitor_only = true;
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).text, "X");
}

TEST_F(CallsTest, ARunningJobIsStopped) {
  edge_.jobs.Stop(DeviceId{5}, 9, edge_.clock.Now());
  EXPECT_EQ(edge_.Beat(edge_.Token(), BeatOf("2", 9)).text, "K9");
  EXPECT_EQ(edge_.Beat(edge_.Token(), BeatOf("2", 0)).text, "0");
}

TEST_F(CallsTest, RemembersWhatRoutersWereAnsweredAlsoWhenTheyWereRefused) {
  const ConnectionFacts facts = {.tls_version = "TLSv1.2"};
  const auto ask = [&](const std::string& token, absl::string_view body) {
    const Heard heard = edge_.calls.Hear({"POST", "/v1/heartbeat", "Bearer " + token});
    Reply reply = heard.refusal.value_or(Reply());
    if (!heard.refusal.has_value()) {
      edge_.calls.Take(heard, body, "", [&](Reply answer) { reply = std::move(answer); });
    }
    edge_.calls.Remember(heard, reply, facts);
  };
  edge_.jobs.Put(CallsFixture::NewJob(10));
  ask(edge_.Token(), kFullBeat);
  ask(edge_.Token(), "{");
  ask(edge_.TokenOf(DeviceId{5}, 1, Secret("fedcba9876543210")), kFullBeat);
  edge_.devices.AddRevocation({DeviceId{5}, 2});
  ask(edge_.Token(), kFullBeat);
  ask("m1.nonsense", kFullBeat);
  const Contacts contacts = edge_.contacts.Find(DeviceId{5});
  ASSERT_EQ(contacts.contacts.size(), 4u);
  EXPECT_EQ(contacts.contacts[0].reason, "revoked token");
  EXPECT_EQ(contacts.contacts[0].http_status, 401);
  EXPECT_EQ(contacts.contacts[1].reason, "wrong secret");
  EXPECT_EQ(contacts.contacts[2].http_status, 400);
  EXPECT_EQ(contacts.contacts[2].kind, ContactKind::kRefused);
  EXPECT_EQ(contacts.contacts[3].reason, "J");
  EXPECT_EQ(contacts.contacts[3].kind, ContactKind::kCheckIn);
  EXPECT_EQ(contacts.connection.tls_version, "TLSv1.2");
  EXPECT_EQ(edge_.contacts.size(), 1u);
}

TEST_F(CallsTest, ServesWhileRecordsJobsAndKeysChange) {
  std::atomic<bool> stop{false};
  std::thread control([&] {
    for (uint64_t number = 1; !stop; ++number) {
      edge_.devices.ReplaceAll({edge_.record});
      edge_.devices.AddRevocation({DeviceId{6}, static_cast<uint32_t>(number)});
      edge_.devices.ForgetSentFacts();
      edge_.jobs.Put(CallsFixture::NewJob(number));
      edge_.jobs.DropExpired(edge_.clock.Now());
      edge_.gate.SetInterval(static_cast<uint32_t>(30 + number % 2));
    }
  });
  std::vector<std::thread> routers;
  for (int i = 0; i < 3; ++i) {
    routers.emplace_back([this] {
      for (int beat = 0; beat < 300; ++beat) {
        edge_.clock.Advance(absl::Milliseconds(500));
        const Heard heard = edge_.calls.Hear({"POST", "/v1/heartbeat", "Bearer " + edge_.Token()});
        ASSERT_FALSE(heard.refusal.has_value());
        edge_.calls.Take(heard, kFullBeat, "",
                         [](const Reply& reply) { EXPECT_EQ(reply.status, 200); });
      }
    });
  }
  for (std::thread& router : routers) router.join();
  stop = true;
  control.join();
  EXPECT_EQ(edge_.upstream.check_ins().size(), 900u);
}

TEST_F(CallsTest, UnknownTargetsAndMethodsAreRefused) {
  for (const char* target :
       {"/", "/v1", "/v1/heartbeat/", "/v1/heartbeat?x", "/agent", "*", "/v1/payload/1",
        "/v1/payload/1/", "/v1/payload/1/0", "/v1/payload/0/1", "/v1/payload/01/1",
        "/v1/payload/1/1/", "/v1/payload/1/10000", "/v1/payload/-1/1", "/v1/payload/+1/1",
        "/v1/payload/18446744073709551616/1", "http://edge/v1/heartbeat", "/b"}) {
    EXPECT_EQ(edge_.Ask("GET", target, "", "").status, 404) << target;
  }
  EXPECT_EQ(edge_.Ask("GET", "/v1/heartbeat", "Bearer " + edge_.Token(), "").status, 405);
  EXPECT_EQ(edge_.Ask("DELETE", "/v1/result", "Bearer " + edge_.Token(), "").status, 405);
  EXPECT_EQ(edge_.Ask("POST", "/ca.pem", "", "").status, 405);
  EXPECT_STREQ(edge_.Ask("POST", "/ca.pem", "", "").allow, "GET");
}

TEST_F(CallsTest, SaysWhetherItIsWellAndReady) {
  EXPECT_EQ(edge_.Ask("GET", "/healthz", "", "").text, "ok");
  EXPECT_EQ(edge_.Ask("GET", "/readyz", "", "").status, 200);
  EXPECT_EQ(edge_.Ask("GET", "/ca.pem", "", "").status, 200);
  DeviceTable devices;
  TokenGate closed(devices, edge_.metrics, edge_.clock);
  Calls early({.gate = closed,
               .heartbeats = edge_.heartbeats,
               .enrolments = edge_.enrolments,
               .scripts = edge_.scripts,
               .contacts = edge_.contacts,
               .pace = edge_.pace,
               .metrics = edge_.metrics,
               .clock = edge_.clock,
               .router_root = [] { return std::string("x"); },
               .ready = [&closed] { return closed.ready(); }});
  EXPECT_EQ(early.Hear({"GET", "/readyz", ""}).refusal->status, 503);
  EXPECT_FALSE(early.Hear({"GET", "/healthz", ""}).refusal.has_value());
  EXPECT_EQ(early.Hear({"POST", "/v1/heartbeat", "Bearer " + edge_.Token()}).refusal->status, 503);
}

}  // namespace
}  // namespace muster::edge
