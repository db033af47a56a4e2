// SPDX-License-Identifier: Apache-2.0
#include "registry_server/service.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "registry_server/call.h"
#include "registry_server/refusal.h"

namespace hull::registry_server {

namespace {

constexpr std::string_view kJson = "application/json";

struct Route {
  Resource resource;
  std::string_view method;
  void (*handler)(Call& call);
  bool writes;
};
constexpr Route kRoutes[] = {
    {Resource::kRoot, "GET", check_api, false},
    {Resource::kCatalog, "GET", list_repositories, false},
    {Resource::kTags, "GET", list_tags, false},
    {Resource::kReferrers, "GET", list_referrers, false},
    {Resource::kManifest, "GET", read_manifest_of, false},
    {Resource::kManifest, "PUT", write_manifest, true},
    {Resource::kManifest, "DELETE", remove_manifest, true},
    {Resource::kBlob, "GET", read_blob, false},
    {Resource::kBlob, "DELETE", remove_blob, true},
    {Resource::kUploads, "POST", begin_upload, true},
    {Resource::kUpload, "GET", show_upload, true},
    {Resource::kUpload, "PATCH", append_to_upload, true},
    {Resource::kUpload, "PUT", finish_upload, true},
    {Resource::kUpload, "DELETE", cancel_upload, true},
};

// HEAD is GET without its body.
const Route& find_route(Resource resource, std::string_view method, http::Response& response) {
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (route.resource != resource) continue;
    if (route.method == method || (route.method == "GET" && method == "HEAD")) return route;
    allowed += cat(allowed.empty() ? "" : ", ", route.method, route.method == "GET" ? ", HEAD" : "");
  }
  response.headers.emplace_back("Allow", allowed);
  refuse(Code::kUnsupported, cat("this resource knows ", allowed, ", not ", method));
}

void check_name(const std::string& name, Resource resource) {
  if (resource == Resource::kRoot || resource == Resource::kCatalog || is_repository_name(name)) return;
  refuse(Code::kNameInvalid,
         "invalid repository name: lower-case letters and digits, joined by one of . _ __ - and separated by slashes",
         name);
}

// Errors of the machine, as opposed to the client's: a full disk is worth another try later.
Refusal refusal_of(const Error& e) {
  if (e.kind() == Kind::kInvalidArgument) return {400, {Code::kUnsupported, e.message(), {}}};
  // What the upstream of a mirror says is not what we say about ourselves.
  if (e.kind() == Kind::kUnauthorized || e.kind() == Kind::kForbidden)
    return {403, {Code::kDenied, cat("the upstream refuses: ", e.message()), {}}};
  if (e.kind() == Kind::kUnavailable) return {502, {Code::kUnknown, cat("upstream: ", e.message()), {}}};
  bool full = e.code() == ENOSPC || e.code() == EDQUOT;
  log::error(e.message());
  return {full ? 507 : 500, {Code::kUnknown, full ? "the registry's disk is full" : e.message(), {}}};
}

void log_request(const http::Request& request, const http::Response& response, const std::string& user,
                 std::int64_t began) {
  std::string target = request.query.empty() ? request.path : cat(request.path, "?", request.query);
  std::string peer = request.peer();
  log::info(peer.empty() ? "-" : peer, " ", user.empty() ? "-" : user, " ", request.method, " ", quoted(target), " ",
            response.sent_status, " ", response.sent_bytes, " B ", (monotonic_nanoseconds() - began) / 1'000'000,
            " ms ", quoted(request.header("User-Agent")));
}

}  // namespace

Service::Service(Options wanted)
    : options(std::move(wanted)),
      layout{options.root},
      blobs(layout),
      manifests(layout, blobs),
      collector(layout, blobs, manifests),
      uploads(layout, blobs) {
  layout.prepare();
  if (options.upstream) mirror = std::make_unique<Mirror>(*options.upstream, layout, blobs, manifests, uploads);
  if (!options.password_file.empty()) passwords_ = std::make_unique<Passwords>(options.password_file);
}

Service::~Service() = default;

void Service::authorize(const http::Request& request, http::Response& response, std::string& user) {
  if (!passwords_) return;
  auto [name, password] = basic_credentials(request.header("Authorization"));
  if (!name.empty() && passwords_->accept(name, password)) {
    user = name;
    return;
  }
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"hull registry\"");
  refuse(Code::kUnauthorized, name.empty() ? "authentication required" : "wrong user name or password");
}

void Service::dispatch(http::Request& request, http::Response& response) {
  auto target = parse_path(request.path);
  if (!target) refuse(Code::kNameUnknown, "this is a registry: there is nothing outside of its API", request.path);
  const Route& route = find_route(target->resource, request.method, response);
  check_name(target->name, target->resource);
  if (route.writes && options.read_only) refuse(Code::kUnsupported, "this registry is read-only");
  if (route.writes && mirror)
    refuse(Code::kUnsupported, cat("this is a cache of ", options.upstream->url, ": push to that"));
  Call call{*this, request, response, http::Query(request.query), target->name, target->reference};
  route.handler(call);
}

void Service::answer(http::Request& request, http::Response& response) {
  const std::int64_t began = monotonic_nanoseconds();
  std::string user;
  // Clients of Docker look for it before they believe that this is a registry.
  response.headers.emplace_back("Docker-Distribution-Api-Version", "registry/2.0");
  auto send = [&](const Refusal& refusal) {
    if (response.started()) fail(Kind::kCancelled, "an answer broke off: ", std::string_view(refusal.what()));
    response.send(refusal.status(), kJson, refusal.body());
  };
  try {
    try {
      authorize(request, response, user);
      dispatch(request, response);
    } catch (const Refusal& e) {
      send(e);
    } catch (const Error& e) {
      if (e.kind() == Kind::kCancelled) throw;
      send(refusal_of(e));
    }
  } catch (const Error&) {
    if (!options.quiet) log_request(request, response, user, began);
    throw;
  }
  if (!options.quiet) log_request(request, response, user, began);
}

Digest Call::digest() const {
  auto parsed = parse_digest(reference);
  if (!parsed)
    refuse(Code::kDigestInvalid, "invalid digest: sha256 with 64 or sha512 with 128 hexadecimal digits", reference);
  return *parsed;
}

std::string blob_location(const std::string& name, const Digest& digest) {
  return cat("/v2/", name, "/blobs/", digest.text());
}

bool is_known_to_client(const Call& call, const Digest& digest) {
  for (std::string_view tag : split(call.request.header("If-None-Match"), ',')) {
    tag = trim(tag);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == "*" || tag == cat("\"", digest.text(), "\"") || tag == digest.text()) return true;
  }
  return false;
}

void check_api(Call& call) { call.response.send(200, kJson, "{}"); }

}  // namespace hull::registry_server
