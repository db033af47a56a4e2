// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace hull::store {

enum class ChangeKind : unsigned char { kModified = 0, kAdded = 1, kDeleted = 2 };

struct Change {
  std::string path;  // absolute
  ChangeKind kind = ChangeKind::kModified;
};

struct Changes {
  std::vector<Change> list;  // sorted by path
  // Relative paths of what was left out as a placeholder: empty things that were only made to mount something on.
  std::set<std::string> left_out;
};

// What the writable directory `upper` of an overlay changes in its layers (open directories, topmost first). A
// directory is modified when something in it is, and when owner, mode or time are others; the root is never listed.
// Where a directory was replaced (overlayfs calls it opaque), what it had before is deleted. Nothing is followed.
// `placeholder` is asked for added files and directories that are empty. Throws errno.
Changes compare(int upper, const std::vector<UniqueFd>& layers,
                const std::function<bool(const std::string& path)>& placeholder);

}  // namespace hull::store
