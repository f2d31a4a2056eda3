// Reads the script library and what is known of secrets. No read here gives a secret's value, not
// even sealed: only jobs on their way to an edge carry that (read_jobs.cc).
#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

LibraryScript ReadScript(const Query& query) {
  LibraryScript script;
  script.name = query.Text(0);
  script.description = query.Text(1);
  script.create_time_us = query.Int(2);
  script.update_time_us = query.Int(3);
  return script;
}

}  // namespace

std::optional<LibraryScript> SqliteState::FindLibraryScript(OrganizationId organization,
                                                            absl::string_view name) const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT l.name, l.description, l.create_us, l.update_us, s.body FROM library l "
              "JOIN scripts s ON s.hash = l.script_hash WHERE l.organization = ? AND l.name = ?",
              KeyOf(organization.value), name);
  if (!query.Step()) return std::nullopt;
  LibraryScript script = ReadScript(query);
  script.body = query.Text(4);
  return script;
}

std::vector<LibraryScript> SqliteState::ListLibraryScripts(OrganizationId organization,
                                                           absl::string_view after,
                                                           size_t limit) const {
  std::vector<LibraryScript> scripts;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT name, description, create_us, update_us FROM library "
              "WHERE organization = ? AND name > ? ORDER BY name LIMIT ?",
              KeyOf(organization.value), after, limit);
  while (query.Step()) scripts.push_back(ReadScript(query));
  return scripts;
}

std::optional<SecretRecord> SqliteState::FindSecret(OrganizationId organization,
                                                    absl::string_view name) const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT name, create_us, update_us FROM secrets WHERE organization = ? AND name = ?",
              KeyOf(organization.value), name);
  if (!query.Step()) return std::nullopt;
  return SecretRecord{query.Text(0), query.Int(1), query.Int(2)};
}

std::optional<std::string> SqliteState::FindSealedSecret(OrganizationId organization,
                                                         absl::string_view name) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT sealed FROM secrets WHERE organization = ? AND name = ?",
              KeyOf(organization.value), name);
  if (!query.Step()) return std::nullopt;
  return query.Text(0);
}

JobId SqliteState::FindJobThatNeeds(OrganizationId organization, absl::string_view secret) const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT j.job FROM job_secrets j JOIN jobs t ON t.id = j.job "
              "WHERE j.organization = ? AND j.name = ? AND t.end_us = 0 ORDER BY j.job LIMIT 1",
              KeyOf(organization.value), secret);
  return query.Step() ? JobId{IdOf(query.Int(0))} : JobId{};
}

std::vector<SecretRecord> SqliteState::ListSecrets(OrganizationId organization,
                                                   absl::string_view after, size_t limit) const {
  std::vector<SecretRecord> secrets;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT name, create_us, update_us FROM secrets "
              "WHERE organization = ? AND name > ? ORDER BY name LIMIT ?",
              KeyOf(organization.value), after, limit);
  while (query.Step()) secrets.push_back({query.Text(0), query.Int(1), query.Int(2)});
  return secrets;
}

}  // namespace muster::server
