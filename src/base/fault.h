// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// Places where tests let things go wrong. The environment variable HULL_FAULTS names a directory; a file in it with the
// name of a place says what happens to the next process that comes by, and is gone then:
//
//   kill            the process gets SIGKILL
//   stop            the process gets SIGSTOP, and goes on after a SIGCONT
//   fail ENOSPC     the place throws that errno (a name of <errno.h> that fault.cpp knows, or a number)
//   <any> 3         all of these with a number behind: only the third one that comes by
//
// If there is a file "passed" in that directory, every place that is passed becomes a line of it. Without the variable
// a place costs one comparison. A place is named "<room or verb>.<what has just happened>"; tests/faults/ has them all.
namespace hull::fault {

bool armed();  // HULL_FAULTS is set

// Does what the file for `place` says. Throws Error{kInternal} for "fail".
void reached(std::string_view place);

inline void point(std::string_view place) {
  if (armed()) reached(place);
}
inline void point(std::string_view family, std::string_view place) {
  if (armed()) reached(std::string(family).append(".").append(place));
}

// "HULL_FAULTS=…" for the environment of a program that gets no other; nullptr without it.
const char* environment_entry();

}  // namespace hull::fault
