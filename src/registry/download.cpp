// SPDX-License-Identifier: Apache-2.0
#include "registry/download.h"

#include "registry/http.h"

namespace hull::registry {

namespace {

constexpr std::size_t kShownOfAnswer = 200;

Kind kind_of(int status) {
  switch (status) {
    case 400: return Kind::kInvalidArgument;
    case 401: return Kind::kUnauthorized;
    case 403: return Kind::kForbidden;
    case 404: return Kind::kNotFound;
    default: return Kind::kUnavailable;
  }
}

}  // namespace

void download(const std::string& url, const Options& options, const std::function<void(std::int64_t)>& begin,
              const archive::Sink& sink, const std::stop_token& stop) {
  Request request;
  request.url = url.find("://") == std::string::npos ? "http://" + url : url;
  std::string origin = origin_of(request.url);
  if (!origin.starts_with("http://") && !origin.starts_with("https://"))
    fail_invalid("cannot download ", hull::quoted(url), ": only http:// and https:// are known");
  request.begin = begin;
  request.receive = [&](int, std::string_view piece) { sink(piece); };
  Session session;
  std::string host = origin.substr(origin.find("://") + 3);
  host.erase(0, host.find('@') + 1);
  if (!host.starts_with('[') && host.find('%') != host.npos)  // "[fe80::1%25eth0]" is an address
    fail_invalid("cannot download ", hull::quoted(url), ": the name of a host has no escapes (%)");
  Response response = session.perform(request, route_to(host, options), stop);
  if (response.ok()) return;
  std::string said(trim(std::string_view(response.body).substr(0, kShownOfAnswer)));
  fail(kind_of(response.status), "failed to GET ", request.url, " with status ", response.status,
       said.empty() ? "" : cat(": ", said));
}

}  // namespace hull::registry
