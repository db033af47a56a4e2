// SPDX-License-Identifier: Apache-2.0
#include "linux/cgroup.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "linux/bpf_devices.h"
#include "linux/cgroup_layout.h"
#include "linux/cgroup_v2.h"
#include "oci/runtime_config.h"

using namespace hull;
using linux::CgroupDriver;
using linux::CgroupVersion;

namespace {

bool v2() { return linux::cgroup_facts().version == CgroupVersion::kV2; }

// A group of this test's own, gone with it.
class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (linux::cgroup_facts().subsystems.empty()) GTEST_SKIP() << "no cgroup file system is mounted";
    path_ = cat("/hull-test-", ::getpid(), "/", testing::UnitTest::GetInstance()->current_test_info()->name());
    group_ = linux::make_cgroup(CgroupDriver::kCgroupfs, path_);
  }

  void TearDown() override {
    if (!group_) return;
    for (pid_t child : children_) {
      ::kill(child, SIGKILL);
      if (group_->frozen()) group_->thaw();
      ::waitpid(child, nullptr, 0);
    }
    group_->remove();
    EXPECT_FALSE(group_->exists());
    linux::make_cgroup(CgroupDriver::kCgroupfs, cat("/hull-test-", ::getpid()))->remove();
  }

  // Starts a process inside that does `work` and exits with what it gives.
  pid_t run(const std::function<int()>& work) {
    pid_t child = ::fork();
    if (child == 0) {
      try {
        group_->join();
        ::_exit(work());
      } catch (const std::exception& e) {
        ::fprintf(stderr, "%s\n", e.what());
        ::_exit(99);
      }
    }
    children_.push_back(child);
    return child;
  }
  int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    std::erase(children_, child);
    return status;
  }
  pid_t run_sleeper() {
    pid_t child = run([] {
      ::pause();
      return 0;
    });
    EXPECT_TRUE(linux::wait_until(5, [&] { return !group_->processes().empty(); }));
    return child;
  }

  // The content of a control file: `v1` in the hierarchy of `controller`, or `v2`.
  std::string control(const std::string& controller, const std::string& v1_file, const std::string& v2_file) {
    auto directories = group_->directories();
    std::string text =
        v2() ? read_file(directories[""] + "/" + v2_file) : read_file(directories[controller] + "/" + v1_file);
    return std::string(trim(text));
  }

  std::string refusal_of(const oci::Resources& resources) {
    try {
      group_->create(resources);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), Kind::kInvalidArgument) << e.message();
      EXPECT_FALSE(group_->exists()) << "a refused group is left behind";
      return e.message();
    }
    return "accepted";
  }

  std::string path_;
  std::unique_ptr<linux::Cgroup> group_;
  std::vector<pid_t> children_;
};

bool need(const char* controller) { return linux::cgroup_facts().has(controller); }

}  // namespace

#define NEEDS(controller) \
  if (const char* wanted = (controller); !need(wanted)) GTEST_SKIP() << "no controller " << wanted << " on this machine"

TEST(CgroupPaths, WhatIsNoPathBelowTheRootIsRefused) {
  for (const char* path : {"", "/", "/a/../b", "..", "slice:prefix:name"})
    EXPECT_THROW(linux::make_cgroup(CgroupDriver::kCgroupfs, path), Error) << path;
}

