#include "tests/bench/edge/installation.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/strings/substitute.h"
#include "common/status/status_macros.h"
#include "tests/support/free_port.h"

namespace muster::bench {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr size_t kEnrolmentsAtOnce = 32;

// What a router of the field says, with all that the agent can report: 1.1 kB.
constexpr absl::string_view kHeartbeatBody =
    R"x({"p":1,"agent":"1","fmt":"hex,esc","boot":"3f9a01c2$0","up":"1w2d03:04:05","clock":)x"
    R"x("2026-05-01 12:00:00","last":0,"run":0,"run_age":0,"err":0,"tx":0,"id":"bench-$0",)x"
    R"x("sn":"HX0BENCH$0","sw":"ABCD-EF$0","mac":"02:00:00:0$1:$2:$3","ver":"7.20.8 (stable)",)x"
    R"x("board":"RB5009UG+S+","arch":"arm64","cpu":7,"cpus":4,"mhz":"1400MHz","mf":912680550,)x"
    R"x("mt":1073741824,"df":987758592,"dt":1073741824,"bb":"0%","wr":123456,"health":[)x"
    R"x({"n":"temperature","v":"41","t":"C"},{"n":"cpu-temperature","v":"52","t":"C"},)x"
    R"x({"n":"psu1-voltage","v":"24.1","t":"V"},{"n":"psu2-voltage","v":"0","t":"V"},)x"
    R"x({"n":"fan1-speed","v":"4080","t":"RPM"},{"n":"poe-out-consumption","v":"6.4","t":"W"}],)x"
    R"x("links":[{"n":"muster-link","a":"192.0.2.1","rtt":"9ms739us","jit":"1ms120us",)x"
    R"x("sd":"00:00:00.000400","loss":"0%"},{"n":"muster-second","a":"198.51.100.7","rtt":)x"
    R"x("12ms410us","jit":"2ms35us","sd":"00:00:00.000910","loss":"0.5%"}],)x"
    R"x("rights":"ftp,reboot,read,write,policy,test,password,sensitive"})x";

std::string HeartbeatBody(size_t index) {
  return absl::Substitute(
      kHeartbeatBody, absl::StrFormat("%05d", index), absl::StrFormat("%x", index / 65536 % 16),
      absl::StrFormat("%02X", index / 256 % 256), absl::StrFormat("%02X", index % 256));
}

std::string Post(absl::string_view path, int port, absl::string_view authorization,
                 absl::string_view body, bool keep_alive) {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: localhost:", port,
                      "\r\nUser-Agent: Mikrotik/6.x Fetch\r\nAuthorization: ", authorization,
                      "\r\nContent-Type: application/json\r\nContent-Length: ", body.size(),
                      keep_alive ? "" : "\r\nConnection: close", "\r\n\r\n", body);
}

// The 32 hex digits that stand alone in a bootstrap line.
absl::StatusOr<std::string> ClaimOf(absl::string_view line) {
  size_t length = 0;
  for (size_t i = 0; i <= line.size(); ++i) {
    const bool is_hex =
        i < line.size() && absl::ascii_isxdigit(line[i]) && !absl::ascii_isupper(line[i]);
    if (is_hex) {
      ++length;
    } else if (length == 32) {
      return std::string(line.substr(i - 32, 32));
    } else {
      length = 0;
    }
  }
  return absl::InternalError("no claim stands in the line of `muster claim create`");
}

