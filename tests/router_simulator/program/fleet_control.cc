// The calls that a test makes on running routers.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/program/fleet.h"
#include "tests/router_simulator/rows.h"

namespace muster::simulator {

std::string Fleet::Reboot(int index, PowerDown how) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->Reboot(how);
  Schedule(member, Now());
  return "rebooted\n";
}

std::string Fleet::Dump(int index, absl::string_view path) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  Router& router = *member.router;
  const MenuSpec* menu = router.tree().Menu(path);
  if (menu == nullptr) return absl::StrCat("no menu ", path, " on this router\n");
  std::string text;
  std::vector<Row> rows;
  if (menu->kind == MenuKind::kSettings) {
    rows.push_back(router.config().Settings(path));
  } else {
    rows = router.Rows(*menu).rows;
  }
  for (const Row& row : rows) {
    for (const PropertySpec& property : menu->properties) {
      // Passwords and tokens stay on the router.
      if (property.hidden || property.type == PropertyType::kCode) continue;
      const Value value = router.Read(*menu, row, property);
      if (!value.IsEmpty()) absl::StrAppend(&text, property.name, "=", ShownText(value), " ");
    }
    text += "\n";
  }
  return text;
}

std::string Fleet::Export(int index, bool show_sensitive) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  return member.router->Export("", show_sensitive);
}

std::string Fleet::LogText(int index) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  std::string text;
  for (const LogLine& line : member.router->log()) {
    absl::StrAppend(&text, line.topics, " ", line.message, "\n");
  }
  return text;
}

std::string Fleet::Describe(int index) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  const FleetCounts& counts = member.counts;
  Router& router = *member.router;
  return absl::StrCat("version=", router.options().version.text,
                      " serial=", router.options().serial, " boots=", router.boots(),
                      " enrolled=", counts.enrolled, " beats=", counts.beats,
                      " failed_fetches=", counts.failed_fetches, " jobs=", counts.jobs_started,
                      " results=", counts.results, " errors=", counts.script_errors,
                      " last=", router.Show("/system/scheduler", "muster-state", "comment"), "\n");
}

std::string Fleet::RunText(int index, absl::string_view text) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  {
    const MutexLock lock(member.mutex);
    if (member.pasted && !member.router->PasteResult()) return "busy\n";
    member.pasted = true;
    member.router->Paste(text);
    Schedule(member, Now());
  }
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  const MutexLock lock(member.mutex);
  while (!member.router->PasteResult()) {
    const absl::Duration rest = deadline - absl::Now();
    if (rest <= absl::ZeroDuration()) return "still running\n";
    member.turned.WaitFor(member.mutex, rest);
  }
  const std::optional<RunResult> result = member.router->PasteResult();
  return absl::StrCat(result->output, result->ok ? "" : result->error, "\n");
}

std::string Fleet::SaveState(int index) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.saved = member.router->CopyConfig();
  return "saved\n";
}

std::string Fleet::RestoreState(int index) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  if (!member.saved) return "nothing was saved\n";
  member.router->RestoreConfig(*member.saved);
  member.router->Reboot(PowerDown::kClean);
  Schedule(member, Now());
  return "restored\n";
}

std::string Fleet::SetClock(int index, absl::Time time) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->SetWallClock(time);
  return "set\n";
}

std::string Fleet::Upgrade(int index, RouterVersion version) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->ChangeVersion(std::move(version));
  Schedule(member, Now());
  return "upgraded\n";
}

std::string Fleet::RollBack(int index) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  if (!member.saved) return "nothing was saved\n";
  member.router->RestoreConfig(*member.saved);
  Schedule(member, Now());
  return "rolled back\n";
}

std::string Fleet::RestoreFrom(int index, int from) {
  if (from < 0 || from >= size() || from == index) return "no such router to copy from\n";
  FleetMember& source = *members_[static_cast<size_t>(from)];
  ConfigStore copy;
  {
    const MutexLock lock(source.mutex);
    copy = source.router->CopyConfig();
  }
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->RestoreConfig(std::move(copy));
  member.router->Reboot(PowerDown::kClean);
  Schedule(member, Now());
  return "restored\n";
}

std::string Fleet::Netinstall(int index, absl::string_view version) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  RouterVersion chosen = member.router->options().version;
  if (!version.empty()) {
    absl::StatusOr<RouterVersion> given = ParseRouterVersion(version);
    if (!given.ok()) return absl::StrCat(given.status().message(), "\n");
    chosen = *std::move(given);
  }
  member.router->Netinstall(std::move(chosen));
  Schedule(member, Now());
  return "installed\n";
}

std::string Fleet::Paste(int index, absl::string_view text) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->Paste(text.empty() ? options_.bootstrap : text);
  Schedule(member, Now());
  return "pasted\n";
}

std::string Fleet::PutFile(int index, absl::string_view name, absl::string_view text) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  const bool written = WriteFile(*member.router, name, absl::StrCat(text, "\n"), "script");
  return written ? "put\n" : "no space left on the disk\n";
}

std::string Fleet::RemoveOwner(int index) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->config().At("/user").rows.clear();
  return "removed\n";
}

std::string Fleet::PowerLossIn(int index, int64_t statements) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->faults().statements_left = statements;
  member.router->faults().then = PowerDown::kPowerLoss;
  return "planned\n";
}

std::string Fleet::LateFlash(int index, absl::Duration delay) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->SetFlashDelay(delay);
  return "set\n";
}

std::string Fleet::FullFlash(int index, bool full) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->FillFlash(full);
  return "set\n";
}

std::string Fleet::SlowLink(int index, absl::Duration delay) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  const MutexLock lock(member.mutex);
  member.router->faults().fetch_delay = delay;
  return "set\n";
}

std::string Fleet::Heal(int index) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  member.network.Heal();
  const MutexLock lock(member.mutex);
  member.router->FillFlash(false);
  member.router->SetFlashDelay(absl::ZeroDuration());
  member.router->faults() = Faults();
  return "healed\n";
}

}  // namespace muster::simulator
