// SPDX-License-Identifier: Apache-2.0
#include "runtime_files.h"

#include <climits>

#include "base/file.h"
#include "linux/root_dir.h"

namespace hull::runtime_cli {

std::string absolute_path(const std::string& path) {
  if (path.starts_with('/')) return linux::clean_path(path);
  char here[PATH_MAX];
  if (!::getcwd(here, sizeof here)) throw_errno("getcwd");
  return linux::clean_path(cat(here, "/", path));
}

void write_pid_file(const std::string& path, pid_t pid) {
  if (!path.empty()) write_file_atomically(path, cat(pid), 0644, Durability::kProcessCrash);
}

unsigned preserved_descriptors(const Arguments& arguments) {
  std::string text = arguments.get("preserve-fds", "0");
  auto count = parse_number<unsigned>(text);
  if (!count) fail_invalid("invalid value ", quoted(text), " for flag -preserve-fds");
  for (unsigned i = 0; i < *count; ++i)
    if (::fcntl(static_cast<int>(3 + i), F_GETFD) < 0)
      fail_invalid("unable to stat preserved-fd ", i, " (of ", *count, "): ", errno_text(errno));
  return *count;
}

std::string user_name(uid_t uid) {
  std::string passwd = read_if_exists("/etc/passwd").value_or("");
  for (std::string_view line : split(passwd, '\n')) {
    auto columns = split(line, ':');
    if (columns.size() > 2 && parse_number<uid_t>(columns[2]) == uid) return std::string(columns[0]);
  }
  return cat("#", uid);
}

}  // namespace hull::runtime_cli
