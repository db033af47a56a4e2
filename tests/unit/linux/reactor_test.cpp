// SPDX-License-Identifier: Apache-2.0
#include "linux/reactor.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <atomic>
#include <future>
#include <thread>

#include "linux/eventfd.h"

namespace hull::linux {
namespace {

using namespace std::chrono_literals;

TEST(ReactorTest, calls_back_for_descriptors_and_timers) {
  Reactor reactor;
  EventFd event;
  std::promise<void> seen, fired;
  auto id = reactor.watch(event.get(), EPOLLIN, [&](std::uint32_t) {
    event.clear();
    seen.set_value();
  });
  event.signal();
  EXPECT_EQ(seen.get_future().wait_for(5s), std::future_status::ready);
  reactor.cancel(id);
  auto before = std::chrono::steady_clock::now();
  reactor.after(20ms, [&] { fired.set_value(); });
  EXPECT_EQ(fired.get_future().wait_for(5s), std::future_status::ready);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
}

TEST(ReactorTest, timers_fire_in_order_and_not_after_cancel) {
  Reactor reactor;
  std::vector<int> order;
  std::promise<void> last;
  reactor.after(60ms, [&] { last.set_value(); });
  reactor.after(40ms, [&] { order.push_back(2); });
  auto never = reactor.after(30ms, [&] { order.push_back(9); });
  reactor.after(20ms, [&] { order.push_back(1); });
  reactor.cancel(never);
  reactor.cancel(never);
  last.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(ReactorTest, cancel_waits_for_a_running_callback) {
  Reactor reactor;
  std::promise<void> entered;
  std::atomic<bool> done = false;
  auto id = reactor.after(0ms, [&] {
    entered.set_value();
    std::this_thread::sleep_for(50ms);
    done = true;
  });
  entered.get_future().wait();
  reactor.cancel(id);
  EXPECT_TRUE(done);
}

TEST(ReactorTest, a_callback_may_cancel_itself_and_throw) {
  Reactor reactor;
  EventFd event;
  std::atomic<int> calls = 0;
  Reactor::Id id = 0;
  std::promise<void> ready;
  auto known = ready.get_future().share();
  id = reactor.watch(event.get(), EPOLLIN, [&](std::uint32_t) {
    known.wait();
    ++calls;
    reactor.cancel(id);
    throw std::runtime_error("expected by the test");
  });
  ready.set_value();
  event.signal();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(calls, 1);
}

TEST(ReactorTest, background_work_runs_at_once_and_is_finished_at_the_end) {
  std::atomic<int> done = 0;
  {
    Reactor reactor;
    for (int i = 0; i < 40; ++i)
      reactor.run_in_background([&] {
        std::this_thread::sleep_for(10ms);
        ++done;
      });
    reactor.run_in_background([] { throw std::runtime_error("expected by the test"); });
  }
  EXPECT_EQ(done, 40);
}

}  // namespace
}  // namespace hull::linux
