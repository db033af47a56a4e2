// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include <cstdlib>

#include "base/text.h"
#include "cli/config_file.h"
#include "cli/output.h"

namespace hull::cli {
namespace {

Kind kind_of(int status) {
  switch (status) {
    case 400: return Kind::kInvalidArgument;
    case 401: return Kind::kUnauthorized;
    case 403: return Kind::kForbidden;
    case 404: return Kind::kNotFound;
    case 409: return Kind::kConflict;
    case 501: return Kind::kNotImplemented;
    case 503: return Kind::kUnavailable;
    default: return Kind::kInternal;
  }
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// {"message": "…"}, or plain text where the engine had already left HTTP.
std::string reason_in(const std::string& body) {
  if (body.starts_with('{')) {
    try {
      return parse_value(body)["message"].text();
    } catch (const Error&) {
      return body;
    }
  }
  return std::string(trim(body));
}

}  // namespace

std::string reason_of(const std::string& body) { return reason_in(body); }

Refused::Refused(int status, std::string reason)
    : Error(kind_of(status), cat("Error response from daemon: ", reason)),
      status_(status),
      reason_(std::move(reason)) {}

Query& Query::add(std::string_view name, std::string_view value) {
  text_ += text_.empty() ? '?' : '&';
  text_ += cat(percent_encoded(name), "=", percent_encoded(value));
  return *this;
}

void check_filter(std::string_view text) {
  if (text.find('=') == text.npos) fail_invalid("bad format of filter (expected name=value)");
}

Query& Query::add_filters(const std::vector<std::string>& filters) {
  Value document = Value::empty_map();
  for (const std::string& filter : filters) {
    check_filter(filter);
    auto [name, value] = split_once(filter, '=');
    std::string key = lower(trim(name));
    Value group = document[key].is_map() ? document[key] : Value::empty_map();
    group.set(trim(value.value_or("")), true);
    document.set(key, std::move(group));
  }
  if (!filters.empty()) add("filters", to_json(document));
  return *this;
}

Client::Client(Endpoint endpoint) : endpoint_(complete(std::move(endpoint))), custom_(custom_headers()) {
  if (endpoint_.host.empty()) {
    start_engine_ = true;
    endpoint_.host = default_host();
  }
  if (auto version = environment("DOCKER_API_VERSION"); !version.empty()) {
    version_ = version.starts_with('v') ? version.substr(1) : version;
    negotiated_ = true;
  }
}

UniqueFd Client::dial() {
  UniqueFd fd = connect_to(endpoint_);
  if (!fd && start_engine_) fd = start_engine(default_host().substr(std::string_view("unix://").size()));
  if (!fd)
    fail(Kind::kUnavailable, "Cannot connect to the Docker daemon at ", host(), ". Is hulld (or dockerd) running?");
  return fd;
}

std::unique_ptr<Connection> Client::open() {
  if (!prepared_.empty()) {
    auto connection = std::make_unique<Connection>(std::move(prepared_.back()));
    prepared_.pop_back();
    return connection;
  }
  return std::make_unique<Connection>(dial());
}

void Client::prepare_connections(int count) {
  while (static_cast<int>(prepared_.size()) < count) prepared_.push_back(dial());
}

std::string Client::head(std::string_view method, std::string_view path, const Headers& headers,
                         std::string_view framing) {
  std::string text = cat(method, " /v", version_, path, " HTTP/1.1\r\nHost: hull\r\nUser-Agent: hull\r\n", framing);
  for (const Headers* some : {&std::as_const(custom_), &headers})
    for (const auto& [name, value] : *some) text += cat(name, ": ", value, "\r\n");
  text += "\r\n";
  debug(cat(method, " /v", version_, path, " to ", host()));
  return text;
}

namespace {
std::string json_framing(const Value* body, std::string& json) {
  if (body) {
    json = to_json(*body);
    return cat("Content-Type: application/json\r\nContent-Length: ", json.size(), "\r\n");
  }
  return "Content-Length: 0\r\n";
}
}  // namespace

std::unique_ptr<Connection> Client::send(std::string_view method, std::string_view path, const Value* body,
                                         const Headers& headers) {
  auto connection = open();
  std::string json;
  std::string framing = method == "GET" ? std::string() : json_framing(body, json);
  connection->send(head(method, path, headers, framing) + json);
  return connection;
}

ResponseHead Client::finish_head(Connection& connection) {
  ResponseHead head = connection.read_head();
  debug(cat("answered with ", head.status));
  if (head.status >= 400) throw Refused(head.status, reason_in(connection.read_body()));
  return head;
}

std::unique_ptr<Connection> Client::send_hijack(std::string_view path, const Value* body) {
  return send("POST", path, body, {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}});
}

// "client version 1.51 is too new. Maximum supported API version is 1.41"
bool Client::lower_version(const Refused& refused) {
  constexpr std::string_view kMaximum = "Maximum supported API version is ";
  auto at = refused.reason().find(kMaximum);
  if (negotiated_ || refused.status() != 400 || at == std::string::npos) return false;
  std::string_view version = trim(std::string_view(refused.reason()).substr(at + kMaximum.size()));
  version_ = version.substr(0, version.find_first_not_of("0123456789."));
  negotiated_ = true;
  return true;
}

Reply Client::call(std::string_view method, std::string_view path, const Value* body) {
  for (;;) {
    auto connection = idle_ && idle_->alive() ? std::move(idle_) : open();
    std::string json;
    std::string framing = method == "GET" ? std::string() : json_framing(body, json);
    connection->send(head(method, path, {}, framing) + json);
    ResponseHead answer = connection->read_head();
    debug(cat("answered with ", answer.status));
    Reply reply{answer.status, connection->read_body()};
    if (connection->reusable()) idle_ = std::move(connection);
    if (reply.status < 400) {
      negotiated_ = true;
      return reply;
    }
    Refused refused(reply.status, reason_in(reply.body));
    if (!lower_version(refused)) throw refused;
  }
}

std::unique_ptr<Connection> Client::stream(std::string_view method, std::string_view path, const Headers& headers) {
  for (;;) {
    auto connection = send(method, path, nullptr, headers);
    try {
      finish_head(*connection);
      negotiated_ = true;
      return connection;
    } catch (const Refused& refused) {
      if (!lower_version(refused)) throw;
    }
  }
}

const std::string& Client::negotiated_version() {
  if (!negotiated_) call("GET", "/_ping");
  return version_;
}

std::unique_ptr<Connection> Client::upload(std::string_view path, std::string_view content_type,
                                           const std::function<std::string_view()>& produce) {
  negotiated_version();  // the body can be sent only once
  auto connection = open();
  connection->send(head("POST", path, {}, cat("Content-Type: ", content_type, "\r\nTransfer-Encoding: chunked\r\n")));
  for (auto piece = produce(); !piece.empty(); piece = produce()) connection->send_chunk(piece);
  connection->send_chunk({});
  finish_head(*connection);
  return connection;
}

std::unique_ptr<Connection> Client::upload_streaming(std::string_view path, std::string_view content_type,
                                                     const std::function<void(const Send&)>& produce,
                                                     const Headers& headers) {
  negotiated_version();  // the body can be sent only once
  auto connection = open();
  connection->send(
      head("POST", path, headers, cat("Content-Type: ", content_type, "\r\nTransfer-Encoding: chunked\r\n")));
  produce([&](std::string_view piece) {
    if (!piece.empty()) connection->send_chunk(piece);
  });
  connection->send_chunk({});
  finish_head(*connection);
  return connection;
}

void Client::upload_with(std::string_view method, std::string_view path, std::string_view content_type,
                         const std::function<void(const Send&)>& produce) {
  negotiated_version();  // the body can be sent only once
  auto connection = open();
  connection->send(head(method, path, {}, cat("Content-Type: ", content_type, "\r\nTransfer-Encoding: chunked\r\n")));
  struct HungUp {};
  bool whole = true;
  try {
    produce([&](std::string_view piece) {
      if (piece.empty()) return;
      try {
        connection->send_chunk(piece);
      } catch (const Error&) {
        throw HungUp();
      }
    });
    connection->send_chunk({});
  } catch (const HungUp&) {
    whole = false;  // the answer says why
  }
  finish_head(*connection);
  connection->read_body();
  if (!whole) fail(Kind::kUnavailable, "the engine did not take the whole upload");
}

}  // namespace hull::cli
