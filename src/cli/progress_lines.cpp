// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_lines.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "cli/live_screen.h"
#include "cli/terminal.h"
#include "cli/units.h"

namespace hull::cli {
namespace {

constexpr std::size_t kBar = 50, kWidthForBar = 110;  // columns

// "[====>     ]  10MB/30MB"; without the bar where there is little room.
std::string progress_of(const Value& message, std::size_t width) {
  const Value& detail = message["progressDetail"];
  if (!detail.find("current") && !detail.find("total")) return message["progress"].text();
  std::int64_t current = detail["current"].integer(), total = detail["total"].integer();
  if (current <= 0 && total <= 0) return {};
  std::string text = decimal_size(static_cast<double>(current), 4);
  if (total <= 0) return text;
  text += cat("/", decimal_size(static_cast<double>(total), 4));
  if (width <= kWidthForBar) return text;
  std::size_t done =
      std::min(kBar, static_cast<std::size_t>(static_cast<double>(current) / static_cast<double>(total) * kBar));
  return cat("[", std::string(done, '='), done < kBar ? ">" : "", std::string(done < kBar ? kBar - done - 1 : 0, ' '),
             "]  ", text);
}

}  // namespace

ProgressLines::ProgressLines(int out) : out_(out), terminal_(is_terminal(out)) {}

void ProgressLines::show(const Value& message) {
  if (const Value* stream = message.find("stream")) return write_all(out_, stream->text());
  const std::string &id = message["id"].text(), &status = message["status"].text();
  if (status.empty()) return;
  std::size_t width = window_size(out_).columns;
  std::string progress = progress_of(message, width ? width : 80);
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
  // A line that the terminal breaks in two would put all others into the wrong place.
  if (width) line = cut_at(line, width - 1);
  auto [entry, is_new] = lines_.emplace(id, lines_.size());
  if (is_new) return write_all(out_, cat(line, "\n"));
  auto up = lines_.size() - entry->second;
  write_all(out_, cat("\x1b[", up, "A\r", line, "\x1b[K\x1b[", up, "B\r"));
}

}  // namespace hull::cli
