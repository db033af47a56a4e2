// SPDX-License-Identifier: Apache-2.0
#include "registry/http.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <exception>

#include "registry/curl.h"

namespace hull::registry {

namespace {

constexpr int kMostRedirects = 10;
constexpr long kConnectTimeout = 30, kStalledAfter = 60;  // seconds
constexpr std::size_t kLargestBody = 16 << 20;            // of answers that are kept in memory

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Registries tell clients apart by this, and some serve only those that they know.
std::string user_agent() {
  static const std::string text = [] {
    utsname machine{};
    ::uname(&machine);
    return cat("docker/28.5.1 hull/0.1.0 kernel/", machine.release, " os/linux arch/", machine.machine);
  }();
  return text;
}

TransportError::Stage stage_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return TransportError::Stage::kConnect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR: return TransportError::Stage::kTls;
    default: return TransportError::Stage::kBroken;
  }
}

bool is_loopback(std::string_view origin) {
  std::string_view host = origin.substr(origin.find("://") + 3);
  return host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]");
}

}  // namespace

std::string_view Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equals_ignoring_case(key, name)) return value;
  return {};
}

struct Session::State {
  const Curl& curl = Curl::get();
  CURL* handle = curl.easy_init();
  curl_slist* list = nullptr;
  // Of the exchange that is under way.
  const Request* request = nullptr;
  std::stop_token stop;
  Response response;
  bool begun = false;          // the answer's body
  std::exception_ptr failure;  // must not fly through libcurl, which is C
  char complaint[CURL_ERROR_SIZE] = {};

  ~State() {
    curl.slist_free_all(list);
    curl.easy_cleanup(handle);
  }

  template <class Value>
  void set(CURLoption option, Value value) {
    if (CURLcode code = curl.easy_setopt(handle, option, value); code != CURLE_OK)
      fail(Kind::kInternal, "libcurl refuses option ", static_cast<long>(option), ": ", curl.easy_strerror(code));
  }
  void set_text(CURLoption option, const std::string& text) {
    if (!text.empty()) set(option, text.c_str());
  }
  void add_header(const std::string& line) { list = curl.slist_append(list, line.c_str()); }

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) {
    auto& state = *static_cast<State*>(self);
    std::string_view line = trim({data, size});
    if (line.starts_with("HTTP/")) {
      // A new head: that of an answer after "100 Continue", or after the proxy's.
      state.response = {};
      auto words = split(line, ' ');
      state.response.status = words.size() > 1 ? parse_number<int>(words[1]).value_or(0) : 0;
    } else if (auto [name, value] = split_once(line, ':'); value) {
      state.response.headers.emplace_back(trim(name), trim(*value));
    }
    return size;
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
    auto& state = *static_cast<State*>(self);
    try {
      if (state.response.ok() && state.request->begin && !std::exchange(state.begun, true))
        state.request->begin(parse_number<std::int64_t>(state.response.header("Content-Length")).value_or(-1));
      if (state.response.ok() && state.request->receive) {
        state.request->receive(state.response.status, {data, size});
      } else {
        if (state.response.body.size() + size > kLargestBody)
          fail(Kind::kUnavailable, state.request->url, " answers with more than ", kLargestBody, " bytes");
        state.response.body.append(data, size);
      }
      return size;
    } catch (...) {
      state.failure = std::current_exception();
      return 0;
    }
  }

  static std::size_t on_upload(char* buffer, std::size_t, std::size_t size, void* self) {
    auto& state = *static_cast<State*>(self);
    try {
      return state.request->upload(buffer, size);
    } catch (...) {
      state.failure = std::current_exception();
      return CURL_READFUNC_ABORT;
    }
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<State*>(self)->stop.stop_requested() ? 1 : 0;
  }

  void set_route(const Route& route, const std::string& origin, bool own_host);
  void set_body(const Request& what);
  void exchange(const Request& what, const Route& route, const std::string& url, const std::string& first_origin);
  std::string reason(CURLcode code, const std::string& origin) const;
};

void Session::State::set_route(const Route& route, const std::string& origin, bool own_host) {
  // Proxies are for the world outside, as in every Go program.
  bool https = origin.starts_with("https://");
  set(CURLOPT_PROXY, is_loopback(origin) ? "" : (https ? route.https_proxy : route.http_proxy).c_str());
  set(CURLOPT_NOPROXY, route.no_proxy.c_str());
  if (!https) return;
  set(CURLOPT_SSL_VERIFYPEER, route.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, route.verify ? 2L : 0L);
  if (!route.authorities.empty()) {
    curl_blob blob{const_cast<char*>(route.authorities.data()), route.authorities.size(), CURL_BLOB_COPY};
    set(CURLOPT_CAINFO_BLOB, &blob);
  }
  if (!own_host) return;  // the key is for the registry, not for where it sends us
  set_text(CURLOPT_SSLCERT, route.client_certificate);
  set_text(CURLOPT_SSLKEY, route.client_key);
}

