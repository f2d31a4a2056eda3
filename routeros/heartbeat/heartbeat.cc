// From bytes of a router to values. simdjson's on-demand parser walks the text once without
// building a tree (3.8 us for a beat of 1.1 kB); it looks at a value's inside only
// when asked, so everything that is skipped is walked by hand, else broken structure would pass
// there.
#include "routeros/heartbeat/heartbeat.h"

#include <simdjson.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status/status_macros.h"
#include "routeros/heartbeat/fields.h"
#include "routeros/heartbeat/repair.h"
#include "routeros/heartbeat/units.h"

namespace muster::routeros {
namespace {

namespace ondemand = simdjson::ondemand;

// Digits of a router root's fingerprint that stand for it.
constexpr size_t kMarkDigits = 8;

// A constant text or a key of ours, never a byte of the body: it is logged, answered, and
// remembered.
absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("body: ", what));
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// On-demand doesn't check numbers that nobody reads as numbers.
// True for exactly what JSON calls a number.
bool IsJsonNumber(absl::string_view text) {
  const auto digits = [&text] {
    size_t size = 0;
    while (size < text.size() && absl::ascii_isdigit(text[size])) ++size;
    text.remove_prefix(size);
    return size;
  };
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const bool zero = !text.empty() && text.front() == '0';
  const size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

enum class Shape { kAbsent, kScalar, kNested };

// A value as text: numbers and words as they stand, strings without quotes and escapes.
struct Value {
  Shape shape = Shape::kAbsent;
  absl::string_view text;
  std::string storage;
};

absl::Status ReadValue(ondemand::value& json, Value& value, RepairCounts& counts) {
  // The token with the blanks behind it, up to the next one.
  const absl::string_view text = absl::StripTrailingAsciiWhitespace(View(json.raw_json_token()));
  if (text.empty()) return Broken("a value is missing");
  if (text.front() == '{' || text.front() == '[') {
    value.shape = Shape::kNested;
    return absl::OkStatus();
  }
  value.shape = Shape::kScalar;
  if (text.front() == '"') {
    // A string that never ends reaches to the end of the body.
    if (text.size() < 2 || text.back() != '"') return Broken("a string has no end");
    value.text = text.substr(1, text.size() - 2);
    if (value.text.find('\\') != absl::string_view::npos) {
      value.storage = UnescapeJson(value.text, &counts.text_repaired);
      value.text = value.storage;
    }
    // A router that lacks a property writes "", which is no value.
    if (value.text.empty()) value.shape = Shape::kAbsent;
    return absl::OkStatus();
  }
  value.text = text;
  if (text == "null") value.shape = Shape::kAbsent;
  if (text == "null" || text == "true" || text == "false" || IsJsonNumber(text)) {
    return absl::OkStatus();
  }
  return Broken("a value is neither string, number, object, array nor word");
}

// Walks what has no meaning, so that broken structure is found there too.
absl::Status Skip(ondemand::value& json, int depth) {
  // Recursion on a stranger's text.
  if (depth > kDeepestNesting) return Broken("is nested too deeply");
  ondemand::json_type type;
  if (json.type().get(type) != simdjson::SUCCESS) return Broken("is not JSON");
  if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (json.get_array().get(array) != simdjson::SUCCESS) return Broken("is not JSON");
    for (auto element : array) {
      ondemand::value child;
      if (element.get(child) != simdjson::SUCCESS) return Broken("is not JSON");
      RETURN_IF_ERROR(Skip(child, depth + 1));
    }
    return absl::OkStatus();
  }
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (json.get_object().get(object) != simdjson::SUCCESS) return Broken("is not JSON");
    for (auto element : object) {
      ondemand::field child;
      if (std::move(element).get(child) != simdjson::SUCCESS) return Broken("is not JSON");
      RETURN_IF_ERROR(Skip(child.value(), depth + 1));
    }
    return absl::OkStatus();
  }
  Value value;
  RepairCounts ignored;
  return ReadValue(json, value, ignored);
}

std::optional<uint64_t> NumberOf(const Field& field, absl::string_view text) {
  std::optional<uint64_t> number;
  switch (field.kind) {
    case FieldKind::kSeconds:
      number = ParseDurationUs(text, 1'000'000);
      // Parsed as microseconds like all durations; the rest of a second isn't wanted.
      if (number.has_value()) *number /= 1'000'000;
      break;
    case FieldKind::kMicroseconds:
      number = ParseDurationUs(text, 1);
      break;
    case FieldKind::kPercentMilli:
      number = ParsePercentMilli(text);
      break;
    case FieldKind::kFlag:
      // Absent and unreadable are both false.
      return text == "1" || text == "true" || text == "yes" ? 1 : 0;
    default:
      number = ParseCount(text, field.unit);
  }
  // Out of range is as bad as no number: a 10,000 percent load is a misread value.
  if (number.has_value() && (*number < field.low || *number > field.high)) return std::nullopt;
  return number;
}

