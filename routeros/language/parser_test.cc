#include "routeros/language/parser.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/router_simulator/menu_tree.h"

namespace muster::routeros::language {
namespace {

const CommandTree& Tree(absl::string_view version) {
  return simulator::MenuTree(*simulator::ParseRouterVersion(version), true);
}

std::string ErrorOf(absl::string_view text, absl::string_view version = "7.20.8") {
  const ParseResult result = ParseScript(text, Tree(version));
  return result.program ? "" : result.error.ToText();
}

TEST(ParserTest, AcceptsNothingAtAll) {
  EXPECT_EQ(ErrorOf(""), "");
  EXPECT_EQ(ErrorOf("\n\n# only a comment"), "");
}

struct Refusal {
  const char* name;
  const char* text;
  const char* version;
  const char* error;
};

class RefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, NamesLineAndColumn) {
  EXPECT_EQ(ErrorOf(GetParam().text, GetParam().version), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, RefusalTest,
    testing::Values(
        Refusal{"UnknownCommand", ":put 1\n:nonsense 2", "7.20.8",
                "bad command name nonsense (line 2 column 1)"},
        Refusal{"UnknownMenu", "/ip nowhere print", "7.20.8",
                "bad command name nowhere (line 1 column 5)"},
        Refusal{"UnknownArgument", "/ip address add adress=1.1.1.1", "7.20.8",
                "bad parameter adress (line 1 column 17)"},
        Refusal{"UnknownProperty", ":put [/ip address find where colour=red]", "7.20.8",
                "expected property name; colour is none (line 1 column 30)"},
        Refusal{"OpenQuote", ":put \"abc", "7.20.8", "expected closing quote (line 1 column 6)"},
        Refusal{"OpenBrace", ":if (true) do={ :put 1", "7.20.8",
                "expected closing brace (line 1 column 23)"},
        Refusal{"StrayBrace", ":put 1 }", "7.20.8", "expected end of command (line 1 column 8)"},
        Refusal{"LowerCaseEscape", ":put \"\\2f\"", "7.20.8",
                "bad escape in quoted text (line 1 column 8)"},
        Refusal{"QuestionMarkOnV6", ":put \"what?\"", "6.49.10",
                "question mark asks for help before RouterOS 7.1; write \\? (line 1 column 11)"},
        Refusal{"SlashPathOnV6", "/ip/address/print", "6.49.10",
                "expected command name (line 1 column 4)"},
        Refusal{"ConvertBefore711", ":put [:convert from=hex to=raw \"41\"]", "7.10.2",
                "bad command name convert (line 1 column 7)"},
        Refusal{"OnErrorBefore713", ":onerror e in={ :put 1 } do={}", "7.12.2",
                "bad command name onerror (line 1 column 1)"},
        Refusal{"AsStringBefore78", ":execute \":put 1\" as-string", "7.7",
                "expected end of command (line 1 column 19)"},
        Refusal{"NetwatchIcmpBefore74", "/tool netwatch add host=1.1.1.1 type=icmp", "7.3",
                "bad parameter type (line 1 column 33)"},
        Refusal{"SetOfUndeclared", ":set x 1", "7.20.8",
                "syntax error: variable x is not declared (line 1 column 6)"},
        Refusal{"LocalOutsideOfItsFunction", ":local a 1; :local f do={ :set a 2 }", "7.20.8",
                "syntax error: variable a is not declared (line 1 column 32)"},
        Refusal{"DotOutsideOfParentheses", ":local a 1; :put \"x\".$a", "7.20.8",
                "expected end of command (line 1 column 21)"},
        Refusal{"BareWordInExpression", ":put (abc . 1)", "7.20.8",
                "syntax error: abc is no value (line 1 column 7)"}),
    [](const testing::TestParamInfo<Refusal>& row) { return std::string(row.param.name); });

TEST(ParserTest, AcceptsWhatALaterVersionBrought) {
  EXPECT_EQ(ErrorOf(":put [:convert from=hex to=raw \"41\"]", "7.11"), "");
  EXPECT_EQ(ErrorOf(":onerror e in={ :put 1 } do={ :put $e }", "7.13"), "");
  EXPECT_EQ(ErrorOf(":execute \":put 1\" as-string", "7.8"), "");
  EXPECT_EQ(ErrorOf("/ip/address/print", "7.1"), "");
  EXPECT_EQ(ErrorOf(":put \"what?\"", "7.1"), "");
}

// Forms that public scripts use which run on 6.x and 7.x.
TEST(ParserTest, AcceptsTheFormsOfPublicScripts) {
  for (const char* version : {"6.49.10", "7.12.2", "7.20.8"}) {
    EXPECT_EQ(ErrorOf(":local a; :set $a 1", version), "");
    EXPECT_EQ(ErrorOf(":do { :put 1 } \\\non-error { :put 2 }", version), "");
    EXPECT_EQ(ErrorOf(":local l {1;2}; foreach i in $l do={ :put $i }", version), "");
    EXPECT_EQ(ErrorOf(":put ([:toip6 \"fe80::1\"] & ::ffff:ffff)", version), "");
  }
  EXPECT_NE(ErrorOf(":set $undeclared 1"), "");
  EXPECT_NE(ErrorOf(":do { :put 1 } onerror { :put 2 }"), "");
}

TEST(ParserTest, FindsAWrongArgumentOnlyWhenItRunsFrom724On) {
  EXPECT_NE(ErrorOf("/ip address add adress=1.1.1.1", "7.22.3"), "");
  EXPECT_EQ(ErrorOf("/ip address add adress=1.1.1.1", "7.24"), "");
}

TEST(ParserTest, GivesTheSameProgramForTheSameText) {
  const ParseResult one = ParseCached(":put cached", Tree("7.20.8"));
  const ParseResult two = ParseCached(":put cached", Tree("7.20.8"));
  EXPECT_EQ(one.program, two.program);
}

TEST(ParserTest, EndsOnTextThatNestsWithoutEnd) {
  EXPECT_NE(ErrorOf(std::string(100'000, '(')), "");
  EXPECT_NE(ErrorOf(std::string(100'000, '[')), "");
  EXPECT_NE(ErrorOf(std::string(100'000, '{')), "");
  EXPECT_NE(ErrorOf(":put " + std::string(100'000, '{')), "");
  EXPECT_NE(ErrorOf(":put (" + std::string(100'000, '!') + "true)"), "");
}

// Scripts of other people, which are not kept here: MUSTER_PUBLIC_SCRIPTS names a folder of them.
TEST(ParserTest, ParsesPublicScripts) {
  const char* folder = std::getenv("MUSTER_PUBLIC_SCRIPTS");
  if (folder == nullptr) GTEST_SKIP() << "MUSTER_PUBLIC_SCRIPTS is not set";
  ParseOptions options;
  options.unknown_names = UnknownNames::kNote;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const ParseResult result = ParseScript(text.str(), Tree("7.20.8"), options);
    EXPECT_TRUE(result.program) << entry.path() << ": " << result.error.ToText();
  }
}

}  // namespace
}  // namespace muster::routeros::language
