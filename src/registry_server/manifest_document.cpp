// SPDX-License-Identifier: Apache-2.0
#include "registry_server/manifest_document.h"

#include <semaphore>

#include "base/error.h"
#include "oci/json.h"
#include "registry_server/refusal.h"

namespace hull::registry_server {

namespace {

enum class Shape : unsigned char { kImage, kIndex, kArtifact };
struct Type {
  std::string_view name;
  Shape shape;
};
constexpr Type kTypes[] = {
    {"application/vnd.oci.image.manifest.v1+json", Shape::kImage},
    {"application/vnd.oci.image.index.v1+json", Shape::kIndex},
    {"application/vnd.docker.distribution.manifest.v2+json", Shape::kImage},
    {"application/vnd.docker.distribution.manifest.list.v2+json", Shape::kIndex},
    {"application/vnd.oci.artifact.manifest.v1+json", Shape::kArtifact},
};
constexpr const Type &kOciImage = kTypes[0], &kOciIndex = kTypes[1];

// A JSON tree can be thirty times as large as its text: of manifests that are large enough to matter, few at a time.
constexpr std::size_t kLarge = 64 << 10;
std::counting_semaphore<2> large_ones(2);

class LargeTurn {
 public:
  explicit LargeTurn(std::size_t size) : large_(size > kLarge) {
    if (large_) large_ones.acquire();
  }
  ~LargeTurn() {
    if (large_) large_ones.release();
  }
  LargeTurn(const LargeTurn&) = delete;

 private:
  bool large_;
};

[[noreturn]] void invalid(std::string message) { refuse(Code::kManifestInvalid, std::move(message)); }

std::string text_of(const Json& object, const char* key) {
  auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) invalid(cat("the manifest is invalid: ", key, " is not a string"));
  return found->get<std::string>();
}

const Json* child(const Json& object, const char* key) {
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Digest digest_in(const Json& descriptor, std::string_view where) {
  if (!descriptor.is_object()) invalid(cat("the manifest is invalid: ", where, " is no descriptor"));
  std::string text = text_of(descriptor, "digest");
  auto digest = parse_digest(text);
  if (!digest) refuse(Code::kDigestInvalid, cat("the manifest is invalid: the digest of ", where, " is none"), text);
  const Json* size = child(descriptor, "size");
  if (!size || !size->is_number_integer() || (size->is_number_integer() && !size->is_number_unsigned()))
    invalid(cat("the manifest is invalid: ", where, " has no size"));
  return *digest;
}

// Layers that are fetched from elsewhere need not be here (image-spec, layer.md: non-distributable layers).
bool is_elsewhere(const Json& descriptor) {
  const Json* urls = child(descriptor, "urls");
  std::string type = text_of(descriptor, "mediaType");
  return (urls && urls->is_array() && !urls->empty()) || type.find(".nondistributable.") != type.npos ||
         type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
}

void read_list(const Json& document, const char* key, std::vector<Digest>& into, bool required) {
  const Json* list = child(document, key);
  if (!list && !required) return;
  if (!list || !list->is_array()) invalid(cat("the manifest is invalid: it has no list of ", key));
  for (const Json& one : *list) {
    Digest digest = digest_in(one, cat("an entry of ", key));
    if (!is_elsewhere(one)) into.push_back(std::move(digest));
  }
}

const Type& type_of(const Json& document, std::string_view content_type, std::string_view own) {
  if (!own.empty() && !content_type.empty() && own != content_type)
    invalid(cat("the manifest says that it is ", own, ", but it was sent as ", content_type));
  std::string_view name = content_type.empty() ? own : content_type;
  if (name.empty()) return document.contains("manifests") ? kOciIndex : kOciImage;
  for (const Type& type : kTypes)
    if (name == type.name) return type;
  invalid(
      cat("manifests of type ", name, " are not supported: use OCI image manifests and indexes or Docker's schema 2"));
}

Json parse(std::string_view text) {
  try {
    Json document = parse_json(text);
    if (!document.is_object()) invalid("the manifest is invalid: it is no JSON object");
    return document;
  } catch (const Error& e) {
    invalid(cat("the manifest is ", e.message()));
  }
}

void read_annotations(const Json& document, ManifestDocument& into) {
  const Json* annotations = child(document, "annotations");
  if (!annotations) return;
  if (!annotations->is_object()) invalid("the manifest is invalid: annotations are no object");
  for (const auto& [key, value] : annotations->items()) {
    if (!value.is_string()) invalid(cat("the manifest is invalid: annotation ", key, " is not a string"));
    into.annotations[key] = value.get<std::string>();
  }
}

}  // namespace

ManifestDocument read_manifest(std::string_view text, std::string_view content_type) {
  LargeTurn turn(text.size());
  const Json document = parse(text);
  const Json* version = child(document, "schemaVersion");
  const Type& type = type_of(document, content_type, text_of(document, "mediaType"));
  if (type.shape != Shape::kArtifact && (!version || *version != 2))
    invalid("the manifest is invalid: its schemaVersion is not 2");

  ManifestDocument found;
  found.media_type = type.name;
  found.artifact_type = text_of(document, "artifactType");
  read_annotations(document, found);
  if (const Json* subject = child(document, "subject")) found.subject = digest_in(*subject, "subject");
  switch (type.shape) {
    case Shape::kIndex:
      if (document.contains("layers")) invalid("the manifest is invalid: an index has no layers");
      read_list(document, "manifests", found.manifests, true);
      break;
    case Shape::kArtifact: read_list(document, "blobs", found.blobs, false); break;
    case Shape::kImage: {
      if (document.contains("manifests")) invalid("the manifest is invalid: an image has no list of manifests");
      const Json* config = child(document, "config");
      if (!config) invalid("the manifest is invalid: it has no config");
      found.blobs.push_back(digest_in(*config, "config"));
      if (found.artifact_type.empty()) found.artifact_type = text_of(*config, "mediaType");
      read_list(document, "layers", found.blobs, false);
      break;
    }
  }
  return found;
}

}  // namespace hull::registry_server
