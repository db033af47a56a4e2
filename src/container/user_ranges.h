// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "container/container.h"
#include "oci/runtime_config.h"

// Which ids of the host the users of containers are (subuid(5), user_namespaces(7)).
namespace hull::container {

// The ids 0 to size - 1 of a container are the host's from `uid` (`gid`) on.
std::vector<oci::IdMapping> uid_mappings(const UserRange& range);
std::vector<oci::IdMapping> gid_mappings(const UserRange& range);

// Where hulld takes ranges from when nobody says: the entries of "hull" in /etc/subuid and /etc/subgid, else the
// 268 million ids from 1879048192 on, which systemd keeps free of other uses.
UserRange default_user_ranges();
// "START:COUNT" of --userns-range. Error{kInvalidArgument}.
UserRange parse_user_ranges(const std::string& text);
// The one range of hulld --userns-remap: "user[:group]" by name or id, with their first entries in /etc/subuid and
// /etc/subgid; "default": those of "hull" or "dockremap", else the last range of default_user_ranges().
// Error{kInvalidArgument} for users and groups without an entry.
UserRange remapped_range(const std::string& user);

// Hands out ranges of 65536 ids that do not overlap. What is handed out is remembered by the rows of containers: after
// a start of the engine they are kept() again. Thread-safe.
class UserRanges {
 public:
  static constexpr std::uint32_t kSize = 65536;

  explicit UserRanges(UserRange all) : all_(all) {}
  UserRange take();  // Error{kUnavailable} when all are in use
  void keep(const UserRange& range);
  void give_back(const UserRange& range);  // idempotent

 private:
  UserRange all_;
  std::mutex mutex_;
  std::set<std::uint32_t> taken_;  // first uids; also of ranges outside of all_, from another configuration
};

}  // namespace hull::container
