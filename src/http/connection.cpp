// SPDX-License-Identifier: Apache-2.0
#include "http/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <ctime>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "http/transport.h"
#include "linux/server_socket.h"
#include "linux/unix_socket.h"

namespace hull::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using namespace std::chrono_literals;

constexpr auto kIdlePatience = 2s;
constexpr auto kHeadPatience = 30s;
constexpr std::uint32_t kHeadLimit = 128 << 10;
constexpr std::size_t kDrainLimit = 256 << 10;
constexpr std::size_t kLargeBody = 64 << 10;  // what the parser reads at once at most

// What Beast calls a SyncReadStream.
class ReadStream {
 public:
  explicit ReadStream(Transport& transport) : transport_(transport) {}

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    boost::system::error_code code;
    std::size_t size = read_some(buffers, code);
    if (code) throw boost::system::system_error(code);
    return size;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, boost::system::error_code& code) {
    asio::mutable_buffer first = *asio::buffer_sequence_begin(buffers);
    if (first.size() == 0) return 0;
    std::size_t size = transport_.read(first.data(), first.size());
    if (size == 0) code = asio::error::eof;
    return size;
  }

 private:
  Transport& transport_;
};

std::string http_date() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

using Parser = wire::request_parser<wire::buffer_body>;

// What the requests of one connection have in common.
struct Connection {
  Transport& transport;
  beast::flat_buffer& buffer;
  const std::string& peer;
  const Rules& rules;
  linux::Reactor& reactor;
  const Signals& signals;
};

class Exchange final : public Request, public Response {
 public:
  Exchange(const Connection& connection, Parser& parser)
      : connection_(connection), transport_(connection.transport), buffer_(connection.buffer), parser_(parser) {
    const auto& head = parser.get();
    method = head.method_string();
    std::string_view target(head.target().data(), head.target().size());
    auto [path_part, query_part] = split_once(target, '?');
    raw_path_ = path_part;
    query = query_part.value_or("");
    for (const auto& field : head) Request::headers.emplace_back(field.name_string(), field.value());
    chunked_body = head.chunked();
    content_length = static_cast<std::size_t>(parser.content_length().value_or(0));
    has_body = chunked_body || content_length > 0;
    keep_alive_ = head.keep_alive() && !connection.signals.draining->load();
    is_http_1_0_ = head.version() == 10;
    expects_continue_ = has_body && equals_ignoring_case(header("Expect"), "100-continue");
  }

  void decode_path() { path = percent_decoded(raw_path_, false); }

  std::size_t read(char* into, std::size_t size) override {
    if (!has_body) return 0;
    if (expects_continue_) {
      expects_continue_ = false;
      transport_.write("HTTP/1.1 100 Continue\r\n\r\n");
    }
    ReadStream stream(transport_);
    transport_.set_read_patience(connection_.rules.body_patience);
    // The parser reads as much at once as the buffer has room for. Of an image each page would be a system call.
    bool large = chunked_body || content_length > kLargeBody;
    if (large && size >= kLargeBody && buffer_.capacity() < kLargeBody) buffer_.reserve(kLargeBody);
    while (!parser_.is_done()) {
      auto& body = parser_.get().body();
      body.data = into;
      body.size = size;
      body.more = true;
      boost::system::error_code code;
      wire::read_some(stream, buffer_, parser_, code);
      if (code && code != wire::error::need_buffer) broken_body(code);
      if (std::size_t got = size - body.size) return got;
    }
    return 0;
  }

  std::vector<UniqueFd> receive_descriptors(std::size_t count) override {
    if (!expects_continue_ || buffer_.size() != 0)
      fail_invalid("descriptors can only be sent with a body that waits for \"100 Continue\"");
    expects_continue_ = false;
    transport_.write("HTTP/1.1 100 Continue\r\nX-Hull-Descriptors: yes\r\n\r\n");
    std::vector<UniqueFd> descriptors;
    auto space = buffer_.prepare(1);
    if (transport_.wait_readable(kHeadPatience) != linux::Wakeup::kReady)
      fail(Kind::kCancelled, "the client did not send what it had announced");
    auto size =
        linux::receive_with_descriptors(transport_.fd(), {static_cast<char*>(space.data()), 1}, descriptors, true);
    buffer_.commit(size.value_or(0));
    if (descriptors.size() != count)
      fail_invalid("the request should have come with ", count, " descriptors, and has ", descriptors.size(),
                   ": they can only be sent through a local socket");
    return descriptors;
  }

  std::stop_token hung_up() override {
    if (!watch_) watch_.emplace(transport_.fd(), connection_.reactor, connection_.signals.stopping);
    return watch_->token();
  }

