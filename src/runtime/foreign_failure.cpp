// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign_failure.h"

#include <cerrno>

#include "base/text.h"
#include "runtime/failure.h"

namespace hull::runtime {

namespace {

// In dockerd's order (moby, daemon/errors.go). runc writes them like this, C programs begin with a capital letter.
constexpr struct {
  std::string_view words;
  int code;
} kReasons[] = {
    {"permission denied", EACCES},         {"is a directory", EISDIR},
    {"not a directory", ENOTDIR},          {"executable file not found", ENOENT},
    {"no such file or directory", ENOENT},
};

// The value of a key in a line of JSON whose values are texts.
std::string value_in(std::string_view line, std::string_view key) {
  auto at = line.find(cat("\"", key, "\":"));
  if (at == line.npos) return {};
  line = trim(line.substr(at + key.size() + 3));
  std::string text;
  for (std::size_t i = 1; i < line.size() && line[i] != '"'; ++i) {
    if (line[i] == '\\' && ++i < line.size())
      text += line[i] == 'n' || line[i] == 't' ? ' ' : line[i];
    else
      text += line[i];
  }
  return std::string(trim(text));
}

}  // namespace

std::string last_foreign_message(std::string_view log) {
  std::string last, last_error;
  for (std::string_view line : split(log, '\n')) {
    std::string text = value_in(line, "msg");
    if (text.empty()) continue;
    std::string level = value_in(line, "level");
    (level == "error" || level == "fatal" ? last_error : last) = std::move(text);
  }
  return last_error.empty() ? last : last_error;
}

Failure foreign_failure(std::string_view verb, std::string text) {
  Failure failure;
  failure.step = Step::kCgroup;
  for (const auto& reason : kReasons) {
    auto at = lower(text).find(reason.words);
    if (at == text.npos) continue;
    failure.step = Step::kExec;
    failure.code = reason.code;
    // The docker CLI looks for these words as they are here.
    text.replace(at, reason.words.size(), reason.words);
    break;
  }
  if (failure.code == EISDIR) text += ": permission denied";
  failure.message = cat("OCI runtime ", verb, " failed: ", text, ": unknown");
  return failure;
}

}  // namespace hull::runtime
