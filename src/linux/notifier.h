// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Descriptors that the kernel makes readable when something has happened in a control group: an eventfd (v1), or a
// file whose change polls as an exception (v2).
namespace hull::linux {

// The epoll events to wait for: EPOLLIN for an eventfd, EPOLLPRI for a file (which always "has input").
std::uint32_t notifier_events(int fd);
// Takes the notification, so that the next one is seen.
void clear_notifier(int fd) noexcept;
// True when a notification is waiting.
bool notifier_pending(int fd);

}  // namespace hull::linux
