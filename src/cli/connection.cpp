// SPDX-License-Identifier: Apache-2.0
#include "cli/connection.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace hull::cli {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;

// What somebody can do who may not use the socket.
std::string advice_about(const std::string& path) {
  struct stat info {};
  const group* owner = ::stat(path.c_str(), &info) == 0 ? ::getgrgid(info.st_gid) : nullptr;
  if (!owner || !(info.st_mode & S_IWGRP)) return "\nOnly root may use it: try again with sudo.";
  return cat("\nThe members of the group ", owner->gr_name, " may use it: usermod -aG ", owner->gr_name,
             " USER, and log in again.");
}

UniqueFd connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    fail_invalid("unable to parse docker host: the path ", quoted(path), " is longer than a socket's name may be");
  std::memcpy(address.sun_path, path.c_str(), path.size());
  UniqueFd fd(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  if (errno == EACCES || errno == EPERM)
    fail(Kind::kUnavailable, "permission denied while trying to connect to the Docker daemon socket at unix://", path,
         ": ", errno_text(errno), advice_about(path));
  return {};
}

UniqueFd connect_tcp(const std::string& address_and_port) {
  auto colon = address_and_port.rfind(':');
  auto host = address_and_port.substr(0, colon);
  auto port = colon == std::string::npos
                  ? std::optional<std::uint16_t>(2375)
                  : parse_number<std::uint16_t>(std::string_view(address_and_port).substr(colon + 1));
  if (host == "localhost" || host.empty()) host = "127.0.0.1";
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (!port || ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    fail_invalid("unable to parse docker host `tcp://", address_and_port, "`: a numeric IPv4 address is needed");
  address.sin_port = htons(*port);
  UniqueFd fd(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

}  // namespace

UniqueFd connect_to(const std::string& host) {
  if (host.starts_with("unix://")) return connect_unix(host.substr(7));
  if (host.starts_with('/')) return connect_unix(host);
  if (host.starts_with("tcp://")) return connect_tcp(host.substr(6));
  fail_invalid("unable to parse docker host `", host, "`");
}

bool is_plain_address(const std::string& host) {
  std::string address = host.substr(6);
  address.resize(std::min(address.size(), address.find_first_of(":/")));
  in_addr parsed;
  return address.empty() || address == "localhost" || ::inet_pton(AF_INET, address.c_str(), &parsed) == 1;
}

std::string_view ResponseHead::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_name) return value;
  return {};
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    // What the engine said before it hung up is more telling than the broken pipe: let the reader find it.
    if (sent < 0 && errno == EPIPE) return;
    if (sent < 0) fail(Kind::kUnavailable, "the connection to the daemon broke: ", errno_text(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Connection::send_chunk(std::string_view bytes) {
  char size[24] = {};
  auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
  send(cat(std::string_view(size, static_cast<std::size_t>(end - size)), "\r\n", bytes, "\r\n"));
}

bool Connection::fill() {
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  }
  auto old = buffer_.size();
  buffer_.resize(old + kReadSize);
  ssize_t got;
  do got = ::recv(fd_.get(), buffer_.data() + old, kReadSize, 0);
  while (got < 0 && errno == EINTR);
  buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return got > 0;
}

std::string Connection::read_line() {
  for (std::size_t from = at_;;) {
    if (auto end = buffer_.find('\n', from); end != std::string::npos) {
      std::string line = buffer_.substr(at_, end - at_);
      at_ = end + 1;
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    from = buffer_.size() - (at_ == buffer_.size() ? buffer_.size() : 0);
    if (!fill()) fail(Kind::kUnavailable, "error during connect: the daemon closed the connection: EOF");
  }
}

ResponseHead Connection::read_any_head() {
  ResponseHead head;
  std::string line = read_line();
  if (!line.starts_with("HTTP/1.") || line.size() < 12)
    fail(Kind::kUnavailable, "error during connect: the answer is not HTTP: ", quoted(line.substr(0, 60)));
  head.status = parse_number<int>(std::string_view(line).substr(9, 3)).value_or(0);
  keep_alive_ = line[7] == '1';
  for (line = read_line(); !line.empty(); line = read_line()) {
    auto [name, value] = split_once(line, ':');
    head.headers.emplace_back(lower(name), trim(value.value_or("")));
  }
  bool interim = head.status >= 100 && head.status < 200 && head.status != 101;
  if (!interim) start_body(head);
  return head;
}

ResponseHead Connection::read_head() {
  ResponseHead head;
  do head = read_any_head();
  while (head.status >= 100 && head.status < 200 && head.status != 101);
  return head;
}

void Connection::start_body(const ResponseHead& head) {
  if (equals_ignoring_case(head.header("connection"), "close")) keep_alive_ = false;
  done_ = false;
  first_chunk_ = true;
  left_ = 0;
  if (head.status == 101) {
    body_ = Body::kUntilClose;
  } else if (head.status == 204 || head.status == 304) {
    body_ = Body::kNone;
    done_ = true;
  } else if (lower(head.header("transfer-encoding")).ends_with("chunked")) {
    body_ = Body::kChunked;
  } else if (auto length = parse_number<std::uint64_t>(head.header("content-length"))) {
    body_ = Body::kLength;
    left_ = *length;
    done_ = left_ == 0;
  } else {
    body_ = Body::kUntilClose;
  }
}

bool Connection::next_chunk() {
  if (!std::exchange(first_chunk_, false)) read_line();
  std::string line = read_line();
  auto size = parse_number<std::uint64_t>(trim(split_once(line, ';').first), 16);
  if (!size) fail(Kind::kUnavailable, "error during connect: a chunk without a size: ", quoted(line.substr(0, 60)));
  left_ = *size;
  if (left_ > 0) return true;
  while (!read_line().empty()) {
  }
  return false;
}

std::size_t Connection::read_some(char* out, std::size_t size) {
  if (done_) return 0;
  if (body_ == Body::kChunked && left_ == 0 && !next_chunk()) {
    done_ = true;
    return 0;
  }
  if (at_ == buffer_.size() && !fill()) {
    done_ = true;
    keep_alive_ = false;
    if (body_ == Body::kUntilClose) return 0;
    fail(Kind::kUnavailable, "unexpected EOF: the daemon closed the connection in the middle of its answer");
  }
  std::size_t count = std::min(size, buffer_.size() - at_);
  if (body_ != Body::kUntilClose) count = static_cast<std::size_t>(std::min<std::uint64_t>(count, left_));
  std::memcpy(out, buffer_.data() + at_, count);
  at_ += count;
  if (body_ != Body::kUntilClose) left_ -= count;
  if (body_ == Body::kLength && left_ == 0) done_ = true;
  return count;
}

bool Connection::has_body() const {
  if (done_) return true;
  std::string_view rest = std::string_view(buffer_).substr(at_);
  if (body_ != Body::kChunked || left_ > 0) return !rest.empty();
  // The size of the next chunk stands on a line of its own, behind the end of the last chunk.
  if (!first_chunk_) rest.remove_prefix(std::min<std::size_t>(2, rest.size()));
  return rest.find('\n') != rest.npos;
}

std::string Connection::read_body() {
  std::string body;
  char piece[16 * 1024];
  while (std::size_t got = read_some(piece, sizeof piece)) body.append(piece, got);
  return body;
}

bool Connection::alive() const {
  char byte;
  ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::string Connection::take_buffered() {
  std::string rest = buffer_.substr(at_);
  buffer_.clear();
  at_ = 0;
  return rest;
}

}  // namespace hull::cli
