// SPDX-License-Identifier: Apache-2.0
#include "linux/mount_options.h"

#include <sys/mount.h>

#include <algorithm>

namespace hull::linux {

namespace {

enum class Does : unsigned char { kSet, kClear, kSetTree, kClearTree, kNothing };

struct Option {
  std::string_view name;
  Does does;
  std::uint64_t attribute;
};
constexpr Option kOptions[] = {
    {"ro", Does::kSet, MOUNT_ATTR_RDONLY},
    {"rw", Does::kClear, MOUNT_ATTR_RDONLY},
    {"nosuid", Does::kSet, MOUNT_ATTR_NOSUID},
    {"suid", Does::kClear, MOUNT_ATTR_NOSUID},
    {"nodev", Does::kSet, MOUNT_ATTR_NODEV},
    {"dev", Does::kClear, MOUNT_ATTR_NODEV},
    {"noexec", Does::kSet, MOUNT_ATTR_NOEXEC},
    {"exec", Does::kClear, MOUNT_ATTR_NOEXEC},
    {"noatime", Does::kSet, MOUNT_ATTR_NOATIME},
    {"strictatime", Does::kSet, MOUNT_ATTR_STRICTATIME},
    {"atime", Does::kClear, MOUNT_ATTR__ATIME},
    {"relatime", Does::kClear, MOUNT_ATTR__ATIME},
    {"norelatime", Does::kClear, MOUNT_ATTR__ATIME},
    {"nostrictatime", Does::kClear, MOUNT_ATTR__ATIME},
    {"nodiratime", Does::kSet, MOUNT_ATTR_NODIRATIME},
    {"diratime", Does::kClear, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", Does::kSet, MOUNT_ATTR_NOSYMFOLLOW},
    {"symfollow", Does::kClear, MOUNT_ATTR_NOSYMFOLLOW},
    {"rro", Does::kSetTree, MOUNT_ATTR_RDONLY},
    {"rrw", Does::kClearTree, MOUNT_ATTR_RDONLY},
    {"rnosuid", Does::kSetTree, MOUNT_ATTR_NOSUID},
    {"rsuid", Does::kClearTree, MOUNT_ATTR_NOSUID},
    {"rnodev", Does::kSetTree, MOUNT_ATTR_NODEV},
    {"rdev", Does::kClearTree, MOUNT_ATTR_NODEV},
    {"rnoexec", Does::kSetTree, MOUNT_ATTR_NOEXEC},
    {"rexec", Does::kClearTree, MOUNT_ATTR_NOEXEC},
    {"rnoatime", Does::kSetTree, MOUNT_ATTR_NOATIME},
    {"ratime", Does::kClearTree, MOUNT_ATTR__ATIME},
    {"rrelatime", Does::kClearTree, MOUNT_ATTR__ATIME},
    {"rnorelatime", Does::kClearTree, MOUNT_ATTR__ATIME},
    {"rstrictatime", Does::kSetTree, MOUNT_ATTR_STRICTATIME},
    {"rnostrictatime", Does::kClearTree, MOUNT_ATTR__ATIME},
    {"rnodiratime", Does::kSetTree, MOUNT_ATTR_NODIRATIME},
    {"rdiratime", Does::kClearTree, MOUNT_ATTR_NODIRATIME},
    {"rnosymfollow", Does::kSetTree, MOUNT_ATTR_NOSYMFOLLOW},
    {"rsymfollow", Does::kClearTree, MOUNT_ATTR_NOSYMFOLLOW},
    // What a new file system does anyway, and what only concerned mount(8).
    {"defaults", Does::kNothing, 0},
    {"async", Does::kNothing, 0},
    {"loud", Does::kNothing, 0},
    {"silent", Does::kNothing, 0},
    {"noiversion", Does::kNothing, 0},
    {"iversion", Does::kNothing, 0},
    {"nomand", Does::kNothing, 0},
    {"mand", Does::kNothing, 0},
    {"nolazytime", Does::kNothing, 0},
    {"remount", Does::kNothing, 0},
    {"z", Does::kNothing, 0},
    {"Z", Does::kNothing, 0},
    {"U", Does::kNothing, 0},
};

struct Switch {
  std::string_view name;
  bool MountOptions::*first;
  bool MountOptions::*second;
};
constexpr Switch kSwitches[] = {
    {"bind", &MountOptions::bind, nullptr},         {"rbind", &MountOptions::bind, &MountOptions::recursive},
    {"idmap", &MountOptions::id_map, nullptr},      {"ridmap", &MountOptions::id_map, &MountOptions::id_map_tree},
    {"tmpcopyup", &MountOptions::copy_up, nullptr},
};

struct Propagation {
  std::string_view name;
  unsigned long flag;
};
constexpr Propagation kPropagations[] = {
    {"private", MS_PRIVATE}, {"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"unbindable", MS_UNBINDABLE}};

// The later of two contradicting options counts.
void put(MountAttributes& attributes, std::uint64_t& to, std::uint64_t& from, std::uint64_t bits) {
  if (bits & MOUNT_ATTR__ATIME) attributes.set &= ~std::uint64_t{MOUNT_ATTR__ATIME};
  to |= bits;
  from &= ~bits;
}

bool apply_attribute(MountOptions& result, std::string_view name) {
  auto option = std::ranges::find(kOptions, name, &Option::name);
  if (option == std::end(kOptions)) return false;
  auto& own = result.attributes;
  auto& tree = result.tree;
  switch (option->does) {
    case Does::kSet: put(own, own.set, own.clear, option->attribute); break;
    case Does::kClear: put(own, own.clear, own.set, option->attribute); break;
    case Does::kSetTree: put(tree, tree.set, tree.clear, option->attribute); break;
    case Does::kClearTree: put(tree, tree.clear, tree.set, option->attribute); break;
    case Does::kNothing: break;
  }
  return true;
}

bool apply_switch(MountOptions& result, std::string_view name) {
  auto found = std::ranges::find(kSwitches, name, &Switch::name);
  if (found == std::end(kSwitches)) return false;
  result.*found->first = true;
  if (found->second) result.*found->second = true;
  return true;
}

}  // namespace

bool MountOptions::read_only() const { return (attributes.set | tree.set) & MOUNT_ATTR_RDONLY; }

std::optional<unsigned long> propagation_flag(std::string_view name) {
  if (name.starts_with('r')) name.remove_prefix(1);
  for (const auto& known : kPropagations)
    if (known.name == name) return known.flag;
  return std::nullopt;
}

MountOptions parse_mount_options(const std::vector<std::string>& options) {
  MountOptions result;
  for (const auto& option : options) {
    if (apply_attribute(result, option) || apply_switch(result, option)) continue;
    if (auto flag = propagation_flag(option)) {
      result.attributes.propagation = *flag;
      result.propagate_tree = option.starts_with('r');
      continue;
    }
    auto [key, value] = split_once(option, '=');
    if (!key.empty()) result.parameters.emplace_back(key, value.value_or(""));
  }
  return result;
}

std::vector<std::string> known_mount_options() {
  std::vector<std::string> names;
  for (const auto& option : kOptions) names.emplace_back(option.name);
  for (const auto& option : kSwitches) names.emplace_back(option.name);
  for (const auto& option : kPropagations) {
    names.emplace_back(option.name);
    names.push_back(cat("r", option.name));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace hull::linux
