// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "oci/json.h"
#include "registry_server/call.h"
#include "registry_server/refusal.h"

// Lists, a page at a time: repositories, tags, referrers.
namespace hull::registry_server {

namespace {

constexpr std::string_view kJson = "application/json", kIndex = "application/vnd.oci.image.index.v1+json";
constexpr std::size_t kCatalogPage = 1000;       // repositories, when the client names no number
constexpr std::size_t kReferrersPage = 4 << 20;  // bytes: no client has to take a larger manifest

std::optional<std::size_t> page_size(const Call& call) {
  std::string text = call.query.get("n");
  if (text.empty()) return std::nullopt;
  auto number = parse_number<std::size_t>(text);
  if (!number) refuse_with(400, Code::kUnsupported, "invalid number of results: n is a whole number", text);
  return number;
}

void link_next(Call& call, const std::string& parameters) {
  call.header("Link", cat("<", call.request.path, "?", parameters, ">; rel=\"next\""));
}

// The names behind `last`, as many as are wanted.
std::vector<std::string> page_of(Call& call, const std::vector<std::string>& all, std::optional<std::size_t> wanted) {
  std::string last = call.query.get("last");
  auto first = last.empty() ? all.begin() : std::ranges::upper_bound(all, last);
  auto left = static_cast<std::size_t>(all.end() - first);
  std::size_t count = std::min(left, wanted.value_or(left));
  std::vector<std::string> page(first, first + static_cast<std::ptrdiff_t>(count));
  if (count > 0 && count < left) link_next(call, cat("last=", percent_encoded(page.back()), "&n=", *wanted));
  return page;
}

Json descriptor_of(const Referrer& referrer) {
  Json descriptor = {
      {"mediaType", referrer.document.media_type}, {"digest", referrer.digest.text()}, {"size", referrer.size}};
  if (!referrer.document.artifact_type.empty()) descriptor["artifactType"] = referrer.document.artifact_type;
  if (!referrer.document.annotations.empty()) descriptor["annotations"] = referrer.document.annotations;
  return descriptor;
}

}  // namespace

void list_repositories(Call& call) {
  auto page = page_of(call, call.service.manifests.repositories(), page_size(call).value_or(kCatalogPage));
  call.response.send(200, kJson, dump_json({{"repositories", page}}));
}

void list_tags(Call& call) {
  auto wanted = page_size(call);
  if (!call.service.mirror && !call.service.manifests.repository_exists(call.name))
    refuse(Code::kNameUnknown, "the registry has no such repository", call.name);
  auto tags = call.service.mirror ? call.service.mirror->tags(call.name) : call.service.manifests.tags(call.name);
  std::ranges::sort(tags);
  auto page = page_of(call, tags, wanted);
  call.response.send(200, kJson, dump_json({{"name", call.name}, {"tags", page}}));
}

void list_referrers(Call& call) {
  Digest subject = call.digest();
  bool filtered = call.query.has("artifactType");
  std::string wanted = call.query.get("artifactType"), last = call.query.get("last");
  Json list = Json::array();
  std::size_t bytes = 0;
  std::string previous;
  for (const Referrer& referrer : call.service.manifests.referrers(call.name, subject)) {
    std::string digest = referrer.digest.text();
    if ((!last.empty() && digest <= last) || (filtered && referrer.document.artifact_type != wanted)) continue;
    Json descriptor = descriptor_of(referrer);
    bytes += dump_json(descriptor).size() + 1;
    if (bytes > kReferrersPage && !list.empty()) {
      link_next(call, cat(filtered ? cat("artifactType=", percent_encoded(wanted), "&") : "",
                          "last=", percent_encoded(previous)));
      break;
    }
    list.push_back(std::move(descriptor));
    previous = digest;
  }
  if (filtered) call.header("OCI-Filters-Applied", "artifactType");
  call.response.send(200, kIndex,
                     dump_json({{"schemaVersion", 2}, {"mediaType", kIndex}, {"manifests", std::move(list)}}));
}

}  // namespace hull::registry_server
