// SPDX-License-Identifier: Apache-2.0
#include "container/restore_plan.h"

#include <algorithm>

#include "base/file.h"
#include "container/host_program.h"
#include "oci/json.h"

namespace hull::container {

namespace {

std::string source_of(const std::string& point, const oci::RuntimeConfig& config) {
  for (const oci::Mount& mount : config.mounts)
    if (mount.type == "bind" && mount.destination == point) return mount.source;
  fail_invalid("the checkpoint has something mounted at ", point, ", and the container has not");
}

}  // namespace

void plan_restore(shim::StartRequest& request, const State& state, const std::string& path) {
  if (request.user_namespace) fail_invalid("a container with a user namespace cannot come back from a checkpoint");
  if (!request.runtime.program.empty())
    fail_invalid("a container of the runtime ", state.spec->host.runtime,
                 " cannot come back from a checkpoint: that works with hull's own runtime only");
  auto saved = from_json<runtime::Surroundings>(parse_json(read_file(path + kSurroundingsFile)));
  if (saved.network.empty() == request.network_namespace.valid())
    fail_invalid("the checkpoint was made ", saved.network.empty() ? "without" : "with",
                 " a network of the container's own, which it does not have now");
  runtime::Restore& restore = request.restore;
  restore.program = find_criu();
  restore.images = path;
  restore.descriptors = saved.descriptors;
  for (const std::string& point : saved.mounts)
    restore.mounts.push_back(cat("mnt[", point, "]:", source_of(point, request.config)));
  restore.cgroup_namespace = std::ranges::find(request.config.linux.namespaces, "cgroup", &oci::Namespace::type) !=
                             request.config.linux.namespaces.end();
}

}  // namespace hull::container
