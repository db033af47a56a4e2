// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "tls/context.h"

struct ssl_st;

namespace hull::tls {

// TLS on one side, a plain stream socket on the other, and a thread of the caller's that copies between them. Whoever
// holds the plain side need not know of TLS: HTTP, streams of containers and their half-closed states (a close_notify
// alert is the end of one direction, RFC 8446 section 6.1) are all the same as over a socket without it.
class Tunnel {
 public:
  // `remote` is a connected TCP socket.
  Tunnel(const Context& context, UniqueFd remote);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;

  // The handshake of either side. Blocks for at most `patience`. Throws Error{kUnauthorized} when a certificate is
  // refused, Error{kUnavailable} for everything else.
  void accept(std::chrono::milliseconds patience, int interrupt);
  void connect(const std::string& host, std::chrono::milliseconds patience);

  // Copies until both directions have ended, one side is gone, or `interrupt` (-1: none) becomes readable.
  void run(UniqueFd local, int interrupt);

 private:
  void handshake(int (*step)(ssl_st*), std::chrono::milliseconds patience, int interrupt);

  UniqueFd remote_;
  bool verifies_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> session_;
};

}  // namespace hull::tls
