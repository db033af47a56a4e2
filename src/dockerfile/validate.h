// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dockerfile/body.h"
#include "dockerfile/instruction.h"

// What can only be said about an instruction once its variables are replaced. All throw Problem.
namespace hull::dockerfile {

void validate(const Copy& copy);
void validate(const Add& add);
void validate(const StopSignal& stop);

// "TERM", "SIGTERM", "15", "SIGRTMIN+3", in any case.
bool is_signal(std::string_view text);

}  // namespace hull::dockerfile
