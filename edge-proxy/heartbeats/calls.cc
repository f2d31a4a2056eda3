#include "edge-proxy/heartbeats/calls.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace muster::edge {
namespace {

constexpr absl::string_view kInstallerPath = "/b/";

struct Route {
  absl::string_view target;
  absl::string_view method;
  Call call;
};

constexpr Route kRoutes[] = {
    {"/v1/heartbeat", "POST", Call::kHeartbeat}, {"/v1/result", "POST", Call::kResult},
    {"/v1/enroll", "POST", Call::kEnroll},       {"/ca.pem", "GET", Call::kRouterRoot},
    {"/healthz", "GET", Call::kHealth},          {"/readyz", "GET", Call::kHealth},
};

// What follows the scheme, whose name is case-insensitive (RFC 9110, 11.1).
absl::string_view Credentials(absl::string_view authorization, absl::string_view scheme) {
  if (authorization.size() <= scheme.size() || !absl::StartsWithIgnoreCase(authorization, scheme) ||
      authorization[scheme.size()] != ' ') {
    return "";
  }
  return absl::StripPrefix(authorization.substr(scheme.size()), " ");
}

}  // namespace

void Calls::HearToken(const Asked& asked, Heard& heard) const {
  const absl::string_view token = Credentials(asked.authorization, "Bearer");
  absl::StatusOr<Caller> caller = parts_.gate.Admit(token);
  if (caller.ok()) {
    heard.caller = *std::move(caller);
  } else if (absl::IsUnavailable(caller.status())) {
    heard.refusal = Later(std::string(caller.status().message()), 5);
  } else {
    heard.refusal = Refusal(401, std::string(caller.status().message()));
  }
}

Heard Calls::Hear(const Asked& asked) const {
  Heard heard;
  absl::string_view version = asked.target;
  absl::string_view method;
  if (absl::ConsumePrefix(&version, kInstallerPath)) {
    heard.call = Call::kInstaller;
    heard.version = std::string(version);
    method = "GET";
  }
  for (const Route& route : kRoutes) {
    if (route.target != asked.target) continue;
    heard.call = route.call;
    method = route.method;
  }
  if (method.empty()) {
    heard.refusal = Refusal(404, "no such call");
  } else if (method != asked.method) {
    heard.refusal = Refusal(405, "wrong method");
    heard.refusal->allow = method == "GET" ? "GET" : "POST";
  } else if (heard.call == Call::kHeartbeat || heard.call == Call::kResult) {
    HearToken(asked, heard);
  } else if (heard.call == Call::kInstaller || heard.call == Call::kEnroll) {
    heard.claim = std::string(Credentials(asked.authorization, "Claim"));
  } else if (asked.target == "/readyz" && !parts_.ready()) {
    heard.refusal = Later("not ready", 5);
  }
  return heard;
}

void Calls::Take(const Heard& heard, absl::string_view body, absl::string_view source_address,
                 ReplyDone done) const {
  switch (heard.call) {
    case Call::kHeartbeat:
      return done(parts_.heartbeats.TakeHeartbeat(heard.caller, body, source_address));
    case Call::kResult:
      return parts_.heartbeats.TakeResult(heard.caller, body, std::move(done));
    case Call::kEnroll:
      return parts_.enrolments.Enroll(heard.claim, body, source_address, std::move(done));
    case Call::kInstaller:
      return parts_.enrolments.GiveInstaller(heard.version, heard.claim, source_address,
                                             std::move(done));
    case Call::kRouterRoot:
      return done(Reply{.text = parts_.router_root(), .content_type = "application/x-pem-file"});
    case Call::kHealth:
      return done(Reply{.text = "ok"});
    case Call::kOther:
      return done(Refusal(404, "no such call"));
  }
}

}  // namespace muster::edge