absl::Status WritePrivateFile(const std::string& path, absl::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return written ? absl::OkStatus() : absl::InternalError("can't write " + path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Installation>> Installation::Start(const std::string& folder,
                                                                  int edge_processor,
                                                                  int control_processor) {
  std::unique_ptr<Installation> installation(new Installation(folder));
  RETURN_IF_ERROR(installation->StartControl(control_processor));
  RETURN_IF_ERROR(installation->StartEdge(edge_processor));
  return installation;
}

absl::Status Installation::StartControl(int processor) {
  ChildTerms terms;
  terms.command = {ProgramFolder() + "/musterd",
                   "--data-dir",
                   folder_ + "/control",
                   "--listen",
                   "127.0.0.1:0",
                   "--listen-edge",
                   "127.0.0.1:0",
                   "--metrics",
                   "127.0.0.1:0"};
  terms.output_file = folder_ + "/musterd.out";
  terms.processor = processor;
  ASSIGN_OR_RETURN(control_, Child::Start(terms));
  ASSIGN_OR_RETURN(api_address_, control_->WaitForLine("ready: api ", kStartTimeout));
  ASSIGN_OR_RETURN(control_address_, control_->WaitForLine("ready: edges ", kStartTimeout));
  return absl::OkStatus();
}

absl::Status Installation::StartEdge(int processor) {
  port_ = FreePort();
  const std::string url = absl::StrCat("https://localhost:", port_);
  ASSIGN_OR_RETURN(const std::string join, Muster({"edge", "create", "bench", "--url", url}));
  const std::string join_file = folder_ + "/bench.join";
  RETURN_IF_ERROR(WritePrivateFile(join_file, join));
  ChildTerms terms;
  terms.command = {ProgramFolder() + "/muster-edge",
                   "--data-dir",
                   edge_folder(),
                   "--control",
                   control_address_,
                   "--join-file",
                   join_file,
                   "--listen",
                   absl::StrCat("127.0.0.1:", port_),
                   "--public-url",
                   url,
                   "--metrics",
                   "127.0.0.1:0"};
  terms.output_file = folder_ + "/edge.out";
  terms.processor = processor;
  ASSIGN_OR_RETURN(edge_, Child::Start(terms));
  return edge_->WaitForLine("ready: https ", kStartTimeout).status();
}

absl::StatusOr<std::string> Installation::Muster(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), ProgramFolder() + "/muster");
  return RunProgram(
      arguments,
      {"MUSTER_SERVER=" + api_address_, "MUSTER_CA_FILE=" + folder_ + "/control/pki/cluster-ca.pem",
       "MUSTER_API_KEY_FILE=" + folder_ + "/control/root-key", "MUSTER_ORGANIZATION=default",
       "XDG_CONFIG_HOME=" + folder_, "NO_COLOR=1"});
}

absl::Status Installation::Enroll(size_t count) {
  ASSIGN_OR_RETURN(const std::string line,
                   Muster({"claim", "create", "--max-devices", absl::StrCat(count)}));
  ASSIGN_OR_RETURN(const std::string claim, ClaimOf(line));
  std::vector<std::string> requests;
  for (size_t i = 0; i < count; ++i) {
    const std::string body = absl::StrFormat(
        R"x({"p":1,"nonce":"%032x","id":"bench-%05d","sn":"HX0BENCH%05d","mac":)x"
        R"x("02:00:00:00:%02X:%02X","ver":"7.20.8 (stable)","board":"RB5009UG+S+",)x"
        R"x("arch":"arm64","fmt":"hex,esc","agent":"1"})x",
        i + 1, i, i, i / 256 % 256, i % 256);
    requests.push_back(Post("/v1/enroll", port_, "Claim " + claim, body, false));
  }
  tokens_.assign(count, "");
  HttpsLoad load(port_);
  std::string refusal;
  ASSIGN_OR_RETURN(const size_t good, load.Run(
                                          count, kEnrolmentsAtOnce,
                                          [&](size_t i) { return absl::string_view(requests[i]); },
                                          [&](size_t i, int status, absl::string_view body) {
                                            if (status == 200 && absl::ConsumePrefix(&body, "T")) {
                                              tokens_[i] =
                                                  std::string(absl::StripAsciiWhitespace(body));
                                            } else {
                                              refusal = absl::StrCat(status, " ", body);
                                            }
                                          }));
  const bool complete =
      std::none_of(tokens_.begin(), tokens_.end(), [](const std::string& t) { return t.empty(); });
  if (good == count && complete) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("only ", good, " of ", count, " devices were enrolled; one answer: ", refusal));
}

std::string Installation::Heartbeat(size_t index, bool keep_alive) const {
  return Post("/v1/heartbeat", port_, "Bearer " + tokens_[index], HeartbeatBody(index), keep_alive);
}

absl::StatusOr<size_t> Installation::OnlineDevices() const {
  ASSIGN_OR_RETURN(const std::string names,
                   Muster({"device", "list", "--where", "online = true", "-o", "name"}));
  return static_cast<size_t>(std::count(names.begin(), names.end(), '\n'));
}

}  // namespace muster::bench