absl::Status TakeScalar(const Field& field, const Value& value, Body& body) {
  const bool strict = field.kind == FieldKind::kStrictNumber;
  if (value.shape == Shape::kAbsent) {
    // An empty `last` reads as 0; for `p` and `n` 0 would mean nothing.
    if (strict && field.low > 0) return Broken(absl::StrCat(field.key, " is empty"));
    return absl::OkStatus();
  }
  if (field.text != nullptr) {
    std::string& text = *field.text(body);
    if (field.kind == FieldKind::kRawText) {
      // Too long for a token or nonce: cutting it would make it another one.
      if (value.text.size() > field.high) return Broken(absl::StrCat(field.key, " is too long"));
      text.assign(value.text.data(), value.text.size());
    } else {
      text = CleanAndCut(value.text, field.high, false, &body.counts.text_repaired);
    }
    return absl::OkStatus();
  }
  const std::optional<uint64_t> number = NumberOf(field, value.text);
  if (number.has_value()) {
    field.take_number(body, *number);
  } else if (strict) {
    return Broken(absl::StrCat(field.key, " is not a number in its range"));
  } else {
    // Dropped and counted: the rest of the beat is good.
    ++body.counts.numbers_dropped;
  }
  return absl::OkStatus();
}

absl::Status WalkObject(ondemand::object& object, FieldPlace place, Body& body, uint64_t& seen);

// The limit is looked at here and not before the walk: rows above it must be well-formed, too.
// Keeps a row that has been read into the body's scratch.
void KeepRow(FieldPlace place, Body& body) {
  if (place == kInLinkRow) {
    if (body.heartbeat.links.size() >= kMostLinkRows) {
      ++body.counts.numbers_dropped;
    } else {
      body.heartbeat.links.push_back(std::move(body.link_row));
    }
    return;
  }
  const std::optional<Reading> reading = ParseReading(body.health_value);
  if (!reading.has_value() || body.heartbeat.health.size() >= kMostHealthRows) {
    // A word such as "ok" is no number; an empty value is no reading.
    const bool is_word = !body.health_value.empty() && absl::ascii_isalpha(body.health_value[0]);
    if (!is_word && !body.health_value.empty()) ++body.counts.numbers_dropped;
    return;
  }
  body.health_row.value_milli = reading->value_milli;
  body.health_row.unit =
      body.health_unit.empty() ? std::string(reading->unit) : std::move(body.health_unit);
  body.heartbeat.health.push_back(std::move(body.health_row));
}

absl::Status TakeRow(ondemand::value& json, FieldPlace place, Body& body) {
  ondemand::json_type type;
  if (json.type().get(type) != simdjson::SUCCESS) return Broken("is not JSON");
  if (type != ondemand::json_type::object) {
    ++body.counts.numbers_dropped;
    return Skip(json, 2);
  }
  ondemand::object object;
  if (json.get_object().get(object) != simdjson::SUCCESS) return Broken("is not JSON");
  body.health_row = {};
  body.health_value.clear();
  body.health_unit.clear();
  body.link_row = {};
  // Of this row's keys alone.
  uint64_t seen = 0;
  RETURN_IF_ERROR(WalkObject(object, place, body, seen));
  KeepRow(place, body);
  return absl::OkStatus();
}

absl::Status TakeRows(ondemand::value& json, const Field& field, Body& body) {
  ondemand::json_type type;
  if (json.type().get(type) != simdjson::SUCCESS) return Broken("is not JSON");
  if (type != ondemand::json_type::array) {
    RepairCounts ignored;
    Value value;
    // One row without its list is not guessed to be one.
    if (type == ondemand::json_type::object) {
      ++body.counts.numbers_dropped;
      return Skip(json, 1);
    }
    RETURN_IF_ERROR(ReadValue(json, value, ignored));
    if (value.shape != Shape::kAbsent) ++body.counts.numbers_dropped;
    return absl::OkStatus();
  }
  ondemand::array array;
  if (json.get_array().get(array) != simdjson::SUCCESS) return Broken("is not JSON");
  // Two lists in all; a third one would want its place in the table.
  const FieldPlace place = field.key == "links" ? kInLinkRow : kInHealthRow;
  for (auto element : array) {
    ondemand::value row;
    if (element.get(row) != simdjson::SUCCESS) return Broken("is not JSON");
    RETURN_IF_ERROR(TakeRow(row, place, body));
  }
  return absl::OkStatus();
}

