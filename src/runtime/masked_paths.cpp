// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/init.h"

namespace hull::runtime {

namespace {

struct stat status_of(int fd, const std::string& path) {
  struct stat info {};
  check(::fstat(fd, &info), "stat", path);
  return info;
}

// What covers files. The container's own node, if it really is that device.
UniqueFd open_null(const linux::RootDir& root) {
  UniqueFd null = root.open("/dev/null", O_PATH);
  struct stat info = status_of(null.get(), "/dev/null");
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) throw_errno("open", "/dev/null", ENXIO);
  return null;
}

// Covers for directories: one empty read-only tmpfs, attached again and again.
class EmptyDirectory {
 public:
  linux::DetachedMount next() {
    if (!first_) {
      first_ = linux::mount_filesystem("tmpfs", "tmpfs", {{"mode", "755"}},
                                       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
      return first_.duplicate();
    }
    return linux::clone_mount(first_.get(), false);
  }

 private:
  linux::DetachedMount first_;
};

}  // namespace

void mask_paths(InitContext& context) {
  const auto& paths = context.plan.config.linux.masked_paths;
  UniqueFd null;
  EmptyDirectory empty;
  for (const auto& path : paths) {
    context.progress.at(Step::kMaskedPath, path);
    auto target = context.root.open_if_exists(path, O_PATH);
    if (!target) continue;
    if (S_ISDIR(status_of(target->get(), path).st_mode)) {
      linux::attach_mount(empty.next().get(), target->get());
      continue;
    }
    if (!null) null = open_null(context.root);
    linux::attach_mount(linux::clone_mount(null.get(), false).get(), target->get());
  }
}

void make_paths_read_only(InitContext& context) {
  for (const auto& path : context.plan.config.linux.readonly_paths) {
    context.progress.at(Step::kReadonlyPath, path);
    auto target = context.root.open_if_exists(path, O_PATH);
    if (!target) continue;
    auto cover = linux::clone_mount(target->get(), true);
    linux::attach_mount(cover.get(), target->get());
    linux::set_mount_attributes(cover.get(), {MOUNT_ATTR_RDONLY, 0, 0}, true);
  }
}

}  // namespace hull::runtime
