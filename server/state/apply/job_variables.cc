#include "server/state/apply/job_variables.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/state/script_variables.h"

namespace muster::server {
namespace {

// What the device is called and labelled now, in apply: the same on every node, whatever the
// proposer saw when the job was made.
VariableSource SourceOf(ApplyContext& context, uint64_t device) {
  VariableSource source;
  source.device = device;
  Query query(context.db, "SELECT display_name, site, labels, facts FROM devices WHERE id = ?",
              KeyOf(device));
  if (!query.Step()) return source;
  source.display_name = query.Text(0);
  source.site = query.Text(1);
  source.labels = DecodeLabels(query.View(2));
  internal::v1::Facts facts;
  const absl::string_view bytes = query.View(3);
  if (facts.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    source.identity = facts.identity();
  }
  return source;
}

// What a bare word of a script may hold without a chance to become more than a word.
bool IsPlainWord(absl::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
  });
}

// The first secret that is not there any more.
std::string MissingSecret(ApplyContext& context, const JobRules& job) {
  Query query(context.db,
              "SELECT j.name FROM job_secrets j WHERE j.organization = ?1 AND j.job = ?2 AND NOT "
              "EXISTS (SELECT 1 FROM secrets s WHERE s.organization = ?1 AND s.name = j.name) "
              "ORDER BY j.name LIMIT 1",
              KeyOf(job.organization), KeyOf(job.id));
  return query.Step() ? query.Text(0) : "";
}

}  // namespace

std::string TakeVariables(ApplyContext& context, const JobRules& job, const TargetRow& target) {
  // Nearly all jobs: no read.
  if (!job.has_placeholders) return "";
  if (const std::string name = MissingSecret(context, job); !name.empty()) {
    return absl::StrCat("secret ", name, " is gone");
  }
  internal::v1::ScriptVariables variables;
  {
    Query query(context.db, "SELECT variables FROM jobs WHERE id = ?", KeyOf(job.id));
    if (!query.Step()) return "";
    const absl::string_view bytes = query.View(0);
    if (!variables.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return "";
  }
  const VariableSource source = SourceOf(context, target.device);
  std::map<std::string, std::string> values;
  for (const internal::v1::ScriptVariable& variable : variables.variables()) {
    const std::optional<std::string> value = ValueOfVariable(source, variable.name());
    if (!value.has_value()) return MissingVariable(variable.name());
    // The proposer checked it too; the label may have changed since.
    if (variable.in_word() && !IsPlainWord(*value)) {
      return absl::StrCat("the value of ", variable.name(),
                          " can't stand in a bare word of the script");
    }
    values[variable.name()] = *value;
  }
  context.db.Run("UPDATE targets SET variables = ? WHERE job = ? AND device = ?",
                 Blob{EncodeLabels(values)}, KeyOf(target.job), KeyOf(target.device));
  return "";
}

}  // namespace muster::server
