// SPDX-License-Identifier: Apache-2.0
#include "linux/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>

#include "base/clock.h"
#include "base/error.h"
#include "linux/unix_address.h"
#include "linux/unix_socket.h"

namespace hull::linux {

namespace {

// One datagram to $NOTIFY_SOCKET, and a descriptor with it unless it is -1. A manager that went away is no reason to
// fail.
bool send(const std::string& message, int descriptor = -1) noexcept {
  const char* socket_path = ::getenv("NOTIFY_SOCKET");
  if (!socket_path || !*socket_path) return false;
  try {
    UniqueFd socket(check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
    if (UnixAddress(socket_path).connect(socket.get()) < 0) return false;
    send_with_descriptors(socket.get(), message, std::span(&descriptor, descriptor >= 0 ? 1 : 0));
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

void notify_manager(const std::string& message) noexcept { send(message); }

void await_manager() noexcept {
  constexpr int kPatienceMilliseconds = 5000;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return;
  UniqueFd ours(ends[0]), theirs(ends[1]);
  if (!send("BARRIER=1", theirs.get())) return;
  theirs.reset();
  pollfd closed{ours.get(), 0, 0};  // POLLHUP
  ::poll(&closed, 1, kPatienceMilliseconds);
}

std::string reloading_message() { return cat("RELOADING=1\nMONOTONIC_USEC=", monotonic_nanoseconds() / 1000); }

}  // namespace hull::linux
