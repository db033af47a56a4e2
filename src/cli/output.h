// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

// What the commands say, and how they end.
namespace hull::cli {

// Writes all of it to standard output. Whoever reads it may have had enough (a closed pipe): throws Exit{141} then.
void print(std::string_view text);
// A line on standard error.
void complain(std::string_view text);

// Whether --debug asks for what else there is to say, and a line of it on standard error.
void set_debug(bool on);
void debug(std::string_view text);

template <class... Parts>
void print_line(const Parts&... parts) {
  print(cat(parts..., '\n'));
}

// Ends the command with `code`, after `message` (nothing when empty) on standard error.
class Exit : public Error {
 public:
  Exit(int code, std::string message = {}) : Error(Kind::kInternal, std::move(message)), status_(code) {}
  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace hull::cli
