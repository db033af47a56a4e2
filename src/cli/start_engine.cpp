// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/client.h"

namespace hull::cli {
namespace {

constexpr std::int64_t kPatience = 10'000'000'000;  // ns

std::string last_lines(const std::string& log) {
  std::string text = read_if_exists(log).value_or("");
  std::string_view tail = trim(text);
  if (tail.size() > 600) tail.remove_prefix(tail.size() - 600);
  return tail.empty() ? std::string() : cat("; the end of ", log, ":\n", tail);
}

pid_t spawn(const std::string& program, const std::string& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A session of its own: the engine outlives the terminal and gets none of its signals.
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  char* arguments[] = {const_cast<char*>("hulld"), nullptr};
  pid_t pid = -1;
  int code = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (code) throw_errno("start", program, code);
  return pid;
}

}  // namespace

UniqueFd start_engine(const std::string& socket_path) {
  std::string program = program_beside("hulld");
  if (program.empty()) return {};
  std::string folder = socket_path.substr(0, socket_path.rfind('/'));
  std::string log = folder + "/hulld.log";
  make_directories(folder);
  // Of several commands that start at once, one starts the engine; the others find it when they get the lock.
  std::optional<FileLock> lock;
  const auto begin = monotonic_nanoseconds();
  pid_t pid = -1;
  for (;;) {
    if (UniqueFd fd = connect_to(socket_path)) return fd;
    if (pid < 0 && !lock && (lock = FileLock::try_acquire(folder + "/start.lock"))) {
      if (UniqueFd fd = connect_to(socket_path)) return fd;
      pid = spawn(program, log);
    }
    int status = 0;
    if (pid > 0 && ::waitpid(pid, &status, WNOHANG) == pid)
      fail(Kind::kUnavailable, "hulld ended as soon as it was started", last_lines(log));
    if (monotonic_nanoseconds() - begin > kPatience)
      fail(Kind::kUnavailable, "hulld did not listen on ", socket_path, " within ten seconds", last_lines(log));
    timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace hull::cli
