// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/error.h"
#include "linux/server_socket.h"

// Apart from the rest of linux/server_socket.h, which resolves names: static programs accept, too.
namespace hull::linux {

std::optional<UniqueFd> accept_client(int listener) {
  UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!client) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM)
      return std::nullopt;
    throw_errno("accept");
  }
  int on = 1;
  ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // refused by unix sockets, which do not delay
  return client;
}

void set_backlog(int listener) { check(::listen(listener, SOMAXCONN), "listen"); }

}  // namespace hull::linux
