// SPDX-License-Identifier: Apache-2.0
#include "api/disk_usage.h"

#include <algorithm>
#include <functional>
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

std::int64_t layers_size(Call& call) {
  std::int64_t size = 0;
  for (const auto& layer : call.services().database.layers()) size += layer.size;
  return size;
}

// What there is of one kind: how much, how much of it is in use, and how much could be had back.
struct Usage {
  std::int64_t total = 0, active = 0, size = 0, reclaimable = 0;
  Json items;

  void count(bool is_active, std::int64_t bytes) {
    ++total;
    if (is_active) ++active;
    size += bytes;
    if (!is_active) reclaimable += bytes;
  }
};

// Zeros and empty lists are left out.
Json usage_shape(const Usage& usage, bool verbose) {
  Json out = Json::object();
  auto add = [&](const char* key, std::int64_t number) {
    if (number) out[key] = number;
  };
  add("ActiveCount", usage.active);
  if (verbose && !usage.items.empty()) out["Items"] = usage.items;
  add("Reclaimable", usage.reclaimable);
  add("TotalCount", usage.total);
  add("TotalSize", usage.size);
  return out;
}

Usage usage_of_images(Call& call, const std::vector<container::StatePtr>& containers) {
  Usage usage;
  usage.items = images_usage(call, containers);
  for (const Json& image : usage.items)
    usage.count(image["Containers"] > 0, image["Size"].get<std::int64_t>() - image["SharedSize"].get<std::int64_t>());
  usage.size = layers_size(call);  // each layer once
  return usage;
}

Usage usage_of_containers(Call& call, const std::vector<container::StatePtr>& containers) {
  Usage usage;
  usage.items = containers_usage(call, containers);
  for (const Json& one : usage.items) {
    const auto& state = one["State"].get_ref<const std::string&>();
    usage.count(state == "running" || state == "paused" || state == "restarting", one["SizeRw"]);
  }
  return usage;
}

Usage usage_of_volumes(Call& call) {
  Usage usage;
  usage.items = volumes_usage(call);
  for (const Json& one : usage.items) usage.count(one["UsageData"]["RefCount"] > 0, one["UsageData"]["Size"]);
  return usage;
}

Usage usage_of_build_cache(Call& call) {
  Usage usage;
  usage.items = build_cache_shape(call);
  for (const Json& one : usage.items) {
    usage.count(one["InUse"], one["Size"]);
    if (!one["InUse"] && one["Shared"]) usage.reclaimable -= one["Size"].get<std::int64_t>();
  }
  return usage;
}

// Which kinds were asked for: all of them before 1.42.
std::function<bool(std::string_view)> wanted_types(const Call& call) {
  auto types = call.since(42) ? call.query.all("type") : std::vector<std::string>();
  constexpr std::string_view kTypes[] = {"container", "image", "volume", "build-cache"};
  for (const auto& type : types)
    if (std::ranges::find(kTypes, type) == std::end(kTypes)) fail_invalid("unknown object type: ", type);
  return [types = std::move(types)](std::string_view type) {
    return types.empty() || std::ranges::find(types, type) != types.end();
  };
}

}  // namespace

// Since 1.52 each kind has counts and sums, and its list with `?verbose=1` only. The lists of before come along as long
// as nobody asks so: there are clients that use whatever version is the newest.
void disk_usage(Call& call) {
  auto wanted = wanted_types(call);
  bool verbose = call.since(52) && call.query.flag("verbose");
  auto containers = call.engine.list();
  Json lists = Json::object(), summaries = Json::object();
  auto add = [&](std::string_view type, const char* list, const char* summary, const auto& usage_of) {
    if (!wanted(type)) return;
    Usage usage = usage_of();
    if (type == "image") lists["LayersSize"] = usage.size;
    summaries[summary] = usage_shape(usage, verbose);
    lists[list] = std::move(usage.items);
  };
  add("image", "Images", "ImageUsage", [&] { return usage_of_images(call, containers); });
  add("container", "Containers", "ContainerUsage", [&] { return usage_of_containers(call, containers); });
  add("volume", "Volumes", "VolumeUsage", [&] { return usage_of_volumes(call); });
  add("build-cache", "BuildCache", "BuildCacheUsage", [&] { return usage_of_build_cache(call); });
  Json out = verbose ? Json::object() : std::move(lists);
  if (call.since(52)) out.update(summaries);
  reply(call, 200, out);
}

}  // namespace hull::api
