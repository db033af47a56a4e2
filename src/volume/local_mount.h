// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "volume/volumes.h"

// What the options of the driver `local` stand for (type, device, o: as in fstab(5)).
namespace hull::volume {

// Refuses unknown options and combinations that cannot work: Error{kInvalidArgument} "create x: …".
void check_options(const std::string& name, const StringMap& options);

// In bytes, as the option `size` has it; 0: none.
std::uint64_t size_limit(const Volume& volume);

bool has_mount(const Volume& volume);
// Mounts it at its mountpoint, where nothing is mounted. Error{kInternal} says what cannot be mounted and why.
void mount_volume(const Volume& volume);
// Idempotent. A mount that is busy is taken out of sight, and goes when it is not used any more.
void unmount_volume(const Volume& volume);
bool is_mounted(const Volume& volume);

}  // namespace hull::volume
