#include "cli/commands/device_doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands/command_test_support.h"
#include "cli/output/values.h"

namespace muster::cli {
namespace {

using muster::v1::DiagnoseDeviceResponse;
using testing::HasSubstr;
using testing::Not;

class DeviceDoctorTest : public CommandTest {
 protected:
  DiagnoseDeviceResponse Sick() {
    DiagnoseDeviceResponse answer;
    *answer.mutable_device() = MakeDevice(1, clock_.Now());
    auto* finding = answer.add_findings();
    finding->set_level(muster::v1::FINDING_LEVEL_PROBLEM);
    finding->set_code("token-refused");
    finding->set_message("1 of its last 2 calls were refused");
    finding->set_next_step("paste a new line");
    auto* refused = answer.add_contacts();
    refused->set_kind(muster::v1::CONTACT_KIND_REFUSED);
    *refused->mutable_time() = ToTimestamp(clock_.Now() - absl::Seconds(4));
    refused->set_http_status(401);
    refused->set_reason("the token\x1B[31m is revoked");
    auto* beat = answer.add_contacts();
    beat->set_kind(muster::v1::CONTACT_KIND_CHECK_IN);
    *beat->mutable_time() = ToTimestamp(clock_.Now() - absl::Seconds(34));
    beat->set_http_status(200);
    beat->set_reason("0");
    answer.set_tls_version("TLSv1.2");
    answer.set_tls_cipher("ECDHE-ECDSA-AES128-GCM-SHA256");
    answer.set_tls_group("X25519");
    *answer.mutable_online_deadline() = ToTimestamp(clock_.Now() + absl::Seconds(80));
    answer.mutable_clock_skew()->set_seconds(-95);
    answer.add_rights("read");
    answer.add_missing_rights("write");
    auto* job = answer.add_open_jobs();
    job->set_job("organizations/default/jobs/3f8k2m9x0c1va");
    job->set_description("set NTP");
    job->mutable_target()->set_state(muster::v1::JOB_TARGET_STATE_HELD);
    job->mutable_target()->set_error("its configuration went back");
    return answer;
  }

  Ran Ask(const DiagnoseDeviceResponse& answer, const std::string& format) {
    muster::v1::GetDeviceResponse device;
    *device.mutable_device() = answer.device();
    fake_.Answer("DiagnoseDevice", answer);
    return Run({"device", "doctor", answer.device().name(), "-o", format});
  }
};

TEST_F(DeviceDoctorTest, SaysWhatIsWrongAndWhatToDoNext) {
  const Ran ran = Ask(Sick(), "table");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1B")));
  ExpectGolden("device_doctor.table", ran.out);
  ExpectGolden("device_doctor.csv", Ask(Sick(), "csv").out);
  EXPECT_THAT(Ask(Sick(), "json").out, HasSubstr("\"nextStep\": \"paste a new line\""));
}

TEST_F(DeviceDoctorTest, SaysSoWhereNothingIsWrong) {
  DiagnoseDeviceResponse answer;
  *answer.mutable_device() = MakeDevice(1, clock_.Now());
  const Ran ran = Ask(answer, "table");
  EXPECT_THAT(ran.out, HasSubstr("nothing is wrong"));
  EXPECT_THAT(ran.out, Not(HasSubstr("Open jobs")));
}

}  // namespace
}  // namespace muster::cli
