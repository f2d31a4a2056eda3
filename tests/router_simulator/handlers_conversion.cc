// :convert (7.11+, transform 7.12+).
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"

namespace muster::simulator {
namespace {

std::optional<std::string> Decode(absl::string_view scheme, absl::string_view text) {
  if (scheme == "raw") return std::string(text);
  if (scheme == "hex") {
    if (text.size() % 2 != 0) return std::nullopt;
    for (const char c : text) {
      if (!absl::ascii_isxdigit(c)) return std::nullopt;
    }
    return absl::HexStringToBytes(text);
  }
  if (scheme == "base64") {
    std::string bytes;
    if (!absl::Base64Unescape(text, &bytes)) return std::nullopt;
    return bytes;
  }
  if (scheme == "url") {
    std::string bytes;
    for (size_t i = 0; i < text.size(); ++i) {
      const bool escape = text[i] == '%' && i + 2 < text.size() &&
                          absl::ascii_isxdigit(text[i + 1]) && absl::ascii_isxdigit(text[i + 2]);
      bytes += escape ? absl::HexStringToBytes(text.substr(i + 1, 2)) : std::string(1, text[i]);
      if (escape) i += 2;
    }
    return bytes;
  }
  return std::nullopt;
}

std::optional<std::string> Encode(absl::string_view scheme, absl::string_view bytes) {
  if (scheme == "raw") return std::string(bytes);
  if (scheme == "hex") return absl::BytesToHexString(bytes);
  if (scheme == "base64") return absl::Base64Escape(bytes);
  if (scheme == "url") {
    std::string out;
    for (const char c : bytes) {
      if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
        out.push_back(c);
      } else {
        absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
      }
    }
    return out;
  }
  return std::nullopt;
}

std::optional<std::string> Transform(absl::string_view name, std::string bytes) {
  if (name.empty() || name == "none") return bytes;
  if (name == "lc") return absl::AsciiStrToLower(bytes);
  if (name == "uc") return absl::AsciiStrToUpper(bytes);
  if (name == "reverse") return std::string(bytes.rbegin(), bytes.rend());
  return std::nullopt;
}

// from= and to= are words that the value's type doesn't matter for.
bool RunConvert(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const std::string from = arguments.Has("from") ? arguments.Text("from") : "raw";
  const std::string to = arguments.Has("to") ? arguments.Text("to") : "raw";
  std::optional<std::string> bytes = Decode(from, arguments.Text("value"));
  if (bytes) bytes = Transform(arguments.Text("transform"), *std::move(bytes));
  if (bytes) bytes = Encode(to, *bytes);
  if (!bytes) {
    return evaluator.Fail(node, absl::StrCat("failure: can't convert from ", from, " to ", to));
  }
  *result = Value::String(*std::move(bytes));
  return true;
}

}  // namespace

void AddConversionHandlers(HandlerMap* handlers) { (*handlers)[":convert"] = RunConvert; }

}  // namespace muster::simulator
