// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/image_progress.h"
#include "api/json_reply.h"
#include "api/registry_auth.h"
#include "oci/image_manifest.h"
#include "oci/json.h"
#include "oci/platform.h"
#include "registry/repository.h"

// docker pull and docker push: POST /images/create?fromImage=… and /images/{name}/push.
namespace hull::api {

namespace {

// "tag" may be a digest, and may be in fromImage.
image::PullRequest pull_request(const Call& call) {
  image::PullRequest request;
  std::string name = call.query.get("fromImage"), tag = call.query.get("tag");
  oci::Reference inside = oci::Reference::parse(name);
  if (!tag.empty() && inside.tag.empty() && inside.digest.empty())
    inside = oci::Reference::parse(cat(name, tag.find(':') == tag.npos ? ":" : "@", tag));
  else if (!tag.empty() && tag.find(':') != tag.npos)
    inside.digest = oci::Reference::parse(cat(inside.canonical_name(), "@", tag)).digest;
  else if (!tag.empty() && inside.digest.empty())
    inside.tag = oci::Reference::parse(cat(inside.canonical_name(), ":", tag)).tag;
  request.all_tags = inside.tag.empty() && inside.digest.empty();
  request.reference = std::move(inside);
  if (std::string platform = call.query.get("platform"); !platform.empty())
    request.platform = oci::parse_platform(platform);
  request.options = transfer_options(call, call.settings()->max_concurrent_downloads);
  return request;
}

image::PushRequest push_request(const Call& call) {
  image::PushRequest request;
  std::string tag = call.query.get("tag");
  request.reference = oci::Reference::parse(call.parameter("name"));
  if (!tag.empty()) request.reference = oci::Reference::parse(cat(request.reference.canonical_name(), ":", tag));
  request.all_tags = request.reference.tag.empty();
  request.options = transfer_options(call, call.settings()->max_concurrent_uploads);
  if (std::string text = call.query.get("platform"); !text.empty()) {
    request.platform = from_json<oci::Platform>(parse_json(text));
    auto image = call.services().images.get(request.reference.canonical());
    oci::Platform own{image->config.architecture, image->config.os, "", image->config.variant};
    if (!oci::best_match({own}, *request.platform))
      fail(Kind::kNotFound, "image ", request.reference.familiar(), " is for ", oci::to_string(own),
           ", and does not provide the specified platform (", oci::to_string(*request.platform), ")");
  }
  return request;
}

}  // namespace

void push_image(Call& call) {
  image::PushRequest request = push_request(call);
  std::stop_token hung_up = call.request.hung_up();
  report_progress(call, [&](const image::Report& report) { call.services().images.push(request, report, hung_up); });
}

// GET /distribution/{name}/json: what a registry has, without pulling it.
void inspect_distribution(Call& call) {
  auto reference = oci::Reference::parse(call.parameter("name"));
  std::string wanted = reference.digest.empty() ? (reference.tag.empty() ? "latest" : reference.tag) : reference.digest;
  registry::Repository repository(reference.domain, reference.path, registry_options(call), credentials_of(call),
                                  registry::Access::kPull);
  std::stop_token hung_up = call.request.hung_up();
  registry::Content manifest = repository.manifest(wanted, hung_up);
  Json json = parse_json(manifest.text), platforms = Json::array();
  if (auto list = json.find("manifests"); list != json.end()) {
    for (const auto& entry : from_json<oci::ImageIndex>(json).manifests)
      if (entry.platform) platforms.push_back(to_json(*entry.platform));
  } else {
    auto config = from_json<oci::ImageManifest>(json).config;
    auto parsed = from_json<oci::Platform>(parse_json(repository.small_blob(config, hung_up)));
    platforms.push_back(to_json(parsed));
  }
  Json out;
  out["Descriptor"] = {{"mediaType", manifest.media_type}, {"digest", manifest.digest}, {"size", manifest.text.size()}};
  out["Platforms"] = platforms;
  reply(call, 200, out);
}

void pull_image(Call& call) {
  image::PullRequest request = pull_request(call);
  std::stop_token hung_up = call.request.hung_up();
  report_progress(call, [&](const image::Report& report) { call.services().images.pull(request, report, hung_up); });
}

}  // namespace hull::api
