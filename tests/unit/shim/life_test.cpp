// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fstream>

#include "base/clock.h"
#include "shim_fixture.h"

namespace hull::shim {
namespace {

using LifeTest = ShimTest;

std::vector<Stream> none() { return {}; }

TEST_F(LifeTest, exit_is_recorded_and_told) {
  start(shell("exit 3"));
  EXPECT_GT(started_.pid, 0);
  EXPECT_TRUE(started_.pidfd);
  EXPECT_EQ(recorder_.wait_exit(), 3);
  auto record = read_exit_record(directory());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->code, 3);
  EXPECT_GE(record->at, started_.at);
  EXPECT_FALSE(record->oom_killed);
}

TEST_F(LifeTest, a_killed_process_has_128_and_the_signal) {
  start(request({"sleep", "100"}));
  linux::signal_pidfd(started_.pidfd.get(), SIGKILL);
  EXPECT_EQ(recorder_.wait_exit(), 137);
}

TEST_F(LifeTest, a_start_that_fails_says_why_and_leaves_nothing) {
  try {
    start(request({"no-such-program"}));
    FAIL() << "started";
  } catch (const runtime::StartError& e) {
    EXPECT_EQ(e.failure().step, runtime::Step::kExec);
    EXPECT_NE(e.message().find("executable file not found"), std::string::npos);
  }
}

TEST_F(LifeTest, the_shim_ends_the_container_when_it_is_killed) {
  start(request({"sleep", "100"}));
  pid_t shim = shim_pid();
  ASSERT_GT(shim, 1);
  ::kill(shim, SIGTERM);  // nothing
  ::poll(nullptr, 0, 100);
  EXPECT_EQ(shim_pid(), shim);
  ::kill(shim, SIGKILL);
  EXPECT_TRUE(recorder_.wait([&] { return recorder_.lost; }));
  EXPECT_TRUE(linux::pidfd_ended(started_.pidfd.get(), 5000));
  EXPECT_FALSE(read_exit_record(directory()));
  // What the engine does then.
  auto group = linux::make_cgroup(linux::CgroupDriver::kCgroupfs, "/" + id_);
  group->kill_all();
  group->remove();
  ::unlink((directory() + "/shim.sock").c_str());
}

TEST_F(LifeTest, a_new_engine_finds_the_shim_again) {
  start(shell("for i in $(seq 1 200); do echo line $i; sleep 0.005; done; exit 5"));
  client_->exec({"first", process({"sleep", "0.3"}), {}, {}, false, {}, none()});
  client_.reset();
  ::poll(nullptr, 0, 500);  // the exec ends unseen
  Recorder second;
  auto found = launcher_->reconnect(directory(), second.events());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->started.pid, started_.pid);
  EXPECT_TRUE(found->running_execs.empty());
  EXPECT_EQ(second.wait_exec_exit("first"), 0);
  EXPECT_EQ(second.wait_exit(), 5);
  std::string log = log_text();
  EXPECT_EQ(std::ranges::count(log, '\n'), 200);
  EXPECT_NE(log.find("\"line 200\\n\""), std::string::npos);
  found->client.reset();
  EXPECT_TRUE(wait_until([&] { return !launcher_->reconnect(directory(), {}); }));
}

TEST_F(LifeTest, without_an_engine_the_control_group_goes_with_the_container) {
  start(request({"sleep", "0.3"}));
  client_.reset();
  auto group = linux::make_cgroup(linux::CgroupDriver::kCgroupfs, "/" + id_);
  EXPECT_TRUE(group->exists());
  EXPECT_TRUE(wait_until([&] { return !group->exists(); }));
}

