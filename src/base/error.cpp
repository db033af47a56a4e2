// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <cstring>

namespace hull {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kInternal: return "internal";
    case Kind::kInvalidArgument: return "invalid_argument";
    case Kind::kUnauthorized: return "unauthorized";
    case Kind::kForbidden: return "forbidden";
    case Kind::kNotFound: return "not_found";
    case Kind::kConflict: return "conflict";
    case Kind::kNotModified: return "not_modified";
    case Kind::kNotImplemented: return "not_implemented";
    case Kind::kUnavailable: return "unavailable";
    case Kind::kCancelled: return "cancelled";
  }
  return "internal";
}

Error::Error(Kind kind, std::string message, int code, std::string operation)
    : kind_(kind), code_(code), message_(std::move(message)), operation_(std::move(operation)) {}

Error Error::within(std::string_view context) const {
  return Error(kind_, cat(context, ": ", message_), code_, operation_);
}

std::string errno_text(int code) {
  if (const char* text = ::strerrordesc_np(code)) return text;
  return cat("errno ", code);
}

void throw_errno(std::string_view operation, std::string_view object, int code) {
  std::string message(operation);
  if (!object.empty()) message += cat(" ", object);
  message += ": ";
  message += errno_text(code);
  throw Error(Kind::kInternal, std::move(message), code, std::string(operation));
}

}  // namespace hull
