// SPDX-License-Identifier: Apache-2.0
#include "linux/mount_table.h"

#include <sys/mount.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"

namespace hull::linux {

namespace {

// The kernel writes blanks and the like in a path as \ooo.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto code = text[at] == '\\' ? parse_number<unsigned>(text.substr(at + 1, 3), 8) : std::nullopt;
    plain += code ? static_cast<char>(*code) : text[at];
    if (code) at += 3;
  }
  return plain;
}

bool holds(std::string_view point, std::string_view path) {
  if (point == "/") return true;
  return path.starts_with(point) && (path.size() == point.size() || path[point.size()] == '/');
}

std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) throw_errno("realpath", path);
  return resolved;
}

}  // namespace

std::vector<MountLine> mounts_of(const std::string& process) {
  std::vector<MountLine> mounts;
  std::string table = read_file(cat("/proc/", process, "/mountinfo"));
  for (std::string_view line : split(table, '\n')) {
    auto columns = split(line, ' ');
    auto dash = std::ranges::find(columns, "-");
    if (columns.size() < 7 || dash == columns.end() || dash + 1 == columns.end()) continue;
    mounts.push_back({parse_number<unsigned>(columns[0]).value_or(0), std::string(columns[2]), unescaped(columns[3]),
                      unescaped(columns[4]), std::string(dash[1])});
  }
  return mounts;
}

MountEntry mount_of(const std::string& path) {
  std::string resolved = real_path(path);
  MountEntry best;
  std::string table = read_file("/proc/self/mountinfo");
  for (std::string_view line : split(table, '\n')) {
    auto columns = split(line, ' ');
    if (columns.size() < 7) continue;
    std::string point = unescaped(columns[4]);
    if (!holds(point, resolved) || point.size() < best.point.size()) continue;
    best = {std::move(point), false, false};  // of several mounts on one point the last one is on top
    for (std::size_t at = 6; at < columns.size() && columns[at] != "-"; ++at) {
      best.shared = best.shared || columns[at].starts_with("shared:");
      best.slave = best.slave || columns[at].starts_with("master:");
    }
  }
  return best;
}

void mount_shared_tmpfs(const std::string& path, std::int64_t size) {
  if (mount_of(path).point == real_path(path)) return;
  std::string options = cat("mode=1777,size=", size);
  check(::mount("shm", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()), "mount", path);
  // Not to be seen, and not to be kept alive, by other mount namespaces.
  check(::mount(nullptr, path.c_str(), nullptr, MS_PRIVATE, nullptr), "mount", path);
}

void unmount_lazily(const std::string& path) {
  if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT)
    throw_errno("umount", path);
}

}  // namespace hull::linux
