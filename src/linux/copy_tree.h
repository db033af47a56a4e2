// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace hull::linux {

// Copies what is in the directory `from` into the directory `to`, with owners, modes, times, extended attributes, links
// (not hard ones), device nodes and pipes. No symbolic link is followed, no other mount entered. Throws errno with the
// name of the file.
void copy_tree(int from, int to);
void own_directory(int directory, uid_t uid, gid_t gid);  // chown(2) of what an O_PATH descriptor stands for

}  // namespace hull::linux
