// SPDX-License-Identifier: Apache-2.0
#include "shim/file_log.h"

namespace hull::shim {

namespace {

constexpr std::size_t kKeptBatch = 4 << 10;

std::variant<JsonRecords, LocalRecords> records_for(const LogFileOptions& options) {
  if (options.format == LogFormat::kJson) return JsonRecords(options.attributes);
  return LocalRecords(options.attributes);
}

}  // namespace

FileLog::FileLog(const LogFileOptions& options, LogFile::Note note, LogFile::Compress compress)
    : records_(records_for(options)), file_(options, std::move(note), std::move(compress)) {}

void FileLog::write(const LogPiece& piece) {
  if (file_.full_with(batch_.size())) {
    flush();
    file_.rotate();
  }
  std::visit([&](auto& records) { records.append(batch_, piece); }, records_);
}

void FileLog::flush() {
  if (!batch_.empty()) file_.write(batch_);
  batch_.clear();
}

void FileLog::trim() {
  if (batch_.capacity() > kKeptBatch) batch_ = {};
}

}  // namespace hull::shim
