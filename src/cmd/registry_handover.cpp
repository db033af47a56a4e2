// SPDX-License-Identifier: Apache-2.0
#include "registry_handover.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "linux/server_socket.h"
#include "linux/spawn.h"
#include "linux/stream_io.h"

namespace hull::registry_verbs {

namespace {

constexpr const char* kListeners = "HULL_REGISTRY_LISTENERS";  // descriptors, separated by commas
constexpr const char* kReady = "HULL_REGISTRY_READY";          // a descriptor to write a byte to
constexpr int kPatience = 30'000;                              // milliseconds

std::string take_variable(const char* name) {
  const char* value = ::getenv(name);
  std::string text = value ? value : "";
  ::unsetenv(name);
  return text;
}

// The file that we were started from has another content after an upgrade; its name is the same.
std::string own_path() {
  constexpr std::string_view kDeleted = " (deleted)";
  char self[4096];
  auto size = check(::readlink("/proc/self/exe", self, sizeof self), "readlink", "/proc/self/exe");
  std::string_view path(self, static_cast<std::size_t>(size));
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return std::string(path);
}

std::vector<std::string> own_command() {
  std::vector<std::string> command;
  std::string line = read_file("/proc/self/cmdline");
  for (std::string_view word : split(line, '\0')) command.emplace_back(word);
  command.pop_back();  // behind the last zero
  command.at(0) = own_path();
  return command;
}

}  // namespace

std::vector<UniqueFd> inherited_listeners() {
  std::vector<UniqueFd> sockets;
  std::string text = take_variable(kListeners);
  if (text.empty()) return sockets;
  for (std::string_view word : split(text, ',')) {
    auto number = parse_number<int>(word);
    if (!number || !linux::is_listener(*number))
      fail_invalid(std::string_view(kListeners), " names ", quoted(word), ", which is no listening socket");
    UniqueFd passed(*number);
    sockets.push_back(passed.duplicate());  // close-on-exec again
  }
  return sockets;
}

void report_ready() {
  auto number = parse_number<int>(take_variable(kReady));
  if (!number) return;
  UniqueFd ready(*number);
  if (::write(ready.get(), "1", 1) < 0) log::debug("the predecessor has gone already");
}

void start_successor(const std::vector<http::Listener>& listeners) {
  linux::Pipe ready = linux::make_pipe();
  std::vector<int> descriptors{ready.write.get()};
  std::string numbers;
  for (const http::Listener& listener : listeners) {
    descriptors.push_back(listener.socket.get());
    numbers += cat(numbers.empty() ? "" : ",", listener.socket.get());
  }
  pid_t pid = linux::spawn_passing(
      own_command(),
      {cat(std::string_view(kListeners), "=", numbers), cat(std::string_view(kReady), "=", ready.write.get())},
      descriptors);
  ready.write.reset();
  char byte = 0;
  if (linux::readable_within(ready.read.get(), kPatience) && ::read(ready.read.get(), &byte, 1) == 1) return;
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
  fail(Kind::kUnavailable, "the new process does not serve; this one goes on");
}

}  // namespace hull::registry_verbs