TEST(CgroupMounts, AreReadFromMountinfo) {
  auto found = linux::parse_cgroup_mounts(
      "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
      "40 31 0:29 /docker/x /mnt/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu\\040acct rw,relatime shared:1 - cgroup cgroup rw,cpu,cpuacct\n"
      "33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n"
      "34 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].controllers, (std::vector<std::string>{"cpu", "cpuacct"}));
  EXPECT_EQ(found[0].mount_point, "/sys/fs/cgroup/cpu acct");
  EXPECT_EQ(found[1].name, "systemd");
  EXPECT_TRUE(found[1].controllers.empty());
  EXPECT_TRUE(found[2].unified);
}

TEST(CgroupConversions, FollowTheSpecification) {
  EXPECT_EQ(linux::weight_of_shares(2), 1U);
  EXPECT_EQ(linux::weight_of_shares(1024), 100U);
  EXPECT_EQ(linux::weight_of_shares(262144), 10000U);
  EXPECT_EQ(linux::io_weight_of(10), 1U);
  EXPECT_EQ(linux::io_weight_of(1000), 10000U);
  EXPECT_EQ(linux::swap_of(300, 100), 200);
  EXPECT_EQ(linux::swap_of(-1, 100), -1);
  EXPECT_EQ(linux::swap_of(0, 100), std::nullopt);
  EXPECT_THROW(linux::swap_of(50, 100), Error);
  EXPECT_THROW(linux::swap_of(50, {}), Error);
}

TEST(DeviceRules, TheLastThatFitsDecides) {
  auto matches = linux::device_matches(
      {{false, "", {}, {}, "rwm"}, {true, "c", 1, 3, "r"}, {true, "c", 1, 3, "w"}, {false, "c", 1, {}, "m"}});
  ASSERT_EQ(matches.size(), 2U);
  EXPECT_FALSE(matches[0].allow);
  EXPECT_EQ(matches[1].access, static_cast<std::uint32_t>(BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE));
  EXPECT_TRUE(linux::device_matches({{true, "c", 1, 3, "r"}, {false, "a", {}, {}, ""}}).empty());
  EXPECT_THROW(linux::device_matches({{true, "x", 1, 3, "r"}}), Error);
  EXPECT_THROW(linux::device_matches({{true, "c", 1, 3, "rx"}}), Error);
}

TEST_F(CgroupTest, IsMadeJoinedAndRemoved) {
  EXPECT_FALSE(group_->exists());
  group_->create({});
  EXPECT_TRUE(group_->exists());
  pid_t child = run_sleeper();
  EXPECT_EQ(group_->processes(), std::vector<pid_t>{child});
  group_->kill_all();
  EXPECT_TRUE(WIFSIGNALED(wait_for(child)));
  EXPECT_TRUE(group_->processes().empty());
  group_->remove();
  EXPECT_FALSE(group_->exists());
  group_->remove();
}

TEST_F(CgroupTest, ACrashedPredecessorsDirectoryIsTakenOverWithoutItsLimits) {
  NEEDS("pids");
  oci::Resources limited;
  limited.pids = oci::PidsLimits{7};
  group_->create(limited);
  auto again = linux::make_cgroup(CgroupDriver::kCgroupfs, path_);
  again->create({});
  EXPECT_EQ(again->stats().pids_limit, 0U);
}

TEST_F(CgroupTest, AnotherProcessesGroupIsNotTakenOver) {
  group_->create({});
  run_sleeper();
  auto again = linux::make_cgroup(CgroupDriver::kCgroupfs, path_);
  EXPECT_THROW(again->create({}), Error);
  EXPECT_EQ(group_->processes().size(), 1U);
}

TEST_F(CgroupTest, SomebodyElseCanJoinLater) {
  group_->create({});
  auto other = linux::make_cgroup(CgroupDriver::kCgroupfs, path_);
  other->open_for_join();
  pid_t child = ::fork();
  if (child == 0) {
    other->join();
    ::pause();
    ::_exit(0);
  }
  children_.push_back(child);
  EXPECT_TRUE(linux::wait_until(5, [&] { return group_->processes() == std::vector<pid_t>{child}; }));
}

TEST_F(CgroupTest, AMissingGroupCannotBeJoined) {
  try {
    group_->open_for_join();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kNotFound);
  }
}

TEST_F(CgroupTest, MemoryLimitsAreSetAndChangedInEitherDirection) {
  NEEDS("memory");
  oci::Resources resources;
  resources.memory = oci::MemoryLimits{};
  for (std::int64_t limit : {64 << 20, 128 << 20, 32 << 20}) {
    resources.memory->limit = limit;
    resources.memory->swap = limit * 2;
    resources.memory->reservation = limit / 2;
    limit == 64 << 20 ? group_->create(resources) : group_->update(resources);
    EXPECT_EQ(control("memory", "memory.limit_in_bytes", "memory.max"), cat(limit));
    EXPECT_EQ(control("memory", "memory.soft_limit_in_bytes", "memory.low"), cat(limit / 2));
    EXPECT_EQ(control("memory", "memory.memsw.limit_in_bytes", "memory.swap.max"), cat(v2() ? limit : limit * 2));
  }
  resources.memory = oci::MemoryLimits{};
  resources.memory->limit = -1;
  group_->update(resources);
  EXPECT_GT(group_->stats().memory_limit, 1ULL << 60);
}

