// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hull::dockerfile {

// A user or a group: a number, or a name to look up in the stage's /etc/passwd or /etc/group.
struct Account {
  std::optional<std::uint32_t> id;
  std::string name;  // "" with a number
};

// "user[:group]" of USER, --chown and mounts. "root" is 0 without a look-up. Without a group: with a name the user's
// group in /etc/passwd; with a number the same number for --chown.
struct Owner {
  Account user;
  std::optional<Account> group;

  bool has_names() const;  // --link cannot look names up
};
Owner parse_owner(std::string_view text);

}  // namespace hull::dockerfile
