// SPDX-License-Identifier: Apache-2.0
#include "build/copier.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/attributes.h"
#include "archive/confined.h"
#include "base/error.h"
#include "base/file.h"
#include "linux/root_dir.h"

namespace hull::build {

namespace {

constexpr std::size_t kPiece = 128 << 10;
constexpr mode_t kPermissions = 07777;
constexpr int kSharedFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW;

std::string_view last_of(std::string_view path) {
  auto slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

std::string parent_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == path.npos || slash == 0 ? "/" : path.substr(0, slash);
}

bool is_below(std::string_view path, std::string_view top) {
  return top.empty() || path == top || (path.starts_with(top) && path[top.size()] == '/');
}

timespec to_timespec(std::int64_t nanoseconds) { return {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000}; }

// Where a descriptor below a detached mount is, from the mount's root.
std::string path_in_mount(int fd) {
  std::string path(4096, '\0');
  ssize_t size = ::readlink(cat("/proc/self/fd/", fd).c_str(), path.data(), path.size());
  path.resize(static_cast<std::size_t>(check(size, "readlink")));
  return path;
}

bool is_directory_at(int parent, const std::string& name) {
  struct stat info {};
  return ::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

UniqueFd open_directory_at(int parent, const std::string& name, int more = 0) {
  return UniqueFd(check(::openat(parent, name.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | (more ? more : O_RDONLY)),
                        "open", name));
}

}  // namespace

Copier::Copier(int root, std::string upper, CopyOptions options)
    : root_(root), upper_(std::move(upper)), options_(std::move(options)), buffer_(kPiece) {
  if (options_.plain) upper_ = path_in_mount(root_);  // links on the way to it are followed
}

bool Copier::has_directory(const std::string& path) const {
  return linux::RootDir(root_).open_if_exists(path, O_PATH | O_DIRECTORY).has_value();
}

void Copier::make_directories(const std::string& path) {
  linux::RootDir root(root_);
  const std::string clean = linux::clean_path(path);
  std::string made;
  for (std::string_view part : split(clean, '/')) {
    if (part.empty()) continue;
    made += cat("/", part);
    if (auto there = root.open_if_exists(made, O_PATH)) {
      struct stat info {};
      check(::fstat(there->get(), &info), "stat", made);
      if (!S_ISDIR(info.st_mode)) fail_invalid("cannot copy to non-directory: ", made);
      continue;
    }
    UniqueFd fd = root.make_directory(made);
    if (options_.owner) {
      std::string name = cat("/proc/self/fd/", fd.get());
      check(::chown(name.c_str(), options_.owner->uid, options_.owner->gid), "chown", made);
    }
  }
}

void Copier::share_files_with(const std::string& layer) {
  known_ = LayerDigests::of_layer(layer);
  if (!known_.empty()) sharing_ = layer + "/diff";
}

Copier::Directory Copier::open_parent(const std::string& path) {
  Directory directory;
  directory.to = UniqueFd(linux::RootDir(root_).open(path, O_RDONLY | O_DIRECTORY));
  std::string real = path_in_mount(directory.to.get());
  directory.upper = options_.plain ? real : upper_ + (real == "/" ? "" : real);
  return directory;
}

Copier::Directory Copier::open_target(const std::string& path) {
  Directory directory = open_parent(path);
  if (!list_directory(cat("/proc/self/fd/", directory.to.get())).empty()) return directory;
  // Nothing of the layers below shows in it. A change of nothing brings it into the writable directory.
  struct stat info {};
  check(::fstat(directory.to.get(), &info), "stat", path);
  check(::fchmod(directory.to.get(), info.st_mode & kPermissions), "chmod", path);
  if (auto direct = open_if_exists(directory.upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) {
    directory.to = std::move(*direct);
    directory.direct = true;
  }
  if (auto shared = sharing_.empty() ? std::nullopt : open_if_exists(cat(sharing_, place_of(directory)), kSharedFlags))
    directory.shared = std::move(*shared);
  return directory;
}

void Copier::copy_contents(int source_root, std::span<const FileEntry> tree, const std::string& to) {
  const FileEntry& source = tree.front();
  bool existed = has_directory(to);
  if (!existed) make_directories(to);
  Directory top = open_target(to);
  top.path = source.path;
  top.from = archive::open_confined(source_root, source.path.empty() ? "." : source.path, O_PATH | O_DIRECTORY);
  if (!top.from) throw_errno("open", source.path);
  if (!existed) top.finish = &source;
  fill(std::move(top), tree.subspan(1));
}

void Copier::copy_as(int source_root, std::span<const FileEntry> tree, const std::string& to) {
  const FileEntry& source = tree.front();
  if (S_ISDIR(source.mode)) return copy_contents(source_root, tree, to);
  std::string parent = parent_of(to), name(last_of(to));
  make_directories(parent);
  Directory target = open_parent(parent);
  target.from = archive::open_confined(
      source_root, source.path.find('/') == std::string::npos ? "." : source.path.substr(0, source.path.rfind('/')),
      O_PATH | O_DIRECTORY);
  if (!target.from) throw_errno("open", source.path);
  copy_one(target, source, name);
}

void Copier::write_document(const std::string& to, std::string_view text, mode_t mode) {
  make_directories(parent_of(to));
  Directory target = open_parent(parent_of(to));
  FileEntry entry;
  entry.path = to;
  entry.mode = S_IFREG | mode;
  UniqueFd fd = create(target, std::string(last_of(to)), 0600);
  write_all(fd.get(), text);
  entry.modified = -1;
  set_metadata(fd.get(), entry);
}

void Copier::fill(Directory top, std::span<const FileEntry> tree) {
  std::vector<Directory> open;
  open.push_back(std::move(top));
  auto close_one = [&] {
    finish(open.back());
    open.pop_back();
  };
  for (const FileEntry& entry : tree) {
    while (!is_below(entry.path, open.back().path)) close_one();
    std::string name(last_of(entry.path));
    if (S_ISDIR(entry.mode)) {
      if (auto child = make_child(open.back(), entry, name)) open.push_back(std::move(*child));
    } else {
      copy_one(open.back(), entry, name);
    }
  }
  while (!open.empty()) close_one();
}

std::optional<Copier::Directory> Copier::make_child(const Directory& parent, const FileEntry& entry,
                                                    const std::string& name) {
  Directory child;
  child.path = entry.path;
  child.from = open_directory_at(parent.from.get(), name, O_PATH);
  child.upper = cat(parent.upper, "/", name);
  if (parent.shared) child.shared = UniqueFd(::openat(parent.shared.get(), name.c_str(), kSharedFlags | O_CLOEXEC));
  bool made = ::mkdirat(parent.to.get(), name.c_str(), 0700) == 0;
  if (!made) {
    if (errno != EEXIST) throw_errno("mkdir", entry.path);
    if (!is_directory_at(parent.to.get(), name)) fail_invalid("cannot copy to non-directory: ", entry.path);
  }
  child.direct = parent.direct || made;
  child.to = child.direct && !parent.direct ? open_file(child.upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                                            : open_directory_at(parent.to.get(), name);
  if (made) child.finish = &entry;
  return child;
}

void Copier::copy_one(const Directory& parent, const FileEntry& entry, const std::string& name) {
  std::string from(last_of(entry.path));
  if (S_ISREG(entry.mode)) return copy_file(parent, entry, from, name);
  auto make = [&] {
    if (S_ISLNK(entry.mode)) return ::symlinkat(entry.link.c_str(), parent.to.get(), name.c_str()) == 0;
    bool device = S_ISCHR(entry.mode) || S_ISBLK(entry.mode);
    return ::mknodat(parent.to.get(), name.c_str(), (entry.mode & S_IFMT) | 0600, device ? entry.device : 0) == 0;
  };
  if (!make()) {
    if (errno != EEXIST) throw_errno("create", entry.path);
    if (is_directory_at(parent.to.get(), name)) fail_invalid("cannot replace directory ", name, " with a file");
    check(::unlinkat(parent.to.get(), name.c_str(), 0), "unlink", entry.path);
    if (!make()) throw_errno("create", entry.path);
  }
  set_metadata_at(parent.to.get(), name, entry);
}

UniqueFd Copier::create(const Directory& parent, const std::string& name, mode_t mode) {
  auto make = [&] {
    return UniqueFd(
        ::openat(parent.to.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  };
  UniqueFd fd = make();
  if (fd) return fd;
  if (errno != EEXIST) throw_errno("create", name);
  if (is_directory_at(parent.to.get(), name)) fail_invalid("cannot replace directory ", name, " with a file");
  check(::unlinkat(parent.to.get(), name.c_str(), 0), "unlink", name);
  fd = make();
  if (!fd) throw_errno("create", name);
  return fd;
}

// Only where the file system of the writable directory is written to itself: a link through the overlay would be one to
// a copy. False: it has to be copied, for whatever reason.
bool Copier::share_file(const Directory& parent, const FileEntry& entry, const std::string& name) {
  constexpr std::int64_t kWorthIt = 64 << 10;  // bytes: finding the layer costs some system calls
  archive::Owner owner = owner_of(entry);
  bool same = mode_of(entry) == (entry.mode & kPermissions) && owner.uid == entry.uid && owner.gid == entry.gid;
  if (!original_ || !parent.direct || !same || entry.size < kWorthIt) return false;
  std::string file = original_(entry.path);
  return !file.empty() && ::linkat(AT_FDCWD, file.c_str(), parent.to.get(), name.c_str(), 0) == 0;
}

// Where a directory is in the layer: "" or "/app".
std::string_view Copier::place_of(const Directory& directory) const {
  return std::string_view(directory.upper).substr(upper_.size());
}

bool Copier::is_as_wanted(const struct stat& there, const FileEntry& entry) const {
  archive::Owner owner = owner_of(entry);
  timespec modified = to_timespec(entry.modified);
  return S_ISREG(there.st_mode) && there.st_size == entry.size && (there.st_mode & kPermissions) == mode_of(entry) &&
         there.st_uid == owner.uid && there.st_gid == owner.gid && there.st_mtim.tv_sec == modified.tv_sec &&
         there.st_mtim.tv_nsec == modified.tv_nsec;
}

// Digests are kept of files in directories that are written to themselves: elsewhere nothing can be shared next time.
bool Copier::share_with_layer(const Directory& parent, const FileEntry& entry, const std::string& name) {
  std::string path = cat(place_of(parent), "/", name);
  if (!parent.direct || !entry.has_digest || options_.attributes) {
    digests_.forget(path);  // of a file that this one takes the place of
    return false;
  }
  const FileDigest* there = parent.shared ? known_.find(path) : nullptr;
  bool same = there && *there == entry.digest;
  digests_.add(std::move(path), entry.digest);
  struct stat info {};
  return same && ::fstatat(parent.shared.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         is_as_wanted(info, entry) &&
         ::linkat(parent.shared.get(), name.c_str(), parent.to.get(), name.c_str(), 0) == 0;
}

void Copier::copy_file(const Directory& parent, const FileEntry& entry, const std::string& from,
                       const std::string& name) {
  if (share_with_layer(parent, entry, name) || share_file(parent, entry, name)) return;
  UniqueFd in(::openat(parent.from.get(), from.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!in) fail_invalid("cannot read ", quoted(entry.path), ": ", errno_text(errno));
  UniqueFd out = create(parent, name, 0600);
  // Small files in one read and one write; of large ones the kernel moves (or shares) the blocks.
  if (entry.size > static_cast<std::int64_t>(buffer_.size())) {
    for (;;) {
      ssize_t moved = ::copy_file_range(in.get(), nullptr, out.get(), nullptr, 1 << 30, 0);
      if (moved == 0) break;
      if (moved < 0 && errno == EINTR) continue;
      if (moved < 0) break;  // not between these file systems: the loop below does it
    }
  }
  for (;;) {
    ssize_t got = ::read(in.get(), buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (check(got, "read", entry.path) == 0) break;
    write_all(out.get(), {buffer_.data(), static_cast<std::size_t>(got)});
    if (got < static_cast<ssize_t>(buffer_.size()) && entry.size < static_cast<std::int64_t>(buffer_.size())) break;
  }
  if (options_.attributes) archive::write_attributes(out.get(), archive::read_attributes(in.get()), entry.path);
  set_metadata(out.get(), entry);
}

mode_t Copier::mode_of(const FileEntry& entry) const {
  mode_t mode = entry.mode & kPermissions;
  return options_.mode ? options_.mode(entry.mode) & kPermissions : mode;
}

archive::Owner Copier::owner_of(const FileEntry& entry) const {
  return options_.owner.value_or(archive::Owner{entry.uid, entry.gid});
}

// The owner first: chown(2) takes away the set-user-id bits.
void Copier::set_metadata(int fd, const FileEntry& entry) {
  archive::Owner owner = owner_of(entry);
  if (owner.uid != 0 || owner.gid != 0) check(::fchown(fd, owner.uid, owner.gid), "chown", entry.path);
  check(::fchmod(fd, mode_of(entry)), "chmod", entry.path);
  if (entry.modified < 0) return;
  timespec times[2] = {to_timespec(entry.modified), to_timespec(entry.modified)};
  check(::futimens(fd, times), "utimens", entry.path);
}

void Copier::set_metadata_at(int parent, const std::string& name, const FileEntry& entry) {
  archive::Owner owner = owner_of(entry);
  check(::fchownat(parent, name.c_str(), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW), "chown", entry.path);
  if (!S_ISLNK(entry.mode)) check(::fchmodat(parent, name.c_str(), mode_of(entry), 0), "chmod", entry.path);
  timespec times[2] = {to_timespec(entry.modified), to_timespec(entry.modified)};
  check(::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimens", entry.path);
}

void Copier::finish(Directory& directory) {
  if (directory.finish) set_metadata(directory.to.get(), *directory.finish);
}

}  // namespace hull::build
