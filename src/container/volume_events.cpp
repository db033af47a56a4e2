// SPDX-License-Identifier: Apache-2.0
#include "container/engine_impl.h"

// What the engine tells about the volumes of its containers.
namespace hull::container {

void publish_volume(Events& events, const std::string& name, std::string action, StringMap attributes) {
  Event event;
  event.type = "volume";
  event.action = std::move(action);
  event.actor_id = name;
  event.attributes.insert(attributes.begin(), attributes.end());
  event.attributes.try_emplace("driver", "local");
  events.publish(std::move(event));
}

void Engine::Impl::publish_mounts(const State& state) {
  for (const MountPoint& point : state.mounts)
    if (point.type == "volume")
      publish_volume(services.events, point.name, "mount",
                     {{"container", state.id},
                      {"destination", point.destination},
                      {"driver", point.driver},
                      {"propagation", point.propagation},
                      {"read/write", point.rw ? "true" : "false"}});
}

void Engine::Impl::publish_unmounts(const State& state) {
  for (const MountPoint& point : state.mounts)
    if (point.type == "volume")
      publish_volume(services.events, point.name, "unmount", {{"container", state.id}, {"driver", point.driver}});
}

}  // namespace hull::container
