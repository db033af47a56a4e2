// SPDX-License-Identifier: Apache-2.0
#include "container_fixture.h"

namespace hull::runtime {
namespace {

class ExecTest : public ContainerTest {
 protected:
  void begin() {
    config_.process->args = {"sleep", "100"};
    init_ = start(config_, {}, options());
  }
  void TearDown() override {
    if (init_) {
      init_->cgroup().kill_all();
      EXPECT_EQ(reap(*init_), 137);
    }
    ContainerTest::TearDown();
  }

  Result exec_shell(const std::string& script) {
    oci::Process process = *config_.process;
    process.args = {"sh", "-c", script};
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd in = open_file("/dev/null", O_RDONLY), read_end(ends[0]), write_end(ends[1]);
    ExecOptions how;
    how.cgroup_path = config_.linux.cgroups_path;
    how.in = in.get();
    how.out = how.err = write_end.get();
    Execed execed = exec(init_->pidfd(), process, how);
    write_end.reset();
    Result result;
    result.output = read_all(read_end.get());
    int status = 0;
    EXPECT_EQ(::waitpid(execed.pid, &status, 0), execed.pid) << "it is our child";
    result.code = exit_code(status);
    return result;
  }

  std::unique_ptr<Init> init_;
};

TEST_F(ExecTest, JoinsEveryNamespaceAndTheCgroup) {
  config_.linux.namespaces.push_back({"cgroup", {}});
  config_.linux.namespaces.push_back({"time", {}});
  begin();
  auto result = exec_shell(
      "for n in mnt pid ipc uts net cgroup time; do test $(readlink /proc/self/ns/$n) = $(readlink /proc/1/ns/$n) || "
      "echo $n; "
      "done; cat /proc/1/comm; exit 5");
  EXPECT_EQ(result.output, "sleep\n");
  EXPECT_EQ(result.code, 5);
  EXPECT_NE(exec_shell("cat /proc/self/cgroup").output.find(":/\n"), std::string::npos);
}

TEST_F(ExecTest, JoinsAUserNamespace) {
  config_.linux.namespaces.push_back({"user", {}});
  config_.linux.uid_mappings = config_.linux.gid_mappings = {{0, 100000, 65536}};
  begin();
  EXPECT_EQ(exec_shell("test $(readlink /proc/self/ns/user) = $(readlink /proc/1/ns/user) && id -u").output, "0\n");
}

TEST_F(ExecTest, TakesOnTheProcess) {
  begin();
  config_.process->user = {1000, 1000, {}, {7}};
  config_.process->cwd = "/tmp";
  config_.process->no_new_privileges = true;
  EXPECT_EQ(exec_shell("id -u; id -G; pwd; grep -c 'NoNewPrivs:.1' /proc/self/status; echo $HOME").output,
            "1000\n1000 7\n/tmp\n1\n/home/user\n");
}

TEST_F(ExecTest, Terminal) {
  begin();
  oci::Process process = *config_.process;
  process.terminal = true;
  process.args = {"sh", "-c", "tty"};
  Execed execed = exec(init_->pidfd(), process, {});
  ASSERT_TRUE(execed.console.valid());
  std::string output(100, '\0');
  ssize_t got = ::read(execed.console.get(), output.data(), output.size());
  EXPECT_EQ(output.substr(0, static_cast<std::size_t>(got)), "/dev/pts/0\r\n");
  ::waitpid(execed.pid, nullptr, 0);
}

TEST_F(ExecTest, Failures) {
  begin();
  oci::Process process = *config_.process;
  const std::pair<const char*, const char*> cases[] = {
      {"nothing",
       "OCI runtime exec failed: exec failed: unable to start container process: exec: \"nothing\": executable file "
       "not found in $PATH"},
      {"/etc", "is a directory"},
      {"/etc/passwd", "permission denied"},
      {"/x", "no such file or directory"},
  };
  for (auto [name, words] : cases) {
    process.args = {name};
    try {
      exec(init_->pidfd(), process, {});
      ADD_FAILURE() << "executed " << name;
    } catch (const StartError& e) {
      EXPECT_NE(e.message().find(words), std::string::npos) << e.message();
      EXPECT_EQ(e.failure().step, Step::kExec);
    }
  }
  process.args = {"true"};
  process.cwd = "/etc/passwd";
  EXPECT_THROW(exec(init_->pidfd(), process, {}), StartError);
}

TEST_F(ExecTest, AContainerThatIsGone) {
  begin();
  init_->cgroup().kill_all();
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(init_->pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_THROW(exec(init_->pidfd(), *config_.process, {}), StartError);
}

}  // namespace
}  // namespace hull::runtime
