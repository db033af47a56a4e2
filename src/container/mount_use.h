// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/rollback.h"
#include "container/engine_impl.h"
#include "container/normalize.h"
#include "container/oci_config.h"

// What the mounts of a container keep alive: layers of images, and volumes that are mounted while they are used.
namespace hull::container {

struct UsedVolumes {
  std::vector<volume::Volumes::Hold> holds;  // until the container is known
  std::vector<std::string> made;             // names of those that are new
};

// Says of every planned mount where it comes from: makes volumes that do not exist yet, keeps the layers of images,
// makes missing directories of -v. What it has made, `rollback` takes back, once `used` is gone.
std::vector<MountPoint> resolve_mounts(std::vector<MountPlan>& plans, const std::string& container_id,
                                       Services& services, Rollback& rollback, UsedVolumes& used);
// Fills new volumes from what the image has at their place, before the container can see them.
void populate_volumes(const std::vector<MountPlan>& plans, const std::string& container_id, Services& services);

// The volumes that have to be mounted are, as long as the container runs. Throws what Volumes::use() throws; nothing is
// used then.
void use_volumes(const State& state, volume::Volumes& volumes);
// The layers of its image mounts, for ConfigInputs.
std::map<std::string, Strings> image_layers(const State& state, store::Snapshots& snapshots);
// When the container is removed.
void let_go_of_images(const State& state, store::Snapshots& snapshots);
// The container that a snapshot belongs to.
std::string owner_of_snapshot(const std::string& snapshot);
// After a start of the engine: who uses which volume.
void recover_volumes(const std::vector<LivePtr>& containers, volume::Volumes& volumes);

}  // namespace hull::container
