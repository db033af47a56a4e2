// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/error.h"

namespace hull::fault {

namespace {

constexpr std::string_view kVariable = "HULL_FAULTS=";
constexpr std::pair<std::string_view, int> kErrors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"ENOMEM", ENOMEM},
                                                        {"EMFILE", EMFILE}, {"EPERM", EPERM},   {"EBUSY", EBUSY}};

const char* find_entry() {
  for (char** entry = ::environ; entry && *entry; ++entry)
    if (std::string_view(*entry).starts_with(kVariable)) return *entry;
  return nullptr;
}

// Opened once: the first process of a container still has it behind its pivot_root, and loses it with execve.
int directory() {
  static const int fd = ::open(find_entry() + kVariable.size(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  return fd;
}

void note_passed(std::string_view place) {
  int fd = ::openat(directory(), "passed", O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return;
  std::string line = cat(place, "\n");
  if (::write(fd, line.data(), line.size()) < 0) std::abort();  // a test that misses a place proves nothing
  ::close(fd);
}

// The order for `place`, for this process alone: whoever removes the file has it.
std::string take_order(const std::string& place) {
  int fd = ::openat(directory(), place.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return "";
  char text[64] = {};
  ssize_t size = ::read(fd, text, sizeof text - 1);
  std::string order(trim(std::string_view(text, size > 0 ? static_cast<std::size_t>(size) : 0)));
  bool mine = true;
  // "kill 3", "fail ENOSPC 3"
  auto words = split(order, ' ');
  std::size_t own_words = words[0] == "fail" ? 2 : 1;
  if (words.size() > own_words) {
    int count = parse_number<int>(words[own_words]).value_or(1);
    std::string rest = own_words == 2 ? cat(words[0], " ", words[1]) : std::string(words[0]);
    std::string next = cat(rest, " ", count - 1);
    mine = count <= 1;
    if (!mine && (::ftruncate(fd, 0) < 0 || ::pwrite(fd, next.data(), next.size(), 0) < 0)) std::abort();
    order = rest;
  }
  ::close(fd);
  if (mine) mine = ::unlinkat(directory(), place.c_str(), 0) == 0;
  return mine ? order : "";
}

int errno_of(std::string_view name) {
  for (auto [known, code] : kErrors)
    if (known == name) return code;
  return parse_number<int>(name).value_or(EIO);
}

}  // namespace

bool armed() {
  static const bool set = find_entry() != nullptr;
  return set;
}

const char* environment_entry() { return find_entry(); }

void reached(std::string_view place) {
  note_passed(place);
  std::string order = take_order(std::string(place));
  if (order.empty()) return;
  auto [what, which] = split_once(order, ' ');
  if (what == "kill") {
    ::kill(::getpid(), SIGKILL);
    __builtin_trap();  // process 1 of a PID namespace, which no signal of its own reaches
  }
  if (what == "stop") ::kill(::getpid(), SIGSTOP);
  if (what == "fail") throw_errno(place, "a test", errno_of(which.value_or("EIO")));
}

}  // namespace hull::fault
