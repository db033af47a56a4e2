// SPDX-License-Identifier: Apache-2.0
#include "api/router.h"

#include <algorithm>

#include "api/json_reply.h"
#include "api/metrics.h"
#include "api/status.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace hull::api {

namespace {

using Parts = std::vector<std::string_view>;

bool match_parts(const Parts& pattern, std::size_t i, const Parts& path, std::size_t j, Parameters& found) {
  if (i == pattern.size()) return j == path.size();
  if (j == path.size()) return false;
  std::string_view part = pattern[i];
  if (!part.starts_with('{')) return part == path[j] && match_parts(pattern, i + 1, path, j + 1, found);
  bool many = part.ends_with("*}");
  std::string name(part.substr(1, part.size() - (many ? 3 : 2)));
  std::size_t longest = many ? path.size() - j : 1;
  for (std::size_t length = longest; length >= 1; --length) {
    std::string value(path[j]);
    for (std::size_t k = 1; k < length; ++k) value += cat("/", path[j + k]);
    if (value.empty()) return false;
    found.emplace_back(name, value);
    if (match_parts(pattern, i + 1, path, j + length, found)) return true;
    found.pop_back();
  }
  return false;
}

void add_daemon_headers(Response& response, const About& about) {
  response.headers = {{"Api-Version", to_string(kNewest)},
                      {"Docker-Experimental", about.settings->get()->experimental ? "true" : "false"},
                      {"Ostype", "linux"},
                      {"Server", cat("Docker/", about.version, " (linux)")}};
}

void answer_error(Response& response, const Error& error, const Request& request) {
  if (response.started()) {
    log::debug(request.method, " ", request.path, ": after the head: ", error.message());
    throw error;  // the connection ends here
  }
  int status = status_of(error.kind());
  if (status >= 500)
    log::warn(request.method, " ", request.path, ": ", error.message());
  else
    log::debug(request.method, " ", request.path, ": ", status, " ", error.message());
  if (error.kind() == Kind::kCancelled) throw error;
  if (status == 304)
    response.send(304, "", "");
  else
    response.send(status, kJson, error_body(error.message()));
}

}  // namespace

std::optional<Parameters> match_path(std::string_view pattern, std::string_view path) {
  Parameters found;
  if (!match_parts(split(pattern, '/'), 0, split(path, '/'), 0, found)) return std::nullopt;
  return found;
}

std::pair<std::optional<Version>, std::string_view> split_version(std::string_view path) {
  if (!path.starts_with("/v")) return {std::nullopt, path};
  auto slash = path.find('/', 1);
  auto version = slash == path.npos ? std::nullopt : parse_version(path.substr(2, slash - 2));
  if (!version) return {std::nullopt, path};
  return {version, path.substr(slash)};
}

void Router::operator()(Request& request, Response& response) const {
  add_daemon_headers(response, about_);
  try {
    dispatch(request, response);
  } catch (const Error& e) {
    answer_error(response, e, request);
  } catch (const std::exception& e) {
    answer_error(response, Error(Kind::kInternal, e.what()), request);
  }
}

void Router::dispatch(Request& request, Response& response) const {
  log::debug(request.method, " ", request.path, request.query.empty() ? "" : "?", request.query);
  if (request.method == "OPTIONS") return response.send(200, "", "");
  auto [version, path] = split_version(request.path);
  for (const Route& route : routes_) {
    if (route.method != request.method) continue;
    auto parameters = match_path(route.pattern, path);
    if (!parameters) continue;
    Call call{engine_,
              builder_,
              about_,
              request,
              response,
              version.value_or(kNewest),
              Query(request.query),
              std::move(*parameters)};
    if (version) check_supported(*version, call.oldest());
    const std::int64_t begin = monotonic_nanoseconds();
    route.handle(call);
    if (metrics_ && !route.action.empty()) metrics_->count(route.action, monotonic_nanoseconds() - begin);
    return;
  }
  fail(Kind::kNotFound, "page not found");
}

Version Call::oldest() const { return parse_version(settings()->min_api_version).value_or(kOldest); }

const std::string& Call::parameter(std::string_view name) const {
  auto found = std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first);
  if (found == parameters.end()) fail(Kind::kInternal, "the route has no parameter ", name);
  return found->second;
}

std::string_view stream_type(const Call& call, bool tty) {
  return !tty && call.since(42) ? kMultiplexedStream : kRawStream;
}

}  // namespace hull::api
