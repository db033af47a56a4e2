// SPDX-License-Identifier: Apache-2.0
#include "linux/spawn.h"

#include <fcntl.h>
#include <spawn.h>

#include <csignal>

#include "base/fault.h"
#include "linux/pidfd.h"

namespace hull::linux {

namespace {

struct Actions {
  Actions() { ::posix_spawn_file_actions_init(&value); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&value); }
  Actions(const Actions&) = delete;
  posix_spawn_file_actions_t value;
};

struct Attributes {
  Attributes() {
    ::posix_spawnattr_init(&value);
    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&value, &all);
    ::posix_spawnattr_setsigmask(&value, &none);
    ::posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  posix_spawnattr_t value;
};

}  // namespace

Spawned spawn_with_socket(const std::string& program, int socket, const std::string& shown) {
  Actions actions;
  // Open files first: a duplicate onto 3 could hit a descriptor that is needed later, an open cannot.
  ::posix_spawn_file_actions_addopen(&actions.value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions.value, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions.value, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions.value, socket, 3);
  Attributes attributes;
  std::string name = shown.empty() ? program : shown;
  char* const arguments[] = {name.data(), nullptr};
  char* const environment[] = {const_cast<char*>(fault::environment_entry()), nullptr};
  Spawned child;
  int code = ::posix_spawn(&child.pid, program.c_str(), &actions.value, &attributes.value, arguments, environment);
  if (code != 0) throw_errno("spawn", program, code);
  auto pidfd = open_pidfd(child.pid);  // it is our unreaped child: it cannot be gone
  if (!pidfd) throw_errno("pidfd_open", program, ESRCH);
  child.pidfd = std::move(*pidfd);
  return child;
}

namespace {
std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  return pointers;
}

pid_t spawn_with(const std::vector<std::string>& command, const Actions& actions, std::vector<char*> environment = {}) {
  std::vector<char*> arguments = pointers_to(command);
  arguments.push_back(nullptr);
  environment.push_back(nullptr);
  Attributes attributes;
  pid_t pid = -1;
  int code = ::posix_spawn(&pid, arguments[0], &actions.value, &attributes.value, arguments.data(), environment.data());
  if (code != 0) throw_errno("spawn", command[0], code);
  return pid;
}

}  // namespace

pid_t spawn_filter(const std::string& program, const std::string& argument, int from, int to) {
  Actions actions;
  ::posix_spawn_file_actions_adddup2(&actions.value, from, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions.value, to, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions.value, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  return spawn_with({program, argument}, actions);
}

pid_t spawn_passing(const std::vector<std::string>& command, const std::vector<std::string>& variables,
                    const std::vector<int>& descriptors) {
  Actions actions;
  // A duplicate onto itself is open in the new program (posix_spawn_file_actions_adddup2 in POSIX.1-2024; glibc 2.29).
  for (int descriptor : descriptors) ::posix_spawn_file_actions_adddup2(&actions.value, descriptor, descriptor);
  std::vector<char*> environment = pointers_to(variables);
  for (char** variable = environ; *variable; ++variable) environment.push_back(*variable);
  return spawn_with(command, actions, std::move(environment));
}

pid_t spawn_command(const std::vector<std::string>& command, int socket) {
  Actions actions;
  ::posix_spawn_file_actions_addopen(&actions.value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions.value, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions.value, socket, 3);
  return spawn_with(command, actions);
}

}  // namespace hull::linux
