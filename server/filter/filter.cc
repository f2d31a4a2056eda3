// Judging devices by a parsed filter. Evaluation has three values, because a filter is asked twice:
// first with what is in memory alone, where a restriction on a name is "unknown", then with the
// row. Kleene's rules make "online = true AND name = x" false for an offline device without a read.
#include "server/filter/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/filter/filter_node.h"

namespace muster::server {
namespace {

enum class Truth { kFalse, kTrue, kUnknown };

Truth Of(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

Truth Not(Truth value) {
  if (value == Truth::kUnknown) return value;
  return Of(value == Truth::kFalse);
}

bool Holds(FilterOperator op, int order) {
  switch (op) {
    case FilterOperator::kEqual:
    case FilterOperator::kHas:
      return order == 0;
    case FilterOperator::kNotEqual:
      return order != 0;
    case FilterOperator::kLess:
      return order < 0;
    case FilterOperator::kLessOrEqual:
      return order <= 0;
    case FilterOperator::kGreater:
      return order > 0;
    case FilterOperator::kGreaterOrEqual:
      return order >= 0;
  }
  return false;
}

int Order(int64_t a, int64_t b) { return a < b ? -1 : (a > b ? 1 : 0); }

bool MatchText(const FilterRestriction& r, absl::string_view text, bool ignore_case) {
  // ":" is AIP-160's "has": a part of the text in any case of letters, or anything at all for "*".
  if (r.op == FilterOperator::kHas) return r.is_presence ? !text.empty() : r.glob.FoundIn(text);
  return r.glob.Matches(text, ignore_case) == (r.op == FilterOperator::kEqual);
}

bool MatchVersion(const FilterRestriction& r, absl::string_view text) {
  // A pattern ("7.15*") is compared with the version alone, without the channel that RouterOS
  // writes behind it: "7.15.3 (stable)".
  if (!r.version.has_value()) return MatchText(r, text.substr(0, text.find(' ')), true);
  const std::optional<VersionValue> version = ParseVersionValue(text);
  // A router that says no version is neither below nor above any; also "!=" is false for it, since
  // nothing is known.
  if (!version.has_value()) return false;
  if (r.op == FilterOperator::kHas) return VersionIsWithin(*version, *r.version);
  return Holds(r.op, CompareVersions(*version, *r.version));
}

bool MatchAddress(const FilterRestriction& r, absl::string_view text) {
  if (!r.range.has_value()) return MatchText(r, text, true);
  const std::optional<AddressRange> address = ParseAddressRange(text);
  const bool within = address.has_value() && AddressIsWithin(*address, *r.range);
  // No address lies within nothing.
  return within != (r.op == FilterOperator::kNotEqual);
}

bool MatchLabel(const FilterRestriction& r, const FilterFacts& facts) {
  // A label that is not there differs from every value: "labels.role != core" means those without
  // it too.
  if (facts.labels == nullptr) return r.op == FilterOperator::kNotEqual;
  for (const auto& [key, value] : *facts.labels) {
    if (r.field == FilterField::kLabelKeys) {
      if (r.is_presence || r.glob.Matches(key, false)) return true;
    } else if (key == r.label_key) {
      return r.is_presence || MatchText(r, value, false);
    }
  }
  return r.op == FilterOperator::kNotEqual;
}

// The last part of a resource name is compared, so that both forms can be written.
bool MatchName(const FilterRestriction& r, absl::string_view id) { return MatchText(r, id, true); }

bool MatchFacts(const FilterRestriction& r, const FilterFacts& facts) {
  switch (r.field) {
    case FilterField::kName:
      return MatchName(r, facts.id);
    case FilterField::kDisplayName:
      return MatchText(r, facts.display_name, false);
    case FilterField::kIdentity:
      return MatchText(r, facts.identity, false);
    case FilterField::kSerial:
      return MatchText(r, facts.serial_number, true);
    case FilterField::kMac:
      return MatchText(r, facts.mac_address, true);
    case FilterField::kAddress:
      return MatchAddress(r, facts.source_address);
    case FilterField::kModel:
      return MatchText(r, facts.model, true);
    case FilterField::kVersion:
      return MatchVersion(r, facts.routeros_version);
    case FilterField::kSite:
      return MatchText(r, facts.site, false);
    default:
      return MatchLabel(r, facts);
  }
}

// A figure that a router doesn't say is neither below nor above: a gap is never a zero.
bool MatchNumber(const FilterRestriction& r, std::optional<int64_t> value, int64_t now_us) {
  if (r.is_presence) return value.has_value();
  if (!value.has_value()) return false;
  // "last_check_in < 5m" reads "before five minutes ago": the time is compared, not the age.
  return Holds(r.op, Order(*value, r.ago ? now_us - r.number : r.number));
}

Truth MatchRestriction(const FilterRestriction& r, const FilterStatus& status,
                       const FilterFacts* facts, int64_t now_us) {
  switch (r.field) {
    case FilterField::kOnline: {
      // A set of bits, because "false" stands for three states.
      const bool in = ((r.online_set >> static_cast<unsigned>(status.online)) & 1u) != 0;
      return Of(in != (r.op == FilterOperator::kNotEqual));
    }
    case FilterField::kCpu:
      return Of(MatchNumber(r, status.cpu_load_percent, now_us));
    case FilterField::kMemory:
      return Of(MatchNumber(r, status.memory_used_percent, now_us));
    case FilterField::kLastCheckIn: {
      std::optional<int64_t> time;
      if (status.last_check_in_us != 0) time = status.last_check_in_us;
      return Of(MatchNumber(r, time, now_us));
    }
    default:
      // The row was not read yet.
      return facts == nullptr ? Truth::kUnknown : Of(MatchFacts(r, *facts));
  }
}

// Depth is bounded by the parser.
Truth Evaluate(const FilterNode& node, const FilterStatus& status, const FilterFacts* facts,
               int64_t now_us) {
  if (node.kind == FilterNode::Kind::kRestriction) {
    return MatchRestriction(node.restriction, status, facts, now_us);
  }
  if (node.kind == FilterNode::Kind::kNot) {
    return Not(Evaluate(*node.children.front(), status, facts, now_us));
  }
  const Truth decisive = node.kind == FilterNode::Kind::kAnd ? Truth::kFalse : Truth::kTrue;
  bool unknown = false;
  for (const auto& child : node.children) {
    const Truth truth = Evaluate(*child, status, facts, now_us);
    // One false decides an AND, one true an OR, whatever is unknown beside it.
    if (truth == decisive) return decisive;
    unknown = unknown || truth == Truth::kUnknown;
  }
  return unknown ? Truth::kUnknown : Not(decisive);
}

bool ReadsCheckIns(const FilterNode& node) {
  if (node.kind != FilterNode::Kind::kRestriction) {
    return std::any_of(node.children.begin(), node.children.end(),
                       [](const auto& child) { return ReadsCheckIns(*child); });
  }
  switch (node.restriction.field) {
    case FilterField::kCpu:
    case FilterField::kMemory:
    case FilterField::kLastCheckIn:
    // In the row's status, not in its facts: it changes with a check-in too.
    case FilterField::kAddress:
      return true;
    default:
      return false;
  }
}

}  // namespace

Filter::Filter(std::shared_ptr<const FilterNode> root) : root_(std::move(root)) {}
Filter::~Filter() = default;

FilterVerdict Filter::MatchStatus(const FilterStatus& status, int64_t now_us) const {
  if (root_ == nullptr) return FilterVerdict::kYes;
  switch (Evaluate(*root_, status, nullptr, now_us)) {
    case Truth::kFalse:
      return FilterVerdict::kNo;
    case Truth::kTrue:
      return FilterVerdict::kYes;
    // The caller reads the row and asks Match.
    case Truth::kUnknown:
      break;
  }
  return FilterVerdict::kNeedsFacts;
}

bool Filter::Match(const FilterStatus& status, const FilterFacts& facts, int64_t now_us) const {
  return root_ == nullptr || Evaluate(*root_, status, &facts, now_us) == Truth::kTrue;
}

bool Filter::reads_check_ins() const { return root_ != nullptr && ReadsCheckIns(*root_); }

}  // namespace muster::server
