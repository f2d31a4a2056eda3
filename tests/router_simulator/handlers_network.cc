// /tool fetch, :resolve, ping.
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

constexpr size_t kLargestBody = 65'536;
// v7 cuts output=user there without a word (manual.mikrotik.com, /tool/fetch).
constexpr size_t kLargestVariableV7 = 64'512;

struct Url {
  bool tls = true;
  std::string host;
  int port = 443;
  std::string target;
};

bool SplitUrl(absl::string_view text, Url* url) {
  const size_t colon = text.find("://");
  if (colon == absl::string_view::npos) return false;
  const absl::string_view scheme = text.substr(0, colon);
  if (scheme != "https" && scheme != "http") return false;
  url->tls = scheme == "https";
  text.remove_prefix(colon + 3);
  const size_t slash = text.find('/');
  absl::string_view host = text.substr(0, slash);
  url->target = slash == absl::string_view::npos ? "/" : std::string(text.substr(slash));
  url->port = url->tls ? 443 : 80;
  const size_t bracket = host.find(']');
  const size_t port = host.rfind(':');
  if (port != absl::string_view::npos && (bracket == absl::string_view::npos || port > bracket)) {
    if (!absl::SimpleAtoi(host.substr(port + 1), &url->port) || url->port < 1 ||
        url->port > 65535) {
      return false;
    }
    host = host.substr(0, port);
  }
  if (!host.empty() && host[0] == '[') host = host.substr(1, host.size() - 2);
  url->host = std::string(host);
  // A control byte would let a value break out of the request line.
  for (const char c : url->target) {
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) == 0x7f) return false;
  }
  return !url->host.empty();
}

// "H1:v,H2:v": a comma begins the next header unless a backslash stands before it.
bool AddHeaders(const Value& value, HttpRequest* request) {
  std::vector<std::string> fields;
  if (value.Is(ValueType::kArray)) {
    for (const Value& element : value.array().list) fields.push_back(ToText(element));
  } else {
    std::string field;
    const std::string text = ToText(value);
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
        field.push_back(',');
        ++i;
      } else if (text[i] == ',') {
        fields.push_back(std::move(field));
        field.clear();
      } else {
        field.push_back(text[i]);
      }
    }
    fields.push_back(std::move(field));
  }
  for (const std::string& field : fields) {
    const size_t colon = field.find(':');
    if (colon == std::string::npos || colon == 0) return false;
    request->headers.emplace_back(field.substr(0, colon),
                                  absl::StripAsciiWhitespace(field.substr(colon + 1)));
    if (field.find_first_of("\r\n") != std::string::npos) return false;
  }
  return true;
}

void AddTrust(Router& router, HttpRequest* request) {
  for (const Row& row : router.config().At("/certificate").rows) {
    const Value trusted = row.Get("trusted");
    if (trusted.AsBool()) request->trusted.push_back(row.Text("pem"));
  }
}

// The words of a failure as the version's console prints them.
std::string StatusFailure(Evaluator& evaluator, const Node& node, const HttpReply& reply,
                          const HttpRequest& request) {
  const RouterVersion& version = evaluator.version();
  if (version.AtLeast(7, 22)) {
    return absl::StrCat("failure: Status ", reply.status, ", ",
                        absl::AsciiStrToUpper(reply.reason));
  }
  if (version.IsV6() || !version.AtLeast(7, 8)) {
    return absl::StrCat("failure: closing connection: <", reply.status, " ", reply.reason, "> ",
                        request.host, ":", request.port, " (4)");
  }
  return absl::StrCat("failure: Fetch failed with status ", reply.status, " (/tool/fetch; line ",
                      node.line, ")");
}

std::string FailureText(Evaluator& evaluator, const Node& node, const HttpReply& reply,
                        const HttpRequest& request) {
  const std::string where = absl::StrCat(request.host, ":", request.port);
  switch (reply.outcome) {
    case HttpReply::Outcome::kConnectFailed:
      return absl::StrCat("failure: connection timeout or refused: ", where, " ", reply.error);
    case HttpReply::Outcome::kTlsFailed:
      return absl::StrCat("failure: ssl: ", reply.error, " (6)");
    case HttpReply::Outcome::kTimeout:
      return absl::StrCat("failure: Idle timeout - ", where);
    case HttpReply::Outcome::kCut:
      return absl::StrCat("failure: closing connection: ", where, " ended early");
    default:
      return StatusFailure(evaluator, node, reply, request);
  }
}

