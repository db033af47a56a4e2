// SPDX-License-Identifier: Apache-2.0
#include "registry_server/refusal.h"

#include "oci/json.h"

namespace hull::registry_server {

namespace {

struct Row {
  Code code;
  std::string_view name;
  int status;
};
constexpr Row kRows[] = {
    {Code::kBlobUnknown, "BLOB_UNKNOWN", 404},
    {Code::kBlobUploadInvalid, "BLOB_UPLOAD_INVALID", 400},
    {Code::kBlobUploadUnknown, "BLOB_UPLOAD_UNKNOWN", 404},
    {Code::kDigestInvalid, "DIGEST_INVALID", 400},
    {Code::kManifestBlobUnknown, "MANIFEST_BLOB_UNKNOWN", 400},
    {Code::kManifestInvalid, "MANIFEST_INVALID", 400},
    {Code::kManifestUnknown, "MANIFEST_UNKNOWN", 404},
    {Code::kNameInvalid, "NAME_INVALID", 400},
    {Code::kNameUnknown, "NAME_UNKNOWN", 404},
    {Code::kSizeInvalid, "SIZE_INVALID", 400},
    {Code::kUnauthorized, "UNAUTHORIZED", 401},
    {Code::kDenied, "DENIED", 403},
    {Code::kUnsupported, "UNSUPPORTED", 405},
    {Code::kTooManyRequests, "TOOMANYREQUESTS", 429},
    {Code::kUnknown, "UNKNOWN", 500},
};

const Row& row_of(Code code) { return kRows[static_cast<std::size_t>(code)]; }

}  // namespace

std::string_view to_string(Code code) { return row_of(code).name; }
int usual_status(Code code) { return row_of(code).status; }

std::string Refusal::body() const {
  Json errors = Json::array();
  for (const Item& item : items_) {
    Json error = {{"code", std::string(to_string(item.code))}, {"message", item.message}};
    if (!item.detail.empty()) error["detail"] = item.detail;
    errors.push_back(std::move(error));
  }
  return dump_json({{"errors", std::move(errors)}}) + "\n";
}

void refuse(Code code, std::string message, std::string detail) {
  throw Refusal(usual_status(code), Refusal::Item{code, std::move(message), std::move(detail)});
}

void refuse_with(int status, Code code, std::string message, std::string detail) {
  throw Refusal(status, Refusal::Item{code, std::move(message), std::move(detail)});
}

std::string refusal_body(int status, std::string_view message) {
  Code code = status == 503 ? Code::kTooManyRequests : Code::kUnsupported;
  return Refusal(status, Refusal::Item{code, std::string(message), {}}).body();
}

}  // namespace hull::registry_server
