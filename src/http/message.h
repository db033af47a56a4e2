// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

// What a handler sees of HTTP. The implementation (http_connection.cpp) is the only one that knows the parser.
namespace hull::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

class Request {
 public:
  virtual ~Request() = default;

  std::string method;
  std::string path;   // decoded, without the query
  std::string query;  // as it was sent
  Headers headers;
  bool has_body = false;
  bool chunked_body = false;
  std::size_t content_length = 0;  // of a body that is not chunked

  std::string_view header(std::string_view name) const;  // "" when it is missing; names without regard to case
  bool wants_upgrade() const;                            // an Upgrade header

  // The next bytes of the body; 0 at its end. Answers "Expect: 100-continue" first. Throws Error{kCancelled} when the
  // client went away, Error{kInvalidArgument} for a body that breaks HTTP's rules.
  virtual std::size_t read(char* buffer, std::size_t size) = 0;
  // Descriptors that a client of this machine sends beside a body of one byte, which it holds back until it is asked
  // ("Expect: 100-continue"; the interim answer has the header "X-Hull-Descriptors"). Error{kInvalidArgument} when
  // there are not `count` of them: the connection is not a local socket.
  virtual std::vector<UniqueFd> receive_descriptors(std::size_t count) = 0;
  // The whole body. Error{kInvalidArgument} when it is longer than `limit`.
  std::string read_all(std::size_t limit);

  // Requested when the client hangs up or the server stops. The first call starts to watch the connection: for
  // requests that wait for something.
  virtual std::stop_token hung_up() = 0;

  // Who is at the other end: "127.0.0.1:4711", "[::1]:4711", "" for a unix socket.
  virtual std::string peer() const = 0;
};

// A part of an answer: text, or (with `file`) `size` bytes of a regular file that stays open until the answer is sent.
struct Piece {
  std::string text;
  int file = -1;
  std::uint64_t offset = 0, size = 0;

  std::uint64_t length() const { return file < 0 ? text.size() : size; }
};

// The connection itself, after HTTP: for streams in both directions.
struct Hijacked {
  UniqueFd socket;
  std::string early_input;  // what was read beyond the request
  int interrupt = -1;       // becomes readable when the server stops
};

// One answer: either send(), or begin() and write()s, or hijack(). All of them throw Error{kCancelled} when the client
// went away, or has taken no byte for an hour: somebody who reads a page of a long log is not to be cut off.
class Response {
 public:
  virtual ~Response() = default;

  Headers headers;  // besides the daemon's own and Content-Type

  virtual void send(int status, std::string_view content_type, std::string_view body) = 0;
  // The same for a body in pieces. Bytes of files go from the page cache to the socket (sendfile(2)). A file that is
  // shorter than its piece says breaks the connection: the length has been promised.
  virtual void send_pieces(int status, std::string_view content_type, std::span<const Piece> pieces) = 0;
  // The same for a body of `length` bytes that is still coming: `next` gives one piece after the other, and may wait.
  virtual void send_stream(int status, std::string_view content_type, std::uint64_t length,
                           const std::function<Piece()>& next) = 0;
  // The head goes out at once; the body follows in pieces of unknown number.
  virtual void begin(int status, std::string_view content_type) = 0;
  virtual void write(std::string_view piece) = 0;
  // Answers "101 UPGRADED" to a request that asked for it, else "200 OK", and gives the connection away.
  virtual Hijacked hijack(std::string_view content_type) = 0;
  virtual bool started() const = 0;  // a head has been sent: no other status is possible any more

  // What went out: for logs.
  int sent_status = 0;           // 0: nothing yet
  std::uint64_t sent_bytes = 0;  // of the body
};

using Handler = std::function<void(Request&, Response&)>;

// The body (JSON) of an answer to what is not HTTP, or cannot be served: no handler sees it.
using RefusalBody = std::string (*)(int status, std::string_view message);
std::string docker_refusal(int status, std::string_view message);  // {"message":"…"}

// "%2F" and the like. Error{kInvalidArgument} for an escape that is none. `plus_is_blank` as in queries.
std::string percent_decoded(std::string_view text, bool plus_is_blank);

}  // namespace hull::http
