// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "api/call.h"
#include "image/transfer.h"

namespace hull::api {

// Answers with the progress of `work` as Docker's clients read it: one JSON object per message. An error before the
// first of them has a status of its own; a later one is an object in the stream, and the status stays 200.
void report_progress(Call& call, const std::function<void(const image::Report& report)>& work);

}  // namespace hull::api
