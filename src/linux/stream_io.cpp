// SPDX-License-Identifier: Apache-2.0
#include "linux/stream_io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace hull::linux {

namespace {

IoResult result_of(ssize_t moved, bool reading) {
  if (moved > 0) return {IoStatus::kDone, static_cast<std::size_t>(moved), 0};
  if (moved == 0) return {reading ? IoStatus::kEnd : IoStatus::kWouldBlock, 0, 0};
  switch (errno) {
    case EAGAIN: return {IoStatus::kWouldBlock, 0, 0};
    case EPIPE:
    case ECONNRESET: return {IoStatus::kEnd, 0, errno};
    case EIO: return {reading ? IoStatus::kEnd : IoStatus::kFailed, 0, errno};
    default: return {IoStatus::kFailed, 0, errno};
  }
}

template <class Call>
ssize_t restarted(Call call) {
  ssize_t result;
  do result = call();
  while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

IoResult try_read(int fd, std::span<char> into) {
  return result_of(restarted([&] { return ::read(fd, into.data(), into.size()); }), true);
}

IoResult try_write(int fd, std::string_view data) {
  return result_of(restarted([&] { return ::write(fd, data.data(), data.size()); }), false);
}

IoResult try_receive(int socket, std::span<char> into) {
  return result_of(restarted([&] { return ::recv(socket, into.data(), into.size(), MSG_DONTWAIT); }), true);
}

IoResult try_send(int socket, std::string_view first, std::string_view second) {
  iovec parts[2] = {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = second.empty() ? 1 : 2;
  return result_of(restarted([&] { return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL); }), false);
}

void set_nonblocking(int fd) {
  int flags = check(::fcntl(fd, F_GETFL), "fcntl");
  check(::fcntl(fd, F_SETFL, flags | O_NONBLOCK), "fcntl O_NONBLOCK");
}

Pipe make_pipe() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::size_t pipe_capacity(int fd) {
  int size = ::fcntl(fd, F_GETPIPE_SZ);
  return size > 0 ? static_cast<std::size_t>(size) : 65536;
}

bool readable_within(int fd, int timeout_ms) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return restarted([&] { return ::poll(&entry, 1, timeout_ms); }) > 0;
}

bool sent_is_read_within(int socket, int timeout_ms) {
  constexpr int kPausesPerMillisecond = 10;
  for (int pause = 0; pause < timeout_ms * kPausesPerMillisecond; ++pause) {
    int unread = 0;
    if (::ioctl(socket, TIOCOUTQ, &unread) < 0 || unread == 0) return true;
    ::usleep(1000 / kPausesPerMillisecond);
  }
  return false;
}

void shut_down_writing(int socket) noexcept { ::shutdown(socket, SHUT_WR); }

}  // namespace hull::linux
