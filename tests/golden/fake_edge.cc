#include "tests/golden/fake_edge.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "routeros/script/agent.h"

namespace muster::golden {
namespace {

using simulator::HttpReply;
using simulator::HttpRequest;

HttpReply Text(std::string body) {
  HttpReply reply;
  reply.body = std::move(body);
  return reply;
}

HttpReply Status(int status) {
  HttpReply reply;
  reply.status = status;
  reply.reason = "Refused";
  reply.body = "refused";
  return reply;
}

HttpReply Lost() {
  HttpReply reply;
  reply.outcome = HttpReply::Outcome::kTimeout;
  return reply;
}

std::string Header(const HttpRequest& request, absl::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (absl::EqualsIgnoreCase(key, name)) return value;
  }
  return "";
}

}  // namespace

std::string FakeEdge::Bootstrap() const {
  return routeros::RenderBootstrapLine({kUrl, kRootSha256, kClaim}).value_or("");
}

HttpReply FakeEdge::Fetch(const HttpRequest& request) {
  ++attempts;
  if (away || dead_hosts.count(request.host) > 0) {
    HttpReply reply;
    reply.outcome = HttpReply::Outcome::kConnectFailed;
    return reply;
  }
  const bool known = (request.host == "edge.example.net" && request.port == 8443) ||
                     (request.host == "second.example.net" && request.port == 443);
  if (!known || !request.tls) {
    problems.push_back(absl::StrCat("a request to ", request.host, ":", request.port));
  }
  // The line has no room for the argument.
  if (request.most_redirects != 0 && !Header(request, "Authorization").empty() &&
      !absl::StartsWith(request.target, "/b/")) {
    problems.push_back(absl::StrCat("follows redirects: ", request.target));
  }
  const bool checked = request.check != simulator::CertificateCheck::kNo;
  const bool trusts =
      std::any_of(request.trusted.begin(), request.trusted.end(),
                  [&](const std::string& pem) { return absl::StrContains(pem, shown_root); });
  if (checked && !trusts) {
    HttpReply reply;
    reply.outcome = HttpReply::Outcome::kTlsFailed;
    return reply;
  }
  if (request.target == "/ca.pem") {
    ++ca_fetches;
    if (!Header(request, "Authorization").empty()) problems.push_back("a secret sent unchecked");
    return Text(ca_body);
  }
  if (!checked) problems.push_back(absl::StrCat("unchecked: ", request.target));
  if (absl::StartsWith(request.target, "/b/")) return Installer(request);
  if (absl::StartsWith(request.target, "/agent/")) return Agent(request);
  if (absl::StartsWith(request.target, "/v1/payload/")) return Part(request);
  if (request.method != "POST") problems.push_back(absl::StrCat("method ", request.method));
  if (Header(request, "Content-Type") != "application/json") problems.push_back("content type");
  if (request.target == "/v1/enroll") return Enrol(request);
  if (request.target == "/v1/heartbeat") return Beat(request);
  if (request.target == "/v1/result") return TakeResult(request);
  problems.push_back(absl::StrCat("unknown call ", request.target));
  return Status(404);
}

HttpReply FakeEdge::Installer(const HttpRequest& request) {
  if (refuse_installers > 0) {
    --refuse_installers;
    return Status(403);
  }
  if (Header(request, "Authorization") != absl::StrCat("Claim ", kClaim)) return Status(401);
  const auto version = routeros::ParseVersion(absl::StripPrefix(request.target, "/b/"));
  if (!version.ok()) {
    problems.push_back(absl::StrCat("version in ", request.target));
    return Status(400);
  }
  const auto text = routeros::RenderInstaller(
      {kUrl, kRootSha256, kClaim, monitor_only, profile, urls, dns_address}, *version);
  if (!text.ok()) return Status(400);
  return Text(change_installer ? change_installer(*text) : *text);
}

HttpReply FakeEdge::Enrol(const HttpRequest& request) {
  if (Header(request, "Authorization") != absl::StrCat("Claim ", kClaim)) return Status(401);
  const auto body = routeros::ParseEnrolment(request.body);
  if (!body.ok()) {
    problems.push_back(std::string(body.status().message()));
    return Status(400);
  }
  if (refuse_enrolments > 0) {
    --refuse_enrolments;
    return Status(503);
  }
  enrolments.push_back(*body);
  if (!enrolment_word.empty()) return Text(enrolment_word);
  std::string& token = token_by_nonce_[body->token.empty() ? body->nonce : body->token];
  if (token.empty()) {
    token = !body->token.empty()
                ? body->token
                : absl::StrCat("m1.", std::string(160, 'a'), "-_", token_by_nonce_.size());
  }
  if (lose_enrolment_replies > 0) {
    --lose_enrolment_replies;
    return Lost();
  }
  return Text(absl::StrCat("T", token));
}

