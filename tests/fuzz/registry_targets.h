// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"
#include "registry_server/manifest_document.h"
#include "registry_server/refusal.h"
#include "registry_server/service.h"
#include "target.h"

// What must hold for any request to the registry, and for any manifest that is put into it.
namespace hull::registry_server {

inline constexpr std::string_view kFuzzDigest =
    "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";  // "foo"

class FuzzRequest : public http::Request {
 public:
  std::string body;

  std::size_t read(char* buffer, std::size_t size) override {
    size = body.copy(buffer, size, at_);
    at_ += size;
    return size;
  }
  std::vector<UniqueFd> receive_descriptors(std::size_t) override { fail_invalid("no descriptors here"); }
  std::stop_token hung_up() override { return {}; }
  std::string peer() const override { return ""; }

 private:
  std::size_t at_ = 0;
};

class FuzzResponse : public http::Response {
 public:
  std::string body;

  void send(int status, std::string_view, std::string_view text) override {
    begin(status, "");
    body = text;
  }
  void send_pieces(int status, std::string_view, std::span<const http::Piece> pieces) override {
    begin(status, "");
    for (const http::Piece& piece : pieces) sent_bytes += piece.length();
  }
  void send_stream(int status, std::string_view, std::uint64_t, const std::function<http::Piece()>&) override {
    begin(status, "");
  }
  void begin(int status, std::string_view) override {
    fuzz::require(sent_status == 0, "one answer to one request");
    sent_status = status;
  }
  void write(std::string_view piece) override { body += piece; }
  http::Hijacked hijack(std::string_view) override { fail_invalid("nothing is hijacked here"); }
  bool started() const override { return sent_status != 0; }
};

// "METHOD path?query", a header in each line, an empty line, the body.
inline void fuzz_request(Service& service, std::string_view text) {
  auto [head, body] = split_once(text, '\1');
  auto lines = split(head, '\n');
  FuzzRequest request;
  auto [method, target] = split_once(lines[0], ' ');
  auto [path, query] = split_once(target.value_or("/"), '?');
  request.method = method;
  try {
    request.path = http::percent_decoded(path, false);
  } catch (const Error&) {
    return;  // the server refuses it before it comes here
  }
  request.query = query.value_or("");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto [name, value] = split_once(lines[i], ':');
    request.headers.emplace_back(trim(name), trim(value.value_or("")));
  }
  request.body = body.value_or("");
  request.has_body = !request.body.empty();
  request.content_length = request.body.size();
  FuzzResponse response;
  service.answer(request, response);
  fuzz::require(response.started(), "every request is answered");
  fuzz::require(response.sent_status != 500, response.body);
  bool says_why = response.body.starts_with("{\"errors\":[{\"code\":\"");
  fuzz::require(says_why || response.sent_status < 400 || method == "HEAD", "a refusal says why");
}

inline std::vector<std::string> request_seeds() {
  const std::string digest(kFuzzDigest);
  const std::string manifest =
      cat(R"({"schemaVersion":2,"config":{"mediaType":"a/b","size":3,"digest":")", digest,
          R"("},"layers":[],"subject":{"mediaType":"a/b","size":3,"digest":")", digest, R"("}})");
  const std::vector<std::string> seeds = {
      "GET /v2/",
      "GET /v2/_catalog?n=2&last=a",
      "GET /v2/a/b/tags/list?n=1&last=1",
      cat("POST /v2/a/b/blobs/uploads/?digest=", digest, "\1foo"),
      cat("POST /v2/a/b/blobs/uploads/?mount=", digest, "&from=c"),
      cat("PUT /v2/a/b/manifests/tag\nContent-Type: application/vnd.oci.image.manifest.v1+json\1", manifest),
      "PATCH /v2/a/b/blobs/uploads/0190a1b2-c3d4-7000-a000-000000000000\nContent-Range: 0-2\1foo",
      cat("PUT /v2/a/b/blobs/uploads/0190a1b2-c3d4-7000-a000-000000000000?digest=", digest, "\1foo"),
      cat("GET /v2/a/b/blobs/", digest, "\nRange: bytes=0-1,2-\nIf-Range: \"x\""),
      cat("HEAD /v2/a/b/blobs/", digest),
      cat("GET /v2/a/b/referrers/", digest, "?artifactType=a/b"),
      "GET /v2/a/b/manifests/tag\nAccept: */*\nIf-None-Match: \"x\"",
      cat("DELETE /v2/a/b/manifests/", digest),
      "DELETE /v2/a/b/manifests/tag",
  };
  return seeds;
}

inline std::vector<std::string> manifest_seeds() {
  const std::vector<std::string> seeds = {
      cat(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/b","config":{"mediaType":"a/b","size":3,"digest":")",
          kFuzzDigest, R"("},"layers":[{"mediaType":"c/d","size":1,"digest":")", kFuzzDigest,
          R"(","urls":["http://x"]}],"annotations":{"k":"v"}})"),
      cat(R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":3,"digest":")",
          kFuzzDigest, R"(","platform":{"architecture":"a","os":"b"}}],"subject":null})")};
  return seeds;
}
inline void fuzz_stored_manifest(std::string_view text) {
  try {
    read_manifest(std::string(text), "application/vnd.oci.image.manifest.v1+json");
  } catch (const Refusal&) {
    // As it should be.
  }
}

}  // namespace hull::registry_server