  std::string peer() const override {
    return connection_.peer.empty() ? linux::peer_name(transport_.fd()) : connection_.peer;
  }

  void send(int status, std::string_view content_type, std::string_view body) override {
    std::string out = head_with_length(status, content_type, body.size());
    if (has_body_with(status)) out += body;
    started_ = true;
    transport_.write(out);
    if (has_body_with(status)) sent_bytes = body.size();
  }

  void send_pieces(int status, std::string_view content_type, std::span<const Piece> pieces) override {
    std::uint64_t length = 0;
    for (const Piece& piece : pieces) length += piece.length();
    started_ = true;
    transport_.write(head_with_length(status, content_type, length));
    if (!has_body_with(status)) return;
    for (const Piece& piece : pieces) send_piece(piece);
  }

  void send_stream(int status, std::string_view content_type, std::uint64_t length,
                   const std::function<Piece()>& next) override {
    started_ = true;
    transport_.write(head_with_length(status, content_type, length));
    if (!has_body_with(status)) return;
    while (sent_bytes < length) send_piece(next());
  }

  void begin(int status, std::string_view content_type) override {
    std::string out = head_of(status, content_type);
    chunking_ = !is_http_1_0_;
    if (chunking_)
      out += "Transfer-Encoding: chunked\r\n";
    else
      keep_alive_ = false;
    out += "\r\n";
    started_ = streaming_ = true;
    transport_.write(out);
  }

  void write(std::string_view piece) override {
    if (piece.empty() || method == "HEAD") return;
    sent_bytes += piece.size();
    if (!chunking_) return transport_.write(piece);
    std::string out;
    char size[20];
    auto end = std::to_chars(size, size + sizeof size, piece.size(), 16).ptr;
    out.reserve(piece.size() + 24);
    out.append(size, end).append("\r\n").append(piece).append("\r\n");
    transport_.write(out);
  }

  Hijacked hijack(std::string_view content_type) override {
    bool upgrade = wants_upgrade();
    std::string out;
    if (upgrade) {
      out = "HTTP/1.1 101 UPGRADED\r\n";
      if (!content_type.empty()) out += cat("Content-Type: ", content_type, "\r\n");
      out += cat("Connection: Upgrade\r\nUpgrade: ", header("Upgrade"), "\r\n");
      append_headers(out);
    } else {
      out = head_of(200, content_type);
    }
    out += "\r\n";
    started_ = hijacked_ = true;
    transport_.write(out);
    watch_.reset();
    Hijacked taken;
    auto rest = buffer_.data();
    taken.early_input.assign(static_cast<const char*>(rest.data()), rest.size());
    buffer_.consume(rest.size());
    taken.interrupt = transport_.interrupt();
    taken.socket = transport_.release();
    return taken;
  }

  bool started() const override { return started_; }
  bool hijacked() const { return hijacked_; }

  // Completes the answer. False when the connection cannot be used for another request.
  bool finish(bool intact) {
    watch_.reset();
    if (!started_) intact = false;
    if (intact && streaming_ && chunking_ && method != "HEAD") transport_.write("0\r\n\r\n");
    return intact && keep_alive_ && drained();
  }

 private:
  void append_headers(std::string& out) const {
    for (const auto& [name, value] : Response::headers) out += cat(name, ": ", value, "\r\n");
  }

  static bool is_bodiless(int status) { return status == 204 || status == 304 || (status >= 100 && status < 200); }
  bool has_body_with(int status) const { return !is_bodiless(status) && method != "HEAD"; }

  void send_piece(const Piece& piece) {
    if (piece.file < 0)
      transport_.write(piece.text);
    else
      transport_.write_file(piece.file, piece.offset, piece.size);
    sent_bytes += piece.length();
  }

  std::string head_with_length(int status, std::string_view content_type, std::uint64_t length) {
    std::string out = head_of(status, content_type);
    if (!is_bodiless(status)) out += cat("Content-Length: ", length, "\r\n");
    close_if_body_is_unread(out);
    return out += "\r\n";
  }

  std::string head_of(int status, std::string_view content_type) {
    sent_status = status;
    std::string out = cat("HTTP/1.1 ", status, " ", reason_phrase(status), "\r\n");
    append_headers(out);
    if (!content_type.empty()) out += cat("Content-Type: ", content_type, "\r\n");
    return out + cat("Date: ", http_date(), "\r\n");
  }

  void close_if_body_is_unread(std::string& head) {
    // A client that waits for "100 Continue" and gets an answer instead may or may not send its body: nobody can tell.
    if (expects_continue_) keep_alive_ = false;
    if (!keep_alive_) head += "Connection: close\r\n";
  }

