// Menus that only a console dump knows.
#include "tests/router_simulator/dump_menus.h"

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "routeros/check/console_dumps.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

class DumpMenusTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("MUSTER_TEST_DATA");
    auto dumps =
        routeros::ConsoleDumps::Read(absl::StrCat(data == nullptr ? "" : data, "/routeros-trees"));
    if (absl::IsNotFound(dumps.status())) {
      GTEST_SKIP() << dumps.status().message() << "; set MUSTER_TEST_DATA to the folder with "
                   << "routeros-trees";
    }
    ASSERT_TRUE(dumps.ok()) << dumps.status();
    // Trees are kept for the life of the process, so the dumps must be too.
    dumps_ = new routeros::ConsoleDumps(*std::move(dumps));
  }

  std::string Said(absl::string_view version, absl::string_view text) {
    RouterOptions options;
    options.version = *ParseRouterVersion(version);
    options.dumps = dumps_;
    Router router(std::move(options));
    const RunResult result = router.Run(text);
    std::string said = result.ok ? result.output : "ERROR " + result.error;
    while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.pop_back();
    return said;
  }

  const routeros::ConsoleDumps* dumps_ = nullptr;
};

TEST_F(DumpMenusTest, KeepsRowsOfAnyMenu) {
  for (const char* version : {"7.8", "7.12.2", "7.20.8"}) {
    EXPECT_EQ(Said(version,
                   "/interface l2tp-client add name=up connect-to=192.0.2.1 user=a disabled=no\n"
                   "/interface l2tp-client set up comment=b\n"
                   ":put [/interface l2tp-client get [find where user=a] comment]"),
              "b")
        << version;
    EXPECT_EQ(Said(version,
                   "/routing bgp template add name=t as=65001\n"
                   ":put [:len [/routing bgp template find where as=65001]]"),
              "1")
        << version;
    EXPECT_EQ(Said(version, "/ip smb set enabled=yes\n:put [/ip smb get enabled]"), "yes")
        << version;
  }
}

TEST_F(DumpMenusTest, ExportsThem) {
  const std::string text =
      Said("7.20.8", "/interface l2tp-client add name=up connect-to=192.0.2.1\n/export");
  EXPECT_NE(text.find("/interface l2tp-client"), std::string::npos) << text;
  EXPECT_NE(text.find("connect-to=192.0.2.1"), std::string::npos) << text;
}

TEST_F(DumpMenusTest, RefusesWhatTheDumpDoesNotHave) {
  EXPECT_EQ(Said("7.20.8", "/interface l2tp-client add nme=up"),
            "ERROR bad parameter nme (line 1 column 28)");
  EXPECT_EQ(Said("7.20.8", "/interface l2tp-clnt print"),
            "ERROR bad command name l2tp-clnt (line 1 column 12)");
  // It came with 7.22.
  EXPECT_EQ(Said("7.12.2", "/tool fetch url=\"https://e/x\" http-version=auto").substr(0, 5),
            "ERROR");
}

TEST_F(DumpMenusTest, SaysWhatItCanNotRun) {
  EXPECT_EQ(Said("7.20.8", "/tool wol mac=00:00:00:00:00:01 interface=ether1").substr(0, 27),
            "ERROR the simulator can't r");
}

TEST_F(DumpMenusTest, AVersionWithoutADumpKeepsToItsOwnMenus) {
  EXPECT_EQ(Said("6.49.10", "/interface l2tp-client add name=up").substr(0, 22),
            "ERROR bad command name");
}

}  // namespace
}  // namespace muster::simulator
