// A simulated router and an edge in memory, for tests that run the agent's text.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/golden/fake_edge.h"
#include "tests/router_simulator/router.h"

namespace muster::golden {

// Keeps what went wrong inside of the router.
class ErrorWatch : public simulator::Observer {
 public:
  void OnEvent(simulator::Router& router, const simulator::Event& event) override {
    if (event.kind == simulator::EventKind::kScriptError ||
        event.kind == simulator::EventKind::kLoadError) {
      errors.push_back(
          absl::StrCat(event.name, ":", event.line, ":", event.column, " ", event.text));
    }
    if (on_event) on_event(router, event);
  }
  std::vector<std::string> errors;
  std::function<void(simulator::Router&, const simulator::Event&)> on_event;
};

class RouterWithEdge {
 public:
  explicit RouterWithEdge(absl::string_view version) {
    options.version = *simulator::ParseRouterVersion(version);
    options.transport = &edge;
  }

  simulator::Router& router() {
    if (router_ == nullptr) {
      router_ = std::make_unique<simulator::Router>(options);
      router_->SetObserver(&watch);
    }
    return *router_;
  }

  simulator::RunResult Join() { return router().Run(edge.Bootstrap()); }

  // Lets the router live until the result is there, at most `patience`.
  const routeros::JobReport* Await(uint64_t number, absl::Duration patience = absl::Minutes(10)) {
    for (absl::Duration waited; waited < patience; waited += absl::Seconds(5)) {
      if (const auto* result = edge.Result(number); result != nullptr) return result;
      router().RunFor(absl::Seconds(5));
    }
    return edge.Result(number);
  }

  std::string Errors() const {
    std::string text;
    for (const std::string& error : watch.errors) absl::StrAppend(&text, error, "\n");
    for (const std::string& problem : edge.problems)
      absl::StrAppend(&text, "edge: ", problem, "\n");
    return text;
  }

  bool HasRow(absl::string_view path, absl::string_view property, absl::string_view value) {
    const simulator::MenuSpec* menu = router().tree().Menu(path);
    if (menu == nullptr) return false;
    const auto& rows = router().Rows(*menu).rows;
    return std::any_of(rows.begin(), rows.end(), [&](const simulator::Row& row) {
      return row.Text(std::string(property)) == value;
    });
  }
  size_t Certificates() { return router().Rows(*router().tree().Menu("/certificate")).rows.size(); }

  simulator::RouterOptions options;
  FakeEdge edge;
  ErrorWatch watch;

 private:
  std::unique_ptr<simulator::Router> router_;
};

// One version of each family.
inline std::vector<std::string> FamilyVersions() {
  return {"6.49.10", "7.8", "7.12.2", "7.15.3", "7.20.8"};
}

// One version at each border, and those of the families.
inline std::vector<std::string> AgentVersions() {
  return {"6.48.6", "6.49.10", "7.1.5",  "7.6",    "7.8",    "7.10.2", "7.11.3",
          "7.12.2", "7.13.5",  "7.15.3", "7.16.2", "7.17.2", "7.20.8", "7.24"};
}

// A test on one version, given as parameter.
class AgentTestBase : public testing::TestWithParam<std::string> {
 protected:
  AgentTestBase() : world_(GetParam()) {}
  simulator::Router& router() { return world_.router(); }
  FakeEdge& edge() { return world_.edge; }
  bool ReturnsOutput() const { return world_.options.version.AtLeast(7, 8); }
  void Join() {
    const simulator::RunResult joined = world_.Join();
    ASSERT_TRUE(joined.loaded && joined.ok) << joined.error << "\n" << joined.output;
    ASSERT_EQ(edge().enrolments.size(), 1u) << joined.output << world_.Errors();
  }

  RouterWithEdge world_;
};

// "7.20.8" as the name of a test.
inline std::string VersionTestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return "v" + name;
}

}  // namespace muster::golden
