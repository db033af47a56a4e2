// SPDX-License-Identifier: Apache-2.0
#include "linux/handshake.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "linux/unix_address.h"

namespace hull::linux {

namespace {

constexpr std::size_t kLargest = 16 << 10;

void send_message(int socket, const iovec* parts, std::size_t count, int descriptor) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = count;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) throw_errno("sendmsg", "handshake");
}

UniqueFd unix_socket(int type) { return UniqueFd(check(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket")); }

}  // namespace

Handshake::Ends Handshake::make() {
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
  return {Handshake(UniqueFd(ends[0])), Handshake(UniqueFd(ends[1]))};
}

void Handshake::send(char kind, std::string_view body, int descriptor) const {
  body = body.substr(0, kLargest - 1);
  iovec parts[2] = {{&kind, 1}, {const_cast<char*>(body.data()), body.size()}};
  send_message(socket_.get(), parts, 2, descriptor);
}

std::optional<Handshake::Message> Handshake::receive() const {
  std::string buffer(kLargest, '\0');
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  do {
    size = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == ECONNRESET) return std::nullopt;
  check(size, "recvmsg", "handshake");
  if (size == 0) return std::nullopt;
  Message result{buffer[0], buffer.substr(1, static_cast<std::size_t>(size) - 1), {}};
  if (cmsghdr* header = CMSG_FIRSTHDR(&message); header && header->cmsg_type == SCM_RIGHTS) {
    int descriptor;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    result.descriptor.reset(descriptor);
  }
  return result;
}

bool Handshake::ask_plainly(char kind, std::string_view body) const {
  std::string message = cat(kind, body);
  check(::write(socket_.get(), message.data(), message.size()), "write", "handshake");
  char answer;
  ssize_t size;
  do size = ::read(socket_.get(), &answer, 1);
  while (size < 0 && errno == EINTR);
  return size > 0;
}

bool Handshake::peer_gone() const {
  char byte;
  return ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

UniqueFd listen_for_handshake(int directory, const std::string& name) {
  UniqueFd socket = unix_socket(SOCK_SEQPACKET);
  check(UnixAddress(directory, name).bind(socket.get()), "bind", name);
  check(::listen(socket.get(), 1), "listen", name);
  return socket;
}

Handshake accept_handshake(int listener) {
  int fd;
  do {
    fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return Handshake(UniqueFd(check(fd, "accept4")));
}

Handshake connect_handshake(int directory, const std::string& name) {
  UniqueFd socket = unix_socket(SOCK_SEQPACKET);
  check(UnixAddress(directory, name).connect(socket.get()), "connect", name);
  return Handshake(std::move(socket));
}

void send_descriptor(const std::string& socket_path, std::string_view text, int descriptor) {
  UniqueFd socket = unix_socket(SOCK_STREAM);
  check(UnixAddress(socket_path).connect(socket.get()), "connect", socket_path);
  iovec part{const_cast<char*>(text.data()), text.size()};
  send_message(socket.get(), &part, 1, descriptor);
}

}  // namespace hull::linux
