// SPDX-License-Identifier: Apache-2.0
#include "build/directory_size.h"

#include <filesystem>

namespace hull::build {

namespace fs = std::filesystem;

std::int64_t directory_size(const std::string& path) {
  std::int64_t total = 0;
  std::error_code code;
  for (fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied, code), end;
       !code && it != end; it.increment(code)) {
    std::error_code missing;
    if (it->symlink_status(missing).type() != fs::file_type::regular || missing) continue;
    auto size = it->file_size(missing);
    if (!missing) total += static_cast<std::int64_t>(size);
  }
  return total;
}

}  // namespace hull::build
