#include "server/command_log/etcd/etcd_replies.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

namespace pb = etcdserverpb;

constexpr absl::StatusCode kInternal = absl::StatusCode::kInternal;

pb::KeyValue KeyValue(const std::string& key, int64_t version = 2) {
  pb::KeyValue kv;
  kv.set_key(key);
  kv.set_value("v");
  kv.set_version(version);
  kv.set_create_revision(5);
  kv.set_mod_revision(9);
  return kv;
}

pb::RangeResponse Range(const std::vector<pb::KeyValue>& kvs) {
  pb::RangeResponse response;
  response.mutable_header()->set_revision(11);
  for (const pb::KeyValue& kv : kvs) *response.add_kvs() = kv;
  return response;
}

pb::WatchResponse Watched(pb::Event::EventType type, const pb::KeyValue& kv) {
  pb::WatchResponse response;
  response.add_events()->set_type(type);
  *response.mutable_events(0)->mutable_kv() = kv;
  return response;
}

TEST(EtcdRepliesTest, AKeyIsThereOrNot) {
  const auto there = AnswerIn(Range({KeyValue("k")}), "k");
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_EQ(there->revision, 11);
  EXPECT_EQ(there->kv->value, "v");
  EXPECT_EQ(there->kv->version, 2);
  EXPECT_EQ(there->kv->mod_revision, 9);
  const auto absent = AnswerIn(Range({}), "k");
  ASSERT_TRUE(absent.ok()) << absent.status();
  EXPECT_FALSE(absent->kv.has_value());
}

TEST(EtcdRepliesTest, WhatNoEtcdAnswersIsAnError) {
  EXPECT_EQ(AnswerIn(Range({KeyValue("other")}), "k").status().code(), kInternal);
  EXPECT_EQ(AnswerIn(Range({KeyValue("k"), KeyValue("l")}), "k").status().code(), kInternal);
  EXPECT_EQ(AnswerIn(Range({KeyValue("k", 0)}), "k").status().code(), kInternal);
  EXPECT_EQ(AnswerIn(Range({KeyValue("k", -1)}), "k").status().code(), kInternal);
  pb::KeyValue older = KeyValue("k");
  older.set_mod_revision(4);
  EXPECT_EQ(AnswerIn(Range({older}), "k").status().code(), kInternal);
}

TEST(EtcdRepliesTest, AListIsOfItsPrefixAndInOrder) {
  const auto list = ListIn(Range({KeyValue("k/a"), KeyValue("k/b")}), "k/");
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[1].first, "k/b");
  EXPECT_EQ(ListIn(Range({KeyValue("k/b"), KeyValue("k/a")}), "k/").status().code(), kInternal);
  EXPECT_EQ(ListIn(Range({KeyValue("k/a"), KeyValue("k/a")}), "k/").status().code(), kInternal);
  EXPECT_EQ(ListIn(Range({KeyValue("m/a")}), "k/").status().code(), kInternal);
}

TEST(EtcdRepliesTest, ATransactionSaysWhoHasTheKey) {
  pb::TxnResponse response;
  response.set_succeeded(true);
  EXPECT_EQ(HolderIn(response, "k")->has_value(), false);
  response.set_succeeded(false);
  EXPECT_EQ(HolderIn(response, "k").status().code(), kInternal);
  *response.add_responses()->mutable_response_range() = Range({});
  EXPECT_EQ(HolderIn(response, "k").status().code(), kInternal);
  *response.mutable_responses(0)->mutable_response_range() = Range({KeyValue("k")});
  EXPECT_EQ((*HolderIn(response, "k"))->value, "v");
}

TEST(EtcdRepliesTest, AWatchHearsPutsAndDeletesOfItsKeyOnly) {
  const auto put = EventsIn(Watched(pb::Event::PUT, KeyValue("k")), "k");
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_FALSE(put->at(0).deleted);
  EXPECT_EQ(put->at(0).kv.version, 2);
  pb::KeyValue gone;
  gone.set_key("k");
  gone.set_mod_revision(12);
  const auto deleted = EventsIn(Watched(pb::Event::DELETE, gone), "k");
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_TRUE(deleted->at(0).deleted);
  EXPECT_EQ(deleted->at(0).kv.mod_revision, 12);
  EXPECT_EQ(EventsIn(Watched(pb::Event::PUT, gone), "k").status().code(), kInternal);
  EXPECT_EQ(EventsIn(Watched(pb::Event::PUT, KeyValue("l")), "k").status().code(), kInternal);
  EXPECT_TRUE(EventsIn(pb::WatchResponse(), "k")->empty());
}

TEST(EtcdRepliesTest, AWatchThatEndsSaysWhy) {
  pb::WatchResponse response;
  EXPECT_TRUE(WatchEnd(response).ok());
  response.set_canceled(true);
  EXPECT_EQ(WatchEnd(response).code(), absl::StatusCode::kUnavailable);
  response.set_compact_revision(7);
  EXPECT_EQ(WatchEnd(response).code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace muster::server
