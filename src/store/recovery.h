// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "store/database.h"

namespace hull::store {

// What a crash may have left in the data root: makes the directories that are always there, empties incoming/, and
// removes layers, writable directories and blobs that no row names. Idempotent. Runs before anybody else uses the
// data root. What cannot be removed (a mount of an older engine on it, say) is logged; the next start tries again.
void recover(Database& database, const std::string& data_root);

}  // namespace hull::store
