// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::container {

// A checkpoint of a container is a directory: criu's images, and a file that says what they need besides. Unless the
// client says where, it is <data-root>/containers/<id>/checkpoints/<name>, and goes with the container.
struct CheckpointPlace {
  std::string name;
  std::string directory;  // that it is in; "": the container's
};

struct CheckpointRequest {
  CheckpointPlace place;
  bool leave_running = false;
};

}  // namespace hull::container
