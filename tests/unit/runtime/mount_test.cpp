// SPDX-License-Identifier: Apache-2.0
#include "container_fixture.h"
#include "linux/detached_mount.h"

namespace hull::runtime {
namespace {

using MountTest = ContainerTest;

TEST_F(MountTest, BindsOfFilesAndDirectories) {
  make_directories(bundle() + "/shared");
  write_all(open_file(bundle() + "/shared/file", O_WRONLY | O_CREAT, 0644).get(), "content");
  config_.mounts.push_back({"/data/deep", "bind", bundle() + "/shared", {"rbind", "rprivate"}, {}, {}});
  config_.mounts.push_back({"/etc/made", "bind", bundle() + "/shared/file", {"rbind", "ro", "rprivate"}, {}, {}});
  auto result = run_shell("cat /data/deep/file /etc/made; touch /data/deep/new; echo x > /etc/made");
  EXPECT_NE(result.output.find("contentcontent"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("Read-only file system"), std::string::npos) << result.output;
  EXPECT_TRUE(exists(bundle() + "/shared/new"));
}

TEST_F(MountTest, DestinationsStayInsideTheRoot) {
  ::symlink("/../../../../tmp", (rootfs() + "/escape").c_str());
  std::string name = "/hull-escape-" + random_hex(4);
  config_.mounts.push_back({"/escape" + name, "tmpfs", "tmpfs", {}, {}, {}});
  EXPECT_EQ(run_shell(cat("test -d /tmp", name)).code, 0);
  EXPECT_FALSE(exists("/tmp" + name));
  EXPECT_TRUE(exists(rootfs() + "/tmp" + name));
}

TEST_F(MountTest, OptionsOfATmpfs) {
  config_.mounts.push_back(
      {"/t", "tmpfs", "tmpfs", {"noexec", "nosuid", "nodev", "size=1m", "mode=1770", "ro"}, {}, {}});
  auto line = run_shell("grep ' /t ' /proc/mounts").output;
  EXPECT_NE(line.find("ro,nosuid,nodev,noexec"), std::string::npos) << line;
  EXPECT_NE(line.find("size=1024k,mode=1770"), std::string::npos) << line;
}

TEST_F(MountTest, ABadOptionIsNamed) {
  config_.mounts.push_back({"/t", "tmpfs", "tmpfs", {"size=lots"}, {}, {}});
  auto failure = failure_of();
  EXPECT_EQ(failure.step, Step::kMount);
  EXPECT_EQ(failure.object, "/t");
  EXPECT_NE(failure.message.find("size=lots"), std::string::npos) << failure.message;
}

TEST_F(MountTest, AMissingSource) {
  config_.mounts.push_back({"/t", "bind", "/hull-no-such-directory", {"rbind"}, {}, {}});
  auto failure = failure_of();
  EXPECT_EQ(failure.step, Step::kMount);
  EXPECT_NE(failure.message.find("no such file or directory"), std::string::npos) << failure.message;
}

TEST_F(MountTest, ReadOnlyRoot) {
  config_.root->readonly = true;
  auto result = run_shell("touch /x; touch /dev/shm/x && echo shm; grep ' / ' /proc/mounts");
  EXPECT_NE(result.output.find("Read-only file system"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("shm\n"), std::string::npos) << result.output;
}

TEST_F(MountTest, MaskedAndReadOnlyPaths) {
  config_.linux.masked_paths = {"/proc/kcore", "/sys/firmware", "/sys/kernel", "/proc/keys", "/no/such"};
  config_.linux.readonly_paths = {"/proc/sys", "/no/such", "/proc/bus"};
  auto result = run_shell(
      "wc -c < /proc/keys; ls /sys/kernel | wc -l; touch /sys/kernel/x; echo 1 > /proc/sys/kernel/shmmni; ls "
      "/sys/firmware | wc -l");
  EXPECT_TRUE(result.output.starts_with("0\n0\n")) << result.output;
  EXPECT_NE(result.output.find("can't create /proc/sys/kernel/shmmni: Read-only file system"), std::string::npos)
      << result.output;
}

TEST_F(MountTest, DevicesAndLinks) {
  auto& extra = config_.linux.devices.emplace_back();
  extra = {"c", "/dev/extra", 1, 5, 0640, 7, 8};
  auto result = run_shell(
      "cd /dev; stat -c '%n %t:%T %a' null zero full random urandom tty; stat -c '%u:%g %a' extra; "
      "for l in ptmx fd stdin stdout stderr core; do readlink $l; done; cat /dev/null && head -c 2 /dev/zero | wc -c");
  EXPECT_EQ(result.output,
            "null 1:3 666\nzero 1:5 666\nfull 1:7 666\nrandom 1:8 666\nurandom 1:9 666\ntty 5:0 666\n7:8 640\n"
            "pts/ptmx\n/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\n/proc/kcore\n2\n");
}

TEST_F(MountTest, DefaultDevicesWorkUnderADenyingRule) {
  oci::DeviceRule nothing;
  nothing.access = "rwm";
  config_.linux.resources.emplace().devices = {nothing};
  config_.linux.devices.push_back({"c", "/dev/forbidden", 1, 1, {}, {}, {}});
  auto result =
      run_shell("echo x > /dev/null && head -c 1 /dev/zero | wc -c; cat /proc/mounts; head -c 1 /dev/forbidden");
  EXPECT_TRUE(result.output.starts_with("1\n")) << result.output;
  EXPECT_EQ(result.output.find("/dev/null"), std::string::npos) << "a node, no bind: " << result.output;
  EXPECT_NE(result.output.find("/dev/forbidden: Operation not permitted"), std::string::npos) << result.output;
}

TEST_F(MountTest, CgroupHierarchies) {
  config_.mounts.push_back({"/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid", "noexec", "nodev"}, {}, {}});
  auto result = run_shell(
      "ls /sys/fs/cgroup; cat /sys/fs/cgroup/memory/tasks /sys/fs/cgroup/pids/tasks; mkdir /sys/fs/cgroup/memory/x");
  if (linux::cgroup_facts().version == linux::CgroupVersion::kV2) GTEST_SKIP() << "v2";
  EXPECT_NE(result.output.find("memory\n"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("\n1\n"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("Read-only file system"), std::string::npos) << result.output;
}

TEST_F(MountTest, AnOverlayByDescriptor) {
  make_directories(bundle() + "/upper");
  make_directories(bundle() + "/work");
  make_directories(bundle() + "/lower:two");
  write_all(open_file(bundle() + "/lower:two/second", O_WRONLY | O_CREAT, 0644).get(), "2");
  linux::OverlayOptions overlay;
  overlay.lower = {rootfs(), bundle() + "/lower:two"};
  overlay.upper = bundle() + "/upper";
  overlay.work = bundle() + "/work";
  overlay.is_volatile = true;
  auto rootfs_mount = linux::mount_overlay(overlay);
  config_.root.reset();
  config_.process->args = {"sh", "-c", "cat /second; touch /written"};
  Handles handles;
  handles.rootfs = rootfs_mount.get();
  auto result = run(handles);
  EXPECT_EQ(result.output, "2");
  EXPECT_TRUE(exists(bundle() + "/upper/written"));
  EXPECT_FALSE(exists(rootfs() + "/written"));
}

TEST_F(MountTest, OverlayNamesWhatIsWrong) {
  linux::OverlayOptions overlay;
  overlay.lower = {"/hull-no-such", "/hull-neither"};
  EXPECT_THROW(linux::mount_overlay(overlay), Error);
}

}  // namespace
}  // namespace hull::runtime
