// An edge in memory for scripts that run in the simulator: it answers every call of the device
// protocol, checks what it is sent with the same readers as the real one, and can be told to fail.
//
// Threads:  not safe; the simulator calls it in the router's turn.
// Example:  agent_join_test.cc.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "routeros/heartbeat/heartbeat.h"
#include "routeros/script/agent.h"
#include "tests/router_simulator/http_transport.h"

namespace muster::golden {

// Roots made for these tests; nobody has their keys any more.
inline constexpr char kRootPem[] = R"(-----BEGIN CERTIFICATE-----
MIIBcDCCARagAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAtUZXN0IHJv
b3QgYTAgFw0yNjExMjIxMDMwNTVaGA8yMTI2MTAyOTEwMzA1NVowFjEUMBIGA1UE
AwwLVGVzdCByb290IGEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATjdqsGCN2j
8bv8WXlPglAvl8btT5d3UqIGEEfHZtB2WGlSE+lWSkJbQq1+xCd2A0EYvhzJXrd4
rq1f7P57Mf/9o1MwUTAdBgNVHQ4EFgQUPDGs+b9YkU+dbqCdq+7v3AqpkgkwHwYD
VR0jBBgwFoAUPDGs+b9YkU+dbqCdq+7v3AqpkgkwDwYDVR0TAQH/BAUwAwEB/zAK
BggqhkjOPQQDAgNIADBFAiEA0ZNXW9mzYD90YwqrP62LPseE0WR9QyHz6xeN9c1X
8IQCIEr2wRgrLD7ZjYlbLo2ATkM4q5EazDUPaZALfV0wr8vI
-----END CERTIFICATE-----
)";
inline constexpr char kRootSha256[] =
    "f1f0719bddfaf3a9ca1c2abf4b69903f0300795b01c1193ffeb3f38536098ed5";
inline constexpr char kForeignPem[] = R"(-----BEGIN CERTIFICATE-----
MIIBcTCCARagAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAtUZXN0IHJv
b3QgYjAgFw0yNjExMjIxMDMwNTVaGA8yMTI2MTAyOTEwMzA1NVowFjEUMBIGA1UE
AwwLVGVzdCByb290IGIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS2m/cHq4YY
MMEL8HInKWfG6qGk3XgkfGjww4mkhRBNwLT+Jo5861LjEvEv9IKDJK2NekhYGX1r
cgsHWULnm1dTo1MwUTAdBgNVHQ4EFgQUGT4T2oNHsQrgE1LzVA4oi5itPN4wHwYD
VR0jBBgwFoAUGT4T2oNHsQrgE1LzVA4oi5itPN4wDwYDVR0TAQH/BAUwAwEB/zAK
BggqhkjOPQQDAgNJADBGAiEAwRxG78GJU9XnoK+MAirNlCOPlywGNXnTKmgjJhvN
6hECIQDnot61bs+nOMcbmQvyawZ6HupltFZqfoVRfGWOg82ztA==
-----END CERTIFICATE-----
)";
inline constexpr char kForeignSha256[] =
    "9868b1328f9bca642ac811186f525688452b3917ff5e8017a334cda9ec11854a";
inline constexpr char kOwnersPem[] = R"(-----BEGIN CERTIFICATE-----
MIIBcDCCARagAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAtUZXN0IHJv
b3QgYzAgFw0yNjExMjIxMDMwNTVaGA8yMTI2MTAyOTEwMzA1NVowFjEUMBIGA1UE
AwwLVGVzdCByb290IGMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQWN2wH2jH1
g+LQk21RuHiFCZgpDveTdQ0WlNzUnWKTF4reQINXGPOv3TQOelhsRVoeXykOSXcS
mjynn4oGByvFo1MwUTAdBgNVHQ4EFgQU3nmHRd4qFOB1iSI9izEdASh6v7QwHwYD
VR0jBBgwFoAU3nmHRd4qFOB1iSI9izEdASh6v7QwDwYDVR0TAQH/BAUwAwEB/zAK
BggqhkjOPQQDAgNIADBFAiEAhMu438AVtaAgWa6N/WpmGglcQGhkIMkKQfBS9jBc
QxICIFS9jI3j/r1I77cfgU7QMokBUa34RDbC1wk5DiJfPNtt
-----END CERTIFICATE-----
)";

