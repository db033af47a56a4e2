// SPDX-License-Identifier: Apache-2.0
#include "container/shipped_images.h"

#include <algorithm>

#include "base/file.h"

namespace hull::container {

namespace {

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

}  // namespace

image::ImagePtr import_shipped_image(const std::string& reference, const Configuration& configuration,
                                     image::Images& images) {
  std::string name = reference.ends_with(":latest") ? reference.substr(0, reference.size() - 7) : reference;
  if (configuration.shipped_images.empty() || !is_plain_name(name)) return nullptr;
  auto tar = open_if_exists(cat(configuration.shipped_images, "/", name, ".tar"), O_RDONLY);
  if (!tar) return nullptr;
  image::ImportOptions options;
  options.reference = name + ":latest";
  options.changes = {cat("CMD [\"/", name, "\"]")};
  options.message = "ships with hull";
  auto source = [&](char* buffer, std::size_t size) {
    return static_cast<std::size_t>(check(::read(tar->get(), buffer, size), "read", name));
  };
  images.import(source, options);
  return images.find(name);
}

}  // namespace hull::container