TEST_F(CgroupTest, CpuLimitsAreSet) {
  NEEDS("cpu");
  oci::Resources resources;
  resources.cpu = oci::CpuLimits{};
  resources.cpu->shares = 512;
  resources.cpu->quota = 50000;
  resources.cpu->period = 200000;
  group_->create(resources);
  if (v2()) {
    EXPECT_EQ(control("", "", "cpu.max"), "50000 200000");
    EXPECT_EQ(control("", "", "cpu.weight"), cat(linux::weight_of_shares(512)));
  } else {
    EXPECT_EQ(control("cpu", "cpu.cfs_quota_us", ""), "50000");
    EXPECT_EQ(control("cpu", "cpu.cfs_period_us", ""), "200000");
    EXPECT_EQ(control("cpu", "cpu.shares", ""), "512");
  }
  resources.cpu = oci::CpuLimits{};
  resources.cpu->quota = -1;
  group_->update(resources);
  EXPECT_EQ(control("cpu", "cpu.cfs_quota_us", "cpu.max"), v2() ? "max 200000" : "-1");
}

TEST_F(CgroupTest, CpusetIsInheritedOrSet) {
  NEEDS("cpuset");
  oci::Resources resources;
  resources.cpu = oci::CpuLimits{};
  resources.cpu->cpus = "0";
  resources.cpu->mems = "0";
  group_->create(resources);
  EXPECT_EQ(control("cpuset", "cpuset.cpus", "cpuset.cpus"), "0");
  group_->remove();
  group_->create({});
  if (!v2()) {
    EXPECT_EQ(control("cpuset", "cpuset.cpus", ""), trim(read_file("/sys/fs/cgroup/cpuset/cpuset.cpus")));
  }
  pid_t child = run([] { return 0; });
  EXPECT_EQ(wait_for(child), 0);
}

TEST_F(CgroupTest, ThePidsLimitHolds) {
  NEEDS("pids");
  oci::Resources resources;
  resources.pids = oci::PidsLimits{2};
  group_->create(resources);
  EXPECT_EQ(group_->stats().pids_limit, 2U);
  pid_t child = run([] {
    pid_t first = ::fork();
    if (first == 0) ::pause();
    pid_t second = ::fork();
    int code = second == -1 && errno == EAGAIN ? 0 : 1;
    ::kill(first, SIGKILL);
    ::waitpid(first, nullptr, 0);
    return code;
  });
  EXPECT_EQ(wait_for(child), 0);
}

