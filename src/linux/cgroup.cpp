// SPDX-License-Identifier: Apache-2.0
#include "linux/cgroup.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/cgroup_layout.h"
#include "linux/systemd_scope.h"
#include "linux/unit_property.h"

namespace hull::linux {

namespace {

// v1 controllers that /proc/cgroups lists as switched off at boot (cgroup_disable=).
bool disabled_at_boot(std::string_view table, std::string_view controller) {
  for (std::string_view line : split(table, '\n')) {
    auto columns = split(line, '\t');
    if (columns.size() == 4 && columns[0] == controller) return columns[3] == "0";
  }
  return false;
}

CgroupVersion mounted_version() {
  bool v1 = false, v2 = false;
  for (const CgroupHierarchy& hierarchy : cgroup_hierarchies()) {
    v1 |= !hierarchy.unified && !hierarchy.controllers.empty();
    v2 |= hierarchy.unified;
  }
  if (!v2) return CgroupVersion::kV1;
  return v1 ? CgroupVersion::kHybrid : CgroupVersion::kV2;
}

CgroupFacts find_facts() {
  CgroupFacts facts;
  facts.version = mounted_version();
  std::vector<std::string> unified_controllers;
  auto table = read_if_exists("/proc/cgroups").value_or("");
  for (const CgroupHierarchy& hierarchy : cgroup_hierarchies()) {
    if (hierarchy.unified) {
      unified_controllers = hierarchy.controllers;
      continue;
    }
    for (const std::string& controller : hierarchy.controllers)
      if (!disabled_at_boot(table, controller)) facts.subsystems.push_back(controller);
  }
  if (facts.version == CgroupVersion::kV2) {
    facts.subsystems = std::move(unified_controllers);
    // Programs take the place of a controller that does not exist as a file.
    facts.subsystems.emplace_back("devices");
    facts.subsystems.emplace_back("freezer");
  }
  std::sort(facts.subsystems.begin(), facts.subsystems.end());
  return facts;
}

}  // namespace

bool CgroupFacts::has(std::string_view subsystem) const {
  return std::find(subsystems.begin(), subsystems.end(), subsystem) != subsystems.end();
}

const CgroupFacts& cgroup_facts() {
  static const CgroupFacts facts = find_facts();
  return facts;
}

std::string checked_cgroup_path(const std::string& path) {
  if (path.find(':') != std::string::npos)
    fail_invalid("cgroupsPath ", quoted(path),
                 " has the form of the systemd driver, but the cgroupfs driver is in use");
  std::string clean;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") fail_invalid("cgroupsPath ", quoted(path), " must not contain \"..\"");
    clean += '/';
    clean += part;
  }
  if (clean.empty()) fail_invalid("cgroupsPath ", quoted(path), " does not name a group below the root");
  return clean;
}

std::unique_ptr<Cgroup> make_cgroup(CgroupDriver driver, const std::string& path,
                                    const std::map<std::string, std::string>& annotations) {
  if (driver == CgroupDriver::kSystemd) return make_cgroup_systemd(path, unit_settings(annotations));
  std::string clean = checked_cgroup_path(path);
  // Without what else is among the facts, and takes longer to read.
  return mounted_version() == CgroupVersion::kV2 ? make_cgroup_v2(clean) : make_cgroup_v1(clean);
}

}  // namespace hull::linux
