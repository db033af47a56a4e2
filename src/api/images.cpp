// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>

#include "api/container_shapes.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "api/image_manifests.h"
#include "api/machine.h"
#include "api/platforms.h"
#include "base/log.h"
#include "oci/json.h"
#include "oci/reference.h"

namespace hull::api {

namespace {

using image::Image;
using image::ImagePtr;

// How many containers each image has.
std::map<std::string, std::int64_t, std::less<>> container_counts(const Call& call) {
  std::map<std::string, std::int64_t, std::less<>> counts;
  for (const auto& state : call.engine.list()) ++counts[state->spec->image_id];
  return counts;
}

// By being made of it, or by a mount of it.
bool uses(const container::State& state, const std::string& image_id) {
  return state.spec->image_id == image_id || std::ranges::any_of(state.mounts, [&](const auto& mount) {
           return mount.type == "image" && mount.name == image_id;
         });
}

auto user_of_images(Call& call) {
  return [&engine = call.engine](const std::string& image_id) -> std::optional<image::Images::Use> {
    std::optional<image::Images::Use> use;
    for (const auto& state : engine.list()) {
      if (!uses(*state, image_id)) continue;
      if (!use || counts_as_running(*state)) use = {state->id, counts_as_running(*state)};
      if (use->running) break;
    }
    return use;
  };
}

// The names of an image in use that no container was made by; when none was made by any, all but the last.
std::vector<std::string> unused_names(const Image& image, const Call& call) {
  std::vector<std::string> names = image.tags;
  for (const auto& state : call.engine.list())
    if (state->spec->image_id == image.id)
      std::erase_if(names, [&](const std::string& name) {
        return name == state->spec->config.image || name == state->spec->config.image + ":latest";
      });
  if (names.size() == image.tags.size() && !names.empty()) names.pop_back();
  return names;
}

// Refuses an image of another platform than those that `parameter` of the query names: an image here has one.
void check_platform(const Call& call, const Image& image, std::string_view parameter) {
  const auto& config = image.config;
  for (const std::string& text : call.query.all(parameter)) {
    oci::Platform wanted = platform_of(text);
    if (!is_for(config, wanted))
      fail(Kind::kNotFound, oci::platform_mismatch(call.parameter("name"), cat(config.os, "/", config.architecture),
                                                   oci::to_string(wanted)));
  }
}

Json summary_of(const Image& image, const Call& call, std::int64_t containers) {
  Json out;
  out["Containers"] = containers;
  out["Created"] = image.created.nanoseconds / 1'000'000'000;
  out["Id"] = image.id;
  out["Labels"] = image.config.config.labels.empty() ? Json(nullptr) : to_json(image.config.config.labels);
  out["ParentId"] = image.parent;
  bool placeholders = !call.since(43);
  out["RepoDigests"] =
      placeholders && image.repository_digests.empty() ? Json{"<none>@<none>"} : Json(image.repository_digests);
  out["RepoTags"] = placeholders && image.tags.empty() ? Json{"<none>:<none>"} : Json(image.tags);
  out["SharedSize"] = -1;
  out["Size"] = image.size;
  if (!call.since(44)) out["VirtualSize"] = image.size;
  return out;
}

// "debian", "debian:1*": the name, or the name with the tag, with the wildcards of fnmatch.
bool tag_fits(std::string_view tag, const Filters& filters) {
  const auto& wanted = filters.values("reference");
  if (wanted.empty()) return true;
  auto fits = [](std::string_view pattern, std::string_view text) {
    auto match = [](auto& self, std::string_view p, std::string_view t) -> bool {
      if (p.empty()) return t.empty();
      if (p.front() == '*')
        return self(self, p.substr(1), t) || (!t.empty() && t.front() != '/' && self(self, p, t.substr(1)));
      return !t.empty() && (p.front() == '?' || p.front() == t.front()) && self(self, p.substr(1), t.substr(1));
    };
    return match(match, pattern, text);
  };
  std::string canonical = oci::Reference::parse(tag).canonical();
  return std::ranges::any_of(wanted, [&](const auto& w) {
    return std::ranges::any_of(std::array{tag, std::string_view(canonical)}, [&](std::string_view name) {
      return fits(w, name) || fits(w, name.substr(0, name.rfind(':')));
    });
  });
}

// Whoever asks by reference gets the images that have one which fits, and sees these references only.
bool fits_reference(const Image& image, const Filters& filters) {
  return !filters.has("reference") ||
         std::ranges::any_of(image.tags, [&](const auto& tag) { return tag_fits(tag, filters); });
}

Filters list_filters(const Call& call) {
  return Filters(call.query, {"dangling", "label", "label!", "before", "since", "reference", "until"});
}

std::vector<ImagePtr> selected_images(const Call& call) {
  Filters filters = list_filters(call);
  auto dangling = filters.flag("dangling");
  auto until = filters.earliest_until();
  auto& images = call.services().images;
  auto age_of = [&](std::string_view key) {
    return filters.has(key) ? std::optional(images.get(filters.values(key).back())->created) : std::nullopt;
  };
  auto before = age_of("before"), since = age_of("since");
  std::vector<ImagePtr> found;
  for (const auto& image : images.list()) {
    if (dangling && *dangling != image->tags.empty()) continue;
    if (before && !(image->created < *before)) continue;
    if (since && !(image->created > *since)) continue;
    if (until && !(image->created < *until)) continue;
    if (filters.labels(image->config.config.labels) && fits_reference(*image, filters)) found.push_back(image);
  }
  return found;
}

Json without_empty(const Json& object) {
  Json out = Json::object();
  for (const auto& [key, value] : object.items())
    if (!value.is_null() && value != "") out[key] = value;
  return out;
}

// Before 1.50 the config had the fields of a container's too, all of them empty; since 1.52 it has no empty ones.
Json config_of(const Image& image, const Call& call) {
  const auto& config = image.config.config;
  auto list = [](const auto& values) { return values.empty() ? Json(nullptr) : Json(values); };
  Json out;
  if (!call.since(50)) {
    for (const char* key : {"Hostname", "Domainname"}) out[key] = "";
    for (const char* key : {"AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"})
      out[key] = false;
    out["Image"] = "";
  }
  out["User"] = config.user;
  if (!config.exposed_ports.empty()) out["ExposedPorts"] = to_json(config.exposed_ports);
  out["Env"] = list(config.env);
  out["Cmd"] = to_json(config.cmd);
  if (config.healthcheck) out["Healthcheck"] = to_json(config.healthcheck);
  if (config.args_escaped) out["ArgsEscaped"] = true;
  out["Volumes"] = config.volumes.empty() ? Json(nullptr) : to_json(config.volumes);
  out["WorkingDir"] = config.working_dir;
  out["Entrypoint"] = to_json(config.entrypoint);
  out["OnBuild"] = list(config.on_build);
  out["Labels"] = config.labels.empty() ? Json(nullptr) : to_json(config.labels);
  if (!config.stop_signal.empty()) out["StopSignal"] = config.stop_signal;
  if (!config.shell.empty()) out["Shell"] = config.shell;
  return call.since(52) ? without_empty(out) : out;
}

// The files go when the answer has been given.
void empty_trash_later(Call& call) {
  auto& services = call.services();
  services.reactor.run_in_background([&snapshots = services.snapshots] { snapshots.empty_trash(); });
}

Json removed_shape(const image::Removed& removed) {
  Json out = Json::array();
  for (const auto& reference : removed.untagged) out.push_back({{"Untagged", reference}});
  for (const auto& id : removed.deleted) out.push_back({{"Deleted", id}});
  return out;
}

}  // namespace

void list_images(Call& call) {
  Json out = Json::array();
  Filters filters = list_filters(call);
  bool manifests = call.since(47) && call.query.flag("manifests");
  // Who signed an image is not kept, so there is nothing more to show for it.
  if (call.since(54) && call.query.flag("identity") && !manifests)
    fail_invalid("conflicting options: identity requires manifests=1");
  auto counts = container_counts(call);
  auto containers_of = [&](const Image& image) -> std::int64_t {
    if (!call.since(51)) return -1;
    auto found = counts.find(image.id);
    return found == counts.end() ? 0 : found->second;
  };
  for (const auto& image : selected_images(call)) {
    Json one = summary_of(*image, call, containers_of(*image));
    if (manifests) one["Manifests"] = manifests_of(*image, call);
    if (filters.has("reference")) {
      one["RepoTags"] = Json::array();
      for (const auto& tag : image->tags)
        if (tag_fits(tag, filters)) one["RepoTags"].push_back(tag);
    }
    out.push_back(std::move(one));
  }
  reply(call, 200, out);
}

void inspect_image(Call& call) {
  auto image = call.services().images.get(call.parameter("name"));
  check_platform(call, *image, "platform");
  const auto& config = image->config;
  Json out;
  out["Id"] = image->id;
  out["RepoTags"] = image->tags;
  out["RepoDigests"] = image->repository_digests;
  auto add = [&](const char* key, const std::string& text) {
    if (!text.empty() || !call.since(52)) out[key] = text;
  };
  add("Parent", image->parent);
  add("Comment", config.history.empty() ? "" : config.history.back().comment);
  if (!config.created.empty() || !call.since(44)) out["Created"] = format_rfc3339(image->created);
  add("DockerVersion", "");
  add("Author", config.author);
  out["Config"] = config_of(*image, call);
  out["Architecture"] = config.architecture;
  if (!config.variant.empty()) out["Variant"] = config.variant;
  out["Os"] = config.os;
  if (!config.os_version.empty()) out["OsVersion"] = config.os_version;
  out["Size"] = image->size;
  if (!call.since(44)) out["VirtualSize"] = image->size;
  out["GraphDriver"] = {{"Data", nullptr}, {"Name", "overlay2"}};
  out["RootFS"] = {{"Type", "layers"}, {"Layers", config.rootfs.diff_ids}};
  out["Metadata"] = {{"LastTagTime", format_rfc3339(image->stored)}};
  if (call.since(48) && call.query.flag("manifests")) out["Manifests"] = manifests_of(*image, call);
  reply(call, 200, out);
}

void image_history(Call& call) {
  auto image = call.services().images.get(call.parameter("name"));
  check_platform(call, *image, "platform");
  const auto& steps = image->config.history;
  std::size_t layer = 0;
  Json out = Json::array();
  for (const auto& step : steps) {
    std::int64_t size = 0;
    if (!step.empty_layer && layer < image->layer_chain_ids.size())
      if (auto row = call.services().database.layer(image->layer_chain_ids[layer++])) size = row->size;
    Json one;
    one["Id"] = "<missing>";
    one["Created"] = parse_rfc3339(step.created).value_or(Timestamp{}).nanoseconds / 1'000'000'000;
    one["CreatedBy"] = step.created_by;
    one["Tags"] = nullptr;
    one["Size"] = size;
    one["Comment"] = step.comment;
    out.push_back(one);
  }
  std::reverse(out.begin(), out.end());  // newest first
  if (!out.empty()) {
    out.front()["Id"] = image->id;
    if (!image->tags.empty()) out.front()["Tags"] = image->tags;
  }
  reply(call, 200, out);
}

void tag_image(Call& call) {
  std::string reference = call.query.get("repo");
  if (std::string tag = call.query.get("tag"); !tag.empty()) reference += ":" + tag;
  call.services().images.tag(call.parameter("name"), reference);
  call.send_empty(201);
}

void remove_image(Call& call) {
  if (trim(call.parameter("name")).empty()) fail_invalid("image name cannot be blank");
  if (!call.query.get("platforms").empty())
    check_platform(call, *call.services().images.get(call.parameter("name")), "platforms");
  auto removed = call.services().images.remove(call.parameter("name"), call.query.flag("force"),
                                               !call.query.flag("noprune"), user_of_images(call));
  if (!removed.deleted.empty()) empty_trash_later(call);
  reply(call, 200, removed_shape(removed));
}

void prune_images(Call& call) {
  Filters filters(call.query, {"dangling", "label", "label!", "until"});
  bool only_dangling = filters.flag("dangling").value_or(true);
  auto until = filters.until();
  auto in_use = user_of_images(call);
  Json deleted = Json::array();
  std::int64_t space = 0;
  for (const auto& image : call.services().images.list()) {
    if (only_dangling && !image->tags.empty()) continue;
    if ((until && !(image->created < *until)) || !filters.labels(image->config.config.labels)) continue;
    bool used = in_use(image->id).has_value();
    for (const std::string& name : used ? unused_names(*image, call) : std::vector{image->id}) try {
        auto removed = call.services().images.remove(name, !used, true, in_use);
        if (!removed.deleted.empty()) space += image->size;
        for (auto& one : removed_shape(removed)) deleted.push_back(one);
      } catch (const Error& e) {
        log::info("prune leaves image ", name, ": ", e.message());
      }
  }
  if (!deleted.empty()) empty_trash_later(call);
  Json out;
  out["ImagesDeleted"] = deleted.empty() ? Json(nullptr) : deleted;
  out["SpaceReclaimed"] = space;
  reply(call, 200, out);
}

}  // namespace hull::api
