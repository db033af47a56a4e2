// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "linux/readiness.h"
#include "oci/runtime_config.h"

// A container as a service of Type=notify: whoever starts it has $NOTIFY_SOCKET, and the program in it another one, of
// which the word that it is ready is passed on (sd_notify(3)). As in runc, nothing else is: the rest of the protocol
// names processes and descriptors that mean nothing outside of the container.
namespace hull::runtime_cli {

// Whether somebody wants to know, and the container's mounts are its own, so that it can have a socket.
bool readiness_is_asked_for(const oci::RuntimeConfig& config);
// Makes the place of the container's own socket in `directory` and adds a mount of it and the variable to `config`.
void offer_readiness(const std::string& directory, oci::RuntimeConfig& config);

// The socket in there, before the program can write to it. Empty when nobody wants to know now, or when it was created.
std::optional<linux::ReadinessSocket> listen_for_readiness(const std::string& directory);

// Tells who has started us that the container is ready, and which process stands for it from here on.
void pass_on_readiness(pid_t main_process);

}  // namespace hull::runtime_cli
