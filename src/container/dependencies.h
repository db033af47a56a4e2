// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "container/spec.h"

namespace hull::container {

// The containers (by name or id) whose namespaces, links or volumes a container of this kind uses: they have to be
// there before it starts.
std::vector<std::string> dependencies_of(const Spec& spec);

}  // namespace hull::container
