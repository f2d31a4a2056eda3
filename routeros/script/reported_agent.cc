// What a router says of its agent is its own word and may be anything: it is cut apart, never
// refused.
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
  // "2" of "2-test": an agent of somebody's own build still tells what it can do.
  size_t digits = 0;
  while (digits < agent.version.size() && absl::ascii_isdigit(agent.version[digits])) ++digits;
  if (!absl::SimpleAtoi(agent.version.substr(0, digits), &agent.number)) agent.number = 0;
  return agent;
}

}  // namespace muster::routeros
