// SPDX-License-Identifier: Apache-2.0
#include "image/catalogue.h"

#include <algorithm>

#include "base/id.h"
#include "oci/json.h"
#include "oci/reference.h"

namespace hull::image {

namespace {

constexpr std::string_view kAlgorithm = "sha256:";

std::shared_ptr<Image> image_of(const store::ImageRow& row) {
  auto image = std::make_shared<Image>();
  image->id = row.id;
  image->config = from_json<oci::ImageConfig>(parse_json(row.config));
  image->layer_chain_ids = row.layer_chain_ids;
  image->size = row.size;
  image->created = parse_rfc3339(image->config.created).value_or(Timestamp{});
  image->stored = {row.created};
  image->manifest_digest = row.manifest_digest;
  image->parent = row.parent;
  return image;
}

void add_reference(Image& image, const std::string& name) {
  auto reference = oci::Reference::parse(name);
  (reference.digest.empty() ? image.tags : image.repository_digests).push_back(reference.familiar());
}

}  // namespace

bool is_id_prefix(std::string_view id, std::string_view name) {
  return id.starts_with(name) || id.substr(kAlgorithm.size()).starts_with(name);
}

std::shared_ptr<const Catalogue> Catalogue::read(store::Database& database) {
  auto catalogue = std::make_shared<Catalogue>();
  std::map<std::string, std::shared_ptr<Image>, std::less<>> made;
  for (const store::ImageRow& row : database.images()) made.emplace(row.id, image_of(row));
  for (const store::ReferenceRow& row : database.references()) {
    catalogue->references.emplace(row.name, row.image_id);
    if (auto image = made.find(row.image_id); image != made.end()) add_reference(*image->second, row.name);
  }
  for (auto& [id, image] : made) {
    std::ranges::sort(image->tags);
    std::ranges::sort(image->repository_digests);
    catalogue->by_id.emplace(id, image);
    catalogue->images.push_back(image);
  }
  std::ranges::stable_sort(catalogue->images, [](const ImagePtr& a, const ImagePtr& b) {
    return a->created != b->created ? a->created > b->created : a->stored > b->stored;
  });
  return catalogue;
}

ImagePtr Catalogue::find(std::string_view name) const {
  if (name.starts_with(kAlgorithm)) {
    std::string_view hex = name.substr(kAlgorithm.size());
    // "sha256:12" can also be version 12 of a repository of that name, but nobody can have made one.
    return looks_like_id_prefix(hex) ? find_by_id_prefix(hex, name) : nullptr;
  }
  if (name.size() == 64 && looks_like_id_prefix(name)) return find_by_id_prefix(name, name);
  auto reference = oci::Reference::parse(name);
  // With both, the digest decides.
  if (!reference.digest.empty()) reference.tag.clear();
  if (auto found = references.find(reference.canonical()); found != references.end()) return by_id.at(found->second);
  return looks_like_id_prefix(name) ? find_by_id_prefix(name, name) : nullptr;
}

ImagePtr Catalogue::find_by_id_prefix(std::string_view hex, std::string_view given) const {
  std::string prefix = cat(kAlgorithm, hex);
  auto first = by_id.lower_bound(prefix);
  if (first == by_id.end() || !first->first.starts_with(prefix)) return nullptr;
  auto second = std::next(first);
  if (second != by_id.end() && second->first.starts_with(prefix))
    fail_invalid("the image id prefix ", given, " is ambiguous: more than one image begins with it");
  return first->second;
}

std::vector<std::string> Catalogue::references_of(const std::string& image_id) const {
  std::vector<std::string> names;
  for (const auto& [name, id] : references)
    if (id == image_id) names.push_back(name);
  return names;
}

}  // namespace hull::image
