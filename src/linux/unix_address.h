// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace hull::linux {

// The name of a unix(7) socket.
class UnixAddress {
 public:
  // A leading "@" is the abstract name space. Throws Error{kInvalidArgument} for more than 107 bytes.
  explicit UnixAddress(const std::string& path);
  // `name` in the directory behind the descriptor, however deep that is; it has to stay open.
  UnixAddress(int directory, const std::string& name);

  // bind(2) and connect(2): 0, or -1 with errno.
  int bind(int socket) const { return ::bind(socket, raw(), size_); }
  int connect(int socket) const { return ::connect(socket, raw(), size_); }

 private:
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&address_); }

  sockaddr_un address_{};
  socklen_t size_ = 0;
};

}  // namespace hull::linux
