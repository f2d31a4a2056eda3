// Which call a request is, and who may make it. The table of routes is the whole surface that
// strangers see: what isn't in it is a 404, whatever its method.
#include "edge-proxy/heartbeats/calls.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace muster::edge {
namespace {

// Paths with a name behind them; all others are compared as a whole, queries included, since the
// agent sends none ("?" can't be written on early versions).
constexpr absl::string_view kInstallerPath = "/b/";
constexpr absl::string_view kAgentPath = "/agent/";
// Ten calls of a bucket.
constexpr int kPaceRetrySeconds = 5;

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

// /ca.pem and /healthz need none: a router without a token must get the root, and a load balancer
// has nothing to show.
bool NeedsToken(Call call) {
  return call == Call::kHeartbeat || call == Call::kResult || call == Call::kPayload ||
         call == Call::kAgent;
}

// /v1/payload first, since it is strict: what only looks like one stays kOther and becomes a 404.
// The calls whose targets name something.
void HearPath(absl::string_view target, Heard& heard) {
  if (const std::optional<PayloadPath> payload = ParsePayloadPath(target)) {
    heard.call = Call::kPayload;
    heard.payload = *payload;
  } else if (absl::ConsumePrefix(&target, kInstallerPath)) {
    heard.call = Call::kInstaller;
    heard.version = std::string(target);
  } else if (absl::ConsumePrefix(&target, kAgentPath)) {
    heard.call = Call::kAgent;
    heard.version = std::string(target);
  }
}

// Any refusal is one kind: the status beside it tells which.
ContactKind KindOf(Call call, int status) {
  if (status != 200) return ContactKind::kRefused;
  switch (call) {
    case Call::kResult:
      return ContactKind::kResult;
    case Call::kPayload:
      return ContactKind::kPayload;
    case Call::kAgent:
      return ContactKind::kAgent;
    default:
      return ContactKind::kCheckIn;
  }
}

}  // namespace

void Calls::HearToken(const Asked& asked, Heard& heard) const {
  // An absent token is opened like any other text and fails: one reply for both, 401.
  const absl::string_view token = Credentials(asked.authorization, "Bearer");
  absl::StatusOr<Caller> caller = parts_.gate.Admit(token, &heard.speaker);
  if (caller.ok()) {
    heard.caller = *std::move(caller);
  } else if (absl::IsUnavailable(caller.status())) {
    // Not the router's fault: 503, so that it keeps what it has and comes again.
    heard.refusal = Later(std::string(caller.status().message()), 5);
  } else {
    heard.refusal = Refusal(401, std::string(caller.status().message()));
  }
}

// Parts of a script are not counted: 64 KiB for 6.49 come in more than a burst, and each needs a
// job of that device. Before the body, and for devices without a record too: the seal alone says
// whose pace it is.
void Calls::KeepPace(Heard& heard) const {
  if (heard.call == Call::kPayload || parts_.pace.Take(heard.speaker, parts_.clock.Monotonic())) {
    return;
  }
  parts_.metrics.Count(Metrics::kTooOften);
  heard.refusal = Refusal(429, "this device calls too often");
  heard.refusal->retry_after_seconds = kPaceRetrySeconds;
}

Heard Calls::Hear(const Asked& asked) const {
  Heard heard;
  absl::string_view method;
  HearPath(asked.target, heard);
  // No target is both under a path and in the table.
  if (heard.call != Call::kOther) method = "GET";
  for (const Route& route : kRoutes) {
    if (route.target != asked.target) continue;
    heard.call = route.call;
    method = route.method;
  }
  if (method.empty()) {
    heard.refusal = Refusal(404, "no such call");
  } else if (method != asked.method) {
    heard.refusal = Refusal(405, "wrong method");
    // A constant of this file, since the reply outlives the request.
    heard.refusal->allow = method == "GET" ? "GET" : "POST";
  } else if (NeedsToken(heard.call)) {
    HearToken(asked, heard);
    if (!heard.refusal.has_value()) KeepPace(heard);
  } else if (heard.call == Call::kInstaller || heard.call == Call::kEnroll) {
    heard.claim = std::string(Credentials(asked.authorization, "Claim"));
    // /healthz says that the process lives; /readyz that it can admit routers, so that a load
    // balancer sends none to an edge without keys.
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
    case Call::kPayload:
      return done(parts_.scripts.GivePart(heard.caller, heard.payload));
    case Call::kAgent:
      return done(parts_.scripts.GiveAgent(heard.caller, heard.version));
    case Call::kRouterRoot:
      return done(Reply{.text = parts_.router_root(), .content_type = "application/x-pem-file"});
    case Call::kHealth:
      return done(Reply{.text = "ok"});
    // Refused by Hear already.
    case Call::kOther:
      return done(Refusal(404, "no such call"));
  }
}

void Calls::Remember(const Heard& heard, const Reply& reply,
                     const ConnectionFacts& connection) const {
  // No seal, no memory: else strangers could fill the book.
  if (!heard.speaker) return;
  // What an accepted call was answered with is its first letter: the rest may be a script.
  const std::string reason = reply.status == 200 ? reply.text.substr(0, 1) : reply.text;
  parts_.contacts.Add(heard.speaker,
                      {KindOf(heard.call, reply.status), parts_.clock.Now(), reply.status, reason},
                      connection);
}

}  // namespace muster::edge
