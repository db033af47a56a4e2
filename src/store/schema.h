// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sqlite.h"

namespace hull::store {

// Brings hull.db to the newest form, step by step by its user_version; each step is one transaction. Throws
// Error{kConflict} when a newer hull has written it.
void migrate(Connection& connection);

}  // namespace hull::store
