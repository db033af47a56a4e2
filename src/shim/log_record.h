// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "shim/log_sink.h"

// The two forms in which lines stand in log files.
namespace hull::shim {

using LogAttributes = std::map<std::string, std::string>;

// Docker's json-file: {"log":"text\n","stream":"stdout","attrs":{…},"time":"…"} and a newline.
class JsonRecords {
 public:
  explicit JsonRecords(const LogAttributes& attributes);
  void append(std::string& out, const LogPiece& piece);

 private:
  std::string middle_;  // between stream and time
  Timestamp time_;
  std::string time_text_;  // of time_
};

// Docker's local: the length, a protobuf message LogEntry, and the length again (big endian, 4 bytes each).
//
//   LogEntry  1 source  2 time_nano  3 line  4 partial  5 partial_log_metadata {1 last  2 id  3 ordinal}
//             6 attrs {1 key  2 value}
class LocalRecords {
 public:
  explicit LocalRecords(const LogAttributes& attributes);
  void append(std::string& out, const LogPiece& piece) const;

 private:
  std::string attributes_;
};

}  // namespace hull::shim
