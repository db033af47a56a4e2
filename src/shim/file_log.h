// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>

#include "shim/log_file.h"
#include "shim/log_record.h"
#include "shim/log_sink.h"

namespace hull::shim {

// The drivers that write files: json-file and local. The lines of one read are one write, as long as no rotation comes
// between.
class FileLog : public LogSink {
 public:
  // Throws errno when the file cannot be opened. See LogFile for the rest.
  FileLog(const LogFileOptions& options, LogFile::Note note, LogFile::Compress compress = spawn_compressor);

  void write(const LogPiece& piece) override;
  void flush() override;
  bool busy() const override { return file_.compressing(); }
  bool child_ended(pid_t pid, int wait_status) override { return file_.child_ended(pid, wait_status); }
  void end() override { file_.compress_no_more(); }
  void trim() override;

 private:
  std::variant<JsonRecords, LocalRecords> records_;
  LogFile file_;
  std::string batch_;
};

}  // namespace hull::shim
