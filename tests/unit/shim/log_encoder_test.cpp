// SPDX-License-Identifier: Apache-2.0
#include "shim/log_encoder.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "base/file.h"
#include "shim/deflate.h"
#include "shim/packet_queue.h"

namespace hull::shim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class EncoderTest : public testing::Test {
 protected:
  EncoderTest() {
    options_.tag = "tag";
    options_.host_name = "host";
    options_.container_id = "id";
    options_.container_name = "/name";
  }
  std::vector<std::string> encode(const LogPiece& piece) {
    std::vector<std::string> packets;
    make_log_encoder(options_)->encode(piece, packets);
    return packets;
  }
  RemoteLogOptions options_;
  // 2026-01-02T03:04:05.678901234Z
  Timestamp time_{1'767'323'045'678'901'234};
  LogPiece line_{Channel::kErr, "text", time_, true, {}, 0};
};

TEST_F(EncoderTest, syslog_in_all_its_forms) {
  std::string pid = cat(::getpid());
  ::setenv("TZ", "UTC", 1);
  options_.protocol = LogProtocol::kSyslogUnix;
  EXPECT_THAT(encode(line_), ElementsAre(cat("<27>Jan  2 03:04:05 tag[", pid, "]: text\n")));
  options_.protocol = LogProtocol::kSyslogRfc3164;
  options_.facility = 16;
  line_.channel = Channel::kOut;
  EXPECT_THAT(encode(line_), ElementsAre(cat("<134>Jan  2 03:04:05 host tag[", pid, "]: text\n")));
  options_.protocol = LogProtocol::kSyslogRfc5424;
  EXPECT_THAT(encode(line_), ElementsAre(cat("<134>1 2026-01-02T03:04:05Z host tag ", pid, " tag - text\n")));
  options_.protocol = LogProtocol::kSyslogRfc5424Micro;
  options_.transport = LogTransport::kTls;
  std::string message = cat("<134>1 2026-01-02T03:04:05.678901Z host tag ", pid, " tag - text\n");
  EXPECT_THAT(encode(line_), ElementsAre(cat(message.size(), " ", message)));
}

TEST_F(EncoderTest, gelf_over_tcp_ends_with_nul) {
  options_.protocol = LogProtocol::kGelf;
  options_.transport = LogTransport::kTcp;
  options_.attributes = {{"_tag", "t\"g"}};
  std::string message =
      R"({"version":"1.1","host":"host","short_message":"text","timestamp":1767323045.678,"level":3,"_tag":"t\"g"})";
  EXPECT_THAT(encode(line_), ElementsAre(message + '\0'));
}

TEST_F(EncoderTest, gelf_over_udp_comes_in_chunks) {
  options_.protocol = LogProtocol::kGelf;
  std::string text;
  for (int i = 0; text.size() < 5000; ++i) text += cat(i, " ");
  line_.text = text;
  auto packets = encode(line_);
  ASSERT_EQ(packets.size(), 4U);
  std::string whole;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_LE(packets[i].size(), 1420U);
    EXPECT_THAT(packets[i], StartsWith("\x1e\x0f" + packets[0].substr(2, 8) + static_cast<char>(i) + '\x04'));
    whole += packets[i].substr(12);
  }
  EXPECT_THAT(whole, HasSubstr(text));
  options_.compress_gzip = true;
  packets = encode(line_);
  EXPECT_LT(packets.size(), 4U);
}

TEST_F(EncoderTest, fluentd_speaks_messagepack) {
  options_.protocol = LogProtocol::kFluentd;
  std::string expected = "\x93\xa3tag\xce";
  expected += std::string("\x69\x57\x35\xa5", 4);
  expected +=
      "\x84\xac"
      "container_id\xa2"
      "id\xae"
      "container_name\xa5/name\xa6source\xa6stderr\xa3log\xa4text";
  EXPECT_THAT(encode(line_), ElementsAre(expected));
  options_.sub_second = options_.request_ack = true;
  line_.partial_id = "p";
  line_.ordinal = 2;
  auto packet = encode(line_)[0];
  EXPECT_THAT(packet, StartsWith(std::string("\x94\xa3tag\xd7\0\x69\x57\x35\xa5", 11)));
  EXPECT_THAT(packet, HasSubstr("\xafpartial_ordinal\xa1"
                                "2\xacpartial_last\xa4true\x81\xa5"
                                "chunk\xd9\x20"));
}

TEST_F(EncoderTest, journald_gives_the_length_of_values_of_several_lines) {
  options_.protocol = LogProtocol::kJournald;
  options_.attributes = {{"CONTAINER_NAME", "name"}, {"LABEL", "a\nb"}};
  line_.partial_id = "p";
  line_.ordinal = 1;
  line_.newline = false;
  auto packet = encode(line_)[0];
  EXPECT_THAT(packet, StartsWith("CONTAINER_NAME=name\nLABEL\n" + std::string("\3\0\0\0\0\0\0\0a\nb\n", 12)));
  for (const char* field : {"MESSAGE=text\n", "PRIORITY=3\n", "CONTAINER_PARTIAL_MESSAGE=true\n",
                            "CONTAINER_PARTIAL_ID=p\n", "CONTAINER_PARTIAL_LAST=false\n", "CONTAINER_LOG_ORDINAL=1\n",
                            "SYSLOG_TIMESTAMP=2026-01-02T03:04:05.678901234Z\n"})
    EXPECT_THAT(packet, HasSubstr(field));
}

TEST(PacketQueueTest, keeps_order_and_bounds) {
  PacketQueue queue;
  for (int i = 0; i < 100; ++i) queue.push(cat("packet ", i));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(queue.first(), cat("packet ", i));
    if (i % 3 == 0) queue.push("x");
    queue.pop();
  }
  EXPECT_EQ(queue.bytes(), queue.packets());
  EXPECT_EQ(queue.all().substr(0, 2), "xx");
  queue.clear();
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace hull::shim
