// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/owner.h"

#include "base/text.h"

namespace hull::dockerfile {

namespace {

Account parse_account(std::string_view text) {
  Account out;
  if (text == "root")
    out.id = 0;
  else if (auto id = parse_number<std::int32_t>(text); id && *id >= 0)
    out.id = static_cast<std::uint32_t>(*id);
  else
    out.name = text;
  return out;
}

}  // namespace

bool Owner::has_names() const { return !user.name.empty() || (group && !group->name.empty()); }

Owner parse_owner(std::string_view text) {
  const auto [user, group] = split_once(text, ':');
  Owner out{parse_account(user), std::nullopt};
  if (group && !group->empty()) out.group = parse_account(*group);
  return out;
}

}  // namespace hull::dockerfile
