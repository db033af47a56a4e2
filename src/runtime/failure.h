// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/fault.h"
#include "runtime/runtime.h"

namespace hull::runtime {

// Where a start or exec is, for the message of what goes wrong there.
struct Progress {
  Step step = Step::kCgroup;
  std::string object;
  std::string_view who = "runtime";  // whose steps: "runtime" (the caller), "init" or "exec-process" (the new ones)

  void at(Step next, std::string what = {}) {
    step = next;
    object = std::move(what);
    fault::point(who, to_string(next));
  }
};

// Whose sentence it is: users and their scripts know the beginnings of these from Docker.
enum class Phase : unsigned char { kCreate, kInit, kExec };

Failure make_failure(const Error& error, const Progress& progress, Phase phase);

// strerror's text as Go and therefore Docker words it: "no such file or directory".
std::string lower_errno_text(int code);

}  // namespace hull::runtime
