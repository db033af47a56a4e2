// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

// Which anonymous volumes go when the container that a directory belongs to is in no row of the database: written
// before they are made with it or removed with it, so that a crash in between leaves none that nobody will ever name.
namespace hull::container::volume_intent {

// Nothing for no names. Throws errno.
void record(const std::string& container_directory, const std::vector<std::string>& volumes);
std::vector<std::string> read(const std::string& container_directory);
void clear(const std::string& container_directory);  // idempotent

}  // namespace hull::container::volume_intent
