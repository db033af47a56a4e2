// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "oci/runtime_config.h"

namespace hull::linux {

// The CLONE_NEW* flag of a namespace type as the OCI configuration calls it ("pid", "mount", "network", …).
// Empty for an unknown one.
std::optional<int> namespace_flag(std::string_view type);
// All of them, joined.
int all_namespace_flags();
// The name of a flag, for messages.
std::string_view namespace_name(int flag);

// Opens /proc/<pid>/ns/<x> or a bind-mounted namespace. Throws errno; EINVAL when it is not of this type.
UniqueFd open_namespace(const std::string& path, int flag);

// setns(2): the calling process (single-threaded) enters the namespace; for pid and time its children do.
void enter_namespace(int fd, int flag);
// Enters every namespace of the process behind a pidfd in one call; those that are ours already may be left out (the
// kernel refuses one's own user namespace, and who is not root may not enter the host's again).
void enter_all_namespaces(int pidfd);
// unshare(2).
void leave_namespaces(int flags);

// Sets uid_map and gid_map of a process in a fresh user namespace. Who is not root may map its own ids alone; for more
// newuidmap(1) and newgidmap(1) are asked, which go by /etc/subuid and /etc/subgid. Throws Error{kInternal} with their
// words.
void write_id_maps(pid_t pid, const std::vector<oci::IdMapping>& uids, const std::vector<oci::IdMapping>& gids);
// A user namespace with these maps and nobody in it, for MOUNT_ATTR_IDMAP.
UniqueFd make_user_namespace(const std::vector<oci::IdMapping>& uids, const std::vector<oci::IdMapping>& gids);
// The same, and a network namespace that belongs to it. The caller may have other threads.
struct UserNamespace {
  UniqueFd users, network;
};
UserNamespace make_user_namespace_with_network(const std::vector<oci::IdMapping>& uids,
                                               const std::vector<oci::IdMapping>& gids);
// A network namespace that belongs to a user namespace which exists. The caller may have other threads.
UniqueFd make_network_namespace_of(int user_namespace);

// Makes a time namespace for the children of the calling process, with these offsets ("monotonic", "boottime").
void make_time_namespace(const std::map<std::string, oci::TimeOffset>& offsets);

// In the calling process' namespaces.
void set_hostname(const std::string& name);
void set_domainname(const std::string& name);
void bring_loopback_up();

}  // namespace hull::linux
