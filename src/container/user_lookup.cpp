// SPDX-License-Identifier: Apache-2.0
#include "container/user_lookup.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace hull::container {

namespace {

constexpr std::int64_t kHighestId = 0x7fffffff;

std::uint32_t checked_id(std::int64_t id) {
  if (id < 0 || id > kHighestId) fail_invalid("uids and gids must be in range 0-2147483647");
  return static_cast<std::uint32_t>(id);
}

// A line of a file with fields between colons; missing ones are empty.
template <std::size_t Count>
std::array<std::string_view, Count> columns(std::string_view line) {
  std::array<std::string_view, Count> values;
  for (std::size_t column = 0; column < Count && !line.empty(); ++column) {
    auto end = std::min(line.find(':'), line.size());
    values[column] = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return values;
}

// Calls `visit(line)` for each line that says something, until it returns false.
template <class Visit>
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    if (!visit(line)) return;
  }
}

struct Account {
  std::string name;
  std::int64_t uid = 0, gid = 0;
};

// name:password:uid:gid:…
std::optional<Account> find_account(std::string_view passwd, std::string_view name, std::optional<std::int64_t> uid) {
  std::optional<Account> found;
  each_line(passwd, [&](std::string_view line) {
    auto [login, password, uid_text, gid_text] = columns<4>(line);
    auto line_uid = parse_number<std::int64_t>(uid_text), line_gid = parse_number<std::int64_t>(gid_text);
    bool matches = uid ? line_uid == uid : login == name;
    if (!matches) return true;
    found = Account{std::string(login), line_uid.value_or(0), line_gid.value_or(0)};
    return false;
  });
  return found;
}

// name:password:gid:member,member
std::optional<std::int64_t> find_group(std::string_view group, std::string_view name) {
  std::optional<std::int64_t> found;
  each_line(group, [&](std::string_view line) {
    auto [group_name, password, gid] = columns<3>(line);
    if (group_name == name) found = parse_number<std::int64_t>(gid);
    return !found;
  });
  return found;
}

void add_memberships(std::string_view group, std::string_view user, std::vector<std::uint32_t>& gids) {
  each_line(group, [&](std::string_view line) {
    auto [name, password, gid_text, members] = columns<4>(line);
    auto gid = parse_number<std::int64_t>(gid_text);
    if (!gid || members.empty()) return true;
    auto names = split(members, ',');
    if (std::ranges::find(names, user) != names.end()) gids.push_back(checked_id(*gid));
    return true;
  });
}

std::uint32_t group_id(std::string_view group_file, const std::string& wanted, std::string_view verb) {
  if (auto number = parse_number<std::int64_t>(wanted)) return checked_id(*number);
  auto found = find_group(group_file, wanted);
  if (!found) fail_invalid(verb, " to find group ", wanted, ": no matching entries in group file");
  return checked_id(*found);
}

}  // namespace

oci::User look_up_user(std::string_view user, const Strings& group_add, const FileReader& read) {
  auto [user_text, group_text] = split_once(user, ':');
  std::string wanted_group(group_text.value_or(""));
  std::string passwd = read("/etc/passwd").value_or("");
  std::optional<std::string> group;  // read only when it is needed
  auto groups = [&]() -> const std::string& {
    if (!group) group = read("/etc/group").value_or("");
    return *group;
  };

  auto number = user_text.empty() ? std::optional<std::int64_t>(0) : parse_number<std::int64_t>(user_text);
  auto account = find_account(passwd, user_text, number);
  if (!account && !number) fail_invalid("unable to find user ", user_text, ": no matching entries in passwd file");

  oci::User result;
  result.uid = checked_id(account ? account->uid : *number);
  result.gid = account ? checked_id(account->gid) : 0;
  if (!wanted_group.empty()) result.gid = group_id(groups(), wanted_group, "unable");
  result.additional_gids.push_back(result.gid);
  if (wanted_group.empty() && account) add_memberships(groups(), account->name, result.additional_gids);
  for (const std::string& extra : group_add) result.additional_gids.push_back(group_id(groups(), extra, "Unable"));

  auto& gids = result.additional_gids;
  for (auto gid = gids.begin(); gid != gids.end();)
    gid = std::find(gids.begin(), gid, *gid) == gid ? gid + 1 : gids.erase(gid);
  return result;
}

}  // namespace hull::container