absl::Status TakeField(ondemand::value& json, const Field& field, Body& body) {
  if (field.kind == FieldKind::kRows) return TakeRows(json, field, body);
  Value value;
  RETURN_IF_ERROR(ReadValue(json, value, body.counts));
  // An array or object where a text or number should be: dropped, but walked.
  if (value.shape != Shape::kNested) return TakeScalar(field, value, body);
  if (field.kind == FieldKind::kStrictNumber) {
    return Broken(absl::StrCat(field.key, " is not a number"));
  }
  ++body.counts.numbers_dropped;
  return Skip(json, 1);
}

absl::Status WalkObject(ondemand::object& object, FieldPlace place, Body& body, uint64_t& seen) {
  size_t hint = 0;
  for (auto element : object) {
    ondemand::field entry;
    if (std::move(element).get(entry) != simdjson::SUCCESS) return Broken("is not JSON");
    std::string_view key;
    // Unescaped, so that "\u0070" is no second "p".
    if (entry.unescaped_key().get(key) != simdjson::SUCCESS) return Broken("a key is broken");
    ondemand::value json = entry.value();
    const std::optional<size_t> index = FindField(View(key), place, hint);
    if (!index.has_value()) {
      RETURN_IF_ERROR(Skip(json, 1));
      continue;
    }
    const Field& field = Fields()[*index];
    // Two readers might take one or the other; simdjson's on-demand parser leaves that to us.
    if ((seen >> *index & 1) != 0) return Broken(absl::StrCat(field.key, " is there twice"));
    seen |= uint64_t{1} << *index;
    hint = *index + 1;
    RETURN_IF_ERROR(TakeField(json, field, body));
  }
  return absl::OkStatus();
}

// NeedsRepair tells bytes that RepairJson mends from broken structure.
bool NeedsRepair(simdjson::error_code code) {
  return code == simdjson::UTF8_ERROR || code == simdjson::UNESCAPED_CHARS;
}

absl::Status Walk(std::string& padded, FieldPlace place, Body& body, bool* repairable) {
  // Its buffers are kept between beats of a thread.
  thread_local ondemand::parser parser;
  // simdjson reads some bytes behind the end, which must be there.
  padded.reserve(padded.size() + simdjson::SIMDJSON_PADDING);
  ondemand::document document;
  const simdjson::error_code code = parser.iterate(padded).get(document);
  *repairable = NeedsRepair(code);
  if (code != simdjson::SUCCESS) return Broken("is not JSON");
  ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return Broken("is not an object");
  uint64_t seen = 0;
  RETURN_IF_ERROR(WalkObject(object, place, body, seen));
  // At the end nothing may follow, not even a second object.
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
    return Broken("something follows its end");
  for (size_t i = 0; i < Fields().size(); ++i) {
    const Field& field = Fields()[i];
    const bool wanted = field.kind == FieldKind::kStrictNumber && (field.places & place) != 0;
    if (wanted && (seen >> i & 1) == 0) return Broken(absl::StrCat(field.key, " is missing"));
  }
  return absl::OkStatus();
}

std::string MacBytes(absl::string_view text) {
  std::string bytes;
  for (const absl::string_view part : absl::StrSplit(text, absl::ByAnyChar(":-"))) {
    // "02:00:00:00:00:01" or with dashes.
    if (part.size() != 2 || !absl::ascii_isxdigit(part[0]) || !absl::ascii_isxdigit(part[1])) {
      return "";
    }
    bytes += absl::HexStringToBytes(part);
  }
  return bytes.size() == 6 ? bytes : "";
}

// What is no mark of a root is left out.
std::string SortedMarks(absl::string_view text) {
  if (text.empty()) return "";
  std::set<absl::string_view> marks;
  for (const absl::string_view mark : absl::StrSplit(text, ',')) {
    const bool hex = std::all_of(mark.begin(), mark.end(), [](char c) {
      return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
    });
    if (hex && mark.size() == kMarkDigits) marks.insert(mark);
  }
  return absl::StrJoin(marks, ",");
}

