// SPDX-License-Identifier: Apache-2.0
//
// hull-cycle: the life of a container by an OCI runtime's commands, and the time of each.
//
//   hull-cycle ITERATIONS BUNDLE PROGRAM [ARGUMENT…]
//
// One iteration is `PROGRAM ARGUMENT… create --bundle BUNDLE --pid-file … ID`, `start ID`, the end of the container's
// process, and `delete ID`. Prints the microseconds of create, start and delete, without what the container itself
// takes.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace {

[[noreturn]] void die(const std::string& what) {
  std::perror(what.c_str());
  std::_Exit(1);
}

long microseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

posix_spawn_file_actions_t no_input_or_output() {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  return actions;
}

// Runs a command to its end; gives its time.
long run(const std::vector<std::string>& words) {
  static posix_spawn_file_actions_t actions = no_input_or_output();
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  long begin = microseconds();
  pid_t pid = 0;
  if (posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) die(words[0]);
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || status != 0) die("a command failed");
  return microseconds() - begin;
}

pid_t pid_in(const std::string& file) {
  FILE* in = std::fopen(file.c_str(), "r");
  int pid = 0;
  if (!in || std::fscanf(in, "%d", &pid) != 1) die(file);
  std::fclose(in);
  return pid;
}

// Containers become our children when their makers are gone.
void wait_for_end(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  poll(&ended, 1, -1);
  close(pidfd);
  while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: hull-cycle ITERATIONS BUNDLE PROGRAM [ARGUMENT…]\n");
    return 2;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const std::vector<std::string> program(argv + 3, argv + argc);
  const std::string bundle = argv[2], pid_file = bundle + "/cycle.pid";
  auto command = [&](std::initializer_list<std::string> more) {
    auto words = program;
    words.insert(words.end(), more);
    return words;
  };
  for (int i = 0; i < std::atoi(argv[1]); ++i) {
    std::string id = "cycle-" + std::to_string(getpid()) + "-" + std::to_string(i);
    long create = run(command({"create", "--bundle", bundle, "--pid-file", pid_file, id}));
    int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_in(pid_file), 0));
    if (pidfd < 0) die("pidfd_open");
    long start = run(command({"start", id}));
    wait_for_end(pidfd);
    long remove = run(command({"delete", id}));
    std::printf("%ld %ld %ld\n", create, start, remove);
  }
}
