// SPDX-License-Identifier: Apache-2.0
#include "image/archive_index.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "archive/confined.h"
#include "archive/sha256.h"
#include "base/file.h"
#include "oci/image_manifest.h"
#include "oci/json.h"

namespace hull::image {

namespace {

constexpr off_t kLargestMetadata = 8 << 20;
constexpr int kDeepestIndex = 4;
constexpr std::string_view kContainerdName = "io.containerd.image.name";
constexpr std::string_view kReferenceName = "org.opencontainers.image.ref.name";
constexpr std::string_view kReferenceType = "vnd.docker.reference.type";  // of attestations, which are no images

bool has_member(int root, const std::string& path) { return archive::open_confined(root, path, O_PATH).valid(); }

std::string read_member(int root, const std::string& path) {
  UniqueFd file = open_member(root, path);
  struct stat info {};
  check(::fstat(file.get(), &info), "stat", path);
  if (info.st_size > kLargestMetadata) fail_invalid("invalid image archive: ", hull::quoted(path), " is too large");
  return read_all(file.get());
}

std::string blob_member(const std::string& digest) {
  if (!oci::is_digest(digest)) fail_invalid("invalid image archive: ", hull::quoted(digest), " is not a sha256 digest");
  return "blobs/sha256/" + digest.substr(7);
}

std::string read_blob(int root, const oci::Descriptor& descriptor) {
  std::string content = read_member(root, blob_member(descriptor.digest));
  std::string digest = archive::sha256_digest(content);
  if (digest != descriptor.digest)
    fail_invalid("blob ", descriptor.digest, " of the archive is damaged: its digest is ", digest);
  return content;
}

std::vector<ArchivedImage> read_docker_manifest(int root) {
  std::vector<ArchivedImage> images;
  for (auto& entry : from_json<std::vector<oci::DockerArchiveImage>>(parse_json(read_member(root, "manifest.json")))) {
    ArchivedImage image;
    image.config = read_member(root, entry.config);
    // Newer archives name the config by its digest; then it can be checked.
    std::string hex = entry.config.substr(entry.config.rfind('/') + 1);
    if (entry.config.starts_with("blobs/sha256/") && archive::sha256_digest(image.config) != "sha256:" + hex)
      fail_invalid("blob sha256:", hex, " of the archive is damaged");
    for (std::string& layer : entry.layers) image.layers.push_back({std::move(layer), "", ""});
    image.parent = entry.parent;
    for (const std::string& tag : entry.repo_tags) image.references.push_back(oci::Reference::parse(tag));
    images.push_back(std::move(image));
  }
  return images;
}

// A bare tag ("latest") is what an OCI layout names its images by; it says nothing about a repository.
std::vector<oci::Reference> references_of(const oci::Descriptor& descriptor) {
  for (std::string_view key : {kContainerdName, kReferenceName}) {
    auto found = descriptor.annotations.find(std::string(key));
    if (found == descriptor.annotations.end() || found->second.find_first_of(":/") == std::string::npos) continue;
    return {oci::Reference::parse(found->second)};
  }
  return {};
}

bool is_index(const oci::Descriptor& descriptor) {
  return descriptor.media_type == oci::kMediaTypeIndex || descriptor.media_type == oci::kMediaTypeDockerList;
}

bool fits(const oci::Descriptor& descriptor, const oci::Platform& platform) {
  return descriptor.platform && descriptor.platform->os == platform.os &&
         descriptor.platform->architecture == platform.architecture;
}

// The manifest of an index that is for this machine.
oci::Descriptor choose(int root, const oci::Descriptor& index, const oci::Platform& platform, int depth) {
  if (depth == kDeepestIndex) fail_invalid("invalid image archive: indexes in indexes in indexes");
  auto entries = from_json<oci::ImageIndex>(parse_json(read_blob(root, index))).manifests;
  std::erase_if(entries, [](const auto& entry) { return entry.annotations.contains(std::string(kReferenceType)); });
  auto chosen = std::ranges::find_if(entries, [&](const auto& entry) { return fits(entry, platform); });
  if (chosen == entries.end() && entries.size() == 1) chosen = entries.begin();
  if (chosen == entries.end()) fail_invalid("the archive has no image for ", oci::to_string(platform));
  return is_index(*chosen) ? choose(root, *chosen, platform, depth + 1) : *chosen;
}

std::vector<ArchivedImage> read_oci_index(int root, const oci::Platform& platform) {
  std::vector<ArchivedImage> images;
  auto index = from_json<oci::ImageIndex>(parse_json(read_member(root, "index.json")));
  for (const oci::Descriptor& entry : index.manifests) {
    if (entry.annotations.contains(std::string(kReferenceType))) continue;
    oci::Descriptor descriptor = is_index(entry) ? choose(root, entry, platform, 0) : entry;
    ArchivedImage image;
    image.manifest = read_blob(root, descriptor);
    image.manifest_digest = descriptor.digest;
    auto manifest = from_json<oci::ImageManifest>(parse_json(image.manifest));
    image.config = read_blob(root, manifest.config);
    for (const oci::Descriptor& layer : manifest.layers)
      image.layers.push_back({blob_member(layer.digest), layer.digest, layer.media_type});
    image.references = references_of(entry);
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace

UniqueFd open_member(int root, const std::string& path) {
  UniqueFd file = archive::open_confined(root, path, O_RDONLY | O_NONBLOCK);
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) < 0 || !S_ISREG(info.st_mode))
    fail_invalid("invalid image archive: it has no file ", hull::quoted(path));
  return file;
}

std::vector<ArchivedImage> read_archive_index(int root, const oci::Platform& platform) {
  if (has_member(root, "manifest.json")) return read_docker_manifest(root);
  if (has_member(root, "index.json")) return read_oci_index(root, platform);
  fail_invalid("invalid image archive: it has neither a manifest.json nor an index.json");
}

}  // namespace hull::image
