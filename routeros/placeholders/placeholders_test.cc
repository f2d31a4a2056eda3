#include "routeros/placeholders/placeholders.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/router.h"

namespace muster::routeros {
namespace {

using testing::ElementsAre;

const char* const kHostile[] = {"\"; /system reset-configuration; :put \"",
                                "$(/system reboot)",
                                "[/system reboot]",
                                "a\nb\r\n/system reboot",
                                "\\",
                                "}};{{",
                                "x]; :put 1; [",
                                "{{secret:wifi}}",
                                "# comment",
                                "$var \\$var \\\"",
                                "\xC5\xBE \xF0\x9F\x98\x80",
                                "a=b disabled=yes",
                                "\t \x01\x7F",
                                "reboot",
                                "-5",
                                "10.0.0.1/24",
                                "20",
                                "a'b`c"};

std::string Fill(absl::string_view script, const std::string& value) {
  const auto filled = FillPlaceholders(
      script, [](absl::string_view) { return true; },
      [&](absl::string_view) { return std::optional<std::string>(value); });
  return filled.ok() ? *filled : filled.status().ToString();
}

std::vector<Place> PlacesIn(absl::string_view script) {
  std::vector<Place> places;
  const auto found = FindPlaceholders(script);
  EXPECT_TRUE(found.ok()) << found.status();
  for (const Placeholder& one : *found) places.push_back(one.place);
  return places;
}

TEST(PlaceholdersTest, FindsEachKindAndLeavesArraysAlone) {
  const auto found = FindPlaceholders(
      ":local a {{1;2};{3;4}}; :put {{label.a/b}} {{device.id}}\n{{secret:wifi-5}}{{x}}");
  ASSERT_TRUE(found.ok()) << found.status();
  std::vector<std::string> names;
  for (const Placeholder& one : *found) names.push_back(one.name);
  EXPECT_THAT(names, ElementsAre("label.a/b", "device.id", "secret:wifi-5"));
}

TEST(PlaceholdersTest, RefusesWhatLooksLikeOneAndIsNot) {
  for (const char* script : {"\n{{lable.x}}", "{{device.serial}}", "{{label.}}", "{{secret:}}",
                             "{{secret:a/b}}", "{{label..x}}"}) {
    EXPECT_EQ(FindPlaceholders(script).status().code(), absl::StatusCode::kInvalidArgument)
        << script;
  }
  EXPECT_THAT(std::string(FindPlaceholders("\n\n{{lable.x}}").status().message()),
              testing::HasSubstr("line 3"));
}

TEST(PlaceholdersTest, KnowsWhereAPlaceholderStands) {
  using enum Place;
  EXPECT_THAT(PlacesIn("a={{label.x}} b=\"{{label.x}}\" c{{label.x}} ({{label.x}})"),
              ElementsAre(kAlone, kString, kWord, kAlone));
  EXPECT_THAT(PlacesIn("# \" {{label.x}}\n:put {{label.x}};# {{label.x}}\n:put #{{label.x}}"),
              ElementsAre(kComment, kAlone, kComment, kWord));
  EXPECT_THAT(PlacesIn(":put \"a\\\" {{label.x}} $[:len {{label.x}}] $(\"{{label.x}}\") "
                       "{{label.x}}\" {{label.x}}"),
              ElementsAre(kString, kAlone, kString, kString, kAlone));
  EXPECT_THAT(PlacesIn("{{label.x}}{{label.x}} {{label.x}}"), ElementsAre(kWord, kWord, kAlone));
  EXPECT_THAT(PlacesIn(":put \\\"{{label.x}} $\"{{label.x}}\""), ElementsAre(kWord, kString));
}

TEST(PlaceholdersTest, WritesValuesByTheRuleOfTheirPlace) {
  EXPECT_EQ(Fill("a={{label.x}}", "20"), "a=20");
  EXPECT_EQ(Fill("a={{label.x}}", "riga 1"), "a=\"riga\\201\"");
  EXPECT_EQ(Fill("a=\"x {{label.x}}\"", "\"$"), "a=\"x \\22\\24\"");
  EXPECT_EQ(Fill("a=vlan{{label.x}}", "20"), "a=vlan20");
  EXPECT_EQ(Fill("a={{label.x}}", ""), "a=\"\"");
  EXPECT_FALSE(FillPlaceholders(
                   "a=vlan{{label.x}}", [](absl::string_view) { return true; },
                   [](absl::string_view) { return std::optional<std::string>("2 0"); })
                   .ok());
}

TEST(PlaceholdersTest, LeavesWhatIsNotWantedAndNamesWhatHasNoValue) {
  const auto only_labels = [](absl::string_view name) { return LabelKeyOf(name).has_value(); };
  const auto filled =
      FillPlaceholders("{{label.a}} {{secret:b}}", only_labels,
                       [](absl::string_view) { return std::optional<std::string>("1"); });
  EXPECT_EQ(*filled, "1 {{secret:b}}");
  const auto none = FillPlaceholders(
      "{{label.a}}", only_labels, [](absl::string_view) { return std::optional<std::string>(); });
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
}

// A router reads back exactly the value, and does nothing that stands in it.
TEST(PlaceholdersTest, NoValueEndsAStringACommandOrALineOnAnyVersion) {
  for (const char* version : {"6.49.10", "7.8", "7.12.2", "7.20.8"}) {
    for (const char* value : kHostile) {
      for (const char* script :
           {"/ip address add address=10.0.0.1/24 interface=ether1 comment={{label.x}}\n",
            "/ip address add address=10.0.0.1/24 interface=ether1 comment=\"{{label.x}}\"\n",
            ":local c \"{{label.x}}\"\n"
            "/ip address add address=10.0.0.1/24 interface=ether1 comment=$c\n",
            "# {{label.x}}\n:if (true) do={ :local c {{label.x}}; /ip address add "
            "address=10.0.0.1/24 interface=ether1 comment=$c }\n"}) {
        simulator::RouterOptions options;
        options.version = *simulator::ParseRouterVersion(version);
        simulator::Router router(options);
        const std::string text = Fill(script, value);
        const simulator::RunResult ran = router.Run(text);
        ASSERT_TRUE(ran.ok) << version << " " << text << ": " << ran.error;
        const simulator::RunResult read =
            router.Run(":put [/ip address get [find address=10.0.0.1/24] comment]");
        ASSERT_TRUE(read.ok) << read.error;
        EXPECT_EQ(read.output, absl::StrCat(value, "\r\n")) << version << " " << text;
      }
    }
  }
}

}  // namespace
}  // namespace muster::routeros
