// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "oci/runtime_config.h"

// What a process sets about itself before it becomes somebody else's program. All for the calling,
// single-threaded process; all throw errno.
namespace hull::linux {

void keep_capabilities_over_setuid(bool keep);
// Real, effective, saved and file system ids, and the supplementary groups. kMayStay: in a user namespace whose maker
// had no right to give groups nobody may take any away either (user_namespaces(7)); those that we have stay, if no
// others are wanted.
enum class Groups : unsigned char { kExactly, kMayStay };
void set_user(std::uint32_t uid, std::uint32_t gid, const std::vector<std::uint32_t>& additional_gids,
              Groups groups = Groups::kExactly);
void set_umask(mode_t mask);
void set_no_new_privileges();
void set_personality(const oci::Personality& personality);

// chdir(2), and a check that the directory is within the root (a descriptor of the host's file system that leaked
// into /proc/self/fd would not be).
void change_directory(const std::string& path);
// Gives standard input, output and error to the user, so that it can open /dev/stdout and the like.
void own_stdio(std::uint32_t uid);
// The same with other descriptors; -1 is none.
void own_streams(std::initializer_list<int> streams, std::uint32_t uid);

enum class Executable : unsigned char { kYes, kMissing, kDirectory, kDenied };
// Whether execve(2) of `path` has a chance, with the effective ids.
Executable examine_executable(const std::string& path);
// Returns the errno of execve(2); does not return otherwise.
int execute(const std::string& path, const std::vector<std::string>& arguments,
            const std::vector<std::string>& environment);

}  // namespace hull::linux
