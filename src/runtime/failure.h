// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/runtime.h"

namespace hull::runtime {

// Where a start or exec is, for the message of what goes wrong there.
struct Progress {
  Step step = Step::kCgroup;
  std::string object;

  void at(Step next, std::string what = {}) {
    step = next;
    object = std::move(what);
  }
};

// Whose sentence it is: users and their scripts know the beginnings of these from Docker.
enum class Phase : unsigned char { kCreate, kInit, kExec };

Failure make_failure(const Error& error, const Progress& progress, Phase phase);

// strerror's text as Go and therefore Docker words it: "no such file or directory".
std::string lower_errno_text(int code);

}  // namespace hull::runtime