void Session::State::set_body(const Request& what) {
  if (what.upload) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &State::on_upload);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(what.upload_size));
    set(CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
    add_header("Expect:");
  } else if (what.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (what.method != "GET" && what.method != "DELETE") {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what.body.size()));
    set(CURLOPT_POSTFIELDS, what.body.c_str());
    add_header("Expect:");
  }
  set(CURLOPT_CUSTOMREQUEST, what.method == "HEAD" ? nullptr : what.method.c_str());
}

void Session::State::exchange(const Request& what, const Route& route, const std::string& url,
                              const std::string& first_origin) {
  curl.easy_reset(handle);
  curl.slist_free_all(std::exchange(list, nullptr));
  request = &what;
  response = {};
  begun = false;
  failure = nullptr;
  complaint[0] = '\0';
  std::string origin = origin_of(url), agent = user_agent();
  bool own_host = origin == first_origin;
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_BUFFERSIZE, 512L * 1024);
  set(CURLOPT_CONNECTTIMEOUT, kConnectTimeout);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, kStalledAfter);
  set(CURLOPT_ERRORBUFFER, complaint);
  set(CURLOPT_HEADERFUNCTION, &State::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &State::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &State::on_progress);
  set(CURLOPT_XFERINFODATA, this);
  set_route(route, origin, own_host);
  set_body(what);
  add_header("User-Agent: " + agent);
  for (const auto& [name, value] : what.headers) add_header(cat(name, ": ", value));
  if (own_host && !what.authorization.empty()) add_header("Authorization: " + what.authorization);
  set(CURLOPT_HTTPHEADER, list);

  CURLcode code = curl.easy_perform(handle);
  if (failure) std::rethrow_exception(failure);
  if (stop.stop_requested()) fail(Kind::kCancelled, what.method, " ", url, ": cancelled");
  if (code == CURLE_OK) return;
  throw TransportError(stage_of(code), cat(what.method == "HEAD"  ? "Head"
                                           : what.method == "GET" ? "Get"
                                                                  : what.method,
                                           " ", hull::quoted(url), ": ", reason(code, origin)));
}

// Why there is no connection in Docker's words, which scripts look for; libcurl's for all else.
std::string Session::State::reason(CURLcode code, const std::string& origin) const {
  std::string_view host = std::string_view(origin).substr(origin.find("://") + 3);
  host = host.substr(host.find('@') + 1);
  auto port = host.rfind(':');
  if (port == host.npos || host.ends_with(']')) port = host.size();
  if (code == CURLE_COULDNT_RESOLVE_HOST) return cat("dial tcp: lookup ", host.substr(0, port), ": no such host");
  long error = 0;
  curl.easy_getinfo(handle, CURLINFO_OS_ERRNO, &error);
  if (code == CURLE_COULDNT_CONNECT && error == ECONNREFUSED)
    return cat("dial tcp ", host.substr(0, port),
               port < host.size()               ? host.substr(port)
               : origin.starts_with("https://") ? ":443"
                                                : ":80",
               ": connect: connection refused");
  return complaint[0] ? complaint : curl.easy_strerror(code);
}

Session::Session() : state_(std::make_unique<State>()) {
  if (!state_->handle) fail(Kind::kInternal, "libcurl cannot start a session");
}
Session::~Session() = default;

Response Session::perform(const Request& request, const Route& route, const std::stop_token& stop) {
  state_->stop = stop;
  std::string url = request.url, first = origin_of(url);
  bool follow = request.method == "GET" || request.method == "HEAD";
  for (int redirects = 0;; ++redirects) {
    state_->exchange(request, route, url, first);
    Response& response = state_->response;
    response.url = url;
    std::string_view location = response.header("Location");
    if (!follow || !is_redirect(response.status) || location.empty()) return std::move(response);
    if (redirects == kMostRedirects)
      fail(Kind::kUnavailable, request.url, " redirects more than ", kMostRedirects, " times");
    url = resolved(url, location);
  }
}

std::string origin_of(std::string_view url) {
  auto scheme = url.find("://");
  if (scheme == url.npos) fail_invalid("invalid URL ", hull::quoted(url));
  return std::string(url.substr(0, url.find_first_of("/?#", scheme + 3)));
}

std::string resolved(std::string_view url, std::string_view location) {
  if (location.find("://") != location.npos && location.find("://") < location.find_first_of("/?#") + 1)
    return std::string(location);
  std::string origin = origin_of(url);
  if (location.starts_with("//")) return cat(origin.substr(0, origin.find("//")), location);
  if (location.starts_with('/')) return cat(origin, location);
  std::string_view path = url.substr(0, url.find_first_of("?#"));
  if (location.starts_with('?')) return cat(path, location);
  if (path.size() <= origin.size()) return cat(origin, "/", location);
  return cat(path.substr(0, path.rfind('/') + 1), location);
}

}  // namespace hull::registry
