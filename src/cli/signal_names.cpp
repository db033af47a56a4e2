// SPDX-License-Identifier: Apache-2.0
#include "cli/signal_names.h"

#include <csignal>
#include <cstring>

#include "base/text.h"

namespace hull::cli {

std::string signal_name(std::string_view number) {
  auto value = parse_number<int>(number);
  const char* name = value ? ::sigabbrev_np(*value) : nullptr;
  if (name) return cat("SIG", std::string_view(name));
  return value ? cat("signal ", *value) : std::string(number);
}

}  // namespace hull::cli
