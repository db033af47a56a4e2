// SPDX-License-Identifier: Apache-2.0
#include "registry/repository.h"

#include <algorithm>

#include "archive/sha256.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "registry/repository_state.h"

namespace hull::registry {

namespace {

constexpr std::size_t kLargestManifest = 4 << 20;  // what registries have to accept at least, and what they accept
constexpr int kMostPages = 1000;

std::string accepted_manifests() {
  return cat(oci::kMediaTypeManifest, ", ", oci::kMediaTypeIndex, ", ", oci::kMediaTypeDockerManifest, ", ",
             oci::kMediaTypeDockerList);
}

std::string media_type_of(const Response& response) {
  return std::string(trim(split_once(response.header("Content-Type"), ';').first));
}

// `rel="next"` of a Link header (RFC 8288); "" when there is none.
std::string next_page(const Response& response) {
  std::string_view link = response.header("Link");
  auto begin = link.find('<'), end = link.find('>');
  if (begin == link.npos || end == link.npos || end < begin || link.find("next", end) == link.npos) return {};
  return resolved(response.url, link.substr(begin + 1, end - begin - 1));
}

}  // namespace

Response Repository::State::ask_at(Connection& connection, const Request& request, const std::stop_token& stop) const {
  for (int failures = 1;; ++failures) {
    try {
      Response response = connection.perform(request, scope, stop);
      if (!is_temporary(response.status) || failures >= attempts) return response;
      wait_before_retry(failures, &response, stop);
    } catch (const TransportError& e) {
      bool may_return = e.stage() == TransportError::Stage::kBroken || connection.answered();
      if (!may_return || failures >= attempts) throw;
      wait_before_retry(failures, nullptr, stop);
    }
  }
}

Response Repository::State::ask(const Request& request, const std::stop_token& stop, Connection** served_by) {
  for (std::size_t at = working;; ++at) {
    Connection& connection = *connections[at];
    bool last = at + 1 == connections.size();
    try {
      Response response = ask_at(connection, request, stop);
      if (!response.ok() && connection.endpoint().mirror && !last) continue;
      working = at;
      if (served_by) *served_by = &connection;
      return response;
    } catch (const TransportError&) {
      if (last) throw;
    }
  }
}

Repository::Repository(std::string domain, std::string path, Options options, Credentials credentials, Access access)
    : domain_(std::move(domain)), path_(std::move(path)), state_(std::make_unique<State>()) {
  bool push = access == Access::kPush;
  state_->scope = cat("repository:", path_, push ? ":pull,push" : ":pull");
  state_->base = "/v2/" + path_;
  state_->attempts = options.attempts;
  for (Endpoint& endpoint : endpoints_of(domain_, options, push)) {
    // What the user said to the registry is not for a mirror.
    Credentials own = endpoint.mirror ? Credentials{} : credentials;
    state_->connections.push_back(std::make_unique<Connection>(std::move(endpoint), std::move(own)));
  }
}

Repository::~Repository() = default;

Content Repository::manifest(const std::string& reference, const std::stop_token& stop) {
  Request request;
  request.url = cat(state_->base, "/manifests/", reference);
  request.headers.emplace_back("Accept", accepted_manifests());
  Response response = state_->ask(request, stop);
  if (!response.ok()) refuse(response, "");
  if (response.body.size() > kLargestManifest)
    fail(Kind::kUnavailable, "the manifest of ", path_, " is larger than ", kLargestManifest, " bytes");
  Content content{media_type_of(response), archive::sha256_digest(response.body), std::move(response.body)};
  if (oci::is_digest(reference) && content.digest != reference)
    fail(Kind::kUnavailable, "manifest verification failed for digest ", reference, ": the registry sent ",
         content.digest);
  return content;
}

std::optional<oci::Descriptor> Repository::find_manifest(const std::string& reference, const std::stop_token& stop) {
  Request request;
  request.method = "HEAD";
  request.url = cat(state_->base, "/manifests/", reference);
  request.headers.emplace_back("Accept", accepted_manifests());
  Response response = state_->ask(request, stop);
  if (response.status == 404) return std::nullopt;
  if (!response.ok()) refuse(response, "");
  oci::Descriptor found;
  found.media_type = media_type_of(response);
  found.digest = response.header("Docker-Content-Digest");
  found.size = parse_number<std::int64_t>(response.header("Content-Length")).value_or(0);
  if (oci::is_digest(found.digest)) return found;
  Content content = manifest(reference, stop);  // older registries do not say
  return oci::Descriptor{content.media_type, content.digest, static_cast<std::int64_t>(content.text.size()), {}, {}};
}

std::vector<std::string> Repository::tags(const std::stop_token& stop) {
  std::vector<std::string> found;
  Request request;
  request.url = cat(state_->base, "/tags/list?n=1000");
  for (int page = 0; page < kMostPages && !request.url.empty(); ++page) {
    Response response = state_->ask(request, stop);
    if (!response.ok()) refuse(response, "");
    Json body = parse_json(response.body);
    if (auto tags = body.find("tags"); tags != body.end() && tags->is_array())
      for (const Json& tag : *tags) found.push_back(tag.get<std::string>());
    request.url = next_page(response);
  }
  return found;
}

std::string Repository::referrers(const std::string& digest, const std::stop_token& stop) {
  Request request;
  request.url = cat(state_->base, "/referrers/", digest);
  request.headers.emplace_back("Accept", std::string(oci::kMediaTypeIndex));
  Response response = state_->ask(request, stop);
  if (response.ok()) return response.body;
  if (response.status != 404 && response.status != 400) refuse(response, "");
  std::string tag = digest;
  std::ranges::replace(tag, ':', '-');
  try {
    return manifest(tag, stop).text;
  } catch (const Error& e) {
    if (e.kind() != Kind::kNotFound) throw;
  }
  return cat(R"({"schemaVersion":2,"mediaType":")", oci::kMediaTypeIndex, R"(","manifests":[]})");
}

std::string log_in(const std::string& domain, const Options& options, const Credentials& credentials,
                   const std::stop_token& stop) {
  auto endpoints = endpoints_of(domain, options, true);
  for (std::size_t at = 0;; ++at) {
    Connection connection(endpoints[at], credentials);
    Request request;
    request.url = "/v2/";
    try {
      Response response = connection.perform(request, "", stop);
      if (response.status == 401)
        fail(Kind::kUnauthorized, "login attempt to ", endpoints[at].url, "/v2/ failed with status: 401 Unauthorized");
      if (!response.ok())
        fail(Kind::kUnavailable, "login attempt to ", endpoints[at].url, "/v2/ failed with status: ", response.status);
      return connection.authorizer().identity_token();
    } catch (const TransportError&) {
      if (at + 1 == endpoints.size()) throw;
    }
  }
}

}  // namespace hull::registry
