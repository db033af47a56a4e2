// SPDX-License-Identifier: Apache-2.0
#include "archive/placement.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string_view>

#include "archive/attributes.h"
#include "archive/confined.h"
#include "base/error.h"
#include "base/file.h"

namespace hull::archive {

namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kWhiteoutMetaPrefix = ".wh..wh.";
constexpr std::string_view kOpaqueMarker = ".wh..wh..opq";
constexpr std::size_t kRememberedParents = 64;
constexpr mode_t kPermissions = 07777;

std::pair<std::string, std::string> split_last(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == path.npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

bool is_whiteout(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

void make_opaque(int directory, std::string_view shown) {
  check(::fsetxattr(directory, kOpaqueAttribute, "y", 1, 0), "setxattr trusted.overlay.opaque", shown);
}

void set_time_at(int parent, const std::string& name, const timespec& modified) {
  timespec times[2] = {modified, modified};
  check(::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimensat", name);
}

// The owner first: chown(2) takes away the set-user-id bits and file capabilities. What is so already stays: looking is
// a tenth of what a change costs, which is a transaction of the file system, and most files are root's with a mode that
// no umask touches.
void set_owner_and_mode(int fd, const Entry& entry) {
  struct stat now {};
  check(::fstat(fd, &now), "stat", entry.name);
  bool own = now.st_uid == entry.uid && now.st_gid == entry.gid;
  if (!own) check(::fchown(fd, entry.uid, entry.gid), "chown", entry.name);
  if (!own || (now.st_mode & kPermissions) != (entry.mode & kPermissions))
    check(::fchmod(fd, entry.mode & kPermissions), "chmod", entry.name);
  write_attributes(fd, entry.attributes, entry.name);
}

void set_owner_and_attributes_at(int parent, const std::string& name, const Entry& entry) {
  struct stat now {};
  check(::fstatat(parent, name.c_str(), &now, AT_SYMLINK_NOFOLLOW), "stat", entry.name);
  if (now.st_uid != entry.uid || now.st_gid != entry.gid)
    check(::fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW), "chown", entry.name);
  if (!entry.is(S_IFLNK)) check(::fchmodat(parent, name.c_str(), entry.mode & kPermissions, 0), "chmod", entry.name);
  write_attributes_at(parent, name, entry.attributes);
  set_time_at(parent, name, entry.modified);
}

// What a file or directory of an archive is created with. In a tree that others see, nobody but root may look into it
// before it has its owner.
mode_t first_mode(bool seen, const Entry& entry) { return (seen ? 0700 : 0777) & entry.mode; }

// Of any mount namespace. Unlinking a name that somebody else has mounted something on would take the mount away.
bool is_mount_point(int parent, const std::string& name) {
  struct statx info {};
  if (::statx(parent, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &info) < 0) return false;
  return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// A regular file that is a mount point, to be written in place.
UniqueFd open_mounted_file(int parent, const std::string& name) {
  struct stat info {};
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info.st_mode)) return {};
  if (!is_mount_point(parent, name)) return {};
  return UniqueFd(
      check(::openat(parent, name.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), "open", name));
}

void write_at(int fd, std::string_view data, std::int64_t offset, std::string_view shown) {
  while (!data.empty()) {
    ssize_t put = ::pwrite(fd, data.data(), data.size(), offset);
    if (put < 0 && errno == EINTR) continue;
    data.remove_prefix(static_cast<std::size_t>(check(put, "write", shown)));
    offset += put;
  }
}

}  // namespace

std::string clean_entry_name(std::string_view name) {
  std::vector<std::string_view> parts;
  for (std::string_view part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      fail_invalid("invalid tar archive: ", quoted(name), " leads out of the archive's root");
    } else {
      parts.pop_back();
    }
  }
  std::string clean;
  for (std::string_view part : parts) {
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  return clean;
}

// The path below root_ of an entry, and of what a hard link names.
std::string Placement::path_of(std::string_view name) const {
  std::string path = clean_entry_name(name);
  if (!overlaying_ || overlaying_->base.empty() || path.empty()) return path;
  return cat(overlaying_->base, "/", path);
}

void Placement::place(const Entry& entry, TarReader& content) {
  std::string path = path_of(entry.name);
  if (path.empty()) {
    if (!overlaying_) place_root(entry);
    return;
  }
  Place at = locate(path);
  if (whiteouts_ == Whiteouts::kOverlay && place_whiteout(at, entry)) return;
  if (!overlaying_) return place_at(at, entry, content, path);
  check_kind(at, entry);
  if (!overlaying_->owner) return place_at(at, entry, content, path);
  Entry owned = entry;
  owned.uid = overlaying_->owner->uid;
  owned.gid = overlaying_->owner->gid;
  place_at(at, owned, content, path);
}

void Placement::check_kind(const Place& at, const Entry& entry) const {
  struct stat there {};
  if (!overlaying_->keep_kinds || ::fstatat(at.parent, at.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) < 0) return;
  bool was = S_ISDIR(there.st_mode), will = entry.hard_link.empty() && entry.is(S_IFDIR);
  if (was == will) return;
  fail_invalid("cannot overwrite ", was ? "directory " : "non-directory ", quoted(at.name), " with ",
               will ? "directory " : "non-directory ", quoted(entry.name));
}

void Placement::place_at(const Place& at, const Entry& entry, TarReader& content, const std::string& path) {
  if (!entry.hard_link.empty())
    place_hard_link(at, entry);
  else if (entry.is(S_IFREG))
    place_file(at, entry, content);
  else if (entry.is(S_IFDIR))
    place_directory(at, entry, path);
  else
    place_other(at, entry);
}

void Placement::finish() {
  for (auto entry = times_.rbegin(); entry != times_.rend(); ++entry) {
    if (entry->path.empty()) {
      set_time_at(root_, ".", entry->modified);
      continue;
    }
    auto [parent, name] = split_last(entry->path);
    UniqueFd fd = open_confined(root_, parent, O_PATH | O_DIRECTORY);
    // A later entry may have put something else in its place.
    if (fd && faccessat(fd.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      set_time_at(fd.get(), name, entry->modified);
  }
  times_.clear();
  parents_.clear();
}

Placement::Place Placement::locate(const std::string& path) {
  auto [parent, name] = split_last(path);
  return {parent_fd(parent), std::move(name)};
}

int Placement::parent_fd(const std::string& path) {
  if (path.empty()) return root_;
  if (auto found = parents_.find(path); found != parents_.end()) return found->second.get();
  UniqueFd fd = open_confined(root_, path, O_RDONLY | O_DIRECTORY);
  if (!fd) {
    if (errno != ENOENT && errno != ENOTDIR) throw_errno("open", path);
    fd = make_parent(path);
  }
  if (parents_.size() >= kRememberedParents) parents_.clear();
  return parents_.emplace(path, std::move(fd)).first->second.get();
}

// Archives may leave parents out: they become root's, 0755. A file in the way is replaced by a directory.
UniqueFd Placement::make_parent(const std::string& path) {
  auto [above, name] = split_last(path);
  // Held by a duplicate: the recursion below may forget the remembered descriptor.
  UniqueFd parent(check(::fcntl(parent_fd(above), F_DUPFD_CLOEXEC, 3), "dup"));
  Place at{parent.get(), name};
  if (::mkdirat(at.parent, name.c_str(), 0755) < 0) {
    if (errno != EEXIST) throw_errno("mkdir", path);
    remove(at);
    check(::mkdirat(at.parent, name.c_str(), 0755), "mkdir", path);
  }
  check(::fchmodat(at.parent, name.c_str(), 0755, 0), "chmod", path);
  UniqueFd made = open_confined(root_, path, O_RDONLY | O_DIRECTORY);
  if (!made) throw_errno("open", path);
  return made;
}

void Placement::place_root(const Entry& entry) {
  if (!entry.is(S_IFDIR)) fail_invalid("invalid tar archive: its root is not a directory");
  set_owner_and_mode(root_, entry);
  times_.push_back({"", entry.modified});
}

bool Placement::place_whiteout(const Place& at, const Entry& entry) {
  std::string_view name = at.name;
  if (!name.starts_with(kWhiteoutPrefix)) return false;
  if (name == kOpaqueMarker) {
    make_opaque(at.parent, name);
  } else if (!name.starts_with(kWhiteoutMetaPrefix)) {
    std::string hidden(name.substr(kWhiteoutPrefix.size()));
    // "." and ".." cannot be hidden; nothing honest asks for it.
    if (hidden.empty() || hidden == "." || hidden == "..")
      fail_invalid("invalid tar archive: the whiteout ", quoted(name), " hides nothing");
    hide(at, hidden, entry);
  }
  return true;
}

// A whiteout speaks of the layers below only: what this layer has under that name already stays, and hides by
// itself what is below (a directory has to be told to).
void Placement::hide(const Place& at, const std::string& name, const Entry& entry) {
  if (::mknodat(at.parent, name.c_str(), S_IFCHR, makedev(0, 0)) == 0) {
    set_time_at(at.parent, name, entry.modified);
    return;
  }
  if (errno != EEXIST) throw_errno("mknod", name);
  UniqueFd there(::openat(at.parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (there) make_opaque(there.get(), name);
}

template <class Make>
bool Placement::make_replacing(const Place& at, const Entry& entry, Make make) {
  if (make()) return false;
  if (errno != EEXIST) throw_errno("create", entry.name);
  struct stat info {};
  check(::fstatat(at.parent, at.name.c_str(), &info, AT_SYMLINK_NOFOLLOW), "stat", entry.name);
  remove(at);
  if (!make()) throw_errno("create", entry.name);
  return is_whiteout(info);
}

void Placement::remove(const Place& at) {
  if (overlaying_ && is_mount_point(at.parent, at.name))
    fail_invalid("cannot replace ", quoted(at.name), ": something is mounted on it");
  if (::unlinkat(at.parent, at.name.c_str(), 0) < 0) {
    if (errno != EISDIR && errno != EPERM) throw_errno("remove", at.name);
    remove_tree(cat("/proc/self/fd/", at.parent, "/", at.name));
  }
  // A remembered parent may have been inside, or reached through a symbolic link that is gone. The caller still
  // uses its own: keep that one.
  std::erase_if(parents_, [&](const auto& remembered) { return remembered.second.get() != at.parent; });
}

void Placement::place_file(const Place& at, const Entry& entry, TarReader& content) {
  UniqueFd fd;
  const mode_t mode = first_mode(overlaying_.has_value(), entry);
  if (overlaying_) fd = open_mounted_file(at.parent, at.name);
  if (!fd)
    make_replacing(at, entry, [&] {
      fd.reset(::openat(at.parent, at.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
      return fd.valid();
    });
  std::string_view data;
  std::int64_t offset = 0, end = 0;
  while (content.read(data, offset)) {
    write_at(fd.get(), data, offset, entry.name);
    end = offset + static_cast<std::int64_t>(data.size());
  }
  if (end < entry.size) check(::ftruncate(fd.get(), entry.size), "truncate", entry.name);
  set_owner_and_mode(fd.get(), entry);
  timespec times[2] = {entry.modified, entry.modified};
  check(::futimens(fd.get(), times), "utimens", entry.name);
  bytes_ += entry.size;
}

void Placement::place_directory(const Place& at, const Entry& entry, const std::string& path) {
  bool hides = false;
  const mode_t mode = first_mode(overlaying_.has_value(), entry);
  if (::mkdirat(at.parent, at.name.c_str(), mode) < 0) {
    struct stat info {};
    if (errno != EEXIST) throw_errno("mkdir", entry.name);
    check(::fstatat(at.parent, at.name.c_str(), &info, AT_SYMLINK_NOFOLLOW), "stat", entry.name);
    if (!S_ISDIR(info.st_mode))
      hides = make_replacing(at, entry, [&] { return ::mkdirat(at.parent, at.name.c_str(), mode) == 0; });
  }
  UniqueFd fd(
      check(::openat(at.parent, at.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open", entry.name));
  if (hides && whiteouts_ == Whiteouts::kOverlay) make_opaque(fd.get(), entry.name);
  set_owner_and_mode(fd.get(), entry);
  times_.push_back({path, entry.modified});
  // Its files come next.
  if (parents_.size() < kRememberedParents) parents_.insert_or_assign(path, std::move(fd));
}

void Placement::place_hard_link(const Place& at, const Entry& entry) {
  std::string target = path_of(entry.hard_link);
  auto [target_parent, target_name] = split_last(target);
  UniqueFd from = open_confined(root_, target_parent, O_PATH | O_DIRECTORY);
  if (!from)
    fail_invalid("invalid tar archive: ", quoted(entry.name), " is a hard link to ", quoted(entry.hard_link),
                 ", which is not there");
  struct stat old {
  }, now{};
  bool same = ::fstatat(from.get(), target_name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0 &&
              ::fstatat(at.parent, at.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 && old.st_ino == now.st_ino &&
              old.st_dev == now.st_dev;
  if (same) return;  // a link to itself would be removed first, and then be missing
  make_replacing(at, entry, [&, name = target_name.c_str()] {
    return ::linkat(from.get(), name, at.parent, at.name.c_str(), 0) == 0;
  });
}

void Placement::place_other(const Place& at, const Entry& entry) {
  bool device = entry.is(S_IFCHR) || entry.is(S_IFBLK);
  if (!device && !entry.is(S_IFIFO) && !entry.is(S_IFLNK) && !entry.is(S_IFSOCK))
    fail_invalid("invalid tar archive: ", quoted(entry.name), " has a type that is not known");
  make_replacing(at, entry, [&] {
    if (entry.is(S_IFLNK)) return ::symlinkat(entry.link_target.c_str(), at.parent, at.name.c_str()) == 0;
    return ::mknodat(at.parent, at.name.c_str(), (entry.mode & S_IFMT) | 0600, device ? entry.device : 0) == 0;
  });
  set_owner_and_attributes_at(at.parent, at.name, entry);
}

}  // namespace hull::archive
