#include "cli/commands/audit_verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands/command_test_support.h"
#include "cli/output/values.h"
#include "common/audit_chain/audit_chain.h"
#include "muster/v1/audit_service.pb.h"

namespace muster::cli {
namespace {

using muster::v1::AuditEntry;
using testing::HasSubstr;

class AuditVerifyTest : public CommandTest {
 protected:
  // The whole chain of an installation, oldest first.
  muster::v1::ListAuditEntriesResponse MakeChain(int count) {
    muster::v1::ListAuditEntriesResponse chain;
    std::string before;
    for (int i = 1; i <= count; ++i) {
      AuditEntry& entry = *chain.add_entries();
      const absl::Time time = clock_.Now() + absl::Microseconds(i);
      entry.set_sequence(static_cast<uint64_t>(i));
      *entry.mutable_time() = ToTimestamp(time);
      entry.set_actor("apiKeys/4vhqwf3mqky30");
      entry.set_method("muster.v1.DeviceService/UpdateDevice");
      entry.set_resource("organizations/default/devices/0dt291hs5sbkh");
      entry.set_summary("changed the device");
      entry.set_organization_id(7);
      entry.mutable_position()->set_index(40);
      entry.set_previous_hash(before);
      before = ChainHash(before, {entry.sequence(), absl::ToUnixMicros(time), 7, 40, entry.actor(),
                                  entry.method(), entry.resource(), entry.summary(), ""});
      entry.set_chain_hash(before);
    }
    return chain;
  }

  Ran Verify(const muster::v1::ListAuditEntriesResponse& chain, uint64_t count,
             const std::string& head) {
    muster::v1::VerifyAuditResponse server;
    server.set_entry_count(count);
    server.set_head_hash(head);
    fake_.Answer("VerifyAudit", server);
    fake_.Answer("ListAuditEntries", chain);
    return Run({"audit", "verify"});
  }
};

TEST_F(AuditVerifyTest, ComputesTheChainHereToo) {
  const auto chain = MakeChain(4);
  const Ran ran = Verify(chain, 4, chain.entries(3).chain_hash());
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("all 4 entries is whole"));
  EXPECT_EQ(fake_.LastRequest<muster::v1::ListAuditEntriesRequest>("ListAuditEntries").order_by(),
            "time");
}

TEST_F(AuditVerifyTest, NamesTheFirstBrokenEntryThatTheServerFound) {
  muster::v1::VerifyAuditResponse server;
  server.set_first_broken_sequence(3);
  server.set_reason("entry 3 was changed: its hash is another");
  fake_.Answer("VerifyAudit", server);
  const Ran ran = Run({"audit", "verify"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("entry 3 was changed"));
}

TEST_F(AuditVerifyTest, DoesNotTakeTheServersWord) {
  auto chain = MakeChain(4);
  const std::string head = chain.entries(3).chain_hash();
  chain.mutable_entries(1)->set_summary("did nothing");
  EXPECT_THAT(Verify(chain, 4, head).err, HasSubstr("entry 2 was changed"));
  EXPECT_THAT(Verify(MakeChain(3), 4, head).err, HasSubstr("end before"));
  chain = MakeChain(4);
  chain.mutable_entries()->DeleteSubrange(0, 1);
  EXPECT_THAT(Verify(chain, 4, head).err, HasSubstr("entry 1 is missing"));
}

TEST_F(AuditVerifyTest, ChecksAnExportOffline) {
  const auto chain = MakeChain(3);
  fake_.Answer("ListAuditEntries", chain);
  const std::string json = Run({"audit", "list", "-o", "json"}).out;
  input_ = json;
  EXPECT_EQ(Run({"audit", "verify", "--file", "-"}).code, 0);
  input_.replace(input_.rfind("changed the"), 7, "watched");
  const Ran ran = Run({"audit", "verify", "--file", "-"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("entry 3 was changed"));
  input_ = "nonsense";
  EXPECT_EQ(Run({"audit", "verify", "--file", "-"}).code, 2);
  EXPECT_EQ(fake_.RequestCount("VerifyAudit"), 0u);
}

TEST_F(AuditVerifyTest, AnExportOfOneOrganizationHasGaps) {
  auto chain = MakeChain(4);
  chain.mutable_entries()->DeleteSubrange(1, 1);
  fake_.Answer("ListAuditEntries", chain);
  input_ = Run({"audit", "list", "-o", "json"}).out;
  EXPECT_EQ(Run({"audit", "verify", "--file", "-"}).code, 1);
  EXPECT_EQ(Run({"audit", "verify", "--file", "-", "--allow-gaps"}).code, 0);
}

}  // namespace
}  // namespace muster::cli
