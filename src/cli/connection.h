// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

// One connection to the engine, and the little of HTTP/1.1 (RFC 9112) that its API needs. Blocking.
namespace hull::cli {

struct ResponseHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string_view header(std::string_view lower_name) const;
};

class Connection {
 public:
  explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}

  // Throws Error{kUnavailable} when the engine hung up.
  void send(std::string_view bytes);
  // One piece of a chunked request body; the empty piece ends the body.
  void send_chunk(std::string_view bytes);
  // Reads the next head and gets ready to read its body. Throws Error{kUnavailable} when there is none.
  ResponseHead read_head();
  ResponseHead read_any_head();  // interim ones (100 Continue) too, which have no body
  // Up to `size` bytes of the body, without its chunk marks; 0 at its end.
  std::size_t read_some(char* out, std::size_t size);
  std::string read_body();  // all that is left of it
  // Whether read_some() has something, or the end, without waiting for the socket.
  bool has_body() const;
  // True when the body was read to its end, so that another request may follow.
  bool reusable() const { return done_ && keep_alive_; }
  // False when the engine closed an idle connection meanwhile.
  bool alive() const;

  // For hijacked connections: the socket, and what was read from it behind the head.
  int fd() const { return fd_.get(); }
  std::string take_buffered();
  bool has_buffered() const { return at_ < buffer_.size(); }

 private:
  enum class Body : unsigned char { kNone, kLength, kChunked, kUntilClose };
  bool fill();  // false at end of file
  std::string read_line();
  void start_body(const ResponseHead& head);
  bool next_chunk();

  UniqueFd fd_;
  std::string buffer_;
  std::size_t at_ = 0;
  Body body_ = Body::kNone;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  bool done_ = true, keep_alive_ = true, first_chunk_ = true;
};

// A connected stream socket to "unix:///path", "tcp://address:port" or a plain absolute path.
// Invalid when nobody listens there; throws Error{kInvalidArgument} when the host cannot be understood.
UniqueFd connect_to(const std::string& host);
// Whether connect_to() understands this tcp:// host: a name does not.
bool is_plain_address(const std::string& host);

}  // namespace hull::cli
