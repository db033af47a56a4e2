// SPDX-License-Identifier: Apache-2.0
#include "cli/local_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <map>
#include <vector>

#include "base/file.h"
#include "cli/output.h"

namespace hull::cli {
namespace {

std::string cleaned(const std::string& path) {
  std::vector<std::string_view> kept;
  bool absolute = path.starts_with('/');
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != ".." || (kept.empty() ? !absolute : kept.back() == ".."))
      kept.push_back(part);
    else if (!kept.empty())
      kept.pop_back();
  }
  std::string clean;
  for (std::string_view part : kept) clean += cat(clean.empty() && !absolute ? "" : "/", part);
  return clean.empty() ? (absolute ? "/" : ".") : clean;
}

std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  if (!::realpath(path.c_str(), resolved)) throw Exit(1, cat("lstat ", path, ": ", lower(errno_text(errno))));
  return resolved;
}

// The relative path of an entry, without anything that climbs.
std::string safe_name(const std::string& name) {
  std::string clean = cleaned("/" + name).substr(1);
  for (std::string_view part : split(name, '/'))
    if (part == "..") fail_invalid("the archive has an entry with \"..\" in its name: ", quoted(name));
  return clean;
}

class Unpacking {
 public:
  Unpacking(const Destination& destination)
      : renaming_(destination.renaming), root_(open_file(destination.directory, O_RDONLY | O_DIRECTORY)) {}

  void place(TarInput& tar, const TarEntry& entry) {
    std::string name = safe_name(renaming_(entry.name));
    if (name.empty()) return;
    auto slash = name.rfind('/');
    UniqueFd parent = directory(slash == name.npos ? "." : name.substr(0, slash));
    std::string last = slash == name.npos ? name : name.substr(slash + 1);
    clear_way(parent.get(), last, entry, name);
    if (entry.type == '5') return make_directory(parent.get(), last, entry, name);
    if (entry.type == '0') return write_file(tar, parent.get(), last, entry, name);
    make_other(parent.get(), last, entry, name);
  }

  void finish() {
    for (auto made = directories_.rbegin(); made != directories_.rend(); ++made) {
      UniqueFd fd = open_inside(made->first, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!fd) continue;
      ::fchmod(fd.get(), made->second.mode & 07777);
      set_time(fd.get(), made->second);
    }
  }

 private:
  UniqueFd open_inside(const std::string& path, int flags) const {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
  }

  UniqueFd directory(const std::string& path) {
    UniqueFd fd = open_inside(path, O_RDONLY | O_DIRECTORY);
    if (fd || errno != ENOENT) return UniqueFd(check(fd.release(), "open", path));
    auto slash = path.rfind('/');
    UniqueFd above = directory(slash == path.npos ? "." : path.substr(0, slash));
    check(::mkdirat(above.get(), path.substr(slash == path.npos ? 0 : slash + 1).c_str(), 0755), "mkdir", path);
    return UniqueFd(check(open_inside(path, O_RDONLY | O_DIRECTORY).release(), "open", path));
  }

  static void clear_way(int parent, const std::string& last, const TarEntry& entry, const std::string& name) {
    struct stat there {};
    if (::fstatat(parent, last.c_str(), &there, AT_SYMLINK_NOFOLLOW) < 0) return;
    bool was = S_ISDIR(there.st_mode), will = entry.type == '5';
    if (was != will)
      throw Exit(1, cat("cannot overwrite ", was ? "directory " : "non-directory ", quoted(name), " with ",
                        will ? "directory " : "non-directory ", quoted(entry.name)));
    if (!was) check(::unlinkat(parent, last.c_str(), 0), "remove", name);
  }

  void make_directory(int parent, const std::string& last, const TarEntry& entry, const std::string& name) {
    if (::mkdirat(parent, last.c_str(), 0700) < 0 && errno != EEXIST) throw_errno("mkdir", name);
    directories_.emplace_back(name, entry);
  }

