// SPDX-License-Identifier: Apache-2.0
#include "linux/notify.h"

#include <cstdlib>

#include "base/clock.h"
#include "base/error.h"
#include "linux/server_socket.h"

namespace hull::linux {

void notify_manager(const std::string& message) noexcept {
  const char* socket = ::getenv("NOTIFY_SOCKET");
  if (!socket || !*socket) return;
  try {
    send_datagram(socket, message);
  } catch (const Error&) {
    return;  // a manager that went away is no reason to fail
  }
}

std::string reloading_message() { return cat("RELOADING=1\nMONOTONIC_USEC=", monotonic_nanoseconds() / 1000); }

}  // namespace hull::linux
