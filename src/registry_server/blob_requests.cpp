// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "base/id.h"
#include "registry_server/call.h"
#include "registry_server/refusal.h"

// Requests for blobs: whole, in ranges, their heads; and their removal.
namespace hull::registry_server {

namespace {

constexpr std::string_view kType = "application/octet-stream";

std::string content_range(const Span& span, std::uint64_t size) {
  return cat("bytes ", span.offset, "-", span.last(), "/", size);
}

[[noreturn]] void refuse_unknown(const Call& call, const std::string& digest) {
  if (!call.service.manifests.repository_exists(call.name))
    refuse(Code::kNameUnknown, "the registry has no such repository", call.name);
  refuse(Code::kBlobUnknown, "the repository has no such blob", digest);
}

// What If-Range (RFC 9110, section 13.1.5) makes of a Range header.
std::string_view range_header(const Call& call, const std::string& etag) {
  std::string_view only_if = call.request.header("If-Range");
  if (call.is_head() || (!only_if.empty() && only_if != etag)) return {};
  return call.request.header("Range");
}

// Several ranges at once: RFC 9110, section 14.6.
void send_ranges(Call& call, const OpenFile& blob, const std::vector<Span>& spans) {
  std::string boundary = random_hex(16);
  std::vector<http::Piece> pieces;
  for (const Span& span : spans) {
    pieces.push_back({.text = cat("\r\n--", boundary, "\r\nContent-Type: ", kType,
                                  "\r\nContent-Range: ", content_range(span, blob.size), "\r\n\r\n")});
    pieces.push_back({.text = {}, .file = blob.fd.get(), .offset = span.offset, .size = span.size});
  }
  pieces.push_back({.text = cat("\r\n--", boundary, "--\r\n")});
  call.response.send_pieces(206, cat("multipart/byteranges; boundary=", boundary), pieces);
}

void send_blob(Call& call, const OpenFile& blob, const std::string& etag) {
  call.header("Accept-Ranges", "bytes");
  RangeRequest range = parse_range(range_header(call, etag), blob.size);
  if (range.asked && range.spans.empty()) {
    call.header("Content-Range", cat("bytes */", blob.size));
    refuse_with(416, Code::kSizeInvalid, cat("the blob has ", blob.size, " bytes: nothing of it is in that range"));
  }
  if (range.spans.size() > 1) return send_ranges(call, blob, range.spans);
  Span span = range.asked ? range.spans.front() : Span{0, blob.size};
  if (range.asked) call.header("Content-Range", content_range(span, blob.size));
  const http::Piece piece{.text = {}, .file = blob.fd.get(), .offset = span.offset, .size = span.size};
  call.response.send_pieces(range.asked ? 206 : 200, kType, {&piece, 1});
}

// A mirror does not have it yet: it goes to the client while it comes from the upstream.
void send_download(Call& call, Download& download) {
  RangeRequest range = parse_range(call.request.header("Range"), download.size());
  bool part = range.spans.size() == 1;  // anything else is answered with the whole, as RFC 9110 allows
  Span span = part ? range.spans.front() : Span{0, download.size()};
  if (part) call.header("Content-Range", content_range(span, download.size()));
  call.response.send_stream(part ? 206 : 200, kType, span.size, [&, at = span.offset]() mutable {
    try {
      std::uint64_t there = std::min(download.wait(at), span.offset + span.size);
      http::Piece piece{.text = {}, .file = download.file(), .offset = at, .size = there - at};
      at = there;
      return piece;
    } catch (const Error& e) {
      fail(Kind::kCancelled, e.message());  // the head is on its way: only a broken connection says that it went wrong
    }
  });
}

void describe(Call& call, const Digest& digest) {
  call.header("Docker-Content-Digest", digest.text());
  call.header("ETag", cat("\"", digest.text(), "\""));
  call.header("Cache-Control", "max-age=31536000, immutable");
}

// True when it was the upstream's and has been sent.
bool send_from_upstream(Call& call, const Digest& digest) {
  Mirror& mirror = *call.service.mirror;
  if (call.is_head()) {
    auto size = mirror.blob_size(call.name, digest);
    if (!size) return false;
    describe(call, digest);
    call.response.send_stream(200, kType, *size, {});
    return true;
  }
  auto download = mirror.fetch_blob(call.name, digest);
  if (!download) return false;
  describe(call, digest);
  send_download(call, *download);
  return true;
}

}  // namespace

void read_blob(Call& call) {
  Digest digest = call.digest();
  const Blobs& blobs = call.service.blobs;
  const bool cache = call.service.mirror != nullptr;
  if (cache && !blobs.exists(call.name, digest)) {
    if (!send_from_upstream(call, digest)) refuse_unknown(call, digest.text());
    return;
  }
  // Whoever asks for the head only is about to push, and relies on the answer.
  if (call.is_head() && !cache && !call.service.options.read_only && !blobs.claim(call.name, digest))
    refuse_unknown(call, digest.text());
  auto blob = blobs.open(call.name, digest);
  if (!blob) refuse_unknown(call, digest.text());
  describe(call, digest);
  if (is_known_to_client(call, digest)) return call.response.send(304, {}, {});
  send_blob(call, *blob, cat("\"", digest.text(), "\""));
}

void remove_blob(Call& call) {
  Digest digest = call.digest();
  if (!call.service.blobs.remove(call.name, digest)) refuse_unknown(call, digest.text());
  call.header("Docker-Content-Digest", digest.text());
  call.response.send(202, {}, {});
}

}  // namespace hull::registry_server