TEST_F(CgroupTest, DevicesAreClosedButForTheListed) {
  NEEDS("devices");
  oci::Resources resources;
  resources.devices = {{false, "", {}, {}, "rwm"}, {true, "c", 1, 3, "rwm"}, {true, "c", 1, 5, "r"}};
  group_->create(resources);
  pid_t child = run([] {
    TempDir directory;
    std::string null = directory.path() + "/null", zero = directory.path() + "/zero";
    if (::mknod(null.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) return 1;
    if (!UniqueFd(::open(null.c_str(), O_RDWR))) return 2;
    if (::mknod(zero.c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0) return 3;
    if (!UniqueFd(::open("/dev/zero", O_RDONLY))) return 4;
    if (UniqueFd(::open("/dev/zero", O_RDWR))) return 5;
    if (UniqueFd(::open("/dev/full", O_RDONLY))) return 6;
    return 0;
  });
  EXPECT_EQ(WEXITSTATUS(wait_for(child)), 0);
  resources.devices = {{false, "a", {}, {}, ""}, {true, "c", {}, {}, "r"}};
  group_->update(resources);
  child = run([] { return UniqueFd(::open("/dev/full", O_RDONLY)) && !UniqueFd(::open("/dev/null", O_RDWR)) ? 0 : 1; });
  EXPECT_EQ(WEXITSTATUS(wait_for(child)), 0);
}

TEST_F(CgroupTest, BlockIoLimitsAreSet) {
  NEEDS(v2() ? "io" : "blkio");
  struct stat info {};
  ASSERT_EQ(::stat("/", &info), 0);
  oci::Resources resources;
  resources.block_io = oci::BlockIoLimits{};
  dev_t disk = makedev(major(info.st_dev), 0);
  if (!exists(cat("/sys/dev/block/", major(disk), ":0")) || major(disk) == 0) GTEST_SKIP() << "the root is on no disk";
  resources.block_io->throttle_read_bps = {{major(disk), 0, 1 << 20}};
  group_->create(resources);
  EXPECT_NE(control("blkio", "blkio.throttle.read_bps_device", "io.max").find("1048576"), std::string::npos);
}

TEST_F(CgroupTest, FrozenProcessesStandStill) {
  NEEDS("freezer");
  group_->create({});
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& counter = *new (page) std::atomic<int>(0);
  run([&counter] {
    for (;; ::usleep(1000)) ++counter;
    return 0;
  });
  ASSERT_TRUE(linux::wait_until(5, [&] { return counter > 3; }));
  group_->freeze();
  EXPECT_TRUE(group_->frozen());
  int before = counter.load();
  ::usleep(30000);
  EXPECT_EQ(counter.load(), before);
  group_->thaw();
  EXPECT_FALSE(group_->frozen());
  EXPECT_TRUE(linux::wait_until(5, [&] { return counter > before; }));
  group_->freeze();
  group_->kill_all();
  EXPECT_TRUE(group_->processes().empty());
  ::munmap(page, 4096);
}

TEST_F(CgroupTest, AnOomKillIsAnnouncedAndCounted) {
  NEEDS("memory");
  oci::Resources resources;
  resources.memory = oci::MemoryLimits{};
  resources.memory->limit = resources.memory->swap = 16 << 20;
  group_->create(resources);
  UniqueFd notifier = group_->oom_notifier();
  ASSERT_TRUE(notifier.valid());
  pollfd change{notifier.get(), static_cast<short>(v2() ? POLLPRI : POLLIN), 0};
  EXPECT_EQ(::poll(&change, 1, 0), 0);
  pid_t child = run([] {
    std::string hog(64 << 20, 'x');
    return hog[5] == 'x' ? 0 : 1;
  });
  EXPECT_TRUE(WIFSIGNALED(wait_for(child)));
  EXPECT_EQ(::poll(&change, 1, 5000), 1);
  EXPECT_TRUE(linux::wait_until(2, [&] { return group_->stats().oom_kills > 0; }));
}

TEST_F(CgroupTest, StatisticsAddUp) {
  group_->create({});
  pid_t child = run([] {
    std::string block(8 << 20, 'x');
    volatile std::size_t sum = 0;
    for (int round = 0; round < 20; ++round)
      for (char c : block) sum = sum + static_cast<std::size_t>(c);
    ::pause();
    return 0;
  });
  EXPECT_TRUE(linux::wait_until(20, [&] {
    auto now = group_->stats();
    return now.cpu_total > 20'000'000 && (!need("memory") || now.memory_usage > 4U << 20);
  }));
  auto stats = group_->stats();
  EXPECT_EQ(stats.memory_stat.empty(), !need("memory"));
  if (need("pids")) {
    EXPECT_EQ(stats.pids_current, 1U);
  }
  EXPECT_EQ(stats.cpu_per_cpu.empty(), v2());
  ::kill(child, SIGKILL);
  wait_for(child);
}

TEST_F(CgroupTest, ARefusalNamesFieldAndValueAndLeavesNothing) {
  NEEDS("cpuset");
  oci::Resources resources;
  resources.cpu = oci::CpuLimits{};
  resources.cpu->cpus = "900-901";
  std::string message = refusal_of(resources);
  EXPECT_NE(message.find("cannot set cpuset-cpus to \"900-901\": "), std::string::npos) << message;
  resources.cpu->cpus = {};
  resources.cpu->quota = 5;
  message = refusal_of(resources);
  EXPECT_NE(message.find("cpu-quota"), std::string::npos) << message;
}

TEST_F(CgroupTest, KillAllReachesGroupsBelow) {
  group_->create({});
  auto below = linux::make_cgroup(CgroupDriver::kCgroupfs, path_ + "/below");
  below->create({});
  pid_t child = ::fork();
  if (child == 0) {
    below->join();
    ::pause();
    ::_exit(0);
  }
  children_.push_back(child);
  EXPECT_TRUE(linux::wait_until(5, [&] { return group_->processes() == std::vector<pid_t>{child}; }));
  std::erase(children_, child);
  ::signal(SIGCHLD, SIG_IGN);  // reaped by the kernel
  group_->kill_all();
  ::signal(SIGCHLD, SIG_DFL);
  group_->remove();
  EXPECT_FALSE(below->exists());
}

TEST_F(CgroupTest, CloneGoesStraightIntoAVersionTwoGroup) {
  group_->create({});
  UniqueFd target = group_->clone_target();
  ASSERT_EQ(target.valid(), v2());
  if (!v2()) return;
  clone_args args{};
  args.flags = CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(target.get());
  auto child = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  ASSERT_GT(child, 0);
  children_.push_back(child);
  EXPECT_EQ(group_->processes(), std::vector<pid_t>{child});
}
