// SPDX-License-Identifier: Apache-2.0
#include "api/disk_usage.h"

#include <algorithm>
#include <map>

#include "api/container_shapes.h"
#include "api/handlers.h"
#include "build/directory_size.h"
#include "oci/json.h"

namespace hull::api {

namespace {

// What each image has in common with others, by image id: the bytes of layers that more than one image has.
std::map<std::string, std::int64_t> shared_sizes(Call& call) {
  std::map<std::string, int> users;
  auto images = call.services().images.list();
  for (const auto& image : images)
    for (const auto& chain_id : image->layer_chain_ids) ++users[chain_id];
  std::map<std::string, std::int64_t> shared;
  for (const auto& layer : call.services().database.layers()) {
    if (users[layer.chain_id] < 2) continue;
    for (const auto& image : images)
      if (std::ranges::find(image->layer_chain_ids, layer.chain_id) != image->layer_chain_ids.end())
        shared[image->id] += layer.size;
  }
  return shared;
}

Json images_usage(Call& call, const std::vector<container::StatePtr>& containers) {
  Json out = Json::array();
  auto shared = shared_sizes(call);
  for (const auto& image : call.services().images.list()) {
    Json one;
    one["Containers"] =
        std::ranges::count_if(containers, [&](const auto& state) { return state->spec->image_id == image->id; });
    one["Created"] = image->created.nanoseconds / 1'000'000'000;
    one["Id"] = image->id;
    one["Labels"] = to_json(image->config.config.labels);
    one["ParentId"] = image->parent;
    one["RepoDigests"] = image->repository_digests;
    one["RepoTags"] = image->tags;
    one["SharedSize"] = shared[image->id];
    one["Size"] = image->size;
    if (!call.since(44)) one["VirtualSize"] = image->size;
    out.push_back(one);
  }
  return out;
}

Json containers_usage(Call& call, const std::vector<container::StatePtr>& containers) {
  Json out = Json::array();
  Timestamp time = now();
  for (const auto& state : containers) {
    Json one = summary_shape(*state, call, time);
    try {
      one["SizeRw"] = call.engine.size_rw(state->id);
      one["SizeRootFs"] = call.engine.size_root(state->id);
    } catch (const Error& e) {
      if (e.kind() != Kind::kNotFound) throw;
      continue;  // removed meanwhile
    }
    out.push_back(one);
  }
  return out;
}

Json volumes_usage(Call& call) {
  Json out = Json::array();
  for (const auto& volume : call.services().volumes.list()) {
    Json one = volume_shape(volume);
    one["UsageData"] = {{"RefCount", call.services().volumes.who_names(volume.name).size()},
                        {"Size", build::directory_size(volume.mountpoint)}};
    out.push_back(one);
  }
  return out;
}

}  // namespace

void disk_usage(Call& call) {
  auto types = call.query.all("type");
  constexpr std::string_view kTypes[] = {"container", "image", "volume", "build-cache"};
  for (const auto& type : types)
    if (std::ranges::find(kTypes, type) == std::end(kTypes)) fail_invalid("unknown object type: ", type);
  auto wanted = [&](std::string_view type) { return types.empty() || std::ranges::find(types, type) != types.end(); };
  auto containers = call.engine.list();
  std::int64_t layers = 0;
  for (const auto& layer : call.services().database.layers()) layers += layer.size;
  Json out;
  if (wanted("image")) {
    out["LayersSize"] = layers;
    out["Images"] = images_usage(call, containers);
  }
  if (wanted("container")) out["Containers"] = containers_usage(call, containers);
  if (wanted("volume")) out["Volumes"] = volumes_usage(call);
  if (wanted("build-cache")) out["BuildCache"] = build_cache_shape(call);
  reply(call, 200, out);
}

}  // namespace hull::api
