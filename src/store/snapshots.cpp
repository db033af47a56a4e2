// SPDX-License-Identifier: Apache-2.0
#include "store/snapshots.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>

#include "base/file.h"
#include "base/rollback.h"
#include "linux/project_quota.h"
#include "linux/without_capabilities.h"
#include "store/init_layer.h"
#include "store/layout.h"

namespace hull::store {

namespace {

// The root of an overlay shows owner, mode and times of its writable directory: they have to be the image's.
void copy_root_metadata(const std::string& from, int to) {
  struct stat info {};
  check(::stat(from.c_str(), &info), "stat", from);
  check(::fchown(to, info.st_uid, info.st_gid), "chown", from);
  check(::fchmod(to, info.st_mode & 07777), "chmod", from);
  timespec times[2] = {info.st_atim, info.st_mtim};
  check(::futimens(to, times), "utimens", from);
}

void make_directory(const std::string& path, mode_t mode) { check(::mkdir(path.c_str(), mode), "mkdir", path); }

void make_writable_directories(const std::string& base) {
  make_directory(base, 0710);
  make_directory(base + "/upper", 0755);
  make_directory(base + "/work", 0700);
}

constexpr std::size_t kReady = 8;

struct CloseDir {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Other threads change the tree meanwhile: what vanishes between two calls counts as nothing.
std::int64_t size_below(int parent, const char* name) {
  int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return 0;
  std::unique_ptr<DIR, CloseDir> directory(::fdopendir(fd));
  std::int64_t total = 0;
  while (dirent* entry = ::readdir(directory.get())) {
    std::string_view child = entry->d_name;
    if (child == "." || child == "..") continue;
    struct stat info {};
    if (::fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0) continue;
    if (S_ISREG(info.st_mode)) total += info.st_size;
    if (S_ISDIR(info.st_mode)) total += size_below(fd, entry->d_name);
  }
  return total;
}

}  // namespace

Snapshots::Snapshots(Database& database, std::string data_root)
    : database_(database),
      data_root_(data_root),
      layers_(database, data_root),
      has_quota_(linux::has_project_quota(data_root)),
      ready_(std::move(data_root), kReady, make_writable_directories) {}

void Snapshots::require_limits() const {
  if (has_quota_) return;
  fail_invalid(
      "--storage-opt is supported only for overlay over xfs with 'pquota' mount option, or over ext4 with 'prjquota': ",
      data_root_, " is on neither");
}

void Snapshots::prepare(const std::string& owner_id, const std::vector<std::string>& layer_chain_ids,
                        std::uint64_t size) {
  if (size > 0) require_limits();
  database_.add_snapshot(owner_id, layer_chain_ids);
  Rollback rollback;
  rollback.add("snapshot", [&] { remove(owner_id); });
  std::string base = snapshot_path(data_root_, owner_id);
  ready_.take(base);
  if (size > 0) linux::limit_space({base + "/upper", base + "/work"}, owner_id, size);
  // Without layers there is still a lower directory: overlayfs wants one.
  if (layer_chain_ids.empty()) {
    make_directory(base + "/empty", 0755);
    fill_init_layer(base + "/empty", {});
  }
  UniqueFd upper = open_file(base + "/upper", O_RDONLY | O_DIRECTORY);
  if (layer_chain_ids.empty())
    check(::fchmod(upper.get(), 0755), "chmod", base);
  else
    copy_root_metadata(layer_path(data_root_, layer_chain_ids.back()) + "/diff", upper.get());
  rollback.commit();
}

void Snapshots::hold(const std::string& owner_id, const std::vector<std::string>& layer_chain_ids) {
  database_.add_snapshot(owner_id, layer_chain_ids);
}

std::vector<std::string> Snapshots::layer_directories(const std::string& owner_id) {
  std::vector<std::string> directories;
  auto chain = database_.snapshot_layers(owner_id);
  for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer)
    directories.push_back(layer_path(data_root_, *layer) + "/diff");
  return directories;
}

linux::DetachedMount Snapshots::mount(const std::string& owner_id, bool is_volatile,
                                      std::optional<linux::IdMap> id_map) {
  std::string base = snapshot_path(data_root_, owner_id);
  linux::OverlayOptions options;
  options.lower = layer_directories(owner_id);
  if (options.lower.empty())
    options.lower.push_back(base + "/empty");
  else
    options.lower.insert(options.lower.begin(), ensure_init_layer(data_root_, options.lower));
  options.upper = base + "/upper";
  options.work = base + "/work";
  options.is_volatile = is_volatile;
  options.id_map = id_map;
  // A volatile mount that ended without a sync leaves this mark, and the kernel refuses to mount it again: the
  // promise was only about power cuts, and the machine is still up.
  remove_tree(base + "/work/work/incompat/volatile");
  if (!has_quota_) return linux::mount_overlay(options);
  // An overlay writes with the rights of whoever mounted it, and ext4 lets those with this one go beyond every quota.
  linux::WithoutCapabilities limited(linux::kCapSysResource);
  return linux::mount_overlay(options);
}

// The row goes last: until then a crash leaves something that says what is to be removed.
void Snapshots::remove(const std::string& owner_id) {
  if (has_quota_) linux::lift_limit(upper_directory(owner_id));
  move_to_trash(data_root_, snapshot_path(data_root_, owner_id));
  database_.remove_snapshot(owner_id);
}

void Snapshots::empty_trash() {
  layers_.collect();
  std::string trash = data_root_ + "/incoming/trash";
  for (const std::string& name : list_directory(trash)) remove_tree(cat(trash, "/", name));
}

std::int64_t Snapshots::size_rw(const std::string& owner_id) {
  return size_below(AT_FDCWD, upper_directory(owner_id).c_str());
}

Changes Snapshots::changes(const std::string& owner_id,
                           const std::function<bool(const std::string& path)>& placeholder) {
  auto chain = database_.snapshot_layers(owner_id);
  std::vector<UniqueFd> layers;
  for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer)
    layers.push_back(open_file(layer_path(data_root_, *layer) + "/diff", O_RDONLY | O_DIRECTORY));
  UniqueFd upper = open_file(upper_directory(owner_id), O_RDONLY | O_DIRECTORY);
  return compare(upper.get(), layers, placeholder);
}

std::string Snapshots::top_layer_directory(const std::string& owner_id) {
  auto chain = database_.snapshot_layers(owner_id);
  return chain.empty() ? "" : layer_path(data_root_, chain.back()) + "/diff";
}

std::string Snapshots::upper_directory(const std::string& owner_id) const {
  return snapshot_path(data_root_, owner_id) + "/upper";
}

}  // namespace hull::store
