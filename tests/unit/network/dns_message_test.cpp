// SPDX-License-Identifier: Apache-2.0
#include "network/dns_message.h"

#include <gtest/gtest.h>

#include <random>

#include "base/text.h"
#include "network/name_table.h"

using namespace hull;
using namespace hull::network;

namespace {

std::string query_for(const std::string& name, int type, bool options = false) {
  std::string packet("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00", 11);
  packet += static_cast<char>(options ? 1 : 0);
  for (auto label : split(name, '.')) packet += cat(static_cast<char>(label.size()), label);
  packet += std::string({'\0', '\0', static_cast<char>(type), '\0', '\1'});
  if (options) packet += std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11);
  return packet;
}

Endpoint endpoint(std::string address, std::vector<std::string> names, std::vector<std::string> links = {}) {
  Endpoint one;
  one.address = std::move(address);
  one.names = std::move(names);
  one.links = std::move(links);
  return one;
}

}  // namespace

TEST(DnsMessage, ReadsAQuestion) {
  auto query = parse_query(query_for("Web.Example", 28, true));
  ASSERT_TRUE(query);
  EXPECT_EQ(query->id, 0x1234);
  EXPECT_EQ(query->name, "web.example");
  EXPECT_EQ(query->type, DnsType::kAaaa);
  EXPECT_TRUE(query->has_options);
  EXPECT_EQ(query->room, 4096u);
  EXPECT_EQ(parse_query(query_for("web", 1))->room, 512u);
}

TEST(DnsMessage, AnswersAreOnesToTheQuestion) {
  auto query = *parse_query(query_for("web", 1));
  std::string answer = address_answer(query, {linux::IpAddress::v4(0x0a000002)}, 512);
  EXPECT_EQ(answer_code(answer, query), DnsCode::kNoError);
  EXPECT_TRUE(answer.ends_with(std::string("\xc0\x0c\0\1\0\1\0\0\x02\x58\0\x04\x0a\0\0\x02", 16)));
  EXPECT_EQ(answer_code(empty_answer(query, DnsCode::kServerFailure), query), DnsCode::kServerFailure);
  EXPECT_FALSE(answer_code(answer, *parse_query(query_for("other", 1))));
  EXPECT_FALSE(answer_code(query_for("web", 1), query)) << "a question is no answer";
}

TEST(DnsMessage, WhatDoesNotFitIsCutAndSaysSo) {
  auto query = *parse_query(query_for("web", 1));
  std::vector<linux::IpAddress> many(100, linux::IpAddress::v4(0x0a000002));
  std::string answer = address_answer(query, many, 512);
  EXPECT_LE(answer.size(), 512u);
  EXPECT_TRUE(answer[2] & 2) << "truncated";
  EXPECT_FALSE(address_answer(query, many, 65535)[2] & 2);
}

TEST(DnsMessage, PointersAreAddresses) {
  EXPECT_EQ(address_of_pointer("2.0.0.10.in-addr.arpa")->text(), "10.0.0.2");
  EXPECT_EQ(address_of_pointer("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa")->text(),
            "fd00::1");
  for (const char* wrong :
       {"in-addr.arpa", ".in-addr.arpa", "1.2.3.in-addr.arpa", "x.ip6.arpa", "300.0.0.10.in-addr.arpa"})
    EXPECT_FALSE(address_of_pointer(wrong)) << wrong;
}

// Whatever is sent: an answer, or none, but no crash and no endless loop.
TEST(DnsMessage, SurvivesEveryTruncationAndRandomDamage) {
  std::minstd_rand random(4711);
  const std::string whole = query_for("some.long.name.of.a.host", 1, true);
  auto try_it = [](const std::string& packet) {
    if (auto query = parse_query(packet)) {
      EXPECT_FALSE(empty_answer(*query, DnsCode::kNoName).empty());
      answer_code(packet, *query);
      address_of_pointer(query->name);
    } else {
      complaint(packet);
    }
  };
  for (std::size_t size = 0; size <= whole.size(); ++size) try_it(whole.substr(0, size));
  for (int i = 0; i < 200000; ++i) {
    std::string packet = whole;
    for (int changes = 1 + static_cast<int>(random() % 6); changes > 0; --changes)
      packet[random() % packet.size()] = static_cast<char>(random());
    packet.resize(random() % (packet.size() + 1));
    try_it(packet);
  }
  std::string loop = query_for("a", 1);
  loop.replace(12, 2, "\xc0\x0c");
  EXPECT_FALSE(parse_query(loop)) << "a question that points at itself";
}

TEST(NameTable, NamesAreSeenInNetworksThatBothAreIn) {
  NameTable names;
  names.set("a", {{"one", endpoint("10.0.0.2", {"web", "shared"})}});
  names.set("b",
            {{"one", endpoint("10.0.0.3", {"db", "shared"}, {"web:front"})}, {"two", endpoint("10.1.0.3", {"db"})}});
  names.set("c", {{"two", endpoint("10.1.0.4", {"cache"})}});
  auto found = [&](const char* who, const char* name) {
    std::vector<std::string> texts;
    for (const auto& address : names.find(who, name, false).addresses) texts.push_back(address.text());
    return join(texts, " ");
  };
  EXPECT_EQ(found("b", "web"), "10.0.0.2");
  EXPECT_EQ(found("b", "front"), "10.0.0.2") << "a link";
  EXPECT_EQ(found("a", "front"), "") << "somebody else's link";
  EXPECT_EQ(found("a", "shared"), "10.0.0.2 10.0.0.3");
  EXPECT_EQ(found("a", "cache"), "");
  EXPECT_EQ(found("b", "cache"), "10.1.0.4");
  EXPECT_EQ(found("b", "db.two"), "10.1.0.3");
  auto six = names.find("b", "web", true);
  EXPECT_TRUE(six.known && six.addresses.empty());
  EXPECT_EQ(names.name_of("b", *linux::IpAddress::parse("10.0.0.2")), "web.one");
  EXPECT_EQ(names.name_of("c", *linux::IpAddress::parse("10.0.0.2")), "");
  names.remove("a");
  EXPECT_EQ(found("b", "web"), "");
  EXPECT_EQ(found("b", "shared"), "10.0.0.3");
}
