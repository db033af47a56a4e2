// SPDX-License-Identifier: Apache-2.0
#include "linux/cgroup_layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/number_list.h"
#include "oci/runtime_config.h"

namespace hull::linux {

namespace {

// Mount options of a v1 hierarchy that are not controllers.
bool is_plain_option(std::string_view option) {
  static constexpr std::array<std::string_view, 7> kPlain = {"rw",    "ro",  "noprefix", "clone_children",
                                                             "xattr", "all", "none"};
  return std::find(kPlain.begin(), kPlain.end(), option) != kPlain.end() || option.starts_with("release_agent=") ||
         option.starts_with("cpuset_v2_mode");
}

// mountinfo writes blank, tab, newline and backslash as \040 and the like.
std::string unescape_octal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      if (auto code = parse_number<unsigned>(text.substr(i + 1, 3), 8)) {
        out += static_cast<char>(*code);
        i += 3;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

CgroupHierarchy hierarchy_of(std::string_view super_options, std::string mount_point) {
  CgroupHierarchy hierarchy;
  hierarchy.mount_point = std::move(mount_point);
  for (std::string_view option : split(super_options, ',')) {
    if (option.starts_with("name=")) {
      hierarchy.name = option.substr(5);
    } else if (!is_plain_option(option)) {
      hierarchy.controllers.emplace_back(option);
    }
  }
  return hierarchy;
}

bool same_hierarchy(const CgroupHierarchy& a, const CgroupHierarchy& b) {
  return a.unified == b.unified && a.name == b.name && (a.unified || a.controllers == b.controllers);
}

// The paths of the groups in a group. None when it does not exist. This file system tells the type of each entry.
std::vector<std::string> children_of(const std::string& path) {
  std::vector<std::string> children;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory && errno != ENOENT) throw_errno("opendir", path);
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr)
    if (std::string_view name = entry->d_name; entry->d_type == DT_DIR && name != "." && name != "..")
      children.push_back(cat(path, "/", name));
  return children;
}

// Gives true when anything was removed below `path`.
bool remove_children(const std::string& path) {
  auto children = children_of(path);
  for (const std::string& child : children) remove_group(child);
  return !children.empty();
}

void collect_processes(const std::string& path, std::vector<pid_t>& out) {
  std::string text;
  try {
    text = read_if_exists(path + "/cgroup.procs").value_or("");
  } catch (const Error& e) {
    // ENODEV: removed while we read. EOPNOTSUPP: a threaded group of v2, whose processes are its parent's.
    if (e.code() != ENODEV && e.code() != EOPNOTSUPP) throw;
  }
  for (std::string_view line : split(text, '\n'))
    if (auto pid = parse_number<pid_t>(line); pid && *pid > 0) out.push_back(*pid);
  for (const std::string& child : children_of(path)) collect_processes(child, out);
}

}  // namespace

namespace cgroup_detail {

void sleep_microseconds(long microseconds) {
  timespec pause{microseconds / 1000000, microseconds % 1000000 * 1000};
  ::nanosleep(&pause, nullptr);
}

double seconds_now() { return static_cast<double>(monotonic_nanoseconds()) / 1e9; }

}  // namespace cgroup_detail

std::vector<CgroupHierarchy> parse_cgroup_mounts(std::string_view mountinfo) {
  std::vector<CgroupHierarchy> found;
  std::vector<bool> shows_root;
  for (std::string_view line : split(mountinfo, '\n')) {
    // "31 23 0:28 <root> <mount point> <options> [optional…] - <type> <source> <super options>"
    auto middle = line.find(" - ");
    if (middle == std::string_view::npos) continue;
    auto left = split(line.substr(0, middle), ' ');
    auto right = split(line.substr(middle + 3), ' ');
    if (left.size() < 6 || right.size() < 3 || (right[0] != "cgroup" && right[0] != "cgroup2")) continue;
    CgroupHierarchy hierarchy;
    if (right[0] == "cgroup2") {
      hierarchy.unified = true;
      hierarchy.mount_point = unescape_octal(left[4]);
    } else {
      hierarchy = hierarchy_of(right.back(), unescape_octal(left[4]));
    }
    bool root = left[3] == "/";
    auto same = std::find_if(found.begin(), found.end(),
                             [&](const CgroupHierarchy& other) { return same_hierarchy(other, hierarchy); });
    if (same == found.end()) {
      found.push_back(std::move(hierarchy));
      shows_root.push_back(root);
    } else if (auto at = static_cast<std::size_t>(same - found.begin()); root && !shows_root[at]) {
      found[at] = std::move(hierarchy);
      shows_root[at] = true;
    }
  }
  return found;
}

const std::vector<CgroupHierarchy>& cgroup_hierarchies() {
  static const std::vector<CgroupHierarchy> hierarchies = [] {
    auto found = parse_cgroup_mounts(read_file("/proc/self/mountinfo"));
    for (CgroupHierarchy& hierarchy : found) {
      if (!hierarchy.unified) continue;
      auto text = read_if_exists(hierarchy.mount_point + "/cgroup.controllers").value_or("");
      for (std::string_view controller : split(trim(text), ' '))
        if (!controller.empty()) hierarchy.controllers.emplace_back(controller);
    }
    return found;
  }();
  return hierarchies;
}

