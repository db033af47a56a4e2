// SPDX-License-Identifier: Apache-2.0
#include "store/changes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>

#include "archive/attributes.h"
#include "base/file.h"

namespace hull::store {

namespace {

using Directories = std::vector<UniqueFd>;

bool is_whiteout(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

bool is_opaque(int directory) {
  char value = 0;
  return ::fgetxattr(directory, archive::kOpaqueAttribute, &value, 1) == 1 && value == 'y';
}

UniqueFd open_directory_at(int parent, const std::string& name) {
  return UniqueFd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

std::vector<std::string> names_in(int directory) { return list_directory(cat("/proc/self/fd/", directory)); }

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// What the layers show under one name.
struct Below {
  bool present = false;
  struct stat info {};
  Directories directories;  // when it is one: those that are merged, topmost first
};

Below look_up(const Directories& layers, const std::string& name) {
  Below below;
  for (const UniqueFd& layer : layers) {
    struct stat info {};
    if (::fstatat(layer.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) continue;
    if (is_whiteout(info) || (below.present && !S_ISDIR(info.st_mode))) break;
    if (!below.present) below.info = info;
    below.present = true;
    if (!S_ISDIR(info.st_mode)) break;
    below.directories.push_back(open_directory_at(layer.get(), name));
    if (!below.directories.back()) throw_errno("open", name);
    if (is_opaque(below.directories.back().get())) break;
  }
  return below;
}

class Comparison {
 public:
  explicit Comparison(const std::function<bool(const std::string&)>& placeholder) : placeholder_(placeholder) {}

  // `severed`: nothing of `layers` shows through any more.
  void directory(int upper, const Directories& layers, const std::string& path, bool severed) {
    std::vector<std::string> names = names_in(upper);
    for (const std::string& name : names) entry(upper, name, cat(path, "/", name), look_up(layers, name), severed);
    if (!severed) return;
    std::set<std::string> gone;
    for (const UniqueFd& layer : layers)
      for (std::string& name : names_in(layer.get()))
        if (!std::ranges::binary_search(names, name)) gone.insert(std::move(name));
    for (const std::string& name : gone)
      if (look_up(layers, name).present) add(cat(path, "/", name), ChangeKind::kDeleted);
  }

  Changes take() {
    std::ranges::sort(found_.list, {}, &Change::path);
    return std::move(found_);
  }

 private:
  void add(const std::string& path, ChangeKind kind) { found_.list.push_back({path, kind}); }

  void entry(int parent, const std::string& name, const std::string& path, const Below& below, bool severed) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) return;  // removed meanwhile
    if (is_whiteout(info)) {
      if (below.present) add(path, ChangeKind::kDeleted);
    } else if (S_ISDIR(info.st_mode)) {
      subdirectory(parent, name, path, info, below, severed);
    } else if (below.present) {
      add(path, ChangeKind::kModified);
    } else if (S_ISREG(info.st_mode) && info.st_size == 0 && placeholder_(path)) {
      found_.left_out.insert(path.substr(1));
    } else {
      add(path, ChangeKind::kAdded);
    }
  }

  void subdirectory(int parent, const std::string& name, const std::string& path, const struct stat& info,
                    const Below& below, bool severed) {
    UniqueFd fd = open_directory_at(parent, name);
    if (!fd) return;
    std::size_t changes = found_.list.size(), left_out = found_.left_out.size();
    directory(fd.get(), below.directories, path, severed || is_opaque(fd.get()));
    bool changed_inside = found_.list.size() > changes;
    if (!below.present) {
      if (!changed_inside && placeholder_(path))
        found_.left_out.insert(path.substr(1));
      else
        add(path, ChangeKind::kAdded);
      return;
    }
    // A placeholder that was made in it has moved its time, and nobody asked for that.
    bool touched = found_.left_out.size() == left_out && !same_time(info.st_mtim, below.info.st_mtim);
    bool other_itself = info.st_mode != below.info.st_mode || info.st_uid != below.info.st_uid ||
                        info.st_gid != below.info.st_gid || touched;
    if (changed_inside || other_itself) add(path, ChangeKind::kModified);
  }

  const std::function<bool(const std::string&)>& placeholder_;
  Changes found_;
};

}  // namespace

Changes compare(int upper, const std::vector<UniqueFd>& layers,
                const std::function<bool(const std::string& path)>& placeholder) {
  Comparison comparison(placeholder);
  comparison.directory(upper, layers, "", false);
  return comparison.take();
}

}  // namespace hull::store
