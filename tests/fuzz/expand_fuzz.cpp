// SPDX-License-Identifier: Apache-2.0
#include "dockerfile_targets.h"

HULL_FUZZ_TARGET(hull::dockerfile::fuzz_expand, {})
