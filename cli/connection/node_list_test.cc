#include "cli/connection/node_list.h"

#include <set>

#include "gtest/gtest.h"

namespace muster::cli {
namespace {

TEST(NodeListTest, AddressesBecomeOneTargetInAnyOrder) {
  std::set<std::string> seen;
  for (int i = 0; i < 64; ++i) {
    const auto target = TargetOf("127.0.0.1:1,127.0.0.2:2");
    ASSERT_TRUE(target.ok()) << target.status();
    seen.insert(*target);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"ipv4:127.0.0.1:1,127.0.0.2:2",
                                         "ipv4:127.0.0.2:2,127.0.0.1:1"}));
}

TEST(NodeListTest, OneIpv6AddressPutsAllIntoThatForm) {
  const auto target = TargetOf("127.0.0.1:1,[::1]:2");
  ASSERT_TRUE(target.ok()) << target.status();
  const std::set<std::string> either = {"ipv6:[::ffff:127.0.0.1]:1,[::1]:2",
                                        "ipv6:[::1]:2,[::ffff:127.0.0.1]:1"};
  EXPECT_EQ(either.count(*target), 1) << *target;
}

TEST(NodeListTest, ANameWithoutAnAddressIsPassedOverUnlessItIsTheOnlyOne) {
  const auto target = TargetOf("nowhere.invalid:1,127.0.0.1:2");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(*target, "ipv4:127.0.0.1:2");
  EXPECT_TRUE(absl::IsUnavailable(TargetOf("nowhere.invalid:1").status()));
}

}  // namespace
}  // namespace muster::cli
