// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "container/spec.h"

namespace hull::container {

// Calls `visit` with each list of rules for single block devices, as a pointer to the member of HostConfig.
template <class Visit>
void for_block_rules(Visit visit) {
  visit(&HostConfig::blkio_weight_device);
  visit(&HostConfig::blkio_device_read_bps);
  visit(&HostConfig::blkio_device_write_bps);
  visit(&HostConfig::blkio_device_read_iops);
  visit(&HostConfig::blkio_device_write_iops);
}

}  // namespace hull::container
