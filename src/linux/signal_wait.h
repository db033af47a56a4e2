// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

// Signals taken one by one by a thread that waits for them, instead of by handlers; sigwait(3).
namespace hull::linux {

// In the calling thread and in all that it starts from now on: call it first thing in main().
void block_signals(std::initializer_list<int> signals);
void ignore_signal(int signal);
// The next of these (blocked) signals.
int wait_for_signal(std::initializer_list<int> signals);

}  // namespace hull::linux