bool FetchFail(Evaluator& evaluator, const Node& node, const std::string& text) {
  // One line in the log for each failure.
  const std::string words = text.substr(0, 9) == "failure: " ? text.substr(9) : text;
  evaluator.router().Log("fetch,error", absl::StrCat("Download failed: ", words));
  return evaluator.Fail(node, text);
}

bool Method(Evaluator& evaluator, const Node& node, const Arguments& arguments,
            HttpRequest* request) {
  std::string method = arguments.Has("http-method") ? arguments.Text("http-method") : "get";
  method = absl::AsciiStrToLower(method);
  const bool known =
      method == "get" || method == "post" || method == "put" || method == "delete" ||
      ((method == "head" || method == "patch") && evaluator.version().AtLeast(7, 14));
  if (!known) return evaluator.Fail(node, "invalid value for argument http-method");
  request->method = absl::AsciiStrToUpper(method);
  return true;
}

bool CheckOf(Evaluator& evaluator, const Node& node, const Arguments& arguments,
             HttpRequest* request) {
  const Value value = arguments.Get("check-certificate");
  const std::string text =
      value.Is(ValueType::kBool) ? (value.AsBool() ? "yes" : "no") : ToText(value);
  if (text.empty() || text == "no")
    request->check = CertificateCheck::kNo;
  else if (text == "yes")
    request->check = CertificateCheck::kYes;
  else if (text == "yes-without-crl")
    request->check = CertificateCheck::kYesWithoutCrl;
  else
    return evaluator.Fail(node, "invalid value for argument check-certificate");
  return true;
}

bool BuildRequest(Evaluator& evaluator, const Node& node, const Arguments& arguments,
                  HttpRequest* request) {
  Url url;
  if (!SplitUrl(arguments.Text("url"), &url)) {
    return evaluator.Fail(node, "failure: invalid URL");
  }
  request->tls = url.tls;
  request->host = url.host;
  request->port = url.port;
  request->target = url.target;
  if (!Method(evaluator, node, arguments, request)) return false;
  if (!CheckOf(evaluator, node, arguments, request)) return false;
  if (arguments.Has("http-header-field") &&
      !AddHeaders(arguments.Get("http-header-field"), request)) {
    return evaluator.Fail(node, "invalid value for argument http-header-field");
  }
  request->body = arguments.Text("http-data");
  if (request->body.size() > kLargestBody) {
    return evaluator.Fail(node, "failure: http-data is longer than 64 KiB");
  }
  const bool v6 = evaluator.version().IsV6();
  request->headers.emplace_back(
      "User-Agent",
      v6 ? "Mikrotik/6.x Fetch" : absl::StrCat("RouterOS ", evaluator.version().text));
  if (!v6) request->headers.emplace_back("Accept-Encoding", "deflate, gzip");
  request->sends_server_name = !v6;
  // None before 7.18; the default of 2 is known from 7.22 on and taken for the versions between.
  request->most_redirects = evaluator.version().AtLeast(7, 18) ? 2 : 0;
  const Value most = arguments.Get("http-max-redirect-count");
  if (most.Is(ValueType::kNumber)) request->most_redirects = most.number();
  // Before 7.15 a fetch had no timeout; ten minutes stand for "hangs".
  request->timeout = absl::Minutes(10);
  if (evaluator.version().AtLeast(7, 15)) {
    const Value idle = arguments.Get("idle-timeout");
    request->timeout =
        idle.Is(ValueType::kTime) ? absl::Nanoseconds(idle.number()) : absl::Seconds(10);
  }
  request->clock = evaluator.router().WallClock();
  AddTrust(evaluator.router(), request);
  return true;
}

