// A network in memory: what a test says that an edge answers.
//
// Threads:  not safe.
// Example:  router_test.cc.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/router_simulator/http_transport.h"

namespace muster::simulator {

class FakeHttpTransport : public HttpTransport {
 public:
  using Answer = std::function<HttpReply(const HttpRequest&)>;

  FakeHttpTransport() = default;
  explicit FakeHttpTransport(Answer answer) : answer_(std::move(answer)) {}

  void SetAnswer(Answer answer) { answer_ = std::move(answer); }

  HttpReply Fetch(const HttpRequest& request) override {
    requests.push_back(request);
    if (answer_) return answer_(request);
    HttpReply reply;
    reply.status = 404;
    reply.reason = "Not Found";
    return reply;
  }
  std::string Resolve(absl::string_view) override { return "192.0.2.10"; }

  static HttpReply Ok(std::string body) {
    HttpReply reply;
    reply.body = std::move(body);
    return reply;
  }
  static HttpReply Status(int status, std::string reason) {
    HttpReply reply;
    reply.status = status;
    reply.reason = std::move(reason);
    return reply;
  }

  std::vector<HttpRequest> requests;

 private:
  Answer answer_;
};

}  // namespace muster::simulator
