// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "linux/cgroup.h"
#include "linux/unit_property.h"
#include "oci/runtime_config.h"

// Transient scopes of systemd: a control group that the manager made, named as a unit ("hull-<id>.scope" in a slice),
// and delegated to us (org.freedesktop.systemd1(5); systemd.io/CONTROL_GROUP_INTERFACE).
namespace hull::linux {

struct Scope {
  std::string unit;   // "hull-1234.scope"
  std::string slice;  // "system.slice"
};

// systemd is this machine's process 1 (sd_booted(3)).
bool systemd_runs();

// "slice:prefix:name" as runc has it: an empty slice is system.slice, without a prefix the unit is "<name>.scope", and
// a name that ends in ".slice" is refused. Throws Error{kInvalidArgument}.
Scope parse_scope(const std::string& path);
// Where the group of a scope is below the root of a hierarchy: "/a.slice/a-b.slice/hull-x.scope" for slice "a-b.slice".
std::string scope_path(const Scope& scope);

// Starts the scope with one process in it and waits until it is there. Limits that systemd has words for are properties
// of the unit, so that a reload of the manager does not undo them; `settings` come last, and count for more. Throws
// Error{kUnavailable} without systemd, Error{kConflict} when the unit exists, Error{kInternal} with systemd's words.
void start_scope(const Scope& scope, pid_t first, const oci::Resources& resources,
                 const std::vector<UnitSetting>& settings);
void update_scope(const Scope& scope, const oci::Resources& resources);
// Does not wait. Idempotent: a unit that is gone is fine.
void stop_scope(const Scope& scope);

// A limit as a property; exactly one of the two values counts, by its type: "t" (number) or "ay" (bytes), "b", "s".
struct UnitProperty {
  std::string name, type;
  std::uint64_t number = 0;
  std::string bytes;
  bool operator==(const UnitProperty&) const = default;
};
// What of `resources` systemd has words for. "t": the highest number is "infinity".
std::vector<UnitProperty> limit_properties(const oci::Resources& resources, bool unified);
struct DeviceProperty {
  std::string node, access;  // "/dev/char/1:3" or "char-pts", "block-*"
  bool operator==(const DeviceProperty&) const = default;
};
// The devices that `rules` allow, for DevicePolicy=strict; nothing when they allow all. `groups`: the text of
// /proc/devices.
std::vector<DeviceProperty> device_properties(const std::vector<oci::DeviceRule>& rules, std::string_view groups);

// The driver (cgroup_systemd.cpp).
std::unique_ptr<Cgroup> make_cgroup_systemd(const std::string& path, std::vector<UnitSetting> settings);

}  // namespace hull::linux
