// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cli/connection.h"
#include "cli/endpoint.h"
#include "cli/value.h"

// The Engine API as the commands use it.
namespace hull::cli {

// Of the Engine API: the last one whose inspect has the addresses of the default bridge at the top of NetworkSettings
// ({{.NetworkSettings.IPAddress}} in a thousand scripts). Engines speak older ones with us, too.
inline constexpr std::string_view kClientApiVersion = "1.51";

// The engine refused. what() is "Error response from daemon: …"; `status` is HTTP's, `reason` its own words.
class Refused : public Error {
 public:
  Refused(int status, std::string reason);
  int status() const { return status_; }
  const std::string& reason() const { return reason_; }

 private:
  int status_;
  std::string reason_;
};

// The parameters of a request's URL, percent-encoded as they are added.
class Query {
 public:
  Query& add(std::string_view name, std::string_view value);
  // {"label":{"a=b":true}} of "label=a=b" texts, as the filters parameter wants it. Throws for a text without "=".
  Query& add_filters(const std::vector<std::string>& filters);
  const std::string& text() const { return text_; }

 private:
  std::string text_;  // "" or "?a=b&c=d"
};
// Throws Error{kInvalidArgument} when it is not "name=value".
void check_filter(std::string_view text);

struct Reply {
  int status = 0;
  std::string body;
  Value value() const { return body.empty() ? Value() : parse_value(body); }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

class Client {
 public:
  // Without any host, not in the environment either: hull's own socket, whose engine is started when nobody listens
  // there.
  explicit Client(Endpoint endpoint);
  void never_start_engine() { start_engine_ = false; }

  const std::string& host() const { return endpoint_.host; }
  // A connection of its own, for whoever speaks HTTP himself.
  UniqueFd connect() { return dial(); }

  // One exchange; `path` starts behind the version ("/containers/json?all=1"). Throws Refused for 400 and above.
  Reply call(std::string_view method, std::string_view path, const Value* body = nullptr);
  Value get(std::string_view path) { return call("GET", path).value(); }
  Reply post(std::string_view path) { return call("POST", path); }
  Reply post(std::string_view path, const Value& body) { return call("POST", path, &body); }
  Reply remove(std::string_view path) { return call("DELETE", path); }

  // Sends a request on a connection of its own, whose answer is still to be read by finish_head(): several can be
  // under way at once.
  std::unique_ptr<Connection> send(std::string_view method, std::string_view path, const Value* body = nullptr,
                                   const Headers& headers = {});
  // Reads the head of an answer; throws Refused when it is a refusal.
  ResponseHead finish_head(Connection& connection);
  // send() with the headers that turn the connection into a plain stream.
  std::unique_ptr<Connection> send_hijack(std::string_view path, const Value* body = nullptr);
  // Uploads what `produce` gives (empty at its end) as a chunked body. The answer's body is still to be read.
  std::unique_ptr<Connection> upload(std::string_view path, std::string_view content_type,
                                     const std::function<std::string_view()>& produce);
  // Uploads what `produce` sends as a chunked body, and reads the whole answer. When the engine refuses in the middle
  // of it, its reason is what is thrown.
  using Send = std::function<void(std::string_view)>;
  void upload_with(std::string_view method, std::string_view path, std::string_view content_type,
                   const std::function<void(const Send&)>& produce);
  // The same for an answer that comes in pieces, which is still to be read, and may begin before the upload has ended.
  std::unique_ptr<Connection> upload_streaming(std::string_view path, std::string_view content_type,
                                               const std::function<void(const Send&)>& produce,
                                               const Headers& headers = {});
  // GET whose body is read piece by piece.
  std::unique_ptr<Connection> stream(std::string_view method, std::string_view path, const Headers& headers = {});
  // Connects ahead of need, while something else is under way.
  void prepare_connections(int count);
  // The version that both sides speak; asks the engine when no request has shown it yet.
  const std::string& negotiated_version();
  const std::string& version() const { return version_; }  // as far as it is known

 private:
  UniqueFd dial();
  std::unique_ptr<Connection> open();
  std::string head(std::string_view method, std::string_view path, const Headers& headers, std::string_view framing);
  bool lower_version(const Refused& refused);

  Endpoint endpoint_;
  Headers custom_;  // go with every request
  bool start_engine_ = false;
  std::string version_{kClientApiVersion};
  bool negotiated_ = false;
  std::unique_ptr<Connection> idle_;
  std::vector<UniqueFd> prepared_;
};

// What an engine says in a refusal: {"message": "…"}, or plain text.
std::string reason_of(const std::string& body);

// Starts hulld for the default socket and waits until it answers there. Throws Error{kUnavailable} with the end of
// its log when it does not within ten seconds.
UniqueFd start_engine(const std::string& socket_path);

}  // namespace hull::cli
