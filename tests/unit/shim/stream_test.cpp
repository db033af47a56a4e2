// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "shim_fixture.h"

namespace hull::shim {
namespace {

using StreamTest = ShimTest;

TEST_F(StreamTest, output_is_framed_byte_for_byte) {
  auto what = shell("echo one; sleep 0.1; printf 'two\\000\\377' >&2; sleep 0.1; printf three; exit 7");
  UniqueFd client = add_stream(what.streams, false);
  start(std::move(what));
  using namespace std::string_literals;
  EXPECT_EQ(read_to_end(client.get()), framed(1, "one\n") + framed(2, "two\0\377"s) + framed(1, "three"));
  EXPECT_EQ(recorder_.wait_exit(), 7);
}

TEST_F(StreamTest, a_hundred_megabytes_go_in_and_out_unchanged) {
  auto what = request({"cat"});
  what.open_stdin = what.stdin_once = true;
  what.log = {};
  UniqueFd client = add_stream(what.streams, true, false);
  start(std::move(what));
  constexpr std::size_t kSize = 100 << 20;
  std::string sent(kSize, '\0');
  std::uint32_t state = 1;
  for (char& byte : sent) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  std::thread writer([&] {
    write_all(client.get(), sent);
    ::shutdown(client.get(), SHUT_WR);
  });
  std::string received = read_to_end(client.get());
  writer.join();
  EXPECT_EQ(received.size(), sent.size());
  EXPECT_TRUE(received == sent);
  EXPECT_EQ(recorder_.wait_exit(), 0);
}

TEST_F(StreamTest, half_close_ends_the_input_and_output_still_flows) {
  auto what = shell("cat; sleep 0.2; echo after");
  what.open_stdin = what.stdin_once = true;
  UniqueFd client = add_stream(what.streams, true, false);
  start(std::move(what));
  write_all(client.get(), "typed\n");
  ::shutdown(client.get(), SHUT_WR);
  EXPECT_EQ(read_to_end(client.get()), "typed\nafter\n");
}

TEST_F(StreamTest, without_stdin_once_the_input_stays_open_for_the_next_client) {
  auto what = shell("read a; read b; echo $a-$b");
  what.open_stdin = true;
  UniqueFd first = add_stream(what.streams, true, false);
  start(std::move(what));
  write_all(first.get(), "x\n");
  ::shutdown(first.get(), SHUT_WR);
  UniqueFd second = attach(true, false);
  write_all(second.get(), "y\n");
  EXPECT_EQ(read_to_end(second.get()), "x-y\n");
  EXPECT_EQ(read_to_end(first.get()), "x-y\n");
}

TEST_F(StreamTest, early_input_comes_first) {
  auto what = shell("read a; echo got $a");
  what.open_stdin = true;
  UniqueFd client = add_stream(what.streams, true, false);
  what.streams[0].early_input = "ear";
  write_all(client.get(), "ly\n");
  start(std::move(what));
  EXPECT_EQ(read_to_end(client.get()), "got early\n");
}

TEST_F(StreamTest, a_terminal_can_be_resized_and_detached_from) {
  auto what = shell("stty size; read x; stty size; read y; echo bye $y");
  what.config.process->terminal = true;
  what.open_stdin = what.stdin_once = true;
  UniqueFd client = add_stream(what.streams, true, false, "\x10\x11");
  start(std::move(what));
  read_until(client.get(), "\n");
  client_->resize(33, 77);
  write_all(client.get(), "\n");
  EXPECT_NE(read_until(client.get(), "33 77").find("33 77"), std::string::npos);
  write_all(client.get(), "\x10");
  ::poll(nullptr, 0, 50);
  write_all(client.get(), "\x11");
  read_to_end(client.get());
  EXPECT_TRUE(recorder_.wait([&] { return !recorder_.detached.empty(); }));
  EXPECT_EQ(recorder_.detached, std::vector<std::string>{""});
  EXPECT_FALSE(recorder_.exit);
  UniqueFd again = attach(true, false);
  write_all(again.get(), "z\n");
  EXPECT_NE(read_to_end(again.get()).find("bye z"), std::string::npos);
  EXPECT_EQ(recorder_.wait_exit(), 0);
}

TEST_F(StreamTest, a_client_that_reads_nothing_holds_the_process_back_and_loses_nothing) {
  auto what = shell("seq 1 300000; echo end >&2");
  what.log = {};
  UniqueFd client = add_stream(what.streams, false, false);
  start(std::move(what));
  ::poll(nullptr, 0, 500);
  EXPECT_FALSE(recorder_.exit) << "there was no back-pressure";
  std::string all = read_to_end(client.get());
  EXPECT_NE(all.find("\n300000\n"), std::string::npos);
  EXPECT_EQ(recorder_.wait_exit(), 0);
}

TEST_F(StreamTest, a_stalled_client_is_cut_off_when_there_are_others) {
  auto what = shell("seq 1 300000; echo end");
  what.log = {};
  UniqueFd stalled = add_stream(what.streams, false, false);
  UniqueFd reading = add_stream(what.streams, false, false);
  start(std::move(what));
  std::string all = read_to_end(reading.get());
  EXPECT_TRUE(all.ends_with("300000\nend\n"));
  EXPECT_EQ(recorder_.wait_exit(), 0);
}

TEST_F(StreamTest, a_client_that_vanishes_does_not_hold_the_process_back) {
  auto what = shell("seq 1 300000; echo end");
  UniqueFd client = add_stream(what.streams, true);
  start(std::move(what));
  client.reset();
  EXPECT_EQ(recorder_.wait_exit(), 0);
  EXPECT_NE(log_text().find("{\"log\":\"end\\n\""), std::string::npos);
}

}  // namespace
}  // namespace hull::shim
