// SPDX-License-Identifier: Apache-2.0
#include "container_fixture.h"

namespace hull::runtime {
namespace {

using FailureTest = ContainerTest;

struct ExecCase {
  std::vector<std::string> args;
  const char* words;
};

TEST_F(FailureTest, ProgramsThatCannotBeExecuted) {
  write_all(open_file(rootfs() + "/plain", O_WRONLY | O_CREAT, 0644).get(), "x");
  write_all(open_file(rootfs() + "/nonsense", O_WRONLY | O_CREAT, 0755).get(), "\x01\x02\x03\x04");
  write_all(open_file(rootfs() + "/lost", O_WRONLY | O_CREAT, 0755).get(), "#!/no/such/interpreter\n");
  const ExecCase cases[] = {
      {{"nothing-like-it"}, "exec: \"nothing-like-it\": executable file not found in $PATH"},
      {{""}, "executable file not found in $PATH"},
      {{"/x"}, "exec: \"/x\": stat /x: no such file or directory"},
      {{"/etc"}, "exec: \"/etc\": is a directory"},
      {{"/plain"}, "exec: \"/plain\": permission denied"},
      {{"/nonsense"}, "exec /nonsense: exec format error"},
      {{"/lost"}, "exec /lost: no such file or directory"},
  };
  for (const auto& item : cases) {
    config_.process->args = item.args;
    auto failure = failure_of();
    EXPECT_EQ(failure.step, Step::kExec);
    EXPECT_TRUE(failure.message.starts_with("OCI runtime create failed: ")) << failure.message;
    EXPECT_NE(failure.message.find(item.words), std::string::npos) << failure.message;
  }
}

TEST_F(FailureTest, AWorkingDirectoryThatIsAFile) {
  config_.process->cwd = "/etc/passwd";
  auto failure = failure_of();
  EXPECT_EQ(failure.step, Step::kWorkingDirectory);
  EXPECT_EQ(failure.code, ENOTDIR);
  EXPECT_NE(failure.message.find("/etc/passwd: not a directory"), std::string::npos) << failure.message;
}

TEST_F(FailureTest, AnUlimitThatCannotBeRaised) {
  config_.process->rlimits = {{"RLIMIT_NOFILE", 1, 1ull << 40}};
  auto failure = failure_of();
  EXPECT_EQ(failure.step, Step::kRlimit);
  EXPECT_NE(failure.message.find("ulimit nofile=1:1099511627776"), std::string::npos) << failure.message;
}

TEST_F(FailureTest, ASysctlOfTheHost) {
  config_.linux.sysctl = {{"vm.swappiness", "1"}};
  EXPECT_NE(failure_of().message.find("sysctl \"vm.swappiness\" is not in a separate kernel namespace"),
            std::string::npos);
}

TEST_F(FailureTest, ASysctlThatTheKernelRefuses) {
  config_.linux.sysctl = {{"net.ipv4.ip_forward", "x"}};
  auto failure = failure_of();
  EXPECT_EQ(failure.step, Step::kSysctl);
  EXPECT_EQ(failure.object, "net.ipv4.ip_forward");
}

TEST_F(FailureTest, AHookThatFails) {
  config_.hooks.emplace().create_runtime = {{"/bin/sh", {"sh", "-c", "echo broken >&2; exit 3"}, {}, {}}};
  auto failure = failure_of();
  EXPECT_EQ(failure.step, Step::kHook);
  EXPECT_NE(failure.message.find("exit status 3: broken"), std::string::npos) << failure.message;
}

TEST_F(FailureTest, AHookThatTakesTooLong) {
  config_.hooks.emplace().create_container = {{"/bin/sleep", {"sleep", "100"}, {}, 1}};
  EXPECT_NE(failure_of().message.find("not done after 1 s"), std::string::npos);
}

TEST_F(FailureTest, AHeldProcessFailsWhenItIsReleased) {
  auto held = options();
  held.hold_before_exec = true;
  config_.process->args = {"/later"};
  write_all(open_file(rootfs() + "/later", O_WRONLY | O_CREAT, 0755).get(), "\x01");
  auto init = start(config_, {}, held);
  EXPECT_THROW(init->release(), StartError);
  reap(*init);
}

TEST_F(FailureTest, ConfigurationsThatMakeNoSense) {
  auto sound = config_;
  config_.process->args.clear();
  EXPECT_NE(failure_of().message.find("process.args"), std::string::npos);
  config_ = sound;
  config_.process->cwd = "relative";
  EXPECT_NE(failure_of().message.find("process.cwd"), std::string::npos);
  config_ = sound;
  config_.linux.namespaces.push_back({"pid", {}});
  EXPECT_NE(failure_of().message.find("given twice"), std::string::npos);
  config_ = sound;
  config_.linux.namespaces.push_back({"moon", {}});
  EXPECT_NE(failure_of().message.find("unknown namespace type \"moon\""), std::string::npos);
  config_ = sound;
}

}  // namespace
}  // namespace hull::runtime
