// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "archive/source.h"
#include "base/error.h"

// HTTP as a client of registries needs it. libcurl is behind it, and is seen in http.cpp only.
namespace hull::registry {

using Headers = std::vector<std::pair<std::string, std::string>>;

// How to reach hosts, beside what is in the URL. "" : nothing of the kind.
struct Route {
  bool verify = true;                             // false: any certificate is as good as another
  std::string authorities;                        // certificates in PEM, beside those of the machine
  std::string client_certificate, client_key;     // files
  std::string http_proxy, https_proxy, no_proxy;  // as in the environment variables of these names
};

struct Request {
  std::string method = "GET", url;
  Headers headers;
  std::string authorization;  // of the header of that name; goes to the host in `url`, never where it redirects to
  std::string body;
  // Instead of `body`: a stream, of `upload_size` bytes or of unknown length (-1).
  archive::Source upload;
  std::int64_t upload_size = -1;
  // Is told the length of a successful answer's body (-1: nobody knows) before its first piece.
  std::function<void(std::int64_t size)> begin;
  // Takes the body of a successful answer piece by piece; without it, it is in Response::body.
  std::function<void(int status, std::string_view piece)> receive;
};

struct Response {
  int status = 0;
  std::string url;  // of the last redirect
  Headers headers;
  std::string body;

  std::string_view header(std::string_view name) const;  // "" when it is missing; names without regard to case
  bool ok() const { return status >= 200 && status < 300; }
};

// No answer, or one that was cut off. kind() is kUnavailable.
class TransportError : public Error {
 public:
  // kConnect: nobody is there (or the wrong name). kTls: somebody is, who does not speak TLS or has the wrong
  // certificate. kBroken: the connection went away in the middle.
  enum class Stage : unsigned char { kConnect, kTls, kBroken };
  TransportError(Stage stage, std::string message) : Error(Kind::kUnavailable, std::move(message)), stage_(stage) {}
  Stage stage() const { return stage_; }

 private:
  Stage stage_;
};

// One connection that is used again and again. Not thread-safe.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Follows redirects (of GET and HEAD). Throws TransportError, Error{kCancelled} when `stop` is requested, and what
  // `receive` and `upload` throw.
  Response perform(const Request& request, const Route& route, const std::stop_token& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "https://host:5000/a?b" to "https://host:5000". Also what a relative `location` means at `url`.
std::string origin_of(std::string_view url);
std::string resolved(std::string_view url, std::string_view location);

}  // namespace hull::registry