HttpReply FakeEdge::Agent(const HttpRequest& request) {
  ++agent_fetches;
  if (!HasToken(request)) return Status(401);
  const auto version = routeros::ParseVersion(absl::StripPrefix(request.target, "/agent/"));
  const auto family = version.ok() ? routeros::FamilyOf(*version) : version.status();
  if (!family.ok() || !offer) {
    problems.push_back(absl::StrCat("asked for ", request.target));
    return Status(400);
  }
  const auto text = routeros::RenderAgent(*offer, *family);
  if (!text.ok()) {
    problems.push_back(std::string(text.status().message()));
    return Status(400);
  }
  return Text(change_agent ? change_agent(*text) : *text);
}

HttpReply FakeEdge::Part(const HttpRequest& request) {
  ++part_fetches;
  if (!HasToken(request)) return Status(401);
  const std::vector<std::string> words = absl::StrSplit(request.target, '/');
  uint64_t number = 0;
  uint64_t part = 0;
  if (words.size() != 5 || !absl::SimpleAtoi(words[3], &number) ||
      !absl::SimpleAtoi(words[4], &part) || jobs_.empty() || jobs_.front().number != number) {
    problems.push_back(absl::StrCat("part ", request.target));
    return Status(404);
  }
  const auto version = routeros::ParseVersion(beats.back().facts.routeros_version);
  const auto text = routeros::PartReply(number, part, jobs_.front().script, *version, format_);
  if (!text.ok()) return Status(404);
  return Text(change_part ? change_part(*text) : *text);
}

bool FakeEdge::HasToken(const HttpRequest& request) {
  if (revoked) return false;
  const std::string header = Header(request, "Authorization");
  for (const std::string& token : further_tokens) {
    if (header == absl::StrCat("Bearer ", token)) return true;
  }
  for (const auto& [nonce, token] : token_by_nonce_) {
    if (header == absl::StrCat("Bearer ", token)) return true;
  }
  return false;
}

HttpReply FakeEdge::Beat(const HttpRequest& request) {
  if (!HasToken(request)) return Status(401);
  const auto beat = routeros::ParseHeartbeat(request.body);
  if (!beat.ok()) {
    problems.push_back(absl::StrCat(beat.status().message(), " in ", request.body));
    return Status(400);
  }
  beats.push_back(*beat);
  beat_bodies.push_back(request.body);
  beat_hosts.push_back(request.host);
  beat_patience.push_back(request.timeout);
  beat_tokens.push_back(
      std::string(absl::StripPrefix(Header(request, "Authorization"), "Bearer ")));
  if (!raw_replies.empty()) {
    const std::string reply = raw_replies.front();
    raw_replies.pop_front();
    return Text(reply);
  }
  while (!jobs_.empty() && jobs_.front().number <= beat->last_number) jobs_.pop_front();
  if (jobs_.empty()) {
    if (!offer) return Text("0");
    const std::string name = offer->generation == 0
                                 ? std::string(routeros::AgentVersion())
                                 : absl::StrCat(routeros::AgentVersion(), "+", offer->generation);
    return Text(beat->facts.agent_version == name ? "0" : "U");
  }
  format_ =
      beat->facts.format_hex ? routeros::PayloadFormat::kHex : routeros::PayloadFormat::kEscaped;
  const Job& job = jobs_.front();
  const auto version = routeros::ParseVersion(beat->facts.routeros_version);
  if (version.ok() && (always_in_parts || job.script.size() > routeros::LargestScript(*version))) {
    return Text(routeros::PartedJobReply(job.number, job.script.size(), *version, format_));
  }
  return Text(routeros::JobReply(job.number, job.script, format_));
}

HttpReply FakeEdge::TakeResult(const HttpRequest& request) {
  if (!HasToken(request)) return Status(401);
  const auto result = routeros::ParseResult(request.body);
  if (!result.ok()) {
    problems.push_back(absl::StrCat(result.status().message(), " in ", request.body));
    return Status(400);
  }
  if (refuse_results > 0) {
    --refuse_results;
    return Status(503);
  }
  if (odd_acknowledgements > 0) return Text(absl::StrCat("A", odd_acknowledgements--));
  const bool known = std::any_of(results.begin(), results.end(),
                                 [&](const auto& other) { return other.number == result->number; });
  if (!known) results.push_back(*result);
  if (!jobs_.empty() && jobs_.front().number == result->number) jobs_.pop_front();
  if (lose_result_replies > 0) {
    --lose_result_replies;
    return Lost();
  }
  return Text(absl::StrCat("A", result->number));
}

const routeros::JobReport* FakeEdge::Result(uint64_t number) const {
  for (const routeros::JobReport& result : results) {
    if (result.number == number) return &result;
  }
  return nullptr;
}

}  // namespace muster::golden
