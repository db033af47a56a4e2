// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>

#include "linux/namespaces.h"
#include "runtime/init.h"

// /sys/fs/cgroup on a host with cgroup v1: a tmpfs with one directory per hierarchy, named after all of its
// subsystems ("cpu,cpuacct"), and a link for each single name.
namespace hull::runtime {

namespace {

struct Hierarchy {
  std::string name;       // of the directory
  bool named = false;     // without subsystems ("systemd")
  std::string directory;  // the container's group in it, on the host
  std::vector<std::string> links;
};

std::vector<Hierarchy> hierarchies_of(const linux::Cgroup& cgroup) {
  constexpr std::string_view kNamed = "name=";
  std::map<std::string, std::vector<std::string>> subsystems_by_directory;
  for (const auto& [subsystem, directory] : cgroup.directories())
    subsystems_by_directory[directory].push_back(subsystem.empty() ? "unified" : subsystem);
  std::vector<Hierarchy> result;
  for (auto& [directory, names] : subsystems_by_directory) {
    std::string joined = join(names, ",");
    bool named = joined.starts_with(kNamed);
    if (named) joined.erase(0, kNamed.size());
    if (names.size() == 1) names.clear();
    result.push_back({joined, named, directory, std::move(names)});
  }
  return result;
}

// In a cgroup namespace the hierarchy is mounted anew: its root is then the container's own group.
linux::DetachedMount mount_hierarchy(const InitContext& context, const Hierarchy& hierarchy, std::uint64_t attributes) {
  if (!context.plan.create_cgroup_namespace) {
    auto bound = linux::clone_mount(hierarchy.directory, false);
    linux::set_mount_attributes(bound.get(), {attributes, 0, 0});
    return bound;
  }
  if (hierarchy.name == "unified") return linux::mount_filesystem("cgroup2", "cgroup", {}, attributes);
  linux::FilesystemParameters parameters;
  if (hierarchy.named) {
    parameters = {{"none", ""}, {"name", hierarchy.name}};
  } else {
    for (auto subsystem : split(hierarchy.name, ',')) parameters.emplace_back(subsystem, "");
  }
  return linux::mount_filesystem("cgroup", "cgroup", parameters, attributes);
}

}  // namespace

void mount_cgroups(InitContext& context, const PreparedMount& mount) {
  constexpr std::uint64_t kReadOnly = MOUNT_ATTR_RDONLY;
  const std::string& path = mount.config.destination;
  std::uint64_t attributes = mount.options.attributes.set;
  UniqueFd target = context.root.make_directory(path);
  check_target(mount, -1, target.get());
  auto top = linux::mount_filesystem("tmpfs", "tmpfs", {{"mode", "755"}}, attributes & ~kReadOnly);
  linux::attach_mount(top.get(), target.get());
  linux::RootDir inside(top.get());
  if (context.plan.cgroup) {
    for (const auto& hierarchy : hierarchies_of(*context.plan.cgroup)) {
      context.progress.at(Step::kMount, cat(path, "/", hierarchy.name));
      UniqueFd place = inside.make_directory(cat("/", hierarchy.name));
      auto made = mount_hierarchy(context, hierarchy, attributes);
      linux::attach_mount(made.get(), place.get());
      for (const auto& name : hierarchy.links) inside.make_link(cat("/", name), hierarchy.name);
    }
  }
  linux::set_mount_attributes(top.get(), {attributes & kReadOnly, 0, MS_PRIVATE}, false);
}

}  // namespace hull::runtime
