// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "runtime/runtime.h"

// What another OCI runtime program says when it fails. There is no code in it, only words.
namespace hull::runtime {

// The last error in the lines of JSON that such a program has logged (--log-format json), or else the last message; ""
// when there is none.
std::string last_foreign_message(std::string_view log);

// The failure of the command `verb` for which the program gives `text` as the reason. A command that does not exist or
// cannot be executed is the user's to mend: it gets the errno of that, by the words that dockerd goes by too.
Failure foreign_failure(std::string_view verb, std::string text);

}  // namespace hull::runtime
