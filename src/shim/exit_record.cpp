// SPDX-License-Identifier: Apache-2.0
#include "shim/exit_record.h"

#include "base/file.h"

namespace hull::shim {

namespace {
std::string path_of(const std::string& directory) { return cat(directory, "/exit"); }
}  // namespace

void write_exit_record(const std::string& directory, const ExitRecord& record) {
  std::string line = cat(record.code, " ", record.oom_killed ? 1 : 0, " ", record.at.nanoseconds, "\n");
  write_file_atomically(path_of(directory), line, 0644, Durability::kProcessCrash);
}

std::optional<ExitRecord> read_exit_record(const std::string& directory) {
  auto text = read_if_exists(path_of(directory));
  if (!text) return std::nullopt;
  auto parts = split(trim(*text), ' ');
  if (parts.size() != 3) return std::nullopt;
  auto code = parse_number<int>(parts[0]), oom_killed = parse_number<int>(parts[1]);
  auto at = parse_number<std::int64_t>(parts[2]);
  if (!code || !oom_killed || !at) return std::nullopt;
  return ExitRecord{*code, *oom_killed != 0, Timestamp{*at}};
}

}  // namespace hull::shim
