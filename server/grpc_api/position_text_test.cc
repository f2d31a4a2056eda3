#include "server/grpc_api/position_text.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

TEST(PositionTextTest, ComesBackAsItWent) {
  const Position position{std::string("0123456789abcde\xff"), 42};
  EXPECT_EQ(FormatPosition(position), "303132333435363738396162636465ff:42");
  EXPECT_EQ(ParsePosition(FormatPosition(position)), position);
}

TEST(PositionTextTest, RefusesEverythingElse) {
  for (const char* text :
       {"", ":", "42", "303132333435363738396162636465ff:", "303132333435363738396162636465ff:x",
        "303132:42", "zz3132333435363738396162636465ff:42",
        "303132333435363738396162636465ff:99999999999999999999999"}) {
    EXPECT_FALSE(ParsePosition(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace muster::server
