// Reads a filter text: a parser by recursive descent over AIP-160's grammar, as far as devices need
// it. Every error names the character and what was expected there, since people type filters by
// hand. Depth is bounded, because the text comes from outside and the evaluation recurses too.
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "server/filter/filter.h"
#include "server/filter/filter_node.h"

namespace muster::server {
namespace {

// Room for a list of some hundred names.
constexpr size_t kLargestFilterBytes = 4096;
// Deeper than people write; far from the end of a stack.
constexpr int kDeepestNesting = 32;

// In errors: the full names alone, without their short forms.
constexpr absl::string_view kFieldNames =
    "name, display_name, identity, serial_number, mac_address, source_address, model, "
    "routeros_version, labels.KEY, site, online, cpu, memory or last_check_in";

// A field may have several names: the API's and what people say.
struct FieldName {
  absl::string_view name;
  FilterField field;
};
constexpr std::array<FieldName, 23> kFields = {{
    {"name", FilterField::kName},
    {"id", FilterField::kName},
    {"display_name", FilterField::kDisplayName},
    {"identity", FilterField::kIdentity},
    {"serial_number", FilterField::kSerial},
    {"serial", FilterField::kSerial},
    {"mac_address", FilterField::kMac},
    {"mac", FilterField::kMac},
    {"source_address", FilterField::kAddress},
    {"address", FilterField::kAddress},
    {"model", FilterField::kModel},
    {"routeros_version", FilterField::kVersion},
    {"version", FilterField::kVersion},
    {"site", FilterField::kSite},
    {"labels", FilterField::kLabelKeys},
    {"online", FilterField::kOnline},
    {"cpu", FilterField::kCpu},
    {"cpu_load_percent", FilterField::kCpu},
    {"memory", FilterField::kMemory},
    {"memory_used_percent", FilterField::kMemory},
    {"last_check_in", FilterField::kLastCheckIn},
    {"last_check_in_time", FilterField::kLastCheckIn},
    {"last_seen", FilterField::kLastCheckIn},
}};

struct OperatorName {
  absl::string_view text;
  FilterOperator op;
};
// Longer ones first.
// "<" would else take the beginning of "<=".
constexpr std::array<OperatorName, 7> kOperators = {{
    {"!=", FilterOperator::kNotEqual},
    {"<=", FilterOperator::kLessOrEqual},
    {">=", FilterOperator::kGreaterOrEqual},
    {"<", FilterOperator::kLess},
    {">", FilterOperator::kGreater},
    {"=", FilterOperator::kEqual},
    {":", FilterOperator::kHas},
}};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
// Keys of labels may have "." and "/", so a field goes as far as these do.
bool IsFieldByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-' ||
         c == '/';
}
// What ends a bare value; bytes above 127 are letters of some language. Anything else goes into
// quotes.
bool IsValueByte(char c) {
  return !IsSpace(c) && static_cast<unsigned char>(c) >= 0x20 &&
         !absl::StrContains("()\"'=<>!,", absl::string_view(&c, 1));
}

// A value as it was written: stars that are not escaped split it.
struct Value {
  // Where it began, for errors.
  size_t at = 0;
  std::vector<std::string> pieces = {""};
  bool quoted = false;

  std::string Text() const {
    std::string text = pieces.front();
    for (size_t i = 1; i < pieces.size(); ++i) absl::StrAppend(&text, "*", pieces[i]);
    return text;
  }
};

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::unique_ptr<FilterNode>> ParseAll() {
    // All of the text or nothing: "online = true extra" must not run on everybody who is online.
    ASSIGN_OR_RETURN(std::unique_ptr<FilterNode> node, ParseExpression(0));
    SkipSpace();
    if (at_ < text_.size()) return Expected(at_, "AND, OR, another condition or the end");
    return node;
  }

 private:
  using Node = absl::StatusOr<std::unique_ptr<FilterNode>>;

