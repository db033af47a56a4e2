// SPDX-License-Identifier: Apache-2.0
#include "container/storage_size.h"

#include "base/error.h"
#include "base/text.h"
#include "container/log_values.h"

namespace hull::container {

std::uint64_t storage_size(const HostConfig& host) {
  std::uint64_t size = 0;
  for (const auto& [name, value] : host.storage_opt) {
    if (lower(name) != "size") fail_invalid("Unknown option ", name, ": --storage-opt knows size=… only");
    std::int64_t bytes = parse_log_size(value, SizeUnits::kBinary);
    if (bytes < 0) fail_invalid("invalid size: '", value, "'");
    size = static_cast<std::uint64_t>(bytes);
  }
  return size;
}

}  // namespace hull::container