void FinishFacts(Body& body) {
  DeviceFacts& facts = body.heartbeat.facts;
  for (absl::string_view format : absl::StrSplit(body.formats, ',')) {
    format = absl::StripAsciiWhitespace(format);
    if (format == "hex") facts.format_hex = true;
    if (format == "esc") facts.format_escaped = true;
  }
  facts.mac_address = MacBytes(body.mac_text);
  if (!body.mac_text.empty() && facts.mac_address.empty()) ++body.counts.numbers_dropped;
  std::string key;
  if (absl::Base64Unescape(body.tunnel_key_text, &key) && key.size() == 32) {
    facts.tunnel_public_key = std::move(key);
  } else if (!body.tunnel_key_text.empty()) {
    ++body.counts.numbers_dropped;
  }
  facts.router_roots = SortedMarks(body.roots_text);
  // Any of these says that the agent could collect; the small body has none.
  body.heartbeat.has_facts = !facts.identity.empty() || !facts.routeros_version.empty() ||
                             !facts.serial_number.empty() || !facts.board.empty();
}

absl::StatusOr<Body> ParseBody(absl::string_view text, FieldPlace place, CodePage page) {
  if (text.size() > kLongestBody) return Broken("is too long");
  // Grows to the largest body of its thread and stays: 16 KiB at the edge.
  thread_local std::string padded;
  padded.assign(text.data(), text.size());
  Body body;
  bool repairable = false;
  absl::Status walked = Walk(padded, place, body, &repairable);
  // Only after the parser has refused the bytes: a good body is copied once.
  if (!walked.ok() && repairable) {
    body = Body();
    padded = RepairJson(text, page, &body.counts.text_repaired);
    walked = Walk(padded, place, body, &repairable);
  }
  RETURN_IF_ERROR(walked);
  FinishFacts(body);
  return body;
}

// What `enc` says, undone; a text that is not so encoded stays as it is and is counted.
std::string DecodeOutput(Body& body) {
  std::string bytes;
  if (body.encoding == "hex") {
    const bool is_hex =
        body.output.size() % 2 == 0 && std::all_of(body.output.begin(), body.output.end(),
                                                   [](char c) { return absl::ascii_isxdigit(c); });
    if (is_hex) return absl::HexStringToBytes(body.output);
    ++body.counts.text_repaired;
  } else if (body.encoding == "b64") {
    // Nobody's agent of ours writes it; hex is.
    if (absl::Base64Unescape(body.output, &bytes)) return bytes;
    ++body.counts.text_repaired;
  }
  return std::move(body.output);
}

}  // namespace

absl::StatusOr<Heartbeat> ParseHeartbeat(absl::string_view text, CodePage page) {
  ASSIGN_OR_RETURN(Body body, ParseBody(text, kInHeartbeat, page));
  body.heartbeat.counts = body.counts;
  return std::move(body.heartbeat);
}

absl::StatusOr<Enrolment> ParseEnrolment(absl::string_view text, CodePage page) {
  ASSIGN_OR_RETURN(Body body, ParseBody(text, kInEnrolment, page));
  // Shorter ones could repeat by chance, and the second router would get the first one's device.
  if (body.nonce.size() < 8) return Broken("nonce is missing or shorter than 8 characters");
  return Enrolment{.protocol = body.heartbeat.protocol,
                   .nonce = std::move(body.nonce),
                   .token = std::move(body.token),
                   .facts = std::move(body.heartbeat.facts),
                   .counts = body.counts};
}

absl::StatusOr<JobReport> ParseResult(absl::string_view text, CodePage page) {
  ASSIGN_OR_RETURN(Body body, ParseBody(text, kInResult, page));
  if (body.status_word.empty()) return Broken("st is missing");
  JobReport report = std::move(body.result);
  report.protocol = body.heartbeat.protocol;
  // A word of a newer agent counts as a failure, and is named.
  report.status = body.status_word == "ok"        ? ResultStatus::kOk
                  : body.status_word == "refused" ? ResultStatus::kRefused
                                                  : ResultStatus::kFailed;
  if (report.status == ResultStatus::kFailed && body.status_word != "fail" &&
      report.error.empty()) {
    report.error = absl::StrCat("unknown status ", body.status_word);
  }
  // Only words that mean something go on.
  if (report.phase != "parse" && report.phase != "run") report.phase.clear();
  // Decode, repair, clean, cut, in this order: a cut first could leave half a character, and
  // cleaning first would see hex digits.
  const std::string output = RepairBytes(DecodeOutput(body), page, &body.counts.text_repaired);
  report.cut = report.cut || output.size() > kLongestOutput;
  report.output = CleanAndCut(output, kLongestOutput, true, &body.counts.text_repaired);
  report.counts = body.counts;
  return report;
}

}  // namespace muster::routeros
