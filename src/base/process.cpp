// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

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
  void change_directory(const std::string& path) { ::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()); }
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

namespace {

// No signal blocked or ignored, as at the start of any program. `own_group`: it can be ended with all that it starts
// (and is not asked for a password at the terminal: only who may stop it wants that).
class Attributes {
 public:
  explicit Attributes(bool own_group) {
    ::posix_spawnattr_init(&attributes_);
    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (own_group ? POSIX_SPAWN_SETPGROUP : 0);
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  return out;
}

// The first of several entries with one name is the one that getenv(3) finds.
std::vector<char*> environment_with(const std::vector<std::string>& variables) {
  std::vector<char*> out = pointers(variables);
  for (char** one = environ; *one; ++one) {
    std::string_view name = std::string_view(*one).substr(0, std::string_view(*one).find('=') + 1);
    bool replaced = false;
    for (const std::string& variable : variables) replaced = replaced || variable.starts_with(name);
    if (!replaced) out.push_back(*one);
  }
  out.push_back(nullptr);
  return out;
}

}  // namespace

ProcessOutput run_program(const std::vector<std::string>& arguments, std::string_view input) {
  ProgramOptions options;
  options.input = input;
  return run_program(arguments, options);
}

ProcessOutput run_program(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  Pipe output, errors;
  FileActions actions;
  UniqueFd given;
  if (options.input.empty()) {
    actions.open(0, "/dev/null", O_RDONLY);
  } else {
    // A file in memory: whatever the program reads, nobody waits for it.
    given.reset(check(::memfd_create("input", MFD_CLOEXEC), "memfd_create"));
    write_all(given.get(), options.input);
    check(::lseek(given.get(), 0, SEEK_SET), "lseek");
    actions.duplicate(given.get(), 0);
  }
  actions.duplicate(output.write.get(), 1);
  actions.duplicate(errors.write.get(), 2);
  if (!options.directory.empty()) actions.change_directory(options.directory);
  std::vector<char*> argv = pointers(arguments), environment = environment_with(options.variables);
  argv.push_back(nullptr);
  Attributes attributes(options.stop.stop_possible());
  pid_t pid = -1;
  if (int code = ::posix_spawnp(&pid, argv[0], actions.get(), attributes.get(), argv.data(), environment.data()))
    throw_errno("run", arguments[0], code);
  output.write.reset();
  errors.write.reset();

  ProcessOutput result;
  int status = 0;
  {
    // It is not reaped before this ends: the number stays its.
    std::stop_callback end(options.stop, [pid] { ::kill(-pid, SIGKILL); });
    collect(output, errors, result);
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
  }
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (options.stop.stop_requested()) fail(Kind::kCancelled, arguments[0], " was stopped");
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace hull
