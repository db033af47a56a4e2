// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <algorithm>
#include <deque>

#include "archive/confined.h"
#include "archive/decompress.h"
#include "archive/placement.h"
#include "archive/tar_reader.h"
#include "archive/tar_writer.h"
#include "base/file.h"
#include "container/file_view.h"
#include "container/files.h"
#include "container/path_text.h"
#include "container/user_lookup.h"

// docker cp: archives of paths in a container, and into it. Every path is the client's or, through a symbolic link,
// the container's: all of them are resolved by openat2(RESOLVE_IN_ROOT) in the container's root, and what was found
// is used by descriptor.
namespace hull::container {

namespace {

constexpr int kLongestChain = 255;  // of symbolic links
constexpr long kMqueueMagic = 0x19800202;

// Docker's reading of a path: a slash or "/." at the end means what a symbolic link leads to, and "/." names the
// entries of an archive by ".".
struct Wanted {
  std::string clean;  // absolute
  std::string name;   // last component, ".", or "/"
  bool follow = false;
};

Wanted wanted_of(const std::string& path) {
  Wanted wanted;
  wanted.clean = clean_path(cat("/", path));
  std::string_view bare = path;
  while (bare.size() > 1 && bare.ends_with('/')) bare.remove_suffix(1);
  bool dot = bare == "." || bare.ends_with("/.");
  wanted.follow = dot || path.ends_with('/') || wanted.clean == "/";
  wanted.name = dot ? "." : wanted.clean == "/" ? "/" : wanted.clean.substr(wanted.clean.rfind('/') + 1);
  return wanted;
}

[[noreturn]] void not_found(std::string_view path, std::string_view container) {
  fail(Kind::kNotFound, "Could not find the file ", path, " in container ", container);
}

// What is at the path (O_PATH).
UniqueFd open_wanted(int root, const Wanted& wanted, std::uint64_t flags, const std::string& path,
                     std::string_view container) {
  UniqueFd found = archive::open_confined(root, wanted.clean, O_PATH | flags);
  if (found) return found;
  if (errno == ENOENT) not_found(path, container);
  if (errno == ENOTDIR) fail_invalid(wanted.clean, ": not a directory");
  if (errno == ELOOP) fail_invalid(wanted.clean, ": too many levels of symbolic links");
  throw_errno("open", wanted.clean);
}
UniqueFd open_source(int root, const Wanted& wanted, const std::string& path, std::string_view container) {
  return open_wanted(root, wanted, wanted.follow ? O_DIRECTORY : O_NOFOLLOW, path, container);
}

std::string read_link(int fd) {
  std::string target(4096, '\0');
  ssize_t size = ::readlinkat(fd, "", target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return target;
}

// Where a path leads when all links in it are followed, as text; what is missing stays as it is written. Whoever uses
// the text has it resolved again.
std::string followed(int root, const std::string& path) {
  std::deque<std::string> left;
  auto prepend = [&](std::string_view text) {
    auto at = left.begin();
    for (std::string_view part : split(text, '/'))
      if (!part.empty() && part != ".") at = std::next(left.insert(at, std::string(part)));
  };
  prepend(path);
  std::string reached;
  for (int links = 0; !left.empty();) {
    std::string part = std::move(left.front());
    left.pop_front();
    if (part == "..") {
      reached.resize(reached.empty() ? 0 : reached.rfind('/'));
      continue;
    }
    std::string next = cat(reached, "/", part);
    UniqueFd there = archive::open_confined(root, next, O_PATH | O_NOFOLLOW);
    struct stat info {};
    bool link = there && ::fstat(there.get(), &info) == 0 && S_ISLNK(info.st_mode);
    if (!link) {
      reached = std::move(next);
      continue;
    }
    if (++links > kLongestChain) fail_invalid(path, ": too many levels of symbolic links");
    std::string target = read_link(there.get());
    if (target.starts_with('/')) reached.clear();
    prepend(target);
  }
  return reached.empty() ? "/" : reached;
}

PathStat stat_of(int root, int fd, const Wanted& wanted) {
  struct stat info {};
  check(::fstat(fd, &info), "stat", wanted.clean);
  PathStat stat;
  stat.name = wanted.name;
  stat.size = info.st_size;
  stat.mode = go_file_mode(info.st_mode);
  stat.modified = {info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
  if (S_ISLNK(info.st_mode)) stat.link_target = followed(root, wanted.clean);
  return stat;
}

// Directories that the kernel makes up as it goes, and the container's devices, are no files of the container.
bool is_copied_mount(const std::string& path, int directory) {
  struct statfs info {};
  if (::fstatfs(directory, &info) < 0) return false;
  constexpr long kMadeUp[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,  CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
                              DEVPTS_SUPER_MAGIC, kMqueueMagic, DEBUGFS_MAGIC,      TRACEFS_MAGIC,
                              SECURITYFS_MAGIC,   BPF_FS_MAGIC};
  return path != "dev" && std::ranges::find(kMadeUp, info.f_type) == std::end(kMadeUp);
}

void write_directory(int fd, const Wanted& wanted, archive::TarWriter& writer) {
  UniqueFd readable = open_file(cat("/proc/self/fd/", fd), O_RDONLY | O_DIRECTORY);
  archive::TreeOptions options;
  options.prefix = wanted.name == "/" ? "/" : wanted.name + "/";
  options.root = options.prefix;
  bool whole = wanted.clean == "/";
  options.enter = [whole](const std::string& path, int directory) {
    return is_copied_mount(whole ? path : std::string(), directory);
  };
  archive::write_tree(readable.get(), writer, options);
}

// Where an archive goes: a directory of the container, by its real path.
std::string extraction_point(const FileView& view, const std::string& path, std::string_view container) {
  Wanted wanted = wanted_of(path);
  UniqueFd fd = open_wanted(view.root(), wanted, 0, path, container);
  struct stat info {};
  check(::fstat(fd.get(), &info), "stat", wanted.clean);
  if (!S_ISDIR(info.st_mode))
    fail_invalid(path.ends_with('/') ? cat(wanted.clean, ": not a directory") : "extraction point is not a directory");
  std::string real = followed(view.root(), wanted.clean);
  struct statvfs mounted {};
  check(::fstatvfs(fd.get(), &mounted), "statvfs", wanted.clean);
  if (mounted.f_flag & ST_RDONLY) {
    auto covers = [&](const MountPoint& point) { return is_within(real, point.destination); };
    fail_invalid(std::ranges::any_of(view.state->mounts, covers) ? "mounted volume is marked read-only"
                                                                 : "container rootfs is marked read-only");
  }
  return real;
}

archive::Owner container_user(const FileView& view) {
  auto read = [&](const std::string& path) -> std::optional<std::string> {
    UniqueFd fd = archive::open_confined(view.root(), path, O_RDONLY | O_NONBLOCK);
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) < 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    return read_all(fd.get());
  };
  oci::User user = look_up_user(view.state->spec->config.user, {}, read);
  return {user.uid, user.gid};
}

}  // namespace

std::uint32_t go_file_mode(mode_t mode) {
  struct Bit {
    mode_t mask, value;
    std::uint32_t bit;
  };
  constexpr Bit kBits[] = {
      {S_IFMT, S_IFDIR, 1U << 31},  {S_IFMT, S_IFLNK, 1U << 27},
      {S_IFMT, S_IFBLK, 1U << 26},  {S_IFMT, S_IFCHR, 1U << 26 | 1U << 21},
      {S_IFMT, S_IFIFO, 1U << 25},  {S_IFMT, S_IFSOCK, 1U << 24},
      {S_ISUID, S_ISUID, 1U << 23}, {S_ISGID, S_ISGID, 1U << 22},
      {S_ISVTX, S_ISVTX, 1U << 20},
  };
  std::uint32_t out = mode & 0777;
  for (const Bit& bit : kBits)
    if ((mode & bit.mask) == bit.value) out |= bit.bit;
  return out;
}

PathStat Engine::stat_path(std::string_view name, const std::string& path) {
  FileView view = open_file_view(*impl_, impl_->registry.get(name));
  Wanted wanted = wanted_of(path);
  UniqueFd found = open_source(view.root(), wanted, path, name);
  return stat_of(view.root(), found.get(), wanted);
}

void Engine::read_archive(std::string_view name, const std::string& path,
                          const std::function<archive::Sink(const PathStat&)>& begin) {
  FileView view = open_file_view(*impl_, impl_->registry.get(name));
  Wanted wanted = wanted_of(path);
  UniqueFd found = open_source(view.root(), wanted, path, name);
  PathStat stat = stat_of(view.root(), found.get(), wanted);
  impl_->publish(*view.state, "archive-path");
  archive::TarWriter writer(begin(stat));
  if (stat.mode & 1U << 31) {
    write_directory(found.get(), wanted, writer);
  } else {
    archive::write_file(found.get(), writer, wanted.name);
  }
  writer.finish();
}

void Engine::write_archive(std::string_view name, const std::string& path, const archive::Source& tar,
                           const ExtractOptions& options) {
  FileView view = open_file_view(*impl_, impl_->registry.get(name));
  archive::Overlaying overlaying;
  overlaying.base = extraction_point(view, path, name).substr(1);
  overlaying.keep_kinds = options.keep_kinds;
  if (options.as_container_user && !view.state->spec->config.user.empty()) overlaying.owner = container_user(view);
  UniqueFd root = open_file(cat("/proc/self/fd/", view.root()), O_RDONLY | O_DIRECTORY);
  try {
    archive::Source plain = archive::decompress(tar);
    archive::TarReader reader(plain);
    archive::Placement placement(root.get(), std::move(overlaying));
    while (const archive::Entry* entry = reader.next()) placement.place(*entry, reader);
    placement.finish();
    archive::drain(plain);
  } catch (const Error& e) {
    if (e.code() == EROFS) throw Error(Kind::kInvalidArgument, e.message(), e.code(), e.operation());
    throw;
  }
  impl_->publish(*view.state, "extract-to-dir");
}

void Engine::export_root(std::string_view name, const std::function<archive::Sink()>& begin) {
  FileView view = open_root_view(*impl_, impl_->registry.get(name));
  UniqueFd root = open_file(cat("/proc/self/fd/", view.root()), O_RDONLY | O_DIRECTORY);
  impl_->publish(*view.state, "export");
  archive::TarWriter writer(begin());
  archive::write_tree(root.get(), writer, archive::TreeOptions{});
  writer.finish();
}

}  // namespace hull::container
