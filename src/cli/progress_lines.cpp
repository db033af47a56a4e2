// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_lines.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "cli/units.h"

namespace hull::cli {
namespace {

std::string progress_of(const Value& message) {
  const Value& detail = message["progressDetail"];
  if (!detail.find("current") || detail["current"].integer() == 0) return message["progress"].text();
  std::string text = decimal_size(detail["current"].real(), 4);
  if (detail["total"].integer() > 0) text += cat("/", decimal_size(detail["total"].real(), 4));
  return text;
}

}  // namespace

ProgressLines::ProgressLines(int out) : out_(out), terminal_(is_terminal(out)) {}

void ProgressLines::show(const Value& message) {
  if (const Value* stream = message.find("stream")) return write_all(out_, stream->text());
  const std::string &id = message["id"].text(), &status = message["status"].text();
  if (status.empty()) return;
  std::string progress = progress_of(message);
  std::string line = cat(id, id.empty() ? "" : ": ", status, progress.empty() ? "" : " ", progress);
  if (!terminal_) {
    // Without a terminal, the state of a transfer is of no use; what happens is.
    if (progress.empty()) write_all(out_, cat(line, "\n"));
    return;
  }
  if (id.empty()) {
    lines_.clear();
    write_all(out_, cat(line, "\n"));
    return;
  }
  auto [entry, is_new] = lines_.emplace(id, lines_.size());
  if (is_new) return write_all(out_, cat(line, "\n"));
  auto up = lines_.size() - entry->second;
  write_all(out_, cat("\x1b[", up, "A\r\x1b[2K", line, "\x1b[", up, "B\r"));
}

}  // namespace hull::cli
