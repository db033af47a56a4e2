// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "container/spec.h"
#include "oci/runtime_config.h"

namespace hull::container {

// Gives the content of a file of the root filesystem, empty when it is not there.
using FileReader = std::function<std::optional<std::string>(const std::string& path)>;

// Who "user[:group]" is inside a root filesystem, each a name or a number; "" is root. Numbers need no entry in
// /etc/passwd. Additional groups: the user's own group, those of /etc/group that list the user (unless a group is
// given), and `group_add`. Error{kInvalidArgument} "unable to find user x: no matching entries in passwd file",
// "unable to find group x: no matching entries in group file".
oci::User look_up_user(std::string_view user, const Strings& group_add, const FileReader& read);

}  // namespace hull::container