TEST_F(LifeTest, execs_have_their_own_streams_and_codes) {
  start(request({"sleep", "100"}));
  std::vector<Stream> one, two;
  UniqueFd a = add_stream(one, true), b = add_stream(two, false);
  ExecRequest first{"a", process({"sh", "-c", "cat; exit 4"}), {}, {}, true, {}, std::move(one)};
  EXPECT_GT(client_->exec(std::move(first)), 0);
  EXPECT_GT(client_->exec({"b", process({"sh", "-c", "echo err >&2; exit 6"}), {}, {}, false, {}, std::move(two)}), 0);
  EXPECT_EQ(read_to_end(b.get()), framed(2, "err\n"));
  // The end of the stream comes after the event.
  EXPECT_TRUE(recorder_.wait([&] { return recorder_.exec_exits.size() == 1; }, 0));
  write_all(a.get(), "hello");
  ::shutdown(a.get(), SHUT_WR);
  EXPECT_EQ(read_to_end(a.get()), framed(1, "hello"));
  EXPECT_EQ(recorder_.wait_exec_exit("a"), 4);
  EXPECT_EQ(recorder_.wait_exec_exit("b"), 6);
  client_->exec({"c", process({"sleep", "100"}), {}, {}, false, {}, none()});
  client_->signal_exec("c", SIGTERM);
  EXPECT_EQ(recorder_.wait_exec_exit("c"), 143);
}

TEST_F(LifeTest, an_exec_ends_at_its_time_limit_with_all_it_started) {
  start(request({"sleep", "100"}));
  std::vector<Stream> one;
  UniqueFd client = add_stream(one, true);
  client_->exec({"slow",
                 process({"sh", "-c", "echo begun; sleep 100 & sleep 100; true"}),
                 {},
                 {},
                 false,
                 std::chrono::milliseconds(200),
                 std::move(one)});
  client_->exec({"quick", process({"true"}), {}, {}, false, std::chrono::seconds(10), none()});
  EXPECT_EQ(recorder_.wait_exec_exit("slow"), 137);
  EXPECT_EQ(read_to_end(client.get()), framed(1, "begun\n"));
  EXPECT_EQ(recorder_.wait_exec_exit("quick"), 0);
  EXPECT_EQ(recorder_.timed_out, std::vector<std::string>{"slow"});
}

TEST_F(LifeTest, an_exec_that_fails_tells_its_client) {
  start(request({"sleep", "100"}));
  std::vector<Stream> one;
  UniqueFd client = add_stream(one, false, false);
  EXPECT_THROW(client_->exec({"x", process({"no-such-program"}), {}, {}, false, {}, std::move(one)}),
               runtime::StartError);
  EXPECT_NE(read_to_end(client.get()).find("executable file not found"), std::string::npos);
}

TEST_F(LifeTest, an_exec_that_leaves_children_behind_ends_all_the_same) {
  start(request({"sleep", "100"}));
  std::vector<Stream> one;
  UniqueFd client = add_stream(one, false, false);
  client_->exec({"x", process({"sh", "-c", "sleep 50 & echo done"}), {}, {}, false, {}, std::move(one)});
  EXPECT_EQ(read_to_end(client.get()), "done\n");
  EXPECT_EQ(recorder_.wait_exec_exit("x"), 0);
}

TEST_F(LifeTest, requests_after_the_end_are_refused) {
  start(shell("true"));
  recorder_.wait_exit();
  try {
    attach(false);
    FAIL() << "attached";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kConflict);
  }
}

TEST_F(LifeTest, memory_and_time_are_as_planned) {
  std::vector<std::int64_t> times;
  for (int i = 0; i < 9; ++i) {
    ::poll(nullptr, 0, 30);  // the pool refills
    recorder_.exit.reset();
    auto what = request({"true"});
    auto before = monotonic_nanoseconds();
    start(std::move(what));
    times.push_back((monotonic_nanoseconds() - before) / 1000);
    recorder_.wait_exit();
    wait_until([&] { return !exists(directory() + "/shim.sock"); });
  }
  std::ranges::sort(times);
  RecordProperty("start_microseconds", std::to_string(times[4]));
  start(request({"sleep", "100"}));
  pid_t shim = shim_pid();
  ::poll(nullptr, 0, 1500);
  std::ifstream rollup(cat("/proc/", shim, "/smaps_rollup"));
  long rss = 0, pss = 0, private_dirty = 0;
  for (std::string word; rollup >> word;) {
    if (word == "Rss:") rollup >> rss;
    if (word == "Pss:") rollup >> pss;
    if (word == "Private_Dirty:") rollup >> private_dirty;
  }
  std::printf("start() %ld us, shim rss %ld pss %ld private dirty %ld KiB\n", static_cast<long>(times[4]), rss, pss,
              private_dirty);
  EXPECT_LT(private_dirty, 600);
}

}  // namespace
}  // namespace hull::shim
