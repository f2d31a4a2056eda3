// What all apply functions share: writing events and the audit, names, labels, errors.
#include "server/state/apply/context.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/audit_chain/audit_chain.h"
#include "common/ids/ids.h"

namespace muster::server {
namespace {

// Events of an entry are numbered within it: index and place make one number that rises over the
// whole log. 20 bits are a million events; an entry of 512 KiB never makes so many.
constexpr int kOrdinalBits = 20;
constexpr size_t kMaxMessageBytes = 1024;
// The newest events of a device are kept however old they are.
constexpr int kKeptEvents = 20;
// A router that makes events without end fills no disk; the newest are the ones that matter.
constexpr int kMostEvents = 500;

// What the proposer knew and apply can't (that windows are ignored, say) stands first.
std::string SummaryOf(const internal::v1::Command& command, absl::string_view summary) {
  if (command.summary().empty()) return std::string(summary);
  if (summary.empty()) return command.summary();
  return absl::StrCat(command.summary(), "; ", summary);
}

}  // namespace

uint64_t ApplyContext::NextEventSequence() const { return (index << kOrdinalBits) | ordinal; }

internal::v1::Result ResultOf(uint64_t id) {
  internal::v1::Result result;
  result.set_resource_id(id);
  return result;
}

void WriteEvent(ApplyContext& context, uint64_t device, EventKind kind, absl::string_view message) {
  const uint64_t sequence = context.NextEventSequence();
  ++context.ordinal;
  context.db.Run(
      "INSERT INTO events (device, seq, time_us, kind, message, old) VALUES (?, ?, ?, ?, ?, 0)",
      KeyOf(device), sequence, context.now_us(), WordOf(kind), message.substr(0, kMaxMessageBytes));
  context.db.Run(
      // Only marks them: how old they are decides DropOld, through the small index over what is
      // marked. By number of events and not by time, so that a quiet router keeps its last ones for
      // ever.
      "UPDATE events SET old = 1 WHERE device = ?1 AND old = 0 AND seq <= "
      "(SELECT seq FROM events WHERE device = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
      KeyOf(device), kKeptEvents);
  context.db.Run(
      "DELETE FROM events WHERE device = ?1 AND seq <= "
      "(SELECT seq FROM events WHERE device = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
      KeyOf(device), kMostEvents);
}

void WriteAudit(ApplyContext& context, absl::string_view resource, uint64_t organization,
                absl::string_view summary) {
  const internal::v1::Command& command = *context.command;
  const std::string text = SummaryOf(command, summary);
  const uint64_t sequence = ++context.node.audit_sequence;
  // The chain covers every column but the hash itself; the fields and their order are part of the
  // format, which VerifyAudit and exports repeat.
  context.node.audit_hash =
      ChainHash(context.node.audit_hash, {sequence, context.now_us(), organization, context.index,
                                          command.actor().principal(), command.method(), resource,
                                          text, command.request().request_id()});
  context.db.Run(
      "INSERT INTO audit (sequence, time_us, actor, method, resource, summary, request_id, "
      "organization, idx, chain_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      sequence, context.now_us(), command.actor().principal(), command.method(), resource, text,
      command.request().request_id(), KeyOf(organization), context.index,
      Blob{context.node.audit_hash});
}

std::string OrganizationName(Database& db, uint64_t organization) {
  if (organization == 0) return "";
  Query query(db, "SELECT slug FROM organizations WHERE id = ?", KeyOf(organization));
  return query.Step() ? absl::StrCat("organizations/", query.View(0)) : "";
}

std::string DeviceName(Database& db, uint64_t organization, uint64_t device) {
  return absl::StrCat(OrganizationName(db, organization), "/devices/", FormatId(device));
}

std::string EncodeLabels(const std::map<std::string, std::string>& labels) {
  internal::v1::Labels message;
  for (const auto& [key, value] : labels) {
    internal::v1::Label* label = message.add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  return message.SerializeAsString();
}

std::map<std::string, std::string> DecodeLabels(absl::string_view bytes) {
  internal::v1::Labels message;
  std::map<std::string, std::string> labels;
  // Our own bytes; damaged ones give no labels rather than a stop, since apply is total.
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return labels;
  for (const internal::v1::Label& label : message.labels()) labels[label.key()] = label.value();
  return labels;
}

absl::Status UnknownThing(absl::string_view what, absl::string_view id) {
  return absl::NotFoundError(absl::StrCat("there is no ", what, " ", id));
}

absl::Status AlreadyThere(absl::string_view what, absl::string_view id) {
  return absl::AlreadyExistsError(absl::StrCat(what, " ", id, " exists already"));
}

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed command: ", what));
}

absl::Status ChangedMeanwhile(absl::string_view what) {
  return absl::AbortedError(absl::StrCat("the ", what, " was changed meanwhile; read it again"));
}

bool IsStale(absl::string_view expected_etag, uint64_t version) {
  return !expected_etag.empty() && expected_etag != absl::StrCat(version);
}

}  // namespace muster::server
