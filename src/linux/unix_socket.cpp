// SPDX-License-Identifier: Apache-2.0
#include "linux/unix_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>

#include "base/file.h"
#include "linux/unix_address.h"

namespace hull::linux {

namespace {

constexpr std::size_t kMaxDescriptors = 250;  // SCM_MAX_FD is 253

UniqueFd make_socket() { return UniqueFd(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")); }

// A control buffer that is aligned as cmsg(3) wants it.
union Control {
  cmsghdr align;
  char bytes[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
};

void take_descriptors(msghdr& message, std::vector<UniqueFd>& descriptors) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
}

}  // namespace

std::pair<UniqueFd, UniqueFd> make_socket_pair() {
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd listen_unix(const std::string& directory, const std::string& name) {
  UniqueFd at = open_file(directory, O_PATH | O_DIRECTORY);
  UniqueFd socket = make_socket();
  ::unlinkat(at.get(), name.c_str(), 0);
  check(::fchmod(socket.get(), 0600), "fchmod", name);  // before bind: the file is made with this mode
  check(UnixAddress(at.get(), name).bind(socket.get()), "bind", name);
  check(::listen(socket.get(), 128), "listen", name);
  return socket;
}

std::optional<UniqueFd> connect_unix(const std::string& directory, const std::string& name) {
  auto at = open_if_exists(directory, O_PATH | O_DIRECTORY);
  if (!at) return std::nullopt;
  UniqueFd socket = make_socket();
  if (UnixAddress(at->get(), name).connect(socket.get()) == 0) return socket;
  if (errno == ENOENT || errno == ECONNREFUSED) return std::nullopt;
  throw_errno("connect", cat(directory, "/", name));
}

std::optional<UniqueFd> accept_unix(int listener) {
  pollfd entry{.fd = listener, .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, 0) <= 0) return std::nullopt;
  int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return std::nullopt;
  return UniqueFd(fd);
}

Peer peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  check(::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size), "SO_PEERCRED");
  return {credentials.pid, credentials.uid};
}

void send_with_descriptors(int socket, std::string_view data, std::span<const int> descriptors) {
  if (descriptors.size() > kMaxDescriptors) throw_errno("send descriptors", {}, ETOOMANYREFS);
  Control control{};
  iovec part{const_cast<char*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  while (part.iov_len > 0) {
    ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    check(sent, "sendmsg");
    part.iov_base = static_cast<char*>(part.iov_base) + sent;
    part.iov_len -= static_cast<std::size_t>(sent);
    message.msg_control = nullptr;  // went with the first byte
    message.msg_controllen = 0;
  }
}

std::optional<std::size_t> receive_with_descriptors(int socket, std::span<char> into,
                                                    std::vector<UniqueFd>& descriptors, bool wait) {
  Control control;
  iovec part{into.data(), into.size()};
  for (;;) {
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return std::nullopt;
    if (got < 0 && errno == ECONNRESET) return 0;
    check(got, "recvmsg");
    take_descriptors(message, descriptors);
    return static_cast<std::size_t>(got);
  }
}

}  // namespace hull::linux
