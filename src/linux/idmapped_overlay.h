// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "linux/detached_mount.h"

namespace hull::linux {

// The part of mount_overlay() for options with an `id_map`. Error{kInvalidArgument} when the kernel or the file system
// of the layers cannot do it.
DetachedMount mount_idmapped_overlay(const OverlayOptions& options);

}  // namespace hull::linux
