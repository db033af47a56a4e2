// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "container/spec.h"
#include "shim/log_options.h"

namespace hull::container {

// One record of a log file. A text without a newline at its end goes on in the next record of its stream.
struct LogRecord {
  Timestamp time;
  bool is_stderr = false;
  std::string text;
  StringMap attributes;
};

// {"log":"text\n","stream":"stdout","attrs":{…},"time":"2026-01-02T03:04:05.6Z"}, without its newline. Attributes are
// read only when they are wanted. False when it is no whole record: torn by a crash, or of somebody else.
bool parse_json_record(std::string_view line, LogRecord& record, bool with_attributes = false);
// The protobuf message LogEntry of Docker's driver local (shim/log_record.h), without the lengths around it.
bool parse_local_record(std::string_view message, LogRecord& record, bool with_attributes = false);
bool parse_log_record(shim::LogFormat format, std::string_view text, LogRecord& record, bool with_attributes);

// Whether the text of a json-file record ends with a newline; a quick look that decodes nothing.
bool ends_message(std::string_view line);

}  // namespace hull::container