bool DeliverReply(Evaluator& evaluator, const Node& node, const Arguments& arguments,
                  const HttpRequest& request, const HttpReply& reply, Value* result) {
  const std::string output = arguments.Has("output") ? arguments.Text("output") : "file";
  Array map;
  map.named["status"] = Value::String("finished");
  map.named["downloaded"] = Value::Number(static_cast<int64_t>(reply.body.size() / 1024));
  map.named["duration"] = Value::Time(1'000'000'000);
  if (output == "user" || output == "user-with-headers") {
    const bool short_reply = evaluator.version().IsV6() && !evaluator.quirks().v6_reply_whole;
    const size_t most =
        short_reply ? static_cast<size_t>(evaluator.quirks().v6_reply_bytes) : kLargestVariableV7;
    map.named["data"] = Value::String(reply.body.substr(0, most));
  } else if (output == "file") {
    std::string name = arguments.Text("dst-path");
    if (name.empty()) {
      const std::string path = request.target.substr(0, request.target.find_first_of("?#"));
      name = path.substr(path.rfind('/') + 1);
    }
    if (!WriteFile(evaluator.router(), name, reply.body, "file")) {
      return FetchFail(evaluator, node, "failure: no space left on the disk");
    }
  } else if (output != "none") {
    return evaluator.Fail(node, "invalid value for argument output");
  }
  if (arguments.Has("as-value")) {
    *result = Value::FromArray(std::move(map));
  } else {
    evaluator.Print("      status: finished");
  }
  return true;
}

bool RunFetch(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const bool needs_ftp = evaluator.version().AtLeast(7, 13);
  if (!evaluator.Needs(node, kPolicyTest | (needs_ftp ? kPolicyFtp : 0u))) return false;
  Router& router = evaluator.router();
  if (router.options().device_mode_home && evaluator.version().AtLeast(7, 17)) {
    return evaluator.Fail(node, "failure: not allowed by device-mode");
  }
  HttpRequest request;
  if (!BuildRequest(evaluator, node, arguments, &request)) return false;
  const std::string url = arguments.Text("url");
  router.Emit({EventKind::kFetchStarted, request.method, url, 0, 0});
  router.AwaitFetch(&evaluator.task(), request);
  HttpReply reply;
  if (!evaluator.task().WaitForReply(&reply)) {
    return evaluator.Leave(UnwindKind::kKilled, Value());
  }
  const bool answered = reply.outcome == HttpReply::Outcome::kReply;
  const uint32_t status = answered ? static_cast<uint32_t>(reply.status) : 0;
  router.Emit({EventKind::kFetchEnded, request.method, url, status, 0});
  if (evaluator.task().killed()) return evaluator.Leave(UnwindKind::kKilled, Value());
  const bool good = answered && ((reply.status >= 200 && reply.status < 300) ||
                                 (reply.status == 304 && evaluator.version().AtLeast(7, 22)));
  if (!good) return FetchFail(evaluator, node, FailureText(evaluator, node, reply, request));
  return DeliverReply(evaluator, node, arguments, request, reply, result);
}

bool RunResolve(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const std::string name = arguments.Text("domain-name");
  if (std::optional<uint32_t> ip = ParseIp(name)) {
    *result = Value::Ip(*ip);
    return true;
  }
  HttpTransport* transport = evaluator.router().options().transport;
  const std::string text = transport == nullptr ? "" : transport->Resolve(name);
  const std::optional<uint32_t> ip = ParseIp(text);
  if (!ip) return evaluator.Fail(node, "failure: dns name does not exist");
  *result = Value::Ip(*ip);
  return true;
}

// v6 answers the number of replies, v7 the same; as-value (v7) rows.
bool RunPing(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  if (!evaluator.Needs(node, kPolicyTest)) return false;
  const Value count = arguments.Get("count");
  const int64_t times = count.Is(ValueType::kNumber) ? count.number() : 4;
  if (!evaluator.Sleep(node, absl::Milliseconds(200) * times)) return false;
  if (!arguments.Has("as-value")) {
    *result = Value::Number(times);
    return true;
  }
  std::vector<Value> rows;
  for (int64_t i = 0; i < times; ++i) {
    Array row;
    row.named["seq"] = Value::Number(i);
    row.named["host"] = Value::String(arguments.Text("address"));
    row.named["time"] = Value::Time(9'739'000);
    rows.push_back(Value::FromArray(std::move(row)));
  }
  *result = Value::List(std::move(rows));
  return true;
}

// `do` sees sent, received, min-rtt, avg-rtt and max-rtt (milliseconds).
bool RunFloodPing(Evaluator& evaluator, const Node& node, Value* result) {
  const Argument* body = node.Find("do");
  Value count = Value::Number(10);
  if (const Argument* given = node.Find("count")) {
    if (given->value && !evaluator.Evaluate(*given->value, &count)) return false;
  }
  if (!evaluator.Needs(node, kPolicyTest)) return false;
  if (!evaluator.Sleep(node, absl::Milliseconds(10) * count.number())) return false;
  if (body == nullptr) return true;
  return evaluator.RunBody(*body,
                           {{"sent", count},
                            {"received", count},
                            {"min-rtt", Value::Number(8)},
                            {"avg-rtt", Value::Number(9)},
                            {"max-rtt", Value::Number(12)}},
                           result);
}

}  // namespace

void AddNetworkHandlers(HandlerMap* handlers) {
  HandlerMap& map = *handlers;
  map["/tool fetch"] = RunFetch;
  map[":resolve"] = RunResolve;
  map[":ping"] = RunPing;
  map["/tool ping"] = RunPing;
  map["/tool flood-ping"] = RunFloodPing;
}

}  // namespace muster::simulator
