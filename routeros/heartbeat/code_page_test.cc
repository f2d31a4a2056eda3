#include "routeros/heartbeat/code_page.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/text/clean.h"
#include "routeros/heartbeat/heartbeat.h"

namespace muster::routeros {
namespace {

struct Row {
  const char* name;
  CodePage page;
  const char* bytes;
  const char* text;
};

const Row kRows[] = {
    {"windows-1250", CodePage::kWindows1250,
     "\x8E"
     "lu\x9D"
     "ou\xE8"
     "k\xFD"
     " k\xF9"
     "\xF2"
     "",
     "Žluťoučký kůň"},
    {"windows-1251", CodePage::kWindows1251,
     "\xD0"
     "\xEE"
     "\xF3"
     "\xF2"
     "\xE5"
     "\xF0"
     " \xB9"
     "5",
     "Роутер №5"},
    {"windows-1252", CodePage::kWindows1252,
     "Caf\xE9"
     " Gr\xF6"
     "\xDF"
     "e \x80"
     "",
     "Café Größe €"},
    {"windows-1253", CodePage::kWindows1253,
     "\xC1"
     "\xE8"
     "\xDE"
     "\xED"
     "\xE1"
     "",
     "Αθήνα"},
    {"windows-1254", CodePage::kWindows1254,
     "\xDD"
     "stanbul \xFE"
     "\xF0"
     "",
     "İstanbul şğ"},
    {"windows-1255", CodePage::kWindows1255,
     "\xF9"
     "\xEC"
     "\xE5"
     "\xED"
     "",
     "שלום"},
    {"windows-1256", CodePage::kWindows1256,
     "\xE3"
     "\xD1"
     "\xCD"
     "\xC8"
     "\xC7"
     "",
     "مرحبا"},
    {"windows-1257", CodePage::kWindows1257,
     "R\xEE"
     "ga \xF0"
     "\xED"
     "",
     "Rīga šķ"},
    {"windows-1258", CodePage::kWindows1258,
     "\xD0"
     "\xE0"
     " La\xF2"
     "t",
     "Đà Lạt"},
    {"gbk", CodePage::kGbk,
     "\xB1"
     "\xB1"
     "\xBE"
     "\xA9"
     "\xC2"
     "\xB7"
     "\xD3"
     "\xC9"
     "\xC6"
     "\xF7"
     "",
     "北京路由器"},
    {"big5", CodePage::kBig5,
     "\xA5"
     "x\xA5"
     "_\xA5"
     "\\\xAF"
     "\xE0"
     "",
     "台北功能"},
    {"shift-jis", CodePage::kShiftJis,
     "\x93"
     "\x8C"
     "\x8B"
     "\x9E"
     "\x95"
     "\\\x8E"
     "\xA6"
     "",
     "東京表示"},
    {"euc-kr", CodePage::kEucKr,
     "\xBC"
     "\xAD"
     "\xBF"
     "\xEF"
     " \xB6"
     "\xF3"
     "\xBF"
     "\xEC"
     "\xC5"
     "\xCD"
     "",
     "서울 라우터"},
    {"koi8-r", CodePage::kKoi8R,
     "\xED"
     "\xC1"
     "\xD2"
     "\xDB"
     "\xD2"
     "\xD5"
     "\xD4"
     "\xC9"
     "\xDA"
     "\xC1"
     "\xD4"
     "\xCF"
     "\xD2"
     "",
     "Маршрутизатор"},
    {"iso-8859-2", CodePage::kIso8859_2,
     "\xA3"
     "\xF3"
     "d\xBC"
     "",
     "Łódź"},
    {"tis-620", CodePage::kTis620,
     "\xA1"
     "\xC3"
     "\xD8"
     "\xA7"
     "\xE0"
     "\xB7"
     "\xBE"
     "",
     "กรุงเทพ"},
};

std::string Beat(absl::string_view identity) {
  return absl::StrCat(R"({"p":1,"last":0,"id":")", identity, R"(","ver":"7.20.8"})");
}

// As the agent does it, byte by byte.
std::string AsTheAgentWrites(absl::string_view bytes) {
  return absl::StrReplaceAll(bytes, {{"\\", "\\\\"}, {"\"", "\\\""}});
}

TEST(CodePageTest, EachCodePageGivesItsText) {
  for (const Row& row : kRows) {
    uint32_t repaired = 0;
    EXPECT_EQ(ReadCodePage(row.bytes, row.page, &repaired), row.text) << row.name;
    EXPECT_GT(repaired, 0u) << row.name;
    const auto beat = ParseHeartbeat(Beat(AsTheAgentWrites(row.bytes)), row.page);
    ASSERT_TRUE(beat.ok()) << row.name << ": " << beat.status();
    EXPECT_EQ(beat->facts.identity, row.text) << row.name;
    EXPECT_GT(beat->counts.text_repaired, 0u) << row.name;
  }
}

TEST(CodePageTest, WithoutACodePageEachByteIsAReplacementCharacter) {
  const auto beat = ParseHeartbeat(Beat("\xCF\xE8"));
  ASSERT_TRUE(beat.ok());
  EXPECT_EQ(beat->facts.identity, "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(beat->counts.text_repaired, 2u);
}

TEST(CodePageTest, Utf8StaysWhatItIsBesideTextOfTheCodePage) {
  const std::string body = absl::StrCat(R"({"p":1,"last":0,"id":")", "\xD0\xAF", R"(","board":")",
                                        "\xDF", R"(","ver":"7.20.8"})");
  const auto beat = ParseHeartbeat(body, CodePage::kWindows1251);
  ASSERT_TRUE(beat.ok());
  EXPECT_EQ(beat->facts.identity, "Я");
  EXPECT_EQ(beat->facts.board, "Я");
  EXPECT_EQ(beat->counts.text_repaired, 1u);
}

// The agent puts a backslash before each backslash and quote, whatever it is a part of.
TEST(CodePageTest, ASecondByteThatIsABackslashBelongsToItsCharacter) {
  const auto gbk = ParseHeartbeat(Beat("\x81\\\\ and \\\" \\n"), CodePage::kGbk);
  ASSERT_TRUE(gbk.ok()) << gbk.status();
  EXPECT_EQ(gbk->facts.identity, "乗 and \"  ");
  const auto japanese = ParseHeartbeat(Beat("\x95\\\\\x8E\xA6"), CodePage::kShiftJis);
  ASSERT_TRUE(japanese.ok()) << japanese.status();
  EXPECT_EQ(japanese->facts.identity, "表示");
}

TEST(CodePageTest, ControlsAreSpacesAndBytesWithoutAMeaningAreReplaced) {
  const auto beat = ParseHeartbeat(Beat("a\x1B\x98\xCFz"), CodePage::kWindows1251);
  ASSERT_TRUE(beat.ok());
  EXPECT_EQ(beat->facts.identity, "a \xEF\xBF\xBDПz");
  const auto cut = ParseHeartbeat(Beat("\xB1\xB1\xBE"), CodePage::kGbk);
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->facts.identity, "北\xEF\xBF\xBD");
}

