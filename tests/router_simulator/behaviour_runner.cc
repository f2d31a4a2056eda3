#include "tests/router_simulator/behaviour_runner.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/router_simulator/http_transport.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

constexpr absl::string_view kHost = "files.test:80";

class FileServer : public HttpTransport {
 public:
  HttpReply Fetch(const HttpRequest& request) override {
    HttpReply reply;
    if (request.host != "files.test") {
      reply.outcome = HttpReply::Outcome::kConnectFailed;
      return reply;
    }
    for (const BehaviourFile& file : BehaviourFiles()) {
      if (file.path != request.target) continue;
      reply.body = file.contents;
      return reply;
    }
    reply.status = 404;
    reply.reason = "Not Found";
    return reply;
  }
  std::string Resolve(absl::string_view) override { return "192.0.2.10"; }
};

bool Names(absl::string_view acts, absl::string_view act) {
  for (const absl::string_view one : absl::StrSplit(acts, ';')) {
    if (one == act) return true;
  }
  return false;
}

class Stage {
 public:
  Stage(const Behaviour& row, absl::string_view version, const Quirks& quirks) : row_(row) {
    RouterOptions options;
    options.version = *ParseRouterVersion(version);
    options.quirks = quirks;
    options.transport = &BehaviourServer();
    options.routerboard = !Names(row.act, "chr");
    options.device_mode_home = Names(row.act, "device-mode home");
    if (Names(row.act, "without ftp")) options.admin_policy &= ~kPolicyFtp;
    if (Names(row.act, "power-loss")) options.flash_delay = absl::Seconds(40);
    router_ = std::make_unique<Router>(options);
    old_state_ = router_->CopyConfig();
    options.serial = "SPARE";
    spare_options_ = std::move(options);
  }

  std::string Run() {
    if (!row_.before.empty()) router_->Run(WithServer(row_.before));
    for (const absl::string_view act : absl::StrSplit(row_.act, ';', absl::SkipEmpty())) {
      if (!Do(act)) return "NO SUCH ACT";
    }
    const RunResult result = router_->Run(WithServer(row_.input));
    if (!result.loaded) return "REFUSED";
    if (!result.ok) return "ERROR " + result.error;
    return absl::StrReplaceAll(absl::StripTrailingAsciiWhitespace(result.output), {{"\r\n", "|"}});
  }

 private:
  bool Do(absl::string_view act) {
    const std::pair<absl::string_view, absl::string_view> words =
        absl::StrSplit(act, absl::MaxSplits(' ', 1));
    if (words.first == "wait") {
      int seconds = 0;
      if (!absl::SimpleAtoi(words.second, &seconds)) return false;
      router_->RunFor(absl::Seconds(seconds));
    } else if (words.first == "upgrade") {
      router_->ChangeVersion(*ParseRouterVersion(words.second));
    } else if (act == "spare") {
      const ConfigStore config = router_->CopyConfig();
      router_ = std::make_unique<Router>(spare_options_);
      router_->RestoreConfig(config);
      router_->Reboot(PowerDown::kClean);
    } else {
      return DoPlain(act);
    }
    return true;
  }

  bool DoPlain(absl::string_view act) {
    if (act == "reboot") {
      router_->Reboot(PowerDown::kClean);
    } else if (act == "power-loss") {
      router_->Reboot(PowerDown::kPowerLoss);
    } else if (act == "restore") {
      router_->RestoreConfig(old_state_);
      router_->Reboot(PowerDown::kClean);
    } else if (act == "rollback") {
      router_->RestoreConfig(old_state_);
    } else if (act == "netinstall") {
      router_->Netinstall(router_->options().version);
    } else if (act == "full-flash") {
      router_->FillFlash(true);
    } else if (act == "no-owner") {
      router_->config().At("/user").rows.clear();
    } else if (act == "clock-ahead") {
      router_->SetWallClock(router_->WallClock() + absl::Hours(24));
    } else {
      // Those that were options of the router.
      return act == "chr" || act == "without ftp" || act == "device-mode home";
    }
    return true;
  }

  const Behaviour& row_;
  RouterOptions spare_options_;
  std::unique_ptr<Router> router_;
  ConfigStore old_state_;
};

}  // namespace

HttpTransport& BehaviourServer() {
  static FileServer* const server = new FileServer();
  return *server;
}

std::string WithServer(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"@URL@", "http://files.test"}, {"@HOST@", kHost}});
}

std::string AnswerOf(const Behaviour& row, absl::string_view version, const Quirks& quirks) {
  return Stage(row, version, quirks).Run();
}

}  // namespace muster::simulator