  static void write_file(TarInput& tar, int parent, const std::string& last, const TarEntry& entry,
                         const std::string& name) {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd fd(check(::openat(parent, last.c_str(), kFlags, 0600), "create", name));
    std::string buffer(128 * 1024, '\0');
    while (std::size_t got = tar.read(buffer.data(), buffer.size())) write_all(fd.get(), {buffer.data(), got});
    check(::fchmod(fd.get(), entry.mode & 07777), "chmod", name);
    set_time(fd.get(), entry);
  }

  void make_other(int parent, const std::string& last, const TarEntry& entry, const std::string& name) {
    if (entry.type == '2') {
      check(::symlinkat(entry.link.c_str(), parent, last.c_str()), "symlink", name);
    } else if (entry.type == '1') {
      std::string target = safe_name(renaming_(entry.link));
      auto slash = target.rfind('/');
      UniqueFd from = directory(slash == target.npos ? "." : target.substr(0, slash));
      std::string other = slash == target.npos ? target : target.substr(slash + 1);
      check(::linkat(from.get(), other.c_str(), parent, last.c_str(), 0), "link", name);
      return;
    } else if (entry.type == '3' || entry.type == '4' || entry.type == '6') {
      mode_t type = entry.type == '3' ? S_IFCHR : entry.type == '4' ? S_IFBLK : S_IFIFO;
      check(::mknodat(parent, last.c_str(), type | (entry.mode & 0777), makedev(entry.major, entry.minor)), "mknod",
            name);
    }
    timespec times[2] = {{entry.modified, 0}, {entry.modified, 0}};
    ::utimensat(parent, last.c_str(), times, AT_SYMLINK_NOFOLLOW);
  }

  static void set_time(int fd, const TarEntry& entry) {
    timespec times[2] = {{entry.modified, 0}, {entry.modified, 0}};
    check(::futimens(fd, times), "utimens", entry.name);
  }

  const Renaming& renaming_;
  UniqueFd root_;
  std::vector<std::pair<std::string, TarEntry>> directories_;  // modes and times come last: they are filled first
};

class Packing {
 public:
  Packing(const Renaming& renaming, TarOutput& tar) : renaming_(renaming), tar_(tar) {}

  void add(const std::string& path, const std::string& name) {
    struct stat info {};
    check(::lstat(path.c_str(), &info), "lstat", path);
    if (S_ISSOCK(info.st_mode)) return;
    TarEntry entry;
    entry.name = renaming_(name) + (S_ISDIR(info.st_mode) ? "/" : "");
    entry.mode = info.st_mode & 07777;
    entry.uid = info.st_uid;
    entry.gid = info.st_gid;
    entry.modified = info.st_mtim.tv_sec;
    if (!S_ISDIR(info.st_mode) && info.st_nlink > 1) {
      auto [first, is_new] = first_names_.try_emplace({info.st_dev, info.st_ino}, entry.name);
      if (!is_new) {
        entry.type = '1';
        entry.link = first->second;
        return tar_.add(entry);
      }
    }
    if (S_ISREG(info.st_mode)) return add_file(path, entry);
    describe(path, info, entry);
    tar_.add(entry);
    if (S_ISDIR(info.st_mode))
      for (const std::string& child : list_directory(path)) add(cat(path, "/", child), cat(name, "/", child));
  }

 private:
  void add_file(const std::string& path, TarEntry& entry) {
    UniqueFd fd = open_file(path, O_RDONLY | O_NOFOLLOW);
    struct stat info {};
    check(::fstat(fd.get(), &info), "stat", path);
    entry.size = info.st_size;
    tar_.add(entry);
    std::string buffer(128 * 1024, '\0');
    for (std::int64_t left = entry.size; left > 0;) {
      ssize_t got = check(::read(fd.get(), buffer.data(), buffer.size()), "read", path);
      if (got == 0) break;
      tar_.content({buffer.data(), static_cast<std::size_t>(got)});
      left -= got;
    }
    tar_.end_content();
  }

