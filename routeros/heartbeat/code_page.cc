// Text of code pages by iconv, whose converters keep a state and whose errors come per byte: here
// they become a function that always answers.
#include "routeros/heartbeat/code_page.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include "common/text/clean.h"

namespace muster::routeros {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// What the C library calls them, from the first on. The supersets that Windows uses are taken:
// with SHIFT_JIS a backslash would become a yen sign.
constexpr const char* kNames[] = {"CP1250", "CP1251", "CP1252",     "CP1253", "CP1254", "CP1255",
                                  "CP1256", "CP1257", "CP1258",     "GBK",    "BIG5",   "CP932",
                                  "UHC",    "KOI8-R", "ISO-8859-2", "TIS-620"};
constexpr size_t kFirst = static_cast<size_t>(CodePage::kWindows1250);
static_assert(std::size(kNames) == static_cast<size_t>(CodePage::kTis620) - kFirst + 1);

// One converter; an iconv_t keeps state, so each thread has its own.
class Converter {
 public:
  explicit Converter(const char* name) : handle_(iconv_open("UTF-8", name)) {}
  ~Converter() {
    if (ready()) iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  bool ready() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

  // Converts what it can from the front; false where a byte there is not of this code page.
  bool Run(absl::string_view& in, std::string& out) {
    std::array<char, 1024> buffer;
    // Back to the state of a fresh text: the one before may have ended inside a character.
    iconv(handle_, nullptr, nullptr, nullptr, nullptr);
    while (!in.empty()) {
      char* from = const_cast<char*>(in.data());
      size_t left = in.size();
      char* to = buffer.data();
      size_t room = buffer.size();
      // It stops at the first byte that it can't read, or when the buffer is full; both answer -1.
      const bool whole = iconv(handle_, &from, &left, &to, &room) != static_cast<size_t>(-1);
      const size_t read = in.size() - left;
      // Neither read nor written anything: the byte in front is none of this code page.
      const bool stuck = !whole && read == 0 && room == buffer.size();
      // A character that may combine with the next one is kept back until it is asked for.
      if (whole || stuck) iconv(handle_, nullptr, nullptr, &to, &room);
      out.append(buffer.data(), buffer.size() - room);
      in.remove_prefix(read);
      if (stuck) return false;
    }
    return true;
  }

 private:
  const iconv_t handle_;
};

// Made when a thread first meets the code page: opening one reads tables from disk.
Converter& ConverterOf(CodePage page) {
  thread_local std::array<std::unique_ptr<Converter>, std::size(kNames)> converters;
  const size_t index = static_cast<size_t>(page) - kFirst;
  std::unique_ptr<Converter>& converter = converters[index];
  if (converter == nullptr) converter = std::make_unique<Converter>(kNames[index]);
  return *converter;
}

bool IsHigh(char c) { return static_cast<unsigned char>(c) >= 0x80; }

}  // namespace

CodePage CodePageOf(uint32_t number) {
  // From the wire or a command: never used as an index unchecked.
  const bool known = number >= kFirst && number < kFirst + std::size(kNames);
  return known ? static_cast<CodePage>(number) : CodePage::kNone;
}

bool WantsCodePage(absl::string_view text) {
  if (IsUtf8(text)) return false;
  // A character of UTF-8 has at most 4 bytes, so a cut one has at most 3. Without a whole one
  // before it there is no sign that this is UTF-8 at all.
  for (size_t cut = 1; cut <= 3 && cut < text.size(); ++cut) {
    const absl::string_view tail = text.substr(text.size() - cut);
    const absl::string_view rest = text.substr(0, text.size() - cut);
    const auto lead = static_cast<unsigned char>(tail.front());
    // Of the first byte of a character of UTF-8; 0 where it can't be one.
    const size_t wanted = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    const bool follows =
        std::all_of(tail.begin() + 1, tail.end(), [](char c) { return (c & 0xC0) == 0x80; });
    // A tail that could have become a character. Were there others before it, it is UTF-8 that was
    // cut; in plain ASCII the same bytes are more likely two letters of a code page.
    if (wanted > cut && follows && IsUtf8(rest)) {
      return std::none_of(rest.begin(), rest.end(), IsHigh);
    }
  }
  return true;
}

std::string ReadCodePage(absl::string_view text, CodePage page, uint32_t* repaired) {
  *repaired += static_cast<uint32_t>(std::count_if(text.begin(), text.end(), IsHigh));
  Converter& converter = ConverterOf(page);
  std::string out;
  out.reserve(2 * text.size());
  while (!text.empty()) {
    // What Run has converted is taken off `text`, so that this goes on behind it.
    if (converter.ready() && converter.Run(text, out)) break;
    // One byte that has no meaning, or no table at all.
    if (IsHigh(text.front())) {
      out.append(kReplacement.data(), kReplacement.size());
    } else {
      out.push_back(text.front());
    }
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace muster::routeros
