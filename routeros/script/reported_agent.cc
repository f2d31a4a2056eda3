#include "routeros/script/reported_agent.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace muster::routeros {

ReportedAgent ParseReportedAgent(absl::string_view text) {
  ReportedAgent agent;
  const size_t plus = std::min(text.find('+'), text.size());
  agent.version = text.substr(0, plus);
  if (plus < text.size() && !absl::SimpleAtoi(text.substr(plus + 1), &agent.generation)) {
    agent.generation = 0;
  }
  size_t digits = 0;
  while (digits < agent.version.size() && absl::ascii_isdigit(agent.version[digits])) ++digits;
  if (!absl::SimpleAtoi(agent.version.substr(0, digits), &agent.number)) agent.number = 0;
  return agent;
}

}  // namespace muster::routeros
