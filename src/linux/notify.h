// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::linux {

// One datagram to the service manager that has started this process ($NOTIFY_SOCKET); sd_notify(3). Nothing happens
// without one, or when it does not listen.
void notify_manager(const std::string& message) noexcept;
// Waits until the manager has read what was sent before, at most five seconds: it knows the sender of a message only as
// long as that one runs (sd_notify_barrier(3)).
void await_manager() noexcept;
// "RELOADING=1" with the time that systemd wants beside it (Type=notify-reload).
std::string reloading_message();

}  // namespace hull::linux