TEST(CodePageTest, Utf8ThatWasCutInsideOfACharacterIsStillUtf8) {
  EXPECT_FALSE(WantsCodePage("Маршрут\xD0"));
  EXPECT_FALSE(WantsCodePage("北京\xE5\x8C"));
  EXPECT_TRUE(WantsCodePage("Router-\xDF"));
  EXPECT_TRUE(WantsCodePage("\xCF\xE8"));
  const auto beat = ParseHeartbeat(Beat("Маршрут\xD0"), CodePage::kWindows1251);
  ASSERT_TRUE(beat.ok());
  EXPECT_EQ(beat->facts.identity, "Маршрут\xEF\xBF\xBD");
}

TEST(CodePageTest, OutputOfJobsIsReadByItToo) {
  const auto report = ParseResult(R"({"p":1,"n":5,"st":"ok","out":"cff0e8e2e5f2","enc":"hex"})",
                                  CodePage::kWindows1251);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->output, "Привет");
}

TEST(CodePageTest, AnUnknownNumberIsNone) {
  EXPECT_EQ(CodePageOf(0), CodePage::kNone);
  EXPECT_EQ(CodePageOf(1), CodePage::kNone);
  EXPECT_EQ(CodePageOf(3), CodePage::kWindows1251);
  EXPECT_EQ(CodePageOf(18), CodePage::kNone);
}

TEST(CodePageTest, AnyBytesBecomeUtf8InEveryCodePage) {
  const auto seed = std::random_device()();
  std::mt19937 random(seed);
  RecordProperty("seed", static_cast<int>(seed));
  for (const Row& row : kRows) {
    for (int i = 0; i < 200; ++i) {
      std::string bytes(random() % 3000, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      uint32_t repaired = 0;
      EXPECT_TRUE(IsUtf8(ReadCodePage(bytes, row.page, &repaired))) << row.name << " seed " << seed;
    }
  }
}

TEST(CodePageTest, ThreadsDoNotShareConverters) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int turn = 0; turn < 500; ++turn) {
        uint32_t repaired = 0;
        ASSERT_EQ(ReadCodePage("\xB1\xB1\xBE\xA9", CodePage::kGbk, &repaired), "北京");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace muster::routeros
