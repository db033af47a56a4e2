// SPDX-License-Identifier: Apache-2.0
#include "linux/detached_mount.h"

#include <atomic>

#include "base/file.h"
#include "linux/idmapped_overlay.h"
#include "linux/mounts.h"

namespace hull::linux {

namespace {

FilesystemParameters upper_parameters(const OverlayOptions& options) {
  FilesystemParameters parameters;
  if (!options.upper.empty()) {
    parameters.emplace_back("upperdir", options.upper);
    parameters.emplace_back("workdir", options.work);
  }
  if (options.is_volatile) parameters.emplace_back("volatile", "");
  parameters.emplace_back("index", options.index ? "on" : "off");
  parameters.emplace_back("metacopy", options.metacopy ? "on" : "off");
  return parameters;
}

DetachedMount mount_one_by_one(const OverlayOptions& options) {
  auto parameters = upper_parameters(options);
  FilesystemParameters all;
  for (const auto& directory : options.lower) all.emplace_back("lowerdir+", directory);
  all.insert(all.end(), parameters.begin(), parameters.end());
  return mount_filesystem("overlay", "overlay", all);
}

// fsconfig(2) takes texts of up to 255 bytes: more than three layers only fit by the short names that their
// descriptors have, and more than a dozen not at all on kernels before 6.5.
DetachedMount mount_joined(const OverlayOptions& options) {
  std::vector<UniqueFd> directories;
  std::string names;
  for (const auto& directory : options.lower) {
    directories.push_back(open_file(directory, O_PATH | O_DIRECTORY));
    names += cat(names.empty() ? "" : ":", "/proc/self/fd/", directories.back().get());
  }
  auto parameters = upper_parameters(options);
  parameters.insert(parameters.begin(), {"lowerdir", names});
  return mount_filesystem("overlay", "overlay", parameters);
}

}  // namespace

DetachedMount mount_overlay(const OverlayOptions& options) {
  if (options.lower.empty()) fail(Kind::kInternal, "an overlay needs a lower directory");
  if (options.id_map) return mount_idmapped_overlay(options);
  if (options.upper.empty() && options.lower.size() == 1) return clone_mount(options.lower.front(), false);
  // Tried once per process: the kernel does not change under us. An old kernel does not say which parameter it
  // does not know, so that only the other way's success tells.
  static std::atomic<bool> has_one_by_one = true;
  if (!has_one_by_one) return mount_joined(options);
  try {
    return mount_one_by_one(options);
  } catch (const Error& e) {
    if (e.code() != EINVAL) throw;
  }
  DetachedMount made = mount_joined(options);
  has_one_by_one = false;
  return made;
}

}  // namespace hull::linux
