// SPDX-License-Identifier: Apache-2.0
#include "registry/connection.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <random>

#include "oci/json.h"

namespace hull::registry {

namespace {

constexpr auto kFirstPause = std::chrono::milliseconds(500);
constexpr auto kLongestPause = std::chrono::seconds(10), kLongestWish = std::chrono::seconds(60);

// RFC 9110, 10.2.3: seconds, or a date.
std::optional<std::chrono::milliseconds> wish_of(const Response& response) {
  std::string text(response.header("Retry-After"));
  if (text.empty()) return std::nullopt;
  if (auto seconds = parse_number<int>(text)) return std::chrono::seconds(std::clamp(*seconds, 0, 3600));
  std::tm time{};
  if (!::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time)) return std::nullopt;
  return std::chrono::seconds(std::max<std::time_t>(0, ::timegm(&time) - std::time(nullptr)));
}

}  // namespace

Response Connection::perform(Request request, const std::string& scope, const std::stop_token& stop) {
  std::unique_ptr<Session> session;
  {
    std::lock_guard guard(mutex_);
    if (!idle_.empty()) {
      session = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!session) session = std::make_unique<Session>();
  if (request.url.starts_with('/')) {
    request.url = endpoint_.url + request.url;
    if (!endpoint_.name_space.empty())
      request.url +=
          cat(request.url.find('?') == request.url.npos ? "?" : "&", "ns=", percent_encoded(endpoint_.name_space));
  }
  // Where an upload goes on can be another host: what we are here is none of its business.
  bool ours = origin_of(request.url) == origin_of(endpoint_.url);
  if (ours) request.authorization = authorizer_.header(scope);
  Response response = session->perform(request, endpoint_.route, stop);
  answered_ = true;
  // A stream cannot be sent twice.
  if (response.status == 401 && ours && !request.upload &&
      authorizer_.answer(response, scope, request.authorization, *session, endpoint_.route, stop)) {
    request.authorization = authorizer_.header(scope);
    response = session->perform(request, endpoint_.route, stop);
  }
  std::lock_guard guard(mutex_);
  idle_.push_back(std::move(session));
  return response;
}

bool is_temporary(int status) { return status == 408 || status == 429 || (status >= 500 && status != 501); }

void wait_before_retry(int failures, const Response* response, const std::stop_token& stop) {
  static thread_local std::minstd_rand random(std::random_device{}());
  auto pause = std::min<std::chrono::milliseconds>(kLongestPause, kFirstPause * (1 << std::min(failures - 1, 10)));
  // Many clients that were turned away together should not come back together.
  pause +=
      std::chrono::milliseconds(std::uniform_int_distribution<int>(0, static_cast<int>(pause.count() / 4))(random));
  if (auto wish = response ? wish_of(*response) : std::nullopt)
    pause = std::min<std::chrono::milliseconds>(*wish, kLongestWish);
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, pause, [] { return false; });
  if (stop.stop_requested()) fail(Kind::kCancelled, "cancelled");
}

std::string errors_of(const Response& response) {
  std::string text;
  try {
    Json body = parse_json(response.body);
    for (const Json& error : body.at("errors")) {
      std::string code = error.value("code", error.value("Code", "unknown"));
      std::ranges::replace(code, '_', ' ');
      text += cat(text.empty() ? "" : "; ", lower(code), ": ", error.value("message", ""));
    }
  } catch (const std::exception&) {
    // Not every answer on the way is the registry's own: proxies speak HTML.
  }
  return text;
}

std::string reason_of(const Response& response) {
  std::string text = errors_of(response);
  return text.empty() ? cat("the registry answers with status ", response.status) : text;
}

void refuse(const Response& response, std::string_view what) {
  Kind kind = Kind::kUnavailable;
  switch (response.status) {
    case 401: kind = Kind::kUnauthorized; break;
    case 403: kind = Kind::kForbidden; break;
    case 404: kind = Kind::kNotFound; break;
    case 400:
    case 405:
    case 413: kind = Kind::kInvalidArgument; break;
    default: break;
  }
  std::string reason = reason_of(response);
  if (response.status == 401 && response.body.find("errors") == std::string::npos) reason = "no basic auth credentials";
  fail(kind, what.empty() ? "" : cat(what, ": "), reason);
}

}  // namespace hull::registry
