// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>

#include "base/error.h"
#include "registry_server/call.h"
#include "registry_server/refusal.h"

// Blobs that are pushed: at once, in chunks, as a stream, or from another repository.
namespace hull::registry_server {

namespace {

constexpr std::size_t kBuffer = 64 << 10;

std::string range_of(std::uint64_t size) { return cat("0-", size == 0 ? 0 : size - 1); }

void describe_upload(Call& call, const std::string& id, std::uint64_t size) {
  std::string location = cat("/v2/", call.name, "/blobs/uploads/", id);
  if (std::string algorithm = call.query.get("digest-algorithm"); !algorithm.empty())
    location += cat("?digest-algorithm=", percent_encoded(algorithm));
  call.header("Location", std::move(location));
  call.header("Docker-Upload-UUID", id);
  call.header("Range", range_of(size));
}

// Of the digest that will end the upload: what the client says, as far as it says.
Algorithm algorithm_of(const Call& call) {
  std::string name = call.query.get("digest-algorithm");
  if (name.empty()) {
    auto digest = parse_digest(call.query.get("digest"));
    return digest ? digest->algorithm : Algorithm::kSha256;
  }
  auto algorithm = parse_algorithm(name);
  if (!algorithm) refuse(Code::kDigestInvalid, "unsupported digest algorithm: use sha256 or sha512", name);
  return *algorithm;
}

Digest digest_parameter(const Call& call, std::string_view key) {
  std::string text = call.query.get(key);
  auto digest = parse_digest(text);
  if (!digest)
    refuse(Code::kDigestInvalid,
           cat("the parameter ", key, " is no digest: sha256 or sha512, a colon, hexadecimal digits"), text);
  return *digest;
}

[[noreturn]] void refuse_unknown(const Call& call) {
  refuse(Code::kBlobUploadUnknown, "the repository has no such upload: it is finished, cancelled, or too old",
         call.reference);
}

UploadWriter open_upload(Call& call) {
  auto writer = is_upload_id(call.reference) ? call.service.uploads.open(call.name, call.reference, algorithm_of(call))
                                             : std::nullopt;
  if (!writer) refuse_unknown(call);
  return std::move(*writer);
}

// The place in the blob of what comes now. Empty: the client does not say, it goes on where the last one ended.
std::optional<Span> chunk_of(Call& call, const UploadWriter& writer) {
  std::string_view header = call.request.header("Content-Range");
  if (header.empty()) return std::nullopt;
  auto chunk = parse_chunk_range(header);
  if (!chunk)
    refuse(Code::kBlobUploadInvalid, "invalid Content-Range: it is \"first-last\", in bytes", std::string(header));
  if (chunk->offset != writer.size()) {
    describe_upload(call, call.reference, writer.size());
    refuse_with(416, Code::kBlobUploadInvalid,
                cat("the chunk begins at ", chunk->offset, ", but ", writer.size(), " bytes are here"));
  }
  if (!call.request.chunked_body && call.request.content_length != chunk->size)
    refuse(Code::kSizeInvalid,
           cat("the chunk has ", call.request.content_length, " bytes, its Content-Range says ", chunk->size));
  return chunk;
}

// The body to the end of the upload.
void receive(Call& call, const std::string& id, UploadWriter& writer, std::optional<Span> chunk) {
  const std::uint64_t limit = call.service.options.blob_limit;
  auto buffer = std::make_unique<std::array<char, kBuffer>>();
  std::uint64_t received = 0, size = writer.size();
  try {
    while (std::size_t got = call.request.read(buffer->data(), buffer->size())) {
      received += got;
      if (chunk && received > chunk->size)
        refuse(Code::kSizeInvalid, cat("the chunk is longer than its Content-Range says (", chunk->size, " bytes)"));
      if (limit && size + received > limit) {
        call.service.uploads.cancel(call.name, id);
        refuse_with(413, Code::kSizeInvalid, cat("the blob is larger than this registry takes (", limit, " bytes)"));
      }
      writer.write({buffer->data(), got});
    }
  } catch (const Error& e) {
    // What is here of it would keep the full disk full.
    if (e.code() == ENOSPC || e.code() == EDQUOT) call.service.uploads.cancel(call.name, id);
    throw;
  }
  if (chunk && received != chunk->size)
    refuse(Code::kSizeInvalid, cat("the chunk has ", received, " bytes, its Content-Range says ", chunk->size));
}

void complete(Call& call, const std::string& id, UploadWriter writer, const Digest& digest) {
  if (!call.service.uploads.finish(call.name, id, std::move(writer), digest))
    refuse(Code::kDigestInvalid, "the content that came has another digest", digest.text());
  call.header("Location", blob_location(call.name, digest));
  call.header("Docker-Content-Digest", digest.text());
  call.response.send(201, {}, {});
}

bool mount(Call& call) {
  Digest digest = digest_parameter(call, "mount");
  std::optional<std::string> from;
  if (call.query.has("from")) {
    from = call.query.get("from");
    if (!is_repository_name(*from)) refuse(Code::kNameInvalid, "invalid repository name in the parameter from", *from);
  }
  if (!call.service.blobs.mount(call.name, digest, from)) return false;
  call.header("Location", blob_location(call.name, digest));
  call.header("Docker-Content-Digest", digest.text());
  call.response.send(201, {}, {});
  return true;
}

}  // namespace

void begin_upload(Call& call) {
  if (call.query.has("mount") && mount(call)) return;
  Algorithm algorithm = algorithm_of(call);
  bool whole = call.query.has("digest");
  std::optional<Digest> digest;
  if (whole) {
    digest = digest_parameter(call, "digest");
    // A digest without a body is a whole blob only if it is that of nothing; else the content is still to come.
    whole = call.request.has_body || *digest == digest_of(digest->algorithm, {});
  }
  std::string id = call.service.uploads.begin(call.name);
  if (!whole) {
    describe_upload(call, id, 0);
    return call.response.send(202, {}, {});
  }
  auto writer = call.service.uploads.open(call.name, id, algorithm);
  if (!writer) refuse_unknown(call);
  try {
    receive(call, id, *writer, std::nullopt);
  } catch (...) {
    // Nobody has been told the id: nobody can go on with it.
    call.service.uploads.cancel(call.name, id);
    throw;
  }
  complete(call, id, std::move(*writer), *digest);
}

void append_to_upload(Call& call) {
  UploadWriter writer = open_upload(call);
  auto chunk = chunk_of(call, writer);
  receive(call, call.reference, writer, chunk);
  describe_upload(call, call.reference, writer.size());
  call.response.send(202, {}, {});
}

void finish_upload(Call& call) {
  Digest digest = digest_parameter(call, "digest");
  UploadWriter writer = open_upload(call);
  auto chunk = chunk_of(call, writer);
  receive(call, call.reference, writer, chunk);
  complete(call, call.reference, std::move(writer), digest);
}

void show_upload(Call& call) {
  auto size = is_upload_id(call.reference) ? call.service.uploads.size(call.name, call.reference) : std::nullopt;
  if (!size) refuse_unknown(call);
  describe_upload(call, call.reference, *size);
  call.response.send(204, {}, {});
}

void cancel_upload(Call& call) {
  if (!is_upload_id(call.reference) || !call.service.uploads.cancel(call.name, call.reference)) refuse_unknown(call);
  call.response.send(204, {}, {});
}

}  // namespace hull::registry_server
