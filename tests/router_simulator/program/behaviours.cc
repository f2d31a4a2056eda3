#include "tests/router_simulator/program/behaviours.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/quirk_names.h"

namespace muster::simulator {
namespace {

constexpr absl::Duration kSlowFetch = absl::Seconds(20);

struct Named {
  absl::string_view name;
  absl::string_view what;
};

constexpr std::array<Named, 23> kBehaviours = {{
    {"reboot-after-store", "reboots when a job's number is stored"},
    {"reboot-while-running", "reboots at the first change that a job makes"},
    {"reboot-before-result", "reboots before a result is posted"},
    {"reboot-after-result", "reboots when a result's reply arrives"},
    {"reboot-any", "one of these four, or none, at random for each job"},
    {"power-loss", "the reboots above are power losses"},
    {"late-flash", "changes reach the flash 40 s late"},
    {"lose-reply", "a third of the heartbeats' replies are lost"},
    {"lose-result", "half of the results' replies are lost"},
    {"lose-enrolment", "the first reply to an enrolment is lost"},
    {"state-back", "the configuration goes back to what it was before the last job"},
    {"wrong-clock", "the clock begins in 1970"},
    {"no-ppp-package", "without the menu /ppp"},
    {"chr", "a virtual router: no /system routerboard, no health"},
    {"sensitive-off", "the administrator lacks policy sensitive"},
    {"policy-off", "the administrator lacks policy policy"},
    {"device-mode-home", "7.17+: fetch and scheduler are refused"},
    {"clone", "every second router is a copy of the one before it, made once that has enrolled"},
    {"slow-link", "each fetch takes 20 s more, as over 2G"},
    {"full-flash", "no byte goes onto the flash"},
    {"cp1251", "the identity is Cyrillic in code page 1251"},
    {"gbk", "the identity is Chinese in GBK"},
    {"broken-text", "the identity holds bytes that are no UTF-8, quotes and controls"},
}};

}  // namespace

std::string BehaviourList() {
  std::string text;
  for (const Named& one : kBehaviours) absl::StrAppend(&text, "  ", one.name, ": ", one.what, "\n");
  absl::StrAppend(&text, "  unverified switches of RouterOS: ", QuirkNames(), "\n");
  return text;
}

absl::Status CheckBehaviours(const std::set<std::string>& names) {
  for (const std::string& name : names) {
    Quirks quirks;
    bool known = FlipQuirk(name, &quirks);
    for (const Named& one : kBehaviours) known |= one.name == name;
    if (!known) {
      return absl::InvalidArgumentError(
          absl::StrCat("no behaviour '", name, "'; there are:\n", BehaviourList()));
    }
  }
  return absl::OkStatus();
}

void ApplyToOptions(const std::set<std::string>& names, RouterOptions* options) {
  for (const std::string& name : names) {
    FlipQuirk(name, &options->quirks);
    if (name == "wrong-clock") options->clock = absl::FromUnixSeconds(86'400);
    if (name == "no-ppp-package") options->ppp_package = false;
    if (name == "chr") options->routerboard = false;
    if (name == "sensitive-off") options->admin_policy &= ~kPolicySensitive;
    if (name == "policy-off") options->admin_policy &= ~kPolicyPolicy;
    if (name == "device-mode-home") options->device_mode_home = true;
    if (name == "late-flash") options->flash_delay = absl::Seconds(40);
    if (name == "cp1251") options->identity = "\xCC\xE0\xF0\xF8\xF0\xF3\xF2\xE8\xE7";
    if (name == "gbk") options->identity = "\xC2\xB7\xD3\xC9\xC6\xF7";
    if (name == "broken-text") options->identity = "r\xF4uter \"1\"\x1B[31m\\ $x \t\xC3\xA9";
  }
}

void ApplyToRouter(const std::set<std::string>& names, Router* router) {
  if (names.count("slow-link") > 0) router->faults().fetch_delay = kSlowFetch;
  if (names.count("full-flash") > 0) router->FillFlash(true);
}

Mishaps::Mishaps(const std::set<std::string>& names, uint64_t seed)
    : names_(names), random_(seed) {}

Mishaps::Step Mishaps::PickStep() {
  if (names_.count("reboot-any") > 0) return static_cast<Step>(random_() % 5);
  if (names_.count("reboot-after-store") > 0) return Step::kAfterStore;
  if (names_.count("reboot-while-running") > 0) return Step::kWhileRunning;
  if (names_.count("reboot-before-result") > 0) return Step::kBeforeResult;
  if (names_.count("reboot-after-result") > 0) return Step::kAfterResult;
  return Step::kNone;
}

void Mishaps::At(Router& router, Step step) {
  if (planned_ != step) return;
  planned_ = Step::kNone;
  router.RequestReboot(names_.count("power-loss") > 0 ? PowerDown::kPowerLoss : PowerDown::kClean);
}

void Mishaps::OnEvent(Router& router, const Event& event) {
  const bool state = event.name == "/system/scheduler" && event.text == "muster-state";
  const bool change = event.kind == EventKind::kRowChanged || event.kind == EventKind::kRowAdded ||
                      event.kind == EventKind::kRowRemoved;
  const bool result =
      event.text.size() > 10 && event.text.compare(event.text.size() - 10, 10, "/v1/result") == 0;
  if (event.kind == EventKind::kRowChanged && state) {
    job_open_ = true;
    // The second job of a router comes to a quiet one: its state goes back before the third.
    if (++jobs_ == 2) restore_ = names_.count("state-back") > 0;
    planned_ = PickStep();
    At(router, Step::kAfterStore);
  } else if (change && job_open_ && !state) {
    At(router, Step::kWhileRunning);
  } else if (event.kind == EventKind::kFetchStarted && result) {
    At(router, Step::kBeforeResult);
  } else if (event.kind == EventKind::kFetchEnded && result) {
    job_open_ = false;
    At(router, Step::kAfterResult);
  }
}

void Mishaps::BetweenTurns(Router& router) {
  if (names_.count("state-back") == 0) return;
  if (!older_ && jobs_ == 1 && !job_open_)
    older_ = std::make_unique<ConfigStore>(router.CopyConfig());
  if (!older_ || !restore_ || job_open_) return;
  restore_ = false;
  router.RestoreConfig(*older_);
  router.Reboot(PowerDown::kClean);
}

}  // namespace muster::simulator
