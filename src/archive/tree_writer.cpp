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

// Gone, or a link by now: somebody else works in this tree too.
bool changed_meanwhile(int code) { return code == ENOENT || code == ELOOP || code == ENOTDIR || code == ESTALE; }

// Looked at before it is opened for reading: the opening of a device or fifo is an act already.
UniqueFd open_regular(int parent, const std::string& name, const std::string& path) {
  UniqueFd found(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!found && changed_meanwhile(errno)) return {};
  check(::fstat(check(found.get(), "open", path), &info), "stat", path);
  if (!S_ISREG(info.st_mode)) return {};
  return open_file(cat("/proc/self/fd/", found.get()), O_RDONLY);
}

Entry entry_of(const std::string& name, const struct stat& info) {
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
Attributes visible(Attributes attributes) {
  std::erase_if(attributes, [](const auto& one) {
    return one.first.starts_with("trusted.overlay.") || one.first.starts_with("user.overlay.");
  });
  return attributes;
}

// "" when it is no link (any more).
std::string read_link(int parent, const std::string& name) {
  std::string target(4096, '\0');
  ssize_t size = ::readlinkat(parent, name.c_str(), target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return target;
}

class TreeWriter {
 public:
  TreeWriter(TarWriter& writer, const TreeOptions& options) : writer_(writer), options_(options) {}

  // `path` is "" for the root, else "a/b/".
  void directory(int fd, const std::string& path, const struct stat& info) {
    Entry entry = entry_of(path.empty() ? options_.root : options_.prefix + path, info);
    entry.attributes = visible(read_attributes(fd));
    if (!entry.name.empty()) writer_.add(entry);
    char opaque = 0;
    if (options_.whiteouts == Whiteouts::kOverlay && ::fgetxattr(fd, kOpaqueAttribute, &opaque, 1) == 1 &&
        opaque == 'y')
      marker(path + ".wh..wh..opq", info);
    for (const std::string& name : list_directory(cat("/proc/self/fd/", fd))) child(fd, name, path + name, info.st_dev);
  }

  void other(int parent, const std::string& name, const std::string& path, const struct stat& info) {
    Entry entry = entry_of(options_.prefix + path, info);
    if (S_ISLNK(info.st_mode)) {
      entry.link_target = read_link(parent, name);
      if (entry.link_target.empty()) return;
    }
    if (!S_ISREG(info.st_mode)) {
      entry.attributes = visible(read_attributes_at(parent, name));
      writer_.add(entry);
      return;
    }
    UniqueFd fd = options_.still ? UniqueFd(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC))
                                 : open_regular(parent, name, path);
    if (!fd && !options_.still) return;
    struct stat now = info;
    check(fd.get(), "open", path);
    if (!options_.still) check(::fstat(fd.get(), &now), "stat", path);
    entry.attributes = visible(read_attributes(fd.get()));
    entry.size = now.st_size;
    writer_.add(entry, file_source(fd.get()));
  }

 private:
  void marker(const std::string& name, const struct stat& info) {
    Entry entry;
    entry.name = options_.prefix + name;
    entry.mode = S_IFREG;
    entry.modified = info.st_mtim;
    writer_.add(entry);
  }

  void child(int parent, const std::string& name, const std::string& path, dev_t device) {
    if (options_.skip && options_.skip(path)) return;
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) return;  // removed meanwhile
      throw_errno("stat", path);
    }
    if (S_ISSOCK(info.st_mode)) return;
    if (options_.whiteouts == Whiteouts::kOverlay && S_ISCHR(info.st_mode) && info.st_rdev == 0) {
      marker(path.substr(0, path.size() - name.size()) + ".wh." + name, info);
      return;
    }
    if (S_ISDIR(info.st_mode))
      subdirectory(parent, name, path, device);
    else if (!is_further_name(path, info))
      other(parent, name, path, info);
  }

  void subdirectory(int parent, const std::string& name, const std::string& path, dev_t device) {
    UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd && changed_meanwhile(errno)) return;
    struct stat info {};
    check(::fstat(check(fd.get(), "open", path), &info), "stat", path);
    if (info.st_dev == device || (options_.enter && options_.enter(path, fd.get()))) {
      directory(fd.get(), path + "/", info);
    } else {
      Entry entry = entry_of(options_.prefix + path + "/", info);
      writer_.add(entry);
    }
  }

  bool is_further_name(const std::string& path, const struct stat& info) {
    if (info.st_nlink < 2) return false;
    auto [first, is_new] = written_.try_emplace({info.st_dev, info.st_ino}, path);
    if (is_new) return false;
    Entry entry = entry_of(options_.prefix + path, info);
    entry.hard_link = options_.prefix + first->second;
    writer_.add(entry);
    return true;
  }

  TarWriter& writer_;
  const TreeOptions& options_;
  std::map<std::pair<dev_t, ino_t>, std::string> written_;  // files with several names, by their first one
};

}  // namespace

void write_tree(int root, TarWriter& writer, const TreeOptions& options) {
  struct stat info {};
  check(::fstat(root, &info), "stat");
  TreeWriter(writer, options).directory(root, "", info);
}

void write_tree(int root, TarWriter& writer, Whiteouts whiteouts) {
  TreeOptions options;
  options.whiteouts = whiteouts;
  write_tree(root, writer, options);
}

void write_file(int fd, TarWriter& writer, const std::string& name) {
  struct stat info {};
  check(::fstat(fd, &info), "stat", name);
  Entry entry = entry_of(name, info);
  if (S_ISLNK(info.st_mode)) entry.link_target = read_link(fd, "");
  if (!S_ISREG(info.st_mode)) {
    writer.add(entry);
    return;
  }
  UniqueFd readable = open_file(cat("/proc/self/fd/", fd), O_RDONLY);
  entry.attributes = visible(read_attributes(readable.get()));
  entry.size = info.st_size;
  writer.add(entry, file_source(readable.get()));
}

}  // namespace hull::archive
