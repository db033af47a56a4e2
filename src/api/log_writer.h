// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/call.h"

namespace hull::api {

// Gives the lines of a container's log to a client, many at once.
class LogWriter {
 public:
  LogWriter(Response& response, const container::LogQuery& query) : response_(response), query_(query) {}
  virtual ~LogWriter() = default;

  virtual std::string_view media_type() const = 0;
  void line(const container::LogLine& line);
  void error(std::string_view message);  // in the middle of the stream
  void flush();
  void caught_up();  // nothing comes for a while: memory is given back

 protected:
  virtual void add(const container::LogLine& line, std::string& out) = 0;
  virtual void add_error(std::string_view message, std::string& out) = 0;
  const container::LogQuery& query() const { return query_; }

 private:
  Response& response_;
  const container::LogQuery& query_;
  std::string buffer_;
};

// As `attach` would give them: as they are with a terminal, else in frames. Since API 1.54, with `?format=json` or an
// Accept header that names one of the streams of json_stream.h, as one JSON object a line. Both references have to
// live as long. Error{kInvalidArgument} for another format.
std::unique_ptr<LogWriter> log_writer(Call& call, const container::LogQuery& query, bool tty);

}  // namespace hull::api
