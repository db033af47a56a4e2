// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/runtime.h"

// JSON that goes to hooks and to seccomp agents, written by hand: a JSON library would double the size of hull-shim.
namespace hull::runtime {

std::string json_text(std::string_view text);  // with the quotes around it
std::string state_json(const HookState& state);

}  // namespace hull::runtime
