// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace hull::registry_server {

// The error codes of the distribution specification, in its order, and one for what it has no code for (5xx).
enum class Code : unsigned char {
  kBlobUnknown,
  kBlobUploadInvalid,
  kBlobUploadUnknown,
  kDigestInvalid,
  kManifestBlobUnknown,
  kManifestInvalid,
  kManifestUnknown,
  kNameInvalid,
  kNameUnknown,
  kSizeInvalid,
  kUnauthorized,
  kDenied,
  kUnsupported,
  kTooManyRequests,
  kUnknown,
};
std::string_view to_string(Code code);  // "BLOB_UNKNOWN"
int usual_status(Code code);

// What a request is answered with instead of what was asked for. `detail` is what the sentence is about: a digest, a
// name.
class Refusal : public std::exception {
 public:
  struct Item {
    Code code;
    std::string message, detail;
  };
  Refusal(int status, Item item) : status_(status), items_{std::move(item)} {}
  Refusal(int status, std::vector<Item> items) : status_(status), items_(std::move(items)) {}

  int status() const { return status_; }
  const char* what() const noexcept override { return items_.front().message.c_str(); }
  std::string body() const;  // {"errors":[…]}

 private:
  int status_;
  std::vector<Item> items_;
};

[[noreturn]] void refuse(Code code, std::string message, std::string detail = {});
// The same with a status that is not the usual one of the code.
[[noreturn]] void refuse_with(int status, Code code, std::string message, std::string detail = {});

// For what the HTTP server refuses by itself (http::RefusalBody).
std::string refusal_body(int status, std::string_view message);

}  // namespace hull::registry_server
