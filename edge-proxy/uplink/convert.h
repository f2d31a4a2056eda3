// Between the edge's own structs and the messages of muster.edge.v1. No other
// room of the edge knows wire messages.
//
// What comes from the control plane is checked for what the edge relies on (sizes of keys and
// checks, ids that aren't 0), not believed: a message that breaks its contract is refused as a
// whole and told back as a verdict, and the last good state stays in force.
//
// Threads:  pure functions.
// Errors:   InvalidArgument for a message that breaks its contract; the message names the field.
#pragma once

#include "absl/status/statusor.h"
#include "edge-proxy/heartbeats/agent_offer.h"
#include "edge-proxy/heartbeats/check_in.h"
#include "edge-proxy/heartbeats/contact_book.h"
#include "edge-proxy/heartbeats/control_plane.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/heartbeats/token_gate.h"
#include "edge-proxy/jobs/job_events.h"
#include "edge-proxy/jobs/job_shelf.h"
#include "muster/edge/v1/edge_service.pb.h"

namespace muster::edge {

// Texts are clean UTF-8 already: protobuf would write a bad string without a word, and the whole
// batch would fail to parse at the other end (design.md, section 4).
::muster::edge::v1::CheckIn ToProto(const CheckIn& check_in);
::muster::edge::v1::JobEvent ToProto(const JobEvent& event);
::muster::edge::v1::JobResult ToProto(const JobResult& result);
::muster::edge::v1::ContactAnswer ToProto(uint64_t question, const Contacts& contacts);
::muster::edge::v1::EnrollRequest ToProto(const ClaimQuestion& question,
                                          const routeros::Enrolment& enrolment);

// An unknown number of an enum reads as the plain case: a newer control plane may know more.
absl::StatusOr<DeviceRecord> FromProto(const ::muster::edge::v1::DeviceRecord& record);
absl::StatusOr<Job> FromProto(const ::muster::edge::v1::JobPut& put);
absl::StatusOr<Trust> FromProto(const ::muster::edge::v1::Welcome& welcome);
ClaimAnswer FromProto(const ::muster::edge::v1::CheckClaimResponse& response);
AgentOffer FromProto(const ::muster::edge::v1::AgentOffer& offer);
ClaimVerdict FromProto(::muster::edge::v1::ClaimVerdict verdict);

}  // namespace muster::edge
