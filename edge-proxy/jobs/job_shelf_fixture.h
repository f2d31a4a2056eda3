// A job shelf over fakes and a router that asks it. Versions: "small" takes 4 characters in one
// reply, "unknown" can't be read.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge-proxy/jobs/job_shelf.h"

namespace muster::edge {

inline constexpr DeviceId kDevice{5};

class FakeEvents : public JobEvents {
 public:
  void AddJobEvent(JobEvent event) override { events.push_back(std::move(event)); }
  std::vector<JobEvent> events;
};

inline PayloadRules FakeRules() {
  return {.largest_script = [](const Reader& reader) -> absl::StatusOr<size_t> {
            if (reader.routeros_version == "unknown") return absl::InvalidArgumentError("version");
            return reader.routeros_version == "small" ? 4 : 1000;
          },
          .reply =
              [](uint64_t number, absl::string_view script, routeros::PayloadFormat format) {
                const bool hex = format == routeros::PayloadFormat::kHex;
                return absl::StrCat("J", number, hex ? " hex " : " esc ", script, ".");
              },
          .announce = [](uint64_t number, absl::string_view script,
                         const Reader& reader) -> absl::StatusOr<std::string> {
            return absl::StrCat("L", number, " ", script.size());
          },
          .part = [](uint64_t number, uint32_t part, absl::string_view script,
                     const Reader& reader) -> absl::StatusOr<std::string> {
            const bool hex = reader.format == routeros::PayloadFormat::kHex;
            const size_t from = (part - 1) * size_t{4};
            if (from >= script.size()) return absl::NotFoundError("part");
            return absl::StrCat("P", number, " ", part, hex ? " hex " : " esc ",
                                script.substr(from, 4), ".");
          },
          .stop = [](uint64_t number) { return absl::StrCat("K", number); }};
}

class JobShelfTest : public testing::Test {
 protected:
  static Job NewJob(uint64_t number) {
    return {.device = kDevice,
            .number = number,
            .script = ":put 1",
            .not_before = absl::FromUnixSeconds(1000),
            .not_after = absl::FromUnixSeconds(2000)};
  }
  std::string Ask() { return shelf_.ReplyTo(asking_, now_); }

  FakeEvents events_;
  JobShelf shelf_{FakeRules(), events_};
  absl::Time now_ = absl::FromUnixSeconds(1500);
  Asking asking_{.device = kDevice,
                 .secret_check = "check",
                 .highest_reported = 9,
                 .boot = "boot1",
                 .decodes_hex = true,
                 .decodes_escaped = true,
                 .routeros_version = "7.20.8"};
};

}  // namespace muster::edge
