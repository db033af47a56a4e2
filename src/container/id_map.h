// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "container/oci_config.h"

// Whose the files of a mount are: `idmap=` of --mount, by idmapped mounts (Linux 5.12, and a file system that can).
//
//   idmap=user                          the owner of the source appears as the user that the container runs as, and the
//                                       reverse: what that user makes belongs to the owner of the source on disk
//   idmap=uids=0-1000-1[#…];gids=…      ids on disk, what they appear as, how many; all others appear as nobody
namespace hull::container {

struct IdMapWish {
  bool follow_user = false;
  std::vector<oci::IdMapping> uids, gids;  // "container" ids are those on disk, "host" ids what they appear as
};
IdMapWish parse_id_map(const std::string& text);  // Error{kInvalidArgument}

// Everything but that `disk` and `seen` change places, for ids below `limit`, and by `base` higher on the host.
std::vector<oci::IdMapping> swapped(std::uint32_t disk, std::uint32_t seen, std::uint32_t limit, std::uint32_t base);

// Gives the mounts of `config` that ask for it their mappings. Its process is decided already.
void apply_id_maps(const ConfigInputs& inputs, oci::RuntimeConfig& config);

}  // namespace hull::container
