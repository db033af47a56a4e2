// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

// Stream sockets of one machine, with descriptors as cargo; unix(7), SCM_RIGHTS. All are close-on-exec and blocking.
namespace hull::linux {

std::pair<UniqueFd, UniqueFd> make_socket_pair();  // throws errno
// Binds `directory`/`name` (mode 0600; what is there is replaced) and listens. The length of the directory's path
// does not matter. Throws errno.
UniqueFd listen_unix(const std::string& directory, const std::string& name);
// Empty when nobody listens there. Throws errno otherwise.
std::optional<UniqueFd> connect_unix(const std::string& directory, const std::string& name);
// Empty when there is no connection to accept now.
std::optional<UniqueFd> accept_unix(int listener);

struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
};
Peer peer_of(int socket);  // SO_PEERCRED. Throws errno

// Sends all of `data`, the descriptors with its first byte; blocks. At most 250 descriptors. Throws errno.
void send_with_descriptors(int socket, std::string_view data, std::span<const int> descriptors);
// Reads at most `into.size()` bytes, and appends the descriptors that came with them. 0: end of stream.
// Blocks unless `wait` is false; then empty when there is nothing. Throws errno.
std::optional<std::size_t> receive_with_descriptors(int socket, std::span<char> into,
                                                    std::vector<UniqueFd>& descriptors, bool wait);

}  // namespace hull::linux
