// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "container/engine.h"

namespace hull::container {

// /dev/shm of a container with IpcMode "shareable". Containers that join its IPC namespace need the very same
// file system, and a mount inside another mount namespace cannot be cloned: so this one is mounted where the
// engine sees it, <exec-root>/shm/<id>, and bound into each of them. No other mode leaves a mount on the host.
std::string shared_memory_directory(const Configuration& configuration, const std::string& id);

// Mounts it; idempotent.
void prepare_shared_memory(const Configuration& configuration, const std::string& id, std::int64_t size);
// Takes it away, when the container has stopped; those that still use it keep it. Idempotent.
void release_shared_memory(const Configuration& configuration, const std::string& id);
// After a start of the engine: releases those of all containers but `live`.
void release_stale_shared_memory(const Configuration& configuration, const std::vector<std::string>& live);

}  // namespace hull::container
