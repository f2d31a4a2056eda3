// The list of kinds of events, and that the documentation has the same.
#include "common/event_kinds/event_kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster {
namespace {

TEST(EventKindsTest, EachIsFoundByItsWordAndHasAMeaning) {
  ASSERT_FALSE(EventKinds().empty());
  for (const EventKindText& kind : EventKinds()) {
    EXPECT_EQ(FindEventKind(kind.word), kind.kind) << kind.word;
    EXPECT_EQ(WordOf(kind.kind), kind.word);
    EXPECT_FALSE(kind.meaning.empty()) << kind.word;
  }
  EXPECT_EQ(WordOf(EventKind::kRouterStateWentBack), "router-state-went-back");
}

TEST(EventKindsTest, NothingElseIsAKind) {
  for (const char* word : {"", "clones", "Clone", "clon", " clone", "nonsense"}) {
    EXPECT_EQ(FindEventKind(word), std::nullopt) << word;
  }
}

TEST(EventKindsTest, TheDocumentationListsEachWithItsMeaning) {
  const char* source = std::getenv("MUSTER_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "MUSTER_SOURCE_DIR says where docs/ is";
  std::ostringstream text;
  text << std::ifstream(absl::StrCat(source, "/docs/api.md")).rdbuf();
  // The table behind its heading, up to the next one.
  const std::vector<std::string> behind = absl::StrSplit(text.str(), "\n## Events\n");
  ASSERT_EQ(behind.size(), 2U);
  const std::vector<std::string> parts = absl::StrSplit(behind[1], "\n## ");
  std::vector<std::string> listed;
  for (const absl::string_view line : absl::StrSplit(parts[0], '\n')) {
    if (line.substr(0, 3) == "| `") listed.emplace_back(line);
  }
  std::vector<std::string> known;
  for (const EventKindText& kind : EventKinds()) {
    known.push_back(absl::StrCat("| `", kind.word, "` | ", kind.meaning, " |"));
  }
  EXPECT_EQ(listed, known);
}

}  // namespace
}  // namespace muster
