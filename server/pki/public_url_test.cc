#include "server/pki/public_url.h"

#include "gtest/gtest.h"

namespace muster::server {
namespace {

struct Case {
  const char* url;
  const char* host;
  bool host_is_address;
  uint16_t port;
};

TEST(PublicUrlTest, ReadsHostsAndPorts) {
  for (const Case& c : {Case{"https://Edge.example.net", "edge.example.net", false, 443},
                        Case{"https://edge:8443", "edge", false, 8443},
                        Case{"https://192.0.2.7:1", "192.0.2.7", true, 1},
                        Case{"https://[2001:db8::7]", "2001:db8::7", true, 443},
                        Case{"https://[2001:db8::7]:65535", "2001:db8::7", true, 65535}}) {
    const absl::StatusOr<PublicUrl> url = ParsePublicUrl(c.url);
    ASSERT_TRUE(url.ok()) << url.status();
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->host_is_address, c.host_is_address);
    EXPECT_EQ(url->port, c.port);
  }
}

TEST(PublicUrlTest, RefusesEverythingElse) {
  for (const char* url : {"",
                          "https://",
                          "http://edge",
                          "edge",
                          "https://edge/",
                          "https://edge/x",
                          "https://edge:",
                          "https://edge:0",
                          "https://edge:65536",
                          "https://edge:1x",
                          "https://user@edge",
                          "https://-edge",
                          "https://edge..net",
                          "https://2001:db8::7",
                          "https://[192.0.2.7]",
                          "https://[2001:db8::7",
                          "https://[2001:db8::7]x",
                          "https://edge?x",
                          "https://ed ge",
                          "https://edge\n",
                          "https://edge\"",
                          "https://$edge"}) {
    EXPECT_EQ(ParsePublicUrl(url).status().code(), absl::StatusCode::kInvalidArgument) << url;
  }
}

}  // namespace
}  // namespace muster::server
