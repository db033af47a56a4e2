// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "container/container.h"
#include "container/engine.h"
#include "container/spec.h"
#include "image/images.h"

namespace hull::container {

// Merges the image's config into `spec`, fills in every default that inspect shows,
// computes path and args, and refuses what can never start: each refusal is Error{kInvalidArgument} in
// Docker's words, naming field and value (names, environment, ulimits, limits against this machine's cpus and
// memory, capabilities, security options, modes, devices' syntax, restart policy, health check, ports, mounts,
// sysctls, signals …). `container_id_of` turns a name into a full id for "container:<x>" modes; it throws what
// the lookup throws. Warnings are Docker's sentences for limits that this kernel cannot apply.
// Pure but for reading facts of the machine.
void normalize(Spec& spec, const image::Image& image, const std::string& id, const Configuration& configuration,
               const std::function<std::string(std::string_view name)>& container_id_of,
               std::vector<std::string>& warnings);

// The refusals and warnings for limits alone: what update() needs too. What this kernel cannot apply is taken out of
// `host`, with a warning.
void validate_resources(HostConfig& host, std::vector<std::string>& warnings);

// Docker's rule for names: one leading "/" tolerated, [a-zA-Z0-9][a-zA-Z0-9_.-]+. Returns it without the slash.
std::string checked_name(std::string_view name);
// "adjective_surname" (own word lists); `taken` says whether a name is in use. After six tries: the short id.
std::string generate_name(const std::string& id, const std::function<bool(const std::string&)>& taken);

// "ctrl-p,ctrl-q" to the raw bytes. Error{kInvalidArgument} "Invalid detach keys (x) provided". "" gives "".
std::string parse_detach_keys(std::string_view text);
inline constexpr std::string_view kDefaultDetachKeys = "\x10\x11";  // Ctrl-P Ctrl-Q

// "SIGTERM", "term", "15" to a number. Error{kInvalidArgument} "invalid signal: x" (also for 0).
int parse_signal(std::string_view text);

// What is mounted where, from Binds, Mounts, Volumes (of the image and of Config) and VolumesFrom, without
// duplicates ("Duplicate mount point: x"). Volumes still without a name have name "". `tmpfs` mounts of the API's
// Mounts are included (type "tmpfs"), HostConfig.Tmpfs is not.
struct MountPlan {
  MountPoint point;
  bool no_copy = false;        // volumes: do not fill from the image
  bool create_source = false;  // bind of -v: make a missing host directory
  bool non_recursive = false, read_only_non_recursive = false, read_only_force_recursive = false;
  bool anonymous = false;        // volume to be made with a generated name
  bool own_propagation = false;  // of a bind: it was asked for
  StringMap volume_labels, volume_options;
  std::string subpath, image_subpath;
  std::int64_t tmpfs_size = 0;
  std::uint32_t tmpfs_mode = 0;
  std::vector<std::string> tmpfs_options;
};
// Binds that overlap() the data root follow what is mounted there ("rslave") unless they say something else, so that no
// container keeps a mount of the engine's; only "rslave" and "rshared" can be said. Those of VolumesFrom are what they
// are.
std::vector<MountPlan> plan_mounts(const Spec& spec, const std::string& data_root,
                                   const std::function<StatePtr(std::string_view name)>& container);

// Ports to publish: PortBindings, ranges, and with PublishAllPorts the exposed ones.
std::vector<network::PortBinding> plan_ports(const Spec& spec);

}  // namespace hull::container