inline constexpr char kOwnersSha256[] =
    "16fb4d9e16e4f1c0536155e6eb2eb5bc9fe83cd520618b237dfc8a2d18c0159f";

class FakeEdge : public simulator::HttpTransport {
 public:
  static constexpr char kUrl[] = "https://edge.example.net:8443";
  static constexpr char kClaim[] = "0123456789abcdef0123456789abcdef";

  simulator::HttpReply Fetch(const simulator::HttpRequest& request) override;
  std::string Resolve(absl::string_view name) override { return "192.0.2.10"; }

  // The job is answered to every beat whose `last` is lower, as long as it is the first in line.
  void Queue(uint64_t number, std::string script) { jobs_.push_back({number, std::move(script)}); }

  std::string Bootstrap() const;

  // How it behaves.
  std::string ca_body = kRootPem;
  // What its certificate ends in.
  std::string shown_root = kRootPem;
  bool away = false;
  bool monitor_only = false;
  bool revoked = false;  // 401 to every token
  routeros::Profile profile = routeros::Profile::kNormal;
  std::vector<std::string> urls;
  std::string dns_address;
  bool always_in_parts = false;
  std::set<std::string> dead_hosts;
  // What routers are told to run; those that report something else are answered "U".
  std::optional<routeros::AgentTerms> offer;
  std::set<std::string> further_tokens;
  int refuse_results = 0;        // this many 503
  int odd_acknowledgements = 0;  // not taken, and answered with another number
  int lose_result_replies = 0;   // taken, but the router never hears of it
  int lose_enrolment_replies = 0;
  int refuse_enrolments = 0;
  int refuse_installers = 0;
  std::string enrolment_word;           // instead of a token
  std::deque<std::string> raw_replies;  // to heartbeats, before anything else

  // Changes the installer on its way, to plant mistakes.
  std::function<std::string(std::string)> change_installer;
  std::function<std::string(std::string)> change_agent;
  std::function<std::string(std::string)> change_part;

  // What it saw.
  std::vector<routeros::Heartbeat> beats;
  std::vector<std::string> beat_bodies;
  std::vector<routeros::Enrolment> enrolments;
  std::vector<routeros::JobReport> results;
  std::vector<std::string> problems;
  int attempts = 0;  // requests that reached it, or would have were it not away
  int ca_fetches = 0;
  int agent_fetches = 0;
  int part_fetches = 0;
  std::vector<std::string> beat_hosts;
  std::vector<std::string> beat_tokens;
  // How long the fetches of beats wait for the next byte.
  std::vector<absl::Duration> beat_patience;

  // Fails the test unless the job `number` has exactly one result.
  const routeros::JobReport* Result(uint64_t number) const;

 private:
  struct Job {
    uint64_t number;
    std::string script;
  };
  simulator::HttpReply Installer(const simulator::HttpRequest& request);
  simulator::HttpReply Enrol(const simulator::HttpRequest& request);
  simulator::HttpReply Beat(const simulator::HttpRequest& request);
  simulator::HttpReply Agent(const simulator::HttpRequest& request);
  simulator::HttpReply Part(const simulator::HttpRequest& request);
  simulator::HttpReply TakeResult(const simulator::HttpRequest& request);
  bool HasToken(const simulator::HttpRequest& request);

  std::deque<Job> jobs_;
  routeros::PayloadFormat format_ = routeros::PayloadFormat::kEscaped;
  std::map<std::string, std::string> token_by_nonce_;
};

}  // namespace muster::golden
