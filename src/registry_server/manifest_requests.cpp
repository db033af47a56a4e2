// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "registry_server/call.h"
#include "registry_server/digester.h"
#include "registry_server/refusal.h"

// Requests for manifests, by tag and by digest.
namespace hull::registry_server {

namespace {

constexpr std::size_t kMostTags = 100;  // of one push; the specification asks for ten

[[noreturn]] void refuse_unknown(const Call& call) {
  if (!call.service.manifests.repository_exists(call.name))
    refuse(Code::kNameUnknown, "the registry has no such repository", call.name);
  refuse(Code::kManifestUnknown, "the repository has no such manifest", call.reference);
}

// What the reference of the path means here and now.
Digest resolve(const Call& call) {
  if (means_digest(call.reference)) return call.digest();
  std::optional<Digest> digest;
  if (is_tag(call.reference))
    digest = call.service.mirror ? call.service.mirror->resolve(call.name, call.reference)
                                 : call.service.manifests.resolve(call.name, call.reference);
  if (!digest) refuse_unknown(call);
  return *digest;
}

std::string read_body(Call& call) {
  const std::uint64_t limit = call.service.options.manifest_limit;
  auto check = [&](std::uint64_t size) {
    if (size > limit)
      refuse_with(413, Code::kManifestInvalid,
                  cat("the manifest is larger than this registry takes (", limit, " bytes)"));
  };
  check(call.request.content_length);
  std::string text;
  char buffer[16 << 10];
  while (std::size_t got = call.request.read(buffer, sizeof buffer)) {
    check(text.size() + got);
    text.append(buffer, got);
  }
  if (!call.request.chunked_body && text.size() != call.request.content_length)
    refuse(Code::kSizeInvalid, "the manifest is shorter than its Content-Length says");
  return text;
}

struct Destination {
  Digest digest;
  std::vector<std::string> tags;
};
Destination destination_of(const Call& call, std::string_view text) {
  Destination where;
  if (!means_digest(call.reference)) {
    where.digest = digest_of(Algorithm::kSha256, text);
    where.tags.push_back(call.reference);
  } else {
    Digest wanted = call.digest();
    where.digest = digest_of(wanted.algorithm, text);
    where.tags = call.query.all("tag");
    if (where.digest != wanted)
      refuse(Code::kDigestInvalid, cat("the manifest that came has the digest ", where.digest.text()), wanted.text());
  }
  if (where.tags.size() > kMostTags)
    refuse_with(414, Code::kUnsupported, cat("more than ", kMostTags, " tags at once"));
  for (const std::string& tag : where.tags)
    if (!is_tag(tag))
      refuse(Code::kManifestInvalid,
             "invalid tag: up to 128 letters, digits, '_', '.' and '-', not beginning with the last two", tag);
  return where;
}

}  // namespace

void read_manifest_of(Call& call) {
  Digest digest = resolve(call);
  const Manifests& manifests = call.service.manifests;
  if (call.service.mirror) {
    if (!call.service.mirror->fetch_manifest(call.name, digest)) refuse_unknown(call);
  } else if (call.is_head() && !call.service.options.read_only && !manifests.claim(call.name, digest)) {
    refuse_unknown(call);
  }
  auto manifest = manifests.read(call.name, digest, true);
  if (!manifest) refuse_unknown(call);
  call.header("Docker-Content-Digest", digest.text());
  call.header("ETag", cat("\"", digest.text(), "\""));
  if (is_known_to_client(call, digest)) return call.response.send(304, {}, {});
  call.response.send(200, manifest->media_type, manifest->text);
}

void write_manifest(Call& call) {
  std::string text = read_body(call);
  Destination where = destination_of(call, text);
  // Parameters ("; charset=utf-8") say nothing about a manifest.
  std::string type(trim(split_once(call.request.header("Content-Type"), ';').first));
  ManifestDocument document = read_manifest(text, type);
  call.service.manifests.put(call.name, where.digest, text, document, where.tags);
  call.header("Location", cat("/v2/", call.name, "/manifests/", where.digest.text()));
  call.header("Docker-Content-Digest", where.digest.text());
  if (document.subject) call.header("OCI-Subject", document.subject->text());
  if (means_digest(call.reference))
    for (const std::string& tag : where.tags) call.header("OCI-Tag", tag);
  call.response.send(201, {}, {});
}

void remove_manifest(Call& call) {
  bool removed = means_digest(call.reference)
                     ? call.service.manifests.remove(call.name, call.digest())
                     : is_tag(call.reference) && call.service.manifests.remove_tag(call.name, call.reference);
  if (!removed) refuse_unknown(call);
  call.response.send(202, {}, {});
}

}  // namespace hull::registry_server
