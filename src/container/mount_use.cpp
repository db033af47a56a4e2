// SPDX-License-Identifier: Apache-2.0
#include "container/mount_use.h"

#include <fcntl.h>

#include <set>

#include "base/file.h"
#include "linux/root_dir.h"

namespace hull::container {

namespace {

// The snapshot's name of the image that is mounted at place `index` of the container's mounts.
std::string snapshot_of(const std::string& container_id, std::size_t index) {
  return cat(container_id, ".image", index);
}

// An unknown driver is the client's mistake: a 404 would make it look for the image instead.
volume::Volume volume_for(const MountPlan& plan, volume::Volumes& volumes, bool& existed, volume::Volumes::Hold& hold) {
  try {
    return volumes.create(plan.point.name, plan.point.driver, plan.volume_labels, plan.volume_options, &existed, &hold);
  } catch (const Error& e) {
    if (e.kind() != Kind::kNotFound) throw;
    throw Error(Kind::kInvalidArgument, e.message());
  }
}

void resolve_volume(const MountPlan& plan, MountPoint& point, volume::Volumes& volumes, Rollback& rollback,
                    UsedVolumes& used) {
  bool existed = false;
  auto made = volume_for(plan, volumes, existed, used.holds.emplace_back());
  if (!existed) {
    rollback.add(cat("volume ", made.name), [&volumes, name = made.name] { volumes.remove_if_unused(name); });
    used.made.push_back(made.name);
  }
  point.name = made.name;
  point.driver = made.driver;
  point.source = made.mountpoint;
}

void resolve_image(MountPoint& point, const std::string& snapshot, Services& services, Rollback& rollback) {
  auto image = services.images.get(point.source);
  rollback.add(cat("layers of ", image->id), [&services, snapshot] { services.snapshots.remove(snapshot); });
  services.snapshots.hold(snapshot, image->layer_chain_ids);
  point.name = image->id;
}

bool wants_population(const MountPlan& plan) {
  return plan.point.type == "volume" && !plan.no_copy && plan.point.driver == "local";
}

}  // namespace

std::vector<MountPoint> resolve_mounts(std::vector<MountPlan>& plans, const std::string& container_id,
                                       Services& services, Rollback& rollback, UsedVolumes& used) {
  std::vector<MountPoint> points;
  for (MountPlan& plan : plans) {
    MountPoint& point = plan.point;
    if (point.type == "volume") resolve_volume(plan, point, services.volumes, rollback, used);
    if (point.type == "image") resolve_image(point, snapshot_of(container_id, points.size()), services, rollback);
    if (point.type == "bind" && plan.create_source && !exists(point.source)) make_directories(point.source);
    points.push_back(point);
  }
  return points;
}

void populate_volumes(const std::vector<MountPlan>& plans, const std::string& container_id, Services& services) {
  linux::DetachedMount mount;
  for (const MountPlan& plan : plans) {
    if (!wants_population(plan)) continue;
    if (!mount) mount = services.snapshots.mount(container_id);
    auto directory = linux::RootDir(mount.get()).open_if_exists(plan.point.destination, O_RDONLY | O_DIRECTORY);
    if (directory) services.volumes.populate(plan.point.name, directory->get(), plan.subpath);
  }
}

void use_volumes(const State& state, volume::Volumes& volumes) {
  try {
    for (const MountPoint& point : state.mounts)
      if (point.type == "volume") volumes.use(point.name, state.id);
  } catch (const Error&) {
    volumes.release_all(state.id);
    throw;
  }
}

std::map<std::string, Strings> image_layers(const State& state, store::Snapshots& snapshots) {
  std::map<std::string, Strings> layers;
  for (std::size_t i = 0; i < state.mounts.size(); ++i)
    if (state.mounts[i].type == "image")
      layers[state.mounts[i].destination] = snapshots.layer_directories(snapshot_of(state.id, i));
  return layers;
}

void let_go_of_images(const State& state, store::Snapshots& snapshots) {
  for (std::size_t i = 0; i < state.mounts.size(); ++i)
    if (state.mounts[i].type == "image") snapshots.remove(snapshot_of(state.id, i));
}

std::string owner_of_snapshot(const std::string& snapshot) { return snapshot.substr(0, snapshot.find(".image")); }

void recover_volumes(const std::vector<LivePtr>& containers, volume::Volumes& volumes) {
  std::map<std::string, std::set<std::string>> users;
  for (const auto& container : containers) {
    auto state = container->state();
    if (!is_up(*state)) continue;
    for (const MountPoint& point : state->mounts)
      if (point.type == "volume") users[point.name].insert(state->id);
  }
  volumes.recover(users);
}

}  // namespace hull::container
