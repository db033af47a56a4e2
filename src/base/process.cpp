// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

namespace hull {

namespace {

struct Pipe {
  UniqueFd read, write;
  Pipe() {
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "pipe");
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  void duplicate(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void open(int fd, const char* path, int flags) { ::posix_spawn_file_actions_addopen(&actions_, fd, path, flags, 0); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// Reads both pipes side by side until both ends are closed, so that neither can fill up and block the child.
void collect(const Pipe& output, const Pipe& errors, ProcessOutput& result) {
  pollfd ends[2] = {{output.read.get(), POLLIN, 0}, {errors.read.get(), POLLIN, 0}};
  std::string* texts[2] = {&result.output, &result.errors};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends, 2, -1) < 0 && errno != EINTR) throw_errno("poll");
    for (int i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || !ends[i].revents) continue;
      char buffer[16384];
      ssize_t got = ::read(ends[i].fd, buffer, sizeof buffer);
      if (got > 0)
        texts[i]->append(buffer, static_cast<std::size_t>(got));
      else if (got == 0 || errno != EINTR)
        ends[i].fd = -1;
    }
  }
}

}  // namespace

ProcessOutput run_program(const std::vector<std::string>& arguments, std::string_view input) {
  Pipe output, errors;
  FileActions actions;
  UniqueFd given;
  if (input.empty()) {
    actions.open(0, "/dev/null", O_RDONLY);
  } else {
    // A file in memory: whatever the program reads, nobody waits for it.
    given.reset(check(::memfd_create("input", MFD_CLOEXEC), "memfd_create"));
    write_all(given.get(), input);
    check(::lseek(given.get(), 0, SEEK_SET), "lseek");
    actions.duplicate(given.get(), 0);
  }
  actions.duplicate(output.write.get(), 1);
  actions.duplicate(errors.write.get(), 2);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  if (int code = ::posix_spawnp(&pid, argv[0], actions.get(), nullptr, argv.data(), environ))
    throw_errno("run", arguments[0], code);
  output.write.reset();
  errors.write.reset();

  ProcessOutput result;
  collect(output, errors, result);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace hull
