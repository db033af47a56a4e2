// SPDX-License-Identifier: Apache-2.0
#include "linux/text_file.h"

#include <sys/stat.h>

#include "base/file.h"

namespace hull::linux {

std::optional<std::string> read_text_file(const RootDir& root, const std::string& path, std::size_t limit) {
  auto file = root.open_if_exists(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return std::nullopt;
  struct stat status {};
  check(::fstat(file->get(), &status), "fstat", path);
  if (!S_ISREG(status.st_mode)) fail_invalid(path, " of the image is not a regular file");
  if (static_cast<std::size_t>(status.st_size) > limit) fail_invalid(path, " of the image is too large");
  return read_all(file->get());
}

}  // namespace hull::linux
