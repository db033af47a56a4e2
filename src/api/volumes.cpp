// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "api/disk_usage.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "archive/zstd_sink.h"
#include "base/log.h"
#include "build/directory_size.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using volume::Volume;

struct CreateBody {
  std::string name, driver;
  std::map<std::string, std::string> options, labels;
};
template <class Visitor>
void fields(Visitor& visit, CreateBody& value) {
  visit("Name", value.name);
  visit("Driver", value.driver);
  visit("DriverOpts", value.options);
  visit("Labels", value.labels);
}

std::string in_seconds(Timestamp time) { return format_rfc3339({time.nanoseconds / 1'000'000'000 * 1'000'000'000}); }

}  // namespace

JsonValue volume_shape(const Volume& volume) {
  Json out;
  out["CreatedAt"] = in_seconds(volume.created);
  out["Driver"] = volume.driver;
  out["Labels"] = volume.labels.empty() ? Json(nullptr) : to_json(volume.labels);
  out["Mountpoint"] = volume.mountpoint;
  out["Name"] = volume.name;
  out["Options"] = volume.options.empty() ? Json(nullptr) : to_json(volume.options);
  out["Scope"] = "local";
  return out;
}

void list_volumes(Call& call) {
  Filters filters(call.query, {"name", "driver", "label", "dangling"});
  auto dangling = filters.flag("dangling");
  Json list = Json::array();
  for (const auto& volume : call.services().volumes.list()) {
    if (dangling && *dangling != call.services().volumes.who_names(volume.name).empty()) continue;
    if (filters.pattern("name", volume.name) && filters.exact("driver", volume.driver) && filters.labels(volume.labels))
      list.push_back(volume_shape(volume));
  }
  Json out;
  out["Volumes"] = list;
  out["Warnings"] = nullptr;
  reply(call, 200, out);
}

void create_volume(Call& call) {
  auto body = from_json<CreateBody>(json_body(call, true));
  bool existed = false;
  auto volume = call.services().volumes.create(body.name, body.driver.empty() ? "local" : body.driver, body.labels,
                                               body.options, &existed);
  if (!existed) container::publish_volume(call.services().events, volume.name, "create");
  reply(call, 201, volume_shape(volume));
}

void inspect_volume(Call& call) { reply(call, 200, volume_shape(call.services().volumes.get(call.parameter("name")))); }

namespace {

void remove_and_tell(Call& call, const std::string& name, bool force) {
  auto& services = call.services();
  bool existed = services.volumes.find(name).has_value();
  services.volumes.remove(name, force);
  if (existed) container::publish_volume(services.events, name, "destroy");
}

}  // namespace

void remove_volume(Call& call) {
  remove_and_tell(call, call.parameter("name"), call.query.flag("force"));
  call.send_empty(204);
}

void update_volume(Call& call) {
  Json body = json_body(call, true);
  if (!body.contains("Labels"))
    fail(Kind::kUnavailable, "volume update only valid for cluster volumes, but swarm is unavailable");
  auto& services = call.services();
  auto labels = from_json<std::map<std::string, std::string>>(body["Labels"]);
  reply(call, 200, volume_shape(services.volumes.set_labels(call.parameter("name"), labels)));
}

void rename_volume(Call& call) {
  const std::string& name = call.parameter("name");
  auto& services = call.services();
  auto volume = services.volumes.rename(name, call.query.get("name"));
  container::Event event;
  event.type = "volume";
  event.action = "rename";
  event.actor_id = volume.name;
  event.attributes = {{"driver", volume.driver}, {"oldName", name}};
  services.events.publish(std::move(event));
  call.send_empty(204);
}

void export_volume(Call& call) {
  std::string compression = call.query.get("compression");
  if (!compression.empty() && compression != "zstd")
    fail_invalid("invalid compression ", hull::quoted(compression), ": use zstd, or none");
  std::optional<archive::ZstdSink> compressor;
  call.services().volumes.write_archive(call.parameter("name"), [&]() -> archive::Sink {
    call.response.begin(200, compression.empty() ? "application/x-tar" : "application/zstd");
    archive::Sink plain = [&response = call.response](std::string_view piece) { response.write(piece); };
    if (compression.empty()) return plain;
    compressor.emplace(std::move(plain));
    return [&](std::string_view piece) { compressor->write(piece); };
  });
  if (compressor) compressor->finish();
}

void import_volume(Call& call) {
  call.services().volumes.read_archive(
      call.parameter("name"),
      [&request = call.request](char* buffer, std::size_t size) { return request.read(buffer, size); });
  call.send_empty(204);
}

void prune_volumes(Call& call) {
  Filters filters(call.query, {"label", "label!", "all"});
  bool all = !call.since(42) || filters.flag("all").value_or(false);
  Json deleted = Json::array();
  std::int64_t space = 0;
  for (const auto& volume : call.services().volumes.list()) {
    if ((!all && !volume.anonymous) || !volume.options.empty() || !filters.labels(volume.labels)) continue;
    if (!call.services().volumes.who_names(volume.name).empty()) continue;
    std::int64_t size = build::directory_size(volume.mountpoint);
    try {
      remove_and_tell(call, volume.name, false);
    } catch (const Error& e) {
      log::info("prune leaves volume ", volume.name, ": ", e.message());
      continue;
    }
    deleted.push_back(volume.name);
    space += size;
  }
  Json out;
  out["VolumesDeleted"] = deleted;
  out["SpaceReclaimed"] = space;
  reply(call, 200, out);
}

}  // namespace hull::api
