// Follows a job over lost connections: by the resume token of the last message any node goes on
// where the one before ended. Where that can't be (the control plane was restored), all targets are
// listed again, and only those in another state than before are told.
#include "cli/commands/job_watch.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/job_report.h"
#include "cli/commands/names.h"
#include "cli/connection/stream_patience.h"
#include "cli/output/text_table.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "muster/v1/job_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::JobService;
using muster::v1::JobTarget;

constexpr absl::Duration kPause = absl::Milliseconds(300);

// Takes over what a message says; `on_change` hears of each target that is in another state now.
// The number counts too: a target that is tried again may be in the same state as before, under
// another number.
void TakeMessage(const muster::v1::WatchJobResponse& message, WatchedJob* watched,
                 absl::FunctionRef<void(const JobTarget&)> on_change) {
  for (const JobTarget& target : message.targets()) {
    JobTarget& known = watched->targets[target.device()];
    const bool changed = known.state() != target.state() || known.number() != target.number();
    known = target;
    if (changed) on_change(known);
  }
  if (message.has_job()) watched->job = message.job();
}

// One line on a terminal that is written over and over.
class ProgressLine {
 public:
  explicit ProgressLine(const Console& console) : console_(console) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const std::string& text) {
    // A log file would get a line for each change.
    if (!console_.err_is_terminal) return;
    // One column less than there are: writing into the last one moves some terminals to the next
    // line, and \r would not come back.
    const int width = console_.width > 0 ? console_.width - 1 : 79;
    // Back to the start of the line and clear it (ECMA-48, EL).
    *console_.err << "\r\x1B[K" << CutToWidth(CleanText(text), width) << std::flush;
    shown_ = true;
  }

  void Clear() {
    if (shown_) *console_.err << "\r\x1B[K" << std::flush;
    shown_ = false;
  }

 private:
  const Console& console_;
  bool shown_ = false;
};

}  // namespace

absl::StatusOr<WatchedJob> FollowJob(Session& session, const std::string& name,
                                     absl::FunctionRef<void(const JobTarget&)> on_change,
                                     absl::FunctionRef<void(const muster::v1::Job&)> on_progress) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = JobService::NewStub(connection->channel());
  muster::v1::WatchJobRequest request;
  request.set_name(name);
  WatchedJob watched;
  StreamPatience patience(connection->retry_for(), absl::Now());
  while (true) {
    const auto context = connection->NewContext();
    const auto reader = stub->WatchJob(context.get(), request);
    patience.Begin(absl::Now());
    muster::v1::WatchJobResponse message;
    while (reader->Read(&message)) {
      patience.Hear(absl::Now());
      TakeMessage(message, &watched, on_change);
      request.set_resume_token(message.resume_token());
      on_progress(watched.job);
    }
    const grpc::Status status = reader->Finish();
    // Both: a stream that ends well before the job has (a server that stops in an orderly way) is
    // begun anew.
    if (status.ok() && HasEnded(watched.job)) return watched;
    if (RefusesResumeToken(status) && !request.resume_token().empty()) {
      request.clear_resume_token();
      continue;
    }
    if (!status.ok() && !patience.TryAgain(status, absl::Now())) {
      const absl::Status error = connection->Explain(status, CallKind::kRead);
      // What was asked for has not failed, only the looking: so say where to look again.
      if (!absl::IsUnavailable(error)) return error;
      return absl::UnavailableError(absl::StrCat(std::string(error.message()),
                                                 "\nThe job goes on; see: muster job watch ",
                                                 ShortName(name)));
    }
    connection->Pause(kPause);
  }
}

absl::StatusOr<muster::v1::Job> FetchJob(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = JobService::NewStub(connection->channel());
  muster::v1::GetJobRequest request;
  request.set_name(name);
  muster::v1::GetJobResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->GetJob(context, request, &response);
  }));
  return response.job();
}

void NoteOutcome(Session& session, const muster::v1::Job& job) {
  session.Note(absl::StrCat("job ", ShortName(job.name()), ": ", ProgressText(job)));
}

absl::StatusOr<WatchedJob> FollowJobWithProgress(Session& session, const std::string& name) {
  ProgressLine line(session.console());
  ASSIGN_OR_RETURN(WatchedJob watched,
                   FollowJob(
                       session, name, [](const JobTarget&) {},
                       [&](const muster::v1::Job& job) { line.Show(ProgressText(job)); }));
  line.Clear();
  NoteOutcome(session, watched.job);
  return watched;
}

}  // namespace muster::cli