  // Reads away the rest of a short body, so that the next request begins where it should.
  bool drained() {
    char waste[4096];
    for (std::size_t total = 0; total < kDrainLimit;) {
      std::size_t size = read(waste, sizeof waste);
      if (size == 0) return true;
      total += size;
    }
    return false;
  }

  [[noreturn]] void broken_body(const boost::system::error_code& code) {
    keep_alive_ = false;
    if (code == asio::error::eof || code == wire::error::partial_message || code == wire::error::end_of_stream)
      fail(Kind::kCancelled, "the client went away in the middle of its request");
    fail_invalid("the body of the request is not valid HTTP: ", code.message());
  }

  const Connection& connection_;
  Transport& transport_;
  beast::flat_buffer& buffer_;
  Parser& parser_;
  std::string raw_path_;
  std::optional<HangUpWatch> watch_;
  bool keep_alive_ = true, is_http_1_0_ = false, expects_continue_ = false;
  bool started_ = false, streaming_ = false, chunking_ = false, hijacked_ = false;
};

void refuse(const Connection& connection, int status, std::string_view message) {
  std::string body = connection.rules.refusal(status, message);
  connection.transport.write(cat(
      "HTTP/1.1 ", status, " ", reason_phrase(status),
      "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
}

enum class After : unsigned char { kNextRequest, kEnd, kIdle };

// One request and its answer.
After serve_one(const Connection& connection, const Handler& handler) {
  auto& [transport, buffer, peer, rules, reactor, signals] = connection;
  Parser parser;
  parser.eager(true);
  parser.header_limit(kHeadLimit);
  parser.body_limit(boost::none);
  ReadStream stream(transport);
  if (buffer.size() == 0) {
    auto wakeup = transport.wait_readable(kIdlePatience);
    if (wakeup != linux::Wakeup::kReady) return wakeup == linux::Wakeup::kTimeout ? After::kIdle : After::kEnd;
    auto space = buffer.prepare(4096);
    std::size_t size = transport.read(space.data(), space.size());
    if (size == 0) return After::kEnd;
    buffer.commit(size);
  }
  transport.set_read_patience(kHeadPatience);
  transport.set_time_limit(kHeadPatience);
  boost::system::error_code code;
  wire::read_header(stream, buffer, parser, code);
  transport.all_the_time();
  if (code == asio::error::eof || code == wire::error::end_of_stream || code == wire::error::partial_message)
    return After::kEnd;
  if (code) {
    refuse(connection, code == wire::error::header_limit ? 431 : 400, cat("not valid HTTP: ", code.message()));
    return After::kEnd;
  }

  if (parser.get().version() >= 11 && parser.get().find(wire::field::host) == parser.get().end()) {
    refuse(connection, 400, "missing required Host header");
    return After::kEnd;
  }

  Exchange exchange(connection, parser);
  bool intact = true;
  try {
    exchange.decode_path();
    handler(exchange, exchange);
  } catch (const Error& e) {
    // The handler answers its own errors: what comes here could not be answered.
    if (!exchange.started() && e.kind() == Kind::kInvalidArgument) refuse(connection, 400, "invalid path");
    intact = false;
  }
  if (exchange.hijacked()) return After::kEnd;
  return exchange.finish(intact) && !signals.stopping.stop_requested() ? After::kNextRequest : After::kEnd;
}

}  // namespace

Client serve_connection(Client client, const Handler& handler, const Rules& rules, linux::Reactor& reactor,
                        const Signals& signals) {
  Transport transport(std::move(client.socket), signals.interrupt, rules.write_patience);
  beast::flat_buffer buffer;
  try {
    After after;
    const Connection connection{transport, buffer, client.peer, rules, reactor, signals};
    do after = serve_one(connection, handler);
    while (after == After::kNextRequest);
    if (after == After::kIdle) return {transport.release(), std::move(client.peer)};
    if (transport.fd() >= 0) transport.close_gently();
  } catch (const Error& e) {
    log::debug("connection ended: ", e.message());
  } catch (const std::exception& e) {
    log::error("connection ended: ", std::string_view(e.what()));
  }
  return {};
}

std::string_view reason_phrase(int status) {
  static constexpr std::pair<int, std::string_view> kPhrases[] = {
      {101, "UPGRADED"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {409, "Conflict"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {416, "Range Not Satisfiable"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {507, "Insufficient Storage"},
  };
  for (const auto& [code, phrase] : kPhrases)
    if (code == status) return phrase;
  return "Unknown";
}

}  // namespace hull::http
