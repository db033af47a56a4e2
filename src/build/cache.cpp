// SPDX-License-Identifier: Apache-2.0
#include "build/cache.h"

#include "base/text.h"

namespace hull::build {

KeyMaker& KeyMaker::add(std::string_view part) {
  hash_.update(cat(part.size(), ":"));
  hash_.update(part);
  return *this;
}

KeyMaker& KeyMaker::add(const std::vector<std::string>& parts) {
  hash_.update(cat(parts.size(), "["));
  for (const std::string& part : parts) add(part);
  return *this;
}

}  // namespace hull::build
