// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace hull::container {

// One line of a json-file log: {"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.6Z"}. A text
// without a newline at its end goes on in the next record of its stream.
struct LogRecord {
  Timestamp time;
  bool is_stderr = false;
  std::string text;
};

// False when `line` (without its newline) is no whole record: torn by a crash, or of somebody else.
bool parse_log_record(std::string_view line, LogRecord& record);

// Whether the text of a record ends with a newline; a quick look that decodes nothing.
bool ends_message(std::string_view line);

}  // namespace hull::container
