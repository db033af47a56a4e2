// SPDX-License-Identifier: Apache-2.0
#include "linux/resctrl.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace hull::linux {

namespace {

// The lines of `wanted` are in `present`, which may have more, and blanks in front of its lines.
bool says_the_same(std::string_view present, std::string_view wanted) {
  for (std::string_view line : split(wanted, '\n')) {
    if (trim(line).empty()) continue;
    bool found = false;
    for (std::string_view there : split(present, '\n')) found |= trim(there) == trim(line);
    if (!found) return false;
  }
  return true;
}

}  // namespace

ResctrlGroup::ResctrlGroup(const oci::IntelRdt& config, const std::string& id, std::string root)
    : config_(config), id_(id), root_(std::move(root)) {
  const std::string& name = config_.class_id.empty() ? id_ : config_.class_id;
  // "/" is the class that everybody is in.
  if (name != "/" && (name == "." || name == ".." || name.find_first_of("/\n") != std::string::npos))
    fail_invalid("linux.intelRdt.closID ", quoted(name), " is not the name of a class of service");
  directory_ = name == "/" ? root_ : cat(root_, "/", name);
}

std::string ResctrlGroup::schemata() const {
  std::string text;
  auto add_line = [&](const std::string& line) {
    if (!line.empty()) text += cat(line, "\n");
  };
  if (!config_.schemata.empty()) {
    for (const auto& line : config_.schemata) add_line(line);
    return text;
  }
  add_line(config_.l3_cache_schema);
  add_line(config_.memory_bandwidth_schema);
  return text;
}

void ResctrlGroup::create() {
  if (!exists(root_ + "/schemata"))
    fail_invalid("linux.intelRdt: resctrl is not mounted at ", root_, ", or this machine has no such thing");
  std::string wanted = schemata();
  bool made = ::mkdir(directory_.c_str(), 0755) == 0;
  if (!made && errno != EEXIST) throw_errno("linux.intelRdt: mkdir", directory_);
  std::string file = directory_ + "/schemata";
  if (!made && !config_.class_id.empty()) {
    if (!says_the_same(read_file(file), wanted))
      fail(Kind::kConflict, "linux.intelRdt: the class ", quoted(config_.class_id), " exists with other schemata");
  } else if (!wanted.empty()) {
    write_schemata(wanted);
  }
  if (config_.enable_monitoring && ::mkdir(monitor().c_str(), 0755) < 0 && errno != EEXIST)
    throw_errno("linux.intelRdt.enableMonitoring: mkdir", monitor());
}

void ResctrlGroup::write_schemata(const std::string& wanted) const {
  std::string file = directory_ + "/schemata";
  UniqueFd target = open_file(file, O_WRONLY);
  if (::write(target.get(), wanted.data(), wanted.size()) >= 0) return;
  int code = errno;
  std::string reason = read_if_exists(root_ + "/info/last_cmd_status").value_or("");
  throw Error(Kind::kInvalidArgument,
              cat("linux.intelRdt: cannot write ", file, ": ", errno_text(code), " (", trim(reason), ")"), code,
              "write");
}

std::vector<std::string> ResctrlGroup::present_schemata() const {
  std::vector<std::string> lines;
  std::string text = read_if_exists(directory_ + "/schemata").value_or("");
  for (std::string_view line : split(text, '\n'))
    if (!trim(line).empty()) lines.emplace_back(trim(line));
  return lines;
}

void ResctrlGroup::update() const { write_schemata(schemata()); }

void ResctrlGroup::add(pid_t pid) const {
  std::string text = cat(pid);
  for (const std::string& directory : {directory_, monitor()}) {
    if (directory == monitor() && !config_.enable_monitoring) continue;
    UniqueFd tasks = open_file(directory + "/tasks", O_WRONLY);
    check(::write(tasks.get(), text.data(), text.size()), "linux.intelRdt: write", directory + "/tasks");
  }
}

void ResctrlGroup::remove() const {
  if (config_.enable_monitoring && ::rmdir(monitor().c_str()) < 0 && errno != ENOENT) throw_errno("rmdir", monitor());
  if (!config_.class_id.empty()) return;
  if (::rmdir(directory_.c_str()) < 0 && errno != ENOENT) throw_errno("rmdir", directory_);
}

}  // namespace hull::linux
