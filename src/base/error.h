// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <exception>
#include <string>
#include <string_view>

#include "base/text.h"

namespace hull {

// What went wrong, as seen by whoever asked. The set is small on purpose: it maps one to one to HTTP
// statuses (api/status.cpp) and to the exit codes of the CLI. Decisions are made on `kind` or on
// `errno`, never on the text of a message.
enum class Kind : unsigned char {
  kInternal,         // our fault, or the machine's: 500
  kInvalidArgument,  // 400
  kUnauthorized,     // 401
  kForbidden,        // 403
  kNotFound,         // 404
  kConflict,         // 409
  kNotModified,      // 304: the object is in the wanted state already
  kNotImplemented,   // 501
  kUnavailable,      // 503
  kCancelled,        // the caller went away
};

std::string_view to_string(Kind kind);

// The one exception type of hull. `message` is a sentence for a person: what was asked, what is wrong,
// what to do. `code` is an errno, 0 where no system call was involved. `operation` is the system call or
// step that failed ("mount", "exec"), for callers that decide on it.
class Error : public std::exception {
 public:
  Error(Kind kind, std::string message, int code = 0, std::string operation = {});

  Kind kind() const noexcept { return kind_; }
  int code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& operation() const noexcept { return operation_; }
  const char* what() const noexcept override { return message_.c_str(); }

  // The same error with "context: " before the message. Kind and errno stay.
  Error within(std::string_view context) const;

 private:
  Kind kind_;
  int code_;
  std::string message_;
  std::string operation_;
};

// "No such file or directory" and the like, without the races of strerror(3).
std::string errno_text(int code);

// Throws Error{kInternal} "<operation> <object>: <errno text>". An errno is internal until a layer that
// knows better says otherwise: a missing file in /proc is not a 404.
[[noreturn]] void throw_errno(std::string_view operation, std::string_view object = {}, int code = errno);

// Throws Error{kind} with the message put together from `parts` (see cat()).
template <class... Parts>
[[noreturn]] void fail(Kind kind, const Parts&... parts) {
  throw Error(kind, cat(parts...));
}
template <class... Parts>
[[noreturn]] void fail_invalid(const Parts&... parts) {
  throw Error(Kind::kInvalidArgument, cat(parts...));
}

// Gives `result` back when it is not -1; otherwise throws errno as throw_errno() does.
template <class Result>
Result check(Result result, std::string_view operation, std::string_view object = {}) {
  if (result == static_cast<Result>(-1)) throw_errno(operation, object);
  return result;
}

}  // namespace hull