  // expression = sequence {AND sequence}; sequence = factor {factor}: both mean "and".
  Node ParseExpression(int depth) {
    if (depth > kDeepestNesting) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(at_), "at most ", kDeepestNesting, " parentheses inside each other"));
    }
    std::vector<std::unique_ptr<FilterNode>> parts;
    do {
      ASSIGN_OR_RETURN(std::unique_ptr<FilterNode> part, ParseFactor(depth));
      parts.push_back(std::move(part));
      // AIP-160: OR binds closer than AND, and conditions side by side are an AND.
    } while (TakeWord("AND") || BeginsTerm());
    return Join(FilterNode::Kind::kAnd, std::move(parts));
  }

  // factor = term {OR term}
  Node ParseFactor(int depth) {
    std::vector<std::unique_ptr<FilterNode>> parts;
    do {
      ASSIGN_OR_RETURN(std::unique_ptr<FilterNode> part, ParseTerm(depth));
      parts.push_back(std::move(part));
    } while (TakeWord("OR"));
    return Join(FilterNode::Kind::kOr, std::move(parts));
  }

  // term = [NOT | -] ( "(" expression ")" | restriction )
  Node ParseTerm(int depth) {
    SkipSpace();
    bool negated = TakeWord("NOT");
    SkipSpace();
    // "NOT" and "-" mean the same; only one of them.
    if (!negated && at_ < text_.size() && text_[at_] == '-') {
      negated = true;
      ++at_;
    }
    Node inner = ParseSimple(depth);
    if (!inner.ok() || !negated) return inner;
    auto node = std::make_unique<FilterNode>();
    node->kind = FilterNode::Kind::kNot;
    node->children.push_back(*std::move(inner));
    return node;
  }

  Node ParseSimple(int depth) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != '(') return ParseRestriction();
    const size_t open = at_++;
    ASSIGN_OR_RETURN(std::unique_ptr<FilterNode> node, ParseExpression(depth + 1));
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != ')') {
      return Expected(at_, absl::StrCat("\")\" for the \"(\" at character ", Position(open)));
    }
    ++at_;
    return node;
  }

  Node ParseRestriction() {
    auto node = std::make_unique<FilterNode>();
    FilterRestriction& r = node->restriction;
    const size_t field_at = at_;
    RETURN_IF_ERROR(ParseField(&r));
    SkipSpace();
    RETURN_IF_ERROR(ParseOperator(field_at, &r));
    SkipSpace();
    ASSIGN_OR_RETURN(const Value value, ParseValue());
    RETURN_IF_ERROR(Convert(value, &r));
    return node;
  }

  absl::Status ParseField(FilterRestriction* r) {
    const size_t start = at_;
    while (at_ < text_.size() && IsFieldByte(text_[at_])) ++at_;
    const absl::string_view word = text_.substr(start, at_ - start);
    // Else it would be an unknown field, and the message of no help.
    if (word == "and" || word == "or" || word == "not") {
      return Expected(start, absl::StrCat(absl::AsciiStrToUpper(word), " in capital letters"));
    }
    if (word.empty() || word == "AND" || word == "OR" || word == "NOT") {
      return Expected(
          start, absl::StrCat("a condition such as online = true, beginning with ", kFieldNames));
    }
    absl::string_view key = word;
    if (absl::ConsumePrefix(&key, "labels.")) {
      r->field = FilterField::kLabel;
      r->label_key = std::string(key);
      // labels."a key": quotes for keys with other letters.
      if (key.empty()) {
        if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) {
          return Expected(at_, "the label's key after \"labels.\"");
        }
        ASSIGN_OR_RETURN(const Value quoted, ParseValue());
        r->label_key = quoted.Text();
      }
      return absl::OkStatus();
    }
    for (const FieldName& known : kFields) {
      if (known.name == word) {
        r->field = known.field;
        return absl::OkStatus();
      }
    }
    return Expected(start, absl::StrCat("one of ", kFieldNames));
  }

  absl::Status ParseOperator(size_t field_at, FilterRestriction* r) {
    const absl::string_view rest = text_.substr(at_);
    for (const OperatorName& known : kOperators) {
      if (!absl::StartsWith(rest, known.text)) continue;
      // Names are not ordered: "name < x" is refused rather than answered by chance.
      const absl::string_view allowed = AllowedOperators(r->field);
      if (!absl::StrContains(absl::StrCat(" ", allowed, " "), absl::StrCat(" ", known.text, " "))) {
        return Expected(at_, absl::StrCat("one of ", allowed, " after ", FieldText(field_at)));
      }
      r->op = known.op;
      at_ += known.text.size();
      return absl::OkStatus();
    }
    return Expected(
        at_, absl::StrCat("one of ", AllowedOperators(r->field), " after ", FieldText(field_at)));
  }

  static absl::string_view AllowedOperators(FilterField field) {
    switch (field) {
      case FilterField::kVersion:
      case FilterField::kCpu:
      case FilterField::kMemory:
      case FilterField::kLastCheckIn:
        return "= != < <= > >= :";
      case FilterField::kLabelKeys:
        return ":";
      default:
        return "= != :";
    }
  }

  absl::StatusOr<Value> ParseValue() {
    Value value;
    value.at = at_;
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      value.quoted = true;
      RETURN_IF_ERROR(ParseQuoted(&value));
      return value;
    }
    while (at_ < text_.size() && IsValueByte(text_[at_])) {
      // A star behind a backslash is a star.
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && !IsSpace(text_[at_ + 1])) {
        value.pieces.back().push_back(text_[at_ + 1]);
        at_ += 2;
      } else {
        TakeByte(&value);
      }
    }
    if (at_ == value.at) return Expected(at_, "a value; put quotes around it if it has spaces");
    return value;
  }

  absl::Status ParseQuoted(Value* value) {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        value->pieces.back().push_back(text_[at_ + 1]);
        at_ += 2;
      } else {
        TakeByte(value);
      }
    }
    if (at_ >= text_.size()) {
      return Expected(
          at_, absl::StrCat("the quote that ends the text from character ", Position(value->at)));
    }
    ++at_;
    return absl::OkStatus();
  }

  void TakeByte(Value* value) {
    if (text_[at_] == '*') {
      // A star: what follows is the next piece.
      value->pieces.emplace_back();
    } else {
      value->pieces.back().push_back(text_[at_]);
    }
    ++at_;
  }

  absl::Status Convert(const Value& value, FilterRestriction* r) {
    r->glob = Glob(value.pieces);
    // "field:*" asks whether there is anything.
    r->is_presence = r->op == FilterOperator::kHas && r->glob.is_anything();
    if (r->is_presence) {
      // Every device has a state: the question would be answered by everybody.
      if (r->field == FilterField::kOnline) return Expected(value.at, kOnlineWords);
      return absl::OkStatus();
    }
    switch (r->field) {
      case FilterField::kName:
        return ConvertName(value, r);
      case FilterField::kMac:
        return ConvertMac(value, r);
      case FilterField::kVersion:
        return ConvertVersion(value, r);
      case FilterField::kAddress:
        return ConvertAddress(value, r);
      case FilterField::kOnline:
        return ConvertOnline(value, r);
      case FilterField::kCpu:
      case FilterField::kMemory:
        return ConvertPercent(value, r);
      case FilterField::kLastCheckIn:
        return ConvertTime(value, r);
      default:
        return absl::OkStatus();
    }
  }

  static absl::Status ConvertName(const Value& value, FilterRestriction* r) {
    std::vector<std::string> pieces = value.pieces;
    // The whole resource name may be pasted; its last part is the id. The organization in it is not
    // looked at: a filter is asked in one anyway.
    const size_t slash = pieces.front().rfind('/');
    if (slash != std::string::npos) {
      pieces.front().erase(0, slash + 1);
      r->glob = Glob(std::move(pieces));
    }
    return absl::OkStatus();
  }

  // Written with ":" or "-".
  static absl::Status ConvertMac(const Value& value, FilterRestriction* r) {
    std::vector<std::string> pieces;
    for (const std::string& piece : value.pieces) {
      pieces.push_back(absl::StrReplaceAll(piece, {{"-", ":"}}));
    }
    r->glob = Glob(std::move(pieces));
    return absl::OkStatus();
  }

  absl::Status ConvertVersion(const Value& value, FilterRestriction* r) {
    // A version is compared by numbers, so that 7.9 is below 7.10; only a pattern is compared as
    // text.
    if (!r->glob.has_star()) r->version = ParseVersionValue(r->glob.text());
    const bool may_be_pattern =
        r->op == FilterOperator::kEqual || r->op == FilterOperator::kNotEqual;
    if (r->version.has_value() || (r->glob.has_star() && may_be_pattern)) return absl::OkStatus();
    return Expected(value.at, "a RouterOS version such as 7.20.8, 7.21beta3 or 6.49");
  }

  absl::Status ConvertAddress(const Value& value, FilterRestriction* r) {
    if (r->glob.has_star()) return absl::OkStatus();
    r->range = ParseAddressRange(r->glob.text());
    if (r->range.has_value()) return absl::OkStatus();
    return Expected(value.at, "an address (203.0.113.7), a range (203.0.113.0/24) or a pattern");
  }

  static constexpr absl::string_view kOnlineWords =
      "true, false, ONLINE, OFFLINE, UNKNOWN or NEVER";

  absl::Status ConvertOnline(const Value& value, FilterRestriction* r) {
    const std::string word = absl::AsciiStrToUpper(value.Text());
    const auto bit = [](FilterOnline online) { return 1u << static_cast<unsigned>(online); };
    if (word == "TRUE" || word == "ONLINE") {
      r->online_set = bit(FilterOnline::kOnline);
    } else if (word == "FALSE") {
      // "not online" is offline, unknown and never: what an operator who looks for trouble means.
      r->online_set = 0xfu & ~bit(FilterOnline::kOnline);
    } else if (word == "OFFLINE") {
      r->online_set = bit(FilterOnline::kOffline);
    } else if (word == "UNKNOWN") {
      r->online_set = bit(FilterOnline::kUnknown);
    } else if (word == "NEVER") {
      r->online_set = bit(FilterOnline::kNever);
    } else {
      return Expected(value.at, kOnlineWords);
    }
    return absl::OkStatus();
  }

  absl::Status ConvertPercent(const Value& value, FilterRestriction* r) {
    const std::optional<int> percent = ParsePercent(value.Text());
    if (!percent.has_value()) return Expected(value.at, "whole percent from 0 to 100");
    r->number = *percent;
    return absl::OkStatus();
  }

  absl::Status ConvertTime(const Value& value, FilterRestriction* r) {
    const std::string text = value.Text();
    // "5m" is no time and "2026-11-22" no duration: the form decides.
    if (const std::optional<int64_t> ago = ParseAgo(text); ago.has_value()) {
      r->number = *ago;
      r->ago = true;
    } else if (const std::optional<int64_t> time = ParseTimeValue(text); time.has_value()) {
      r->number = *time;
    } else {
      return Expected(
          value.at, "how long ago (90s, 5m, 2h, 7d) or a time (2026-11-22T10:00:00Z, 2026-11-22)");
    }
    return absl::OkStatus();
  }

  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }

  // Takes AND, OR or NOT where it stands as a word of its own.
  bool TakeWord(absl::string_view word) {
    SkipSpace();
    const absl::string_view rest = text_.substr(at_);
    if (!absl::StartsWith(rest, word)) return false;
    // "ANDROID" is a field, if an unknown one.
    if (rest.size() > word.size() && IsFieldByte(rest[word.size()])) return false;
    at_ += word.size();
    return true;
  }

  bool BeginsTerm() {
    SkipSpace();
    return at_ < text_.size() &&
           (text_[at_] == '(' || text_[at_] == '-' || IsFieldByte(text_[at_]));
  }

  static std::unique_ptr<FilterNode> Join(FilterNode::Kind kind,
                                          std::vector<std::unique_ptr<FilterNode>> parts) {
    // No node for a list of one: trees stay as deep as their text.
    if (parts.size() == 1) return std::move(parts.front());
    auto node = std::make_unique<FilterNode>();
    node->kind = kind;
    node->children = std::move(parts);
    return node;
  }

  // Characters, counted from 1.
  size_t Position(size_t at) const {
    size_t position = 1;
    for (size_t i = 0; i < at && i < text_.size(); ++i) {
      // Bytes that continue a character don't count.
      if ((static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80) ++position;
    }
    return position;
  }

  std::string Where(size_t at) const {
    return absl::StrCat("the filter is wrong at character ", Position(at), ": ");
  }

  std::string FieldText(size_t at) const {
    size_t end = at;
    while (end < text_.size() && IsFieldByte(text_[end])) ++end;
    return std::string(text_.substr(at, end - at));
  }

  absl::Status Expected(size_t at, absl::string_view what) const {
    size_t end = at;
    // A word of what was found, cut at the end of a character.
    while (end < text_.size() && end < at + 30 && !IsSpace(text_[end])) ++end;
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xc0) == 0x80) ++end;
    const std::string found = at >= text_.size()
                                  ? "the end"
                                  : absl::StrCat("\"", CleanText(text_.substr(at, end - at)), "\"");
    return absl::InvalidArgumentError(
        absl::StrCat(Where(at), "expected ", what, ", found ", found));
  }

  absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<Filter> Filter::Parse(absl::string_view text) {
  if (text.size() > kLargestFilterBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the filter has ", text.size(), " bytes; at most ", kLargestFilterBytes, " are taken"));
  }
  // Errors quote the text, and answers must be UTF-8.
  if (!IsUtf8(text)) return absl::InvalidArgumentError("the filter is not UTF-8 text");
  if (absl::StripAsciiWhitespace(text).empty()) return Filter(nullptr);
  ASSIGN_OR_RETURN(std::unique_ptr<FilterNode> root, Parser(text).ParseAll());
  return Filter(std::shared_ptr<const FilterNode>(std::move(root)));
}

}  // namespace muster::server
