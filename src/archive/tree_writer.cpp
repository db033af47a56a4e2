// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <map>
#include <string>
#include <utility>

#include "archive/attributes.h"
#include "archive/tar_writer.h"
#include "base/error.h"
#include "base/file.h"

namespace hull::archive {

namespace {

class TreeWriter {
 public:
  TreeWriter(TarWriter& writer, Whiteouts whiteouts, dev_t device)
      : writer_(writer), whiteouts_(whiteouts), device_(device) {}

  // `path` is "" for the root, else "a/b/".
  void directory(int fd, const std::string& path, const struct stat& info) {
    Entry entry = entry_of(path.empty() ? "./" : path, info);
    entry.attributes = visible(read_attributes(fd));
    writer_.add(entry);
    char opaque = 0;
    if (whiteouts_ == Whiteouts::kOverlay && ::fgetxattr(fd, kOpaqueAttribute, &opaque, 1) == 1 && opaque == 'y')
      marker(path + ".wh..wh..opq", info);
    for (const std::string& name : list_directory(cat("/proc/self/fd/", fd))) child(fd, name, path + name);
  }

 private:
  static Entry entry_of(const std::string& name, const struct stat& info) {
    Entry entry;
    entry.name = name;
    entry.mode = info.st_mode;
    entry.uid = info.st_uid;
    entry.gid = info.st_gid;
    entry.device = info.st_rdev;
    entry.modified = info.st_mtim;
    return entry;
  }

  // overlayfs' own attributes are about this machine's mounts.
  static Attributes visible(Attributes attributes) {
    std::erase_if(attributes, [](const auto& one) {
      return one.first.starts_with("trusted.overlay.") || one.first.starts_with("user.overlay.");
    });
    return attributes;
  }

  void marker(const std::string& name, const struct stat& info) {
    Entry entry;
    entry.name = name;
    entry.mode = S_IFREG;
    entry.modified = info.st_mtim;
    writer_.add(entry);
  }

  void child(int parent, const std::string& name, const std::string& path) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) return;  // removed meanwhile
      throw_errno("stat", path);
    }
    if (S_ISSOCK(info.st_mode)) return;
    if (whiteouts_ == Whiteouts::kOverlay && S_ISCHR(info.st_mode) && info.st_rdev == 0) {
      marker(path.substr(0, path.size() - name.size()) + ".wh." + name, info);
      return;
    }
    if (S_ISDIR(info.st_mode))
      subdirectory(parent, name, path, info);
    else if (!is_further_name(path, info))
      other(parent, name, path, info);
  }

  void subdirectory(int parent, const std::string& name, const std::string& path, const struct stat& info) {
    if (info.st_dev != device_) return;
    UniqueFd fd(check(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open", path));
    directory(fd.get(), path + "/", info);
  }

  bool is_further_name(const std::string& path, const struct stat& info) {
    if (info.st_nlink < 2) return false;
    auto [first, is_new] = written_.try_emplace({info.st_dev, info.st_ino}, path);
    if (is_new) return false;
    Entry entry = entry_of(path, info);
    entry.hard_link = first->second;
    writer_.add(entry);
    return true;
  }

  void other(int parent, const std::string& name, const std::string& path, const struct stat& info) {
    Entry entry = entry_of(path, info);
    if (S_ISLNK(info.st_mode)) {
      entry.link_target.resize(4096);
      ssize_t size = ::readlinkat(parent, name.c_str(), entry.link_target.data(), entry.link_target.size());
      entry.link_target.resize(static_cast<std::size_t>(check(size, "readlink", path)));
    }
    if (!S_ISREG(info.st_mode)) {
      entry.attributes = visible(read_attributes_at(parent, name));
      writer_.add(entry);
      return;
    }
    UniqueFd fd(check(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC), "open", path));
    entry.attributes = visible(read_attributes(fd.get()));
    entry.size = info.st_size;
    writer_.add(entry, file_source(fd.get()));
  }

  TarWriter& writer_;
  Whiteouts whiteouts_;
  dev_t device_;
  std::map<std::pair<dev_t, ino_t>, std::string> written_;  // files with several names, by their first one
};

}  // namespace

void write_tree(int root, TarWriter& writer, Whiteouts whiteouts) {
  struct stat info {};
  check(::fstat(root, &info), "stat");
  TreeWriter(writer, whiteouts, info.st_dev).directory(root, "", info);
}

}  // namespace hull::archive
