// SPDX-License-Identifier: Apache-2.0
#include "store/init_layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/file.h"
#include "store/layout.h"

namespace hull::store {

namespace {

enum class What : unsigned char { kDirectory, kFile, kLink };
struct Entry {
  const char* path;
  What kind;
  const char* target = nullptr;
};
// Parents before their children.
constexpr Entry kEntries[] = {
    {"/dev", What::kDirectory},        {"/dev/pts", What::kDirectory},
    {"/dev/shm", What::kDirectory},    {"/dev/console", What::kFile},
    {"/etc", What::kDirectory},        {"/etc/hostname", What::kFile},
    {"/etc/hosts", What::kFile},       {"/etc/mtab", What::kLink, "/proc/mounts"},
    {"/etc/resolv.conf", What::kFile}, {"/proc", What::kDirectory},
    {"/sys", What::kDirectory},        {"/.dockerenv", What::kFile},
};

// What the image has there; empty when nothing, or when an upper layer takes it away.
std::optional<struct stat> in_image(const std::vector<std::string>& layers, const char* path) {
  for (const auto& layer : layers) {
    struct stat info {};
    if (::lstat(cat(layer, path).c_str(), &info) < 0) continue;
    bool whiteout = S_ISCHR(info.st_mode) && info.st_rdev == 0;
    return whiteout ? std::nullopt : std::optional(info);
  }
  return std::nullopt;
}

// The directory that is seen has the attributes of the topmost one, so they have to be the image's. False when the
// image has something else there (a link): then it stays as it is.
bool make_directory(const std::string& directory, const std::vector<std::string>& layers, const char* path) {
  auto there = in_image(layers, path);
  if (there && !S_ISDIR(there->st_mode)) return false;
  std::string made = directory + path;
  check(::mkdir(made.c_str(), 0755), "mkdir", made);
  if (there) check(::chown(made.c_str(), there->st_uid, there->st_gid), "chown", made);
  check(::chmod(made.c_str(), there ? there->st_mode & 07777 : 0755), "chmod", made);
  if (!there) return true;
  timespec times[2] = {there->st_atim, there->st_mtim};
  check(::utimensat(AT_FDCWD, made.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimens", made);
  return true;
}

void make_file(const std::string& path) {
  UniqueFd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
  check(::fchmod(file.get(), 0755), "chmod", path);  // whatever the umask
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool has_any_place(const std::string& layer) {
  return std::ranges::any_of(kEntries, [&](const Entry& entry) {
    bool top = std::string_view(entry.path).rfind('/') == 0;
    struct stat info {};
    return top && entry.kind == What::kDirectory && ::lstat(cat(layer, entry.path).c_str(), &info) == 0;
  });
}

// What is made depends on this layer and those below it: the ones above have nothing in any of the places.
std::vector<std::string> deciding(const std::vector<std::string>& layers) {
  auto first = std::find_if(layers.begin(), layers.end() - 1, has_any_place);
  return {first, layers.end()};
}

}  // namespace

void fill_init_layer(const std::string& directory, const std::vector<std::string>& layers) {
  for (const Entry& entry : kEntries) {
    std::string path = directory + entry.path;
    if (!exists(parent_of(path))) continue;
    switch (entry.kind) {
      case What::kDirectory: make_directory(directory, layers, entry.path); break;
      case What::kFile: make_file(path); break;
      case What::kLink: check(::symlink(entry.target, path.c_str()), "symlink", path); break;
    }
  }
}

std::string ensure_init_layer(const std::string& data_root, const std::vector<std::string>& layers) {
  std::vector<std::string> below = deciding(layers);
  std::string path = cat(parent_of(below.front()), "/init");
  if (exists(path)) return path;
  std::string staged = incoming_path(data_root, "init");
  make_directories(staged, 0755);
  fill_init_layer(staged, below);
  if (::rename(staged.c_str(), path.c_str()) < 0) {
    int code = errno;
    remove_tree(staged);
    if (code != ENOTEMPTY && code != EEXIST) throw_errno("rename", path, code);  // somebody was quicker
  }
  return path;
}

}  // namespace hull::store
