#include <fstream>

#include "absl/strings/str_cat.h"
#include "cli/commands/command_test_support.h"
#include "cli/commands/import_file.h"
#include "gmock/gmock.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;

class ImportTest : public CommandTest {
 protected:
  std::string File(const std::string& text) {
    const std::string path = folder_ + "/routers.csv";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
};

TEST_F(ImportTest, ReadsColumnsInAnyOrderAndLabels) {
  const auto rows =
      ReadImport("site,label.role,serial,name\nriga,core,HC1,riga-core\n,,HC2,\"gw, old\"\n");
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].serial_number(), "HC1");
  EXPECT_EQ((*rows)[0].site(), "riga");
  EXPECT_EQ((*rows)[0].labels().at("role"), "core");
  EXPECT_EQ((*rows)[1].display_name(), "gw, old");
  EXPECT_TRUE((*rows)[1].labels().empty());
}

TEST_F(ImportTest, SaysLineAndColumnOfWhatIsWrongAndCallsNothing) {
  const struct {
    const char* text;
    const char* says;
  } cases[] = {
      {"", "the file is empty"},
      {"serial\n", "no line but the first"},
      {"name\nx\n", "line 1, column 1: there is no column \"serial\""},
      {"serial,colour\nA,red\n", "line 1, column 8: \"colour\" is no column"},
      {"serial,serial\nA,B\n", "line 1, column 8: the column \"serial\" comes twice"},
      {"serial,name\n,x\n", "line 2, column 1: the serial number is empty"},
      {"serial,name\n A,x\n", "line 2, column 1: the serial number has spaces"},
      {"serial,name\nA,x\nB,y\nA,z\n",
       "line 4, column 1: serial number A stands in line 2 already"},
      {"serial,name\nA,\"x\n", "line 2, column 3: the quote is never closed"},
      {"serial,name\nA\n", "line 2, column 1: has 1 fields"},
      {"serial,name\nA,x\x1by\n", "line 2, column 3: has control characters"},
  };
  for (const auto& one : cases) {
    const Ran ran = Run({"device", "import", File(one.text), "--yes"});
    EXPECT_EQ(ran.code, 2) << one.text;
    EXPECT_THAT(ran.err, HasSubstr(one.says)) << one.text;
    EXPECT_THAT(ran.err, HasSubstr("nothing was imported"));
  }
  EXPECT_EQ(fake_.RequestCount("ImportPreregistrations"), 0u);
}

TEST_F(ImportTest, ChecksAllBeforeItImportsInParts) {
  std::string text = "serial,name\n";
  for (int i = 0; i < 4'500; ++i) absl::StrAppend(&text, "HC", i, ",r", i, "\n");
  muster::v1::ImportPreregistrationsResponse response;
  for (int i = 0; i < 6; ++i) fake_.Answer("ImportPreregistrations", response);
  const Ran ran = Run({"device", "import", File(text), "--yes", "--request-id", "mine"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(fake_.RequestCount("ImportPreregistrations"), 6u);
  const auto last =
      fake_.LastRequest<muster::v1::ImportPreregistrationsRequest>("ImportPreregistrations");
  EXPECT_FALSE(last.validate_only());
  EXPECT_EQ(last.preregistrations_size(), 500);
  EXPECT_EQ(last.request_id(), "mine-4000");
}

TEST_F(ImportTest, CallsAreCutByBytesToo) {
  // 2,000 such rows are more than the server takes in one message.
  std::string text = "serial,name";
  std::string values;
  for (char label = 'a'; label < 'k'; ++label) {
    absl::StrAppend(&text, ",label.", std::string(1, label));
    absl::StrAppend(&values, ",", std::string(60, 'v'));
  }
  absl::StrAppend(&text, "\n");
  for (int i = 0; i < 3'000; ++i) absl::StrAppend(&text, "HC", i, ",r", i, values, "\n");
  muster::v1::ImportPreregistrationsResponse response;
  for (int i = 0; i < 20; ++i) fake_.Answer("ImportPreregistrations", response);
  const Ran ran = Run({"device", "import", File(text), "--yes", "--request-id", "mine"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_GT(fake_.RequestCount("ImportPreregistrations"), 4u) << "two rounds of more than two";
  const auto last =
      fake_.LastRequest<muster::v1::ImportPreregistrationsRequest>("ImportPreregistrations");
  EXPECT_LE(last.ByteSizeLong(), size_t{1} << 20);
  ASSERT_GT(last.preregistrations_size(), 0);
  EXPECT_EQ(last.preregistrations().rbegin()->serial_number(), "HC2999");
}

TEST_F(ImportTest, ARefusalOfTheServerImportsNothing) {
  fake_.Fail("ImportPreregistrations", grpc::Status(grpc::INVALID_ARGUMENT, "no"));
  EXPECT_EQ(Run({"device", "import", File("serial\nHC1\n")}).code, 2);
  const auto last =
      fake_.LastRequest<muster::v1::ImportPreregistrationsRequest>("ImportPreregistrations");
  EXPECT_TRUE(last.validate_only());
  EXPECT_EQ(fake_.RequestCount("ImportPreregistrations"), 1u);
}

TEST_F(ImportTest, ManyWantAYes) {
  EXPECT_EQ(Run({"device", "import", File("serial\nHC1\nHC2\n")}).code, 2);
  EXPECT_EQ(fake_.RequestCount("ImportPreregistrations"), 0u);
}

TEST_F(ImportTest, ListShowsWhatWaits) {
  muster::v1::ListPreregistrationsResponse response;
  response.add_preregistrations()->set_serial_number("HC1");
  response.mutable_preregistrations(0)->set_display_name("riga-core");
  fake_.Answer("ListPreregistrations", response);
  const Ran ran = Run({"preregistration", "list", "-o", "csv"});
  EXPECT_THAT(ran.out, HasSubstr("HC1,riga-core"));
}

}  // namespace
}  // namespace muster::cli
