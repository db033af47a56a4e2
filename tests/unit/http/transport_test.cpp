// SPDX-License-Identifier: Apache-2.0
#include "http/transport.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"
#include "linux/unix_socket.h"

namespace hull::http {
namespace {

using namespace std::chrono_literals;

TEST(TimeLimits, AreForAllReadsTogether) {
  auto [client, server] = linux::make_socket_pair();
  Transport transport(std::move(server), -1);
  transport.set_read_patience(1s);
  transport.set_time_limit(150ms);
  // A byte now and then, each well within the patience of a single read.
  std::jthread trickle([fd = client.get()](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      linux::send_some(fd, "x", 1);
      std::this_thread::sleep_for(20ms);
    }
  });
  const std::int64_t begin = monotonic_nanoseconds();
  char byte;
  int count = 0;
  while (transport.read(&byte, 1) > 0 && monotonic_nanoseconds() - begin < 2'000'000'000) ++count;
  EXPECT_GT(count, 0);
  EXPECT_LT(monotonic_nanoseconds() - begin, 1'000'000'000);
}

TEST(TimeLimits, EndWhenTheyAreTakenBack) {
  auto [client, server] = linux::make_socket_pair();
  Transport transport(std::move(server), -1);
  transport.set_read_patience(1s);
  transport.set_time_limit(1ms);
  transport.all_the_time();
  std::this_thread::sleep_for(5ms);
  linux::send_some(client.get(), "x", 1);
  char byte;
  EXPECT_EQ(transport.read(&byte, 1), 1u);
}

}  // namespace
}  // namespace hull::http
