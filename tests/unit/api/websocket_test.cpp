// SPDX-License-Identifier: Apache-2.0
#include "api/websocket.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace hull::api::websocket {
namespace {

std::string from_client(int first, std::string payload) {
  const char mask[4] = {1, 2, 3, 4};
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] ^= mask[i % 4];
  std::string bytes{static_cast<char>(first), static_cast<char>(0x80 | payload.size())};
  return bytes.append(mask, 4).append(payload);
}

TEST(Handshake, IsTheExampleOfTheSpecification) {
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Frames, HaveThreeFormsOfLength) {
  EXPECT_EQ(frame(Opcode::kBinary, "abc"),
            "\x82\x03"
            "abc");
  EXPECT_EQ(frame(Opcode::kBinary, std::string(126, 'x')).substr(0, 4), std::string("\x82\x7e\x00\x7e", 4));
  EXPECT_EQ(frame(Opcode::kBinary, std::string(70000, 'x')).substr(0, 10),
            std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x70", 10));
}

TEST(Decoding, WorksByteByByte) {
  Decoder decoder;
  std::string bytes = from_client(0x82, "hello");
  for (char byte : bytes.substr(0, bytes.size() - 1)) {
    decoder.add({&byte, 1});
    EXPECT_FALSE(decoder.next());
  }
  decoder.add(bytes.substr(bytes.size() - 1));
  auto frame = decoder.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->payload, "hello");
  EXPECT_EQ(frame->opcode, Opcode::kBinary);
}

TEST(Decoding, RefusesWhatBreaksTheProtocol) {
  for (const std::string& bytes : {std::string("\x82\x03"
                                               "abc"),      // no mask
                                   from_client(0xc2, "a"),  // a reserved bit
                                   from_client(0x83, "a"),  // an unknown kind
                                   from_client(0x09, "a"),  // a control frame in pieces
                                   std::string("\x82\xff\x7f\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 14)}) {
    Decoder decoder;
    decoder.add(bytes);
    EXPECT_THROW(decoder.next(), Error);
  }
}

}  // namespace
}  // namespace hull::api::websocket
