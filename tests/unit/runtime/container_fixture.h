// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/id.h"
#include "linux/cgroup.h"
#include "runtime/runtime.h"

namespace hull::runtime {

// A root file system of busybox alone, and what it takes to run programs in it. Leaves nothing behind.
class ContainerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (!exists("/bin/busybox")) GTEST_SKIP() << "needs busybox-static";
    for (const char* name : {"/bin", "/etc", "/proc", "/sys", "/dev", "/tmp"}) make_directories(rootfs() + name);
    ::chmod(directory_.path().c_str(), 0755);
    write_all(open_file(rootfs() + "/bin/busybox", O_WRONLY | O_CREAT, 0755).get(), read_file("/bin/busybox"));
    for (const char* name :
         {"sh",       "cat",   "id",   "ls",   "true",  "sleep", "mount", "stat", "hostname", "ip",   "tty",
          "readlink", "touch", "echo", "grep", "umask", "env",   "pwd",   "wc",   "head",     "test", "mkdir"})
      ::symlink("busybox", cat(rootfs(), "/bin/", name).c_str());
    write_all(open_file(rootfs() + "/etc/passwd", O_WRONLY | O_CREAT, 0644).get(),
              "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n");
    id_ = "hull-test-" + random_hex(6);
    config_ = plain_config();
  }

  void TearDown() override {
    if (id_.empty()) return;
    auto group = linux::make_cgroup(linux::CgroupDriver::kCgroupfs, config_.linux.cgroups_path);
    EXPECT_FALSE(group->exists()) << "the cgroup is left behind";
    EXPECT_EQ(read_file("/proc/self/mountinfo").find(directory_.path()), std::string::npos) << "a mount is left behind";
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process is left behind";
  }

  oci::RuntimeConfig plain_config() const {
    oci::RuntimeConfig config;
    auto& process = config.process.emplace();
    process.args = {"true"};
    process.env = {"PATH=/bin"};
    process.cwd = "/";
    auto& capabilities = process.capabilities.emplace();
    capabilities.bounding = capabilities.effective = capabilities.permitted = {"CAP_CHOWN", "CAP_NET_BIND_SERVICE"};
    config.root = oci::Root{rootfs(), false};
    config.mounts = {
        {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}, {}, {}},
        {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}, {}, {}},
        {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}, {}, {}},
        {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}, {}, {}},
        {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}, {}, {}},
        {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}, {}, {}},
    };
    for (const char* type : {"mount", "pid", "ipc", "uts", "network"}) config.linux.namespaces.push_back({type, {}});
    config.linux.cgroups_path = "/" + id_;
    return config;
  }

  struct Result {
    int code = -1;
    std::string output;
  };

  // Runs the configuration's program to its end with both outputs in one pipe.
  Result run(Handles handles = {}) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd in = open_file("/dev/null", O_RDONLY), read_end(ends[0]), write_end(ends[1]);
    handles.in = in.get();
    handles.out = handles.err = write_end.get();
    auto init = start(config_, handles, options());
    write_end.reset();
    Result result;
    result.output = read_all(read_end.get());
    result.code = reap(*init);
    return result;
  }
  Result run_shell(const std::string& script) {
    config_.process->args = {"sh", "-c", script};
    return run();
  }

  int reap(Init& init) {
    int status = 0;
    EXPECT_EQ(::waitpid(init.pid(), &status, 0), init.pid());
    init.release_ownership();
    init.cgroup().remove();
    return exit_code(status);
  }

  Failure failure_of() {
    try {
      auto init = start(config_, {}, options());
      ADD_FAILURE() << "started";
      init->cgroup().kill_all();
      reap(*init);
    } catch (const StartError& e) {
      return e.failure();
    }
    return {};
  }

  StartOptions options() const {
    StartOptions result;
    result.id = id_;
    result.bundle = directory_.path();
    return result;
  }

  std::string rootfs() const { return directory_.path() + "/rootfs"; }
  const std::string& bundle() const { return directory_.path(); }

  std::string id_;
  oci::RuntimeConfig config_;

 private:
  TempDir directory_{"/tmp", "hull-test-"};
};

}  // namespace hull::runtime