  static void describe(const std::string& path, const struct stat& info, TarEntry& entry) {
    entry.major = major(info.st_rdev);
    entry.minor = minor(info.st_rdev);
    switch (info.st_mode & S_IFMT) {
      case S_IFDIR: entry.type = '5'; break;
      case S_IFCHR: entry.type = '3'; break;
      case S_IFBLK: entry.type = '4'; break;
      case S_IFIFO: entry.type = '6'; break;
      default: {
        entry.type = '2';
        char target[PATH_MAX];
        ssize_t size = check(::readlink(path.c_str(), target, sizeof target), "readlink", path);
        entry.link.assign(target, static_cast<std::size_t>(size));
      }
    }
  }

  const Renaming& renaming_;
  TarOutput& tar_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
};

}  // namespace

PathParts path_parts(const std::string& path) {
  PathParts parts;
  std::string bare = path;
  while (bare.size() > 1 && bare.ends_with('/')) bare.pop_back();
  parts.is_dot = bare == "." || bare.ends_with("/.");
  std::string clean = cleaned(path);
  if (parts.is_dot) {
    parts.directory = clean;
    parts.base = ".";
    return parts;
  }
  auto slash = clean.rfind('/');
  parts.base = clean == "/" ? "/" : clean.substr(slash + 1);
  parts.directory = slash == clean.npos ? "." : slash == 0 ? "/" : clean.substr(0, slash);
  return parts;
}

std::string Renaming::operator()(const std::string& name) const {
  if (to.empty() || to == from) return name;
  if (from.empty()) return cat(to, name.starts_with('/') ? "" : "/", name);
  bool begins = name.starts_with(from) && (name.size() == from.size() || name[from.size()] == '/');
  return begins ? to + name.substr(from.size()) : name;
}

LocalSource local_source(const std::string& path, bool follow_link) {
  LocalSource source;
  PathParts parts = path_parts(path);
  struct stat info {};
  bool through = follow_link || parts.is_dot || path.ends_with('/');
  if ((through ? ::stat(path.c_str(), &info) : ::lstat(path.c_str(), &info)) < 0)
    throw Exit(1, cat("lstat ", path, ": ", lower(errno_text(errno))));
  source.is_directory = S_ISDIR(info.st_mode);
  source.path = through ? real_path(path) : cat(real_path(parts.directory), "/", parts.base);
  source.base = parts.base == "/" || parts.base == ".." ? path_parts(source.path).base : parts.base;
  return source;
}

void pack(const LocalSource& source, const Renaming& renaming, TarOutput& tar) {
  Packing(renaming, tar).add(source.path, source.base);
}

void check_output_path(const std::string& path) {
  PathParts parts = path_parts(path);
  struct stat info {};
  if (::stat(parts.directory.c_str(), &info) < 0)
    throw Exit(1, cat("invalid output path: directory ", quoted(parts.directory), " does not exist"));
  if (::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode))
    throw Exit(1, cat("invalid output path: ", quoted(path), " must be a directory or a regular file"));
}

Destination local_destination(const std::string& path, bool source_is_directory, const std::string& base,
                              const std::string& name) {
  struct stat info {};
  bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return {path, {base, name}};
  if (exists && source_is_directory) throw Exit(1, "cannot copy directory");
  PathParts parts = path_parts(path);
  if (!exists && !source_is_directory && (path.ends_with('/') || parts.is_dot)) throw Exit(1, "no such directory");
  return {parts.directory, {base, parts.base}};
}

void unpack(TarInput& tar, const Destination& destination) {
  Unpacking unpacking(destination);
  for (TarEntry entry; tar.next(entry);) unpacking.place(tar, entry);
  unpacking.finish();
}

}  // namespace hull::cli
