// What the golden files and the checks of generated scripts are rendered with.
#pragma once

#include <string>
#include <vector>

#include "routeros/script/agent.h"

namespace muster::golden {

inline routeros::InstallerTerms GoldenTerms(bool monitor_only = false) {
  return {"https://edge.example.net:8443",
          "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
          "0123456789abcdef0123456789abcdef",
          monitor_only,
          routeros::Profile::kNormal,
          {},
          ""};
}

inline routeros::AgentTerms GoldenAgentTerms(bool monitor_only = false) {
  const routeros::InstallerTerms terms = GoldenTerms();
  routeros::AgentTerms agent;
  agent.urls = {terms.url};
  agent.root_sha256 = terms.root_sha256;
  agent.monitor_only = monitor_only;
  return agent;
}

// With everything that a text may bring.
inline routeros::AgentTerms FullAgentTerms() {
  routeros::AgentTerms agent = GoldenAgentTerms();
  agent.urls.push_back("https://second.example.net");
  agent.new_root_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  agent.new_root_sha256 = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
  agent.profile = routeros::Profile::kSlow;
  agent.generation = 7;
  agent.token = "m1.abc-_";
  agent.dns_address = "192.0.2.10";
  return agent;
}

inline routeros::BootstrapTerms GoldenBootstrapTerms() {
  const routeros::InstallerTerms terms = GoldenTerms();
  return {terms.url, terms.root_sha256, terms.claim};
}

struct FamilySample {
  routeros::Family family;
  const char* file;
  // Versions that get this family's text; the first is the oldest.
  std::vector<const char*> versions;
};

inline std::vector<FamilySample> FamilySamples() {
  using routeros::Family;
  return {{Family::k6_49, "6.49", {"6.48", "6.49.10", "6.49.18"}},
          {Family::k7_1, "7.1", {"7.1", "7.3.1", "7.6", "7.8", "7.9", "7.10.2"}},
          {Family::k7_11, "7.11", {"7.11", "7.11.3", "7.12.2"}},
          {Family::k7_13, "7.13", {"7.13", "7.13.5", "7.15.3", "7.16.2"}},
          {Family::k7_17, "7.17", {"7.17", "7.18.2", "7.20.8", "7.22.3", "7.24"}}};
}

}  // namespace muster::golden
