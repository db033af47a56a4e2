// SPDX-License-Identifier: Apache-2.0
#include "container_fixture.h"

namespace hull::runtime {
namespace {

using testing::Test;
using StartTest = ContainerTest;

std::string own_namespace(const char* type) {
  char text[64] = {};
  EXPECT_GT(::readlink(cat("/proc/self/ns/", type).c_str(), text, sizeof text - 1), 0);
  return text;
}

TEST_F(StartTest, RunsAProgramAndGivesItsExitCode) {
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(run_shell("exit 7").code, 7);
  EXPECT_EQ(run_shell("kill -9 $$; kill -TERM $$; exit 3").code, 3) << "init ignores what it does not handle";
}

TEST_F(StartTest, EveryNamespaceIsItsOwn) {
  config_.linux.namespaces.push_back({"cgroup", {}});
  config_.linux.namespaces.push_back({"time", {}});
  for (const char* type : {"mnt", "pid", "ipc", "uts", "net", "cgroup", "time"}) {
    auto result = run_shell(cat("readlink /proc/self/ns/", type));
    EXPECT_EQ(result.code, 0) << result.output;
    EXPECT_NE(trim(result.output), own_namespace(type)) << type;
  }
  EXPECT_EQ(run_shell("echo $$").output, "1\n");
}

TEST_F(StartTest, WhatIsNotUnsharedIsTheHosts) {
  std::erase_if(config_.linux.namespaces, [](const auto& item) { return item.type == "uts"; });
  EXPECT_EQ(trim(run_shell("readlink /proc/self/ns/uts").output), own_namespace("uts"));
}

TEST_F(StartTest, NamespacesAreJoinedByPath) {
  auto first_config = config_;
  config_.process->args = {"sleep", "100"};
  auto first = start(config_, {}, options());
  std::string first_network(64, '\0');
  ASSERT_GT(::readlink(cat("/proc/", first->pid(), "/ns/net").c_str(), first_network.data(), 64), 0);
  auto group = config_.linux.cgroups_path;
  config_.linux.cgroups_path += "-second";
  for (auto& item : config_.linux.namespaces) {
    if (item.type == "network") item.path = cat("/proc/", first->pid(), "/ns/net");
    if (item.type == "pid") item.path = cat("/proc/", first->pid(), "/ns/pid");
  }
  auto result = run_shell("readlink /proc/self/ns/net; cat /proc/1/comm; echo $$");
  EXPECT_TRUE(result.output.starts_with(first_network.c_str())) << result.output;
  EXPECT_NE(result.output.find("sleep"), std::string::npos) << result.output;
  config_.linux.cgroups_path = group;
  first->cgroup().kill_all();
  EXPECT_EQ(reap(*first), 137);
}

TEST_F(StartTest, HostnameAndDomainname) {
  config_.hostname = "inside";
  config_.domainname = "example.org";
  EXPECT_EQ(run_shell("hostname; cat /proc/sys/kernel/domainname").output, "inside\nexample.org\n");
}

TEST_F(StartTest, LoopbackIsUp) {
  EXPECT_NE(run_shell("ip addr show lo").output.find("LOOPBACK,UP"), std::string::npos);
}

TEST_F(StartTest, TheHostsFilesAreOutOfReach) {
  EXPECT_EQ(run_shell("ls /").output, "bin\ndev\netc\nproc\nsys\ntmp\n");
  EXPECT_EQ(run_shell("grep -c . /proc/self/mountinfo").output, "7\n");
}

TEST_F(StartTest, TimeOffsets) {
  config_.linux.namespaces.push_back({"time", {}});
  config_.linux.time_offsets["boottime"] = {1000000, 0};
  auto uptime = run_shell("cat /proc/uptime").output;
  EXPECT_GT(std::stod(uptime), 1000000.0) << uptime;
}

TEST_F(StartTest, UserNamespace) {
  config_.linux.namespaces.push_back({"user", {}});
  config_.linux.uid_mappings = config_.linux.gid_mappings = {{0, 100000, 65536}};
  for (auto& item : config_.mounts) std::erase(item.options, "gid=5");
  auto result =
      run_shell("id -u; id -g; cat /proc/self/uid_map; echo x > /dev/null && echo written; ls -ln /dev/shm -d");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(result.output.starts_with("0\n0\n")) << result.output;
  EXPECT_NE(result.output.find("100000"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("written"), std::string::npos) << result.output;
}

TEST_F(StartTest, UserGroupsUmaskAndHome) {
  config_.process->user = {1000, 1000, 0077, {4, 5}};
  EXPECT_EQ(run_shell("id -u; id -G; umask; echo $HOME").output, "1000\n1000 4 5\n0077\n/home/user\n");
  config_.process->env.push_back("HOME=/given");
  EXPECT_EQ(run_shell("echo $HOME").output, "/given\n");
}

TEST_F(StartTest, Capabilities) {
  auto& capabilities = *config_.process->capabilities;
  auto result = run_shell("grep Cap /proc/self/status");
  EXPECT_NE(result.output.find("CapEff:\t0000000000000401"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("CapBnd:\t0000000000000401"), std::string::npos) << result.output;
  config_.process->user.uid = 1000;
  capabilities.inheritable = capabilities.ambient = {"CAP_NET_BIND_SERVICE"};
  result = run_shell("grep Cap /proc/self/status");
  EXPECT_NE(result.output.find("CapAmb:\t0000000000000400"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("CapEff:\t0000000000000400"), std::string::npos) << result.output;
}

TEST_F(StartTest, NoNewPrivileges) {
  EXPECT_EQ(run_shell("grep NoNewPrivs /proc/self/status").output, "NoNewPrivs:\t0\n");
  config_.process->no_new_privileges = true;
  EXPECT_EQ(run_shell("grep NoNewPrivs /proc/self/status").output, "NoNewPrivs:\t1\n");
}

TEST_F(StartTest, SeccompWithAndWithoutNoNewPrivileges) {
  auto& profile = config_.linux.seccomp.emplace();
  profile.default_action = "SCMP_ACT_ALLOW";
  profile.architectures = {"SCMP_ARCH_X86_64"};
  profile.syscalls = {{{"mkdir", "mkdirat"}, "SCMP_ACT_ERRNO", 1, {}}};
  for (bool no_new_privileges : {false, true}) {
    config_.process->no_new_privileges = no_new_privileges;
    auto result = run_shell("mkdir /tmp/x; grep Seccomp: /proc/self/status");
    EXPECT_NE(result.output.find("Operation not permitted"), std::string::npos) << result.output;
    EXPECT_NE(result.output.find("Seccomp:\t2"), std::string::npos) << result.output;
  }
}

TEST_F(StartTest, RlimitsAndOomScore) {
  config_.process->rlimits = {{"RLIMIT_NOFILE", 100, 200}, {"RLIMIT_CORE", 0, 0}};
  config_.process->oom_score_adj = 300;
  EXPECT_EQ(run_shell("ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj").output, "100\n200\n300\n");
}

TEST_F(StartTest, Sysctls) {
  config_.linux.sysctl = {{"net.ipv4.ip_unprivileged_port_start", "0"}, {"kernel.shmmni", "123"}};
  EXPECT_EQ(run_shell("cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmni").output, "0\n123\n");
}

TEST_F(StartTest, AMissingWorkingDirectoryIsMade) {
  config_.process->cwd = "/made/for/this";
  EXPECT_EQ(run_shell("pwd").output, "/made/for/this\n");
}

TEST_F(StartTest, StandardStreamsAreAllThatIsOpen) {
  UniqueFd leak = open_file("/dev/null", O_RDONLY);
  ::fcntl(leak.get(), F_SETFD, 0);
  EXPECT_EQ(run_shell("ls /proc/self/fd | grep -v 3").output, "0\n1\n2\n");
}

TEST_F(StartTest, Terminal) {
  config_.process->terminal = true;
  config_.process->console_size = oci::ConsoleSize{33, 99};
  config_.process->args = {"sh", "-c", "tty; stty size; ls -l /dev/console | head -c 1; readlink /proc/self/fd/0"};
  ::symlink("busybox", (rootfs() + "/bin/stty").c_str());
  auto init = start(config_, {}, options());
  UniqueFd master = init->take_console();
  ASSERT_TRUE(master.valid());
  std::string output(4096, '\0');
  std::size_t size = 0;
  for (ssize_t got; (got = ::read(master.get(), output.data() + size, output.size() - size)) > 0;)
    size += static_cast<std::size_t>(got);
  output.resize(size);
  EXPECT_EQ(reap(*init), 0);
  EXPECT_EQ(output, "/dev/pts/0\r\n33 99\r\nc/dev/pts/0\r\n");
}

TEST_F(StartTest, HeldBeforeItsProgram) {
  auto held = options();
  held.hold_before_exec = true;
  config_.process->args = {"sh", "-c", "touch /tmp/ran"};
  auto init = start(config_, {}, held);
  EXPECT_FALSE(exists(rootfs() + "/tmp/ran"));
  init->release();
  EXPECT_EQ(reap(*init), 0);
  EXPECT_TRUE(exists(rootfs() + "/tmp/ran"));
}

TEST_F(StartTest, TheOwnerEndsWhatItDoesNotRelease) {
  config_.process->args = {"sleep", "100"};
  pid_t pid;
  {
    auto init = start(config_, {}, options());
    pid = init->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  linux::make_cgroup(linux::CgroupDriver::kCgroupfs, config_.linux.cgroups_path)->remove();
}

TEST_F(StartTest, Hooks) {
  auto hook = [&](const char* name) {
    return std::vector<oci::Hook>{
        {"/bin/sh",
         {"sh", "-c", cat("(printf ", name, ":; cat) >> ", bundle(), "/log; echo >> ", bundle(), "/log")},
         {"PATH=/bin:/usr/bin"},
         5}};
  };
  auto& hooks = config_.hooks.emplace();
  hooks.prestart = hook("prestart");
  hooks.create_runtime = hook("createRuntime");
  hooks.create_container = hook("createContainer");
  hooks.start_container = {{"/bin/sh", {"sh", "-c", "cat > /tmp/state"}, {"PATH=/bin"}, {}}};
  EXPECT_EQ(run().code, 0);
  auto log = read_file(bundle() + "/log");
  auto first = log.find("prestart:{"), second = log.find("createRuntime:{"), third = log.find("createContainer:{");
  EXPECT_TRUE(first < second && second < third && third != std::string::npos) << log;
  EXPECT_NE(log.find(cat(R"("id":")", id_, R"(","status":"creating","pid":)")), std::string::npos) << log;
  EXPECT_NE(read_file(rootfs() + "/tmp/state").find(R"("status":"created")"), std::string::npos);
}

}  // namespace
}  // namespace hull::runtime
