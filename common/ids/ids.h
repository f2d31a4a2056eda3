// Names of things: 64 random bits, written as 13 characters of Crockford's base 32 in lower case
// (0-9 a-z without i l o u), so that they can be read aloud and need no quoting anywhere.
//
// Random and not counted, because ids are made by whoever proposes a command, before it is ordered,
// and because a counter would tell one organization how many devices another has. With a million
// devices a collision has a chance of 1 in 37 million.
//
// Threads:  safe to call from any thread, after InitializeCryptography() (common/secrets).
// Errors:   Parse answers nullopt for anything that Format would not have written, upper
//           case, other lengths and the id 0 included.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// A value of one kind of id; ids of different kinds don't mix. 0 is "none".
template <typename Kind>
struct Id {
  uint64_t value = 0;

  explicit operator bool() const { return value != 0; }
  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Id& id) {
    return H::combine(std::move(h), id.value);
  }
};

// Kinds are incomplete types: they exist so that a DeviceId can't be given where a JobId is wanted.
using DeviceId = Id<struct DeviceIdKind>;
using OrganizationId = Id<struct OrganizationIdKind>;
using ClaimId = Id<struct ClaimIdKind>;
using JobId = Id<struct JobIdKind>;
using ApiKeyId = Id<struct ApiKeyIdKind>;

// A random value that is not 0, from the system's cryptographic generator.
// Two calls never answer the same in practice; nothing checks that they don't.
uint64_t RandomId();

// For a new thing: MakeId<DeviceId>().
template <typename T>
T MakeId() {
  return T{RandomId()};
}

// Always 13 characters; 0 gives thirteen zeros, which ParseId refuses.
std::string FormatId(uint64_t value);
std::optional<uint64_t> ParseId(absl::string_view text);

template <typename Kind>
std::string FormatId(Id<Kind> id) {
  return FormatId(id.value);
}

// The same for one kind of id.
template <typename T>
std::optional<T> ParseIdAs(absl::string_view text) {
  const std::optional<uint64_t> value = ParseId(text);
  if (!value.has_value()) return std::nullopt;
  return T{*value};
}

// People choose these names, and they stand in certificates, file names and URLs as they are.
// True for [a-z][a-z0-9-]{1,31} that does not end in '-': organizations, edges.
bool IsSlug(absl::string_view text);

}  // namespace muster