CgroupDir CgroupDir::open(const std::string& path) {
  CgroupDir dir;
  dir.path_ = path;
  dir.fd_.reset(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (dir.fd_.valid()) return dir;
  if (errno == ENOENT) throw Error(Kind::kNotFound, cat("the control group ", path, " does not exist"), ENOENT, "open");
  throw_errno("open", path);
}

bool CgroupDir::has(const std::string& file) const { return ::faccessat(fd(), file.c_str(), F_OK, 0) == 0; }

int CgroupDir::try_write(const std::string& file, std::string_view value) const {
  UniqueFd target(::openat(fd(), file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!target) return errno;
  while (::write(target.get(), value.data(), value.size()) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

void CgroupDir::set(std::string_view field, const std::string& file, std::string_view value) const {
  if (int code = try_write(file, value)) refuse_limit(field, value, file, code);
}

std::string CgroupDir::read(const std::string& file) const {
  UniqueFd source(::openat(fd(), file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) {
    if (errno == ENOENT || errno == ENODEV) return {};
    throw_errno("open", cat(path_, "/", file));
  }
  try {
    return read_all(source.get());
  } catch (const Error& e) {
    // The group was removed, or the file has nothing to say without a device or an event behind it.
    if (e.code() == ENODEV || e.code() == EOPNOTSUPP) return {};
    throw e.within(cat(path_, "/", file));
  }
}

std::uint64_t CgroupDir::number(const std::string& file) const {
  std::string text = read(file);
  std::string_view value = trim(text);
  if (value == "max") return std::numeric_limits<std::uint64_t>::max();
  return parse_number<std::uint64_t>(value).value_or(0);
}

UniqueFd CgroupDir::open_file(const std::string& file, int flags) const {
  return UniqueFd(check(::openat(fd(), file.c_str(), flags | O_CLOEXEC), "open", cat(path_, "/", file)));
}

void refuse_limit(std::string_view field, std::string_view value, const std::string& file, int code) {
  std::string reason = code == ENOENT ? cat("the kernel has no ", file) : cat(errno_text(code), " (", file, ")");
  throw Error(Kind::kInvalidArgument, cat("cannot set ", field, " to ", quoted(value), ": ", reason), code, "write");
}

void set_rdma_limits(const CgroupDir& dir, const std::map<std::string, oci::RdmaLimit>& limits) {
  for (const auto& [device, limit] : limits) {
    std::string line = device;
    if (limit.hca_handles) line += cat(" hca_handle=", *limit.hca_handles);
    if (limit.hca_objects) line += cat(" hca_object=", *limit.hca_objects);
    dir.set("an rdma limit", "rdma.max", line);
  }
}

std::vector<unsigned> numbers_in(const CgroupDir& dir, const std::string& file) {
  std::string text = dir.read(file);
  return trim(text).empty() ? std::vector<unsigned>() : parse_number_list(trim(text), file);
}

std::vector<std::string> huge_page_sizes(const CgroupDir& dir) {
  constexpr std::string_view kPrefix = "hugetlb.";
  std::vector<std::string> sizes;
  for (const std::string& name : list_directory(dir.path())) {
    if (!name.starts_with(kPrefix)) continue;
    std::string size = name.substr(kPrefix.size(), name.find('.', kPrefix.size()) - kPrefix.size());
    if (sizes.empty() || sizes.back() != size) sizes.push_back(std::move(size));
  }
  return sizes;
}

std::optional<std::string> pids_max(const oci::Resources& resources) {
  if (!resources.pids || !resources.pids->limit) return std::nullopt;
  std::int64_t limit = *resources.pids->limit;
  return limit < 0 ? "max" : cat(std::max<std::int64_t>(limit, 1));
}

std::map<std::string, std::uint64_t> parse_flat_keyed(std::string_view text) {
  std::map<std::string, std::uint64_t> values;
  for (std::string_view line : split(text, '\n')) {
    auto [key, value] = split_once(line, ' ');
    if (!value) continue;
    if (auto number = parse_number<std::uint64_t>(trim(*value))) values.emplace(key, *number);
  }
  return values;
}

std::vector<pid_t> processes_below(const std::string& path) {
  std::vector<pid_t> pids;
  collect_processes(path, pids);
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

void remove_group(const std::string& path) {
  int code = 0;
  bool gone = wait_until(1.0, [&] {
    if (::rmdir(path.c_str()) == 0) return true;
    code = errno;
    if (code == ENOENT) return true;
    // A kernel thread may hold the group for a moment after its last process was reaped.
    if (code != EBUSY) throw_errno("rmdir", path, code);
    return remove_children(path) && ::rmdir(path.c_str()) == 0;
  });
  if (!gone) throw_errno("rmdir", path, code);
}

void kill_processes(const std::vector<pid_t>& pids) {
  for (pid_t pid : pids) ::kill(pid, SIGKILL);
}

}  // namespace hull::linux
