// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "image/images.h"

namespace hull::image {

// All images and references as of one moment. Immutable once published.
struct Catalogue {
  std::vector<ImagePtr> images;  // newest first
  std::map<std::string, ImagePtr, std::less<>> by_id;
  std::map<std::string, std::string, std::less<>> references;  // canonical name to image id

  // As the database has it now.
  static std::shared_ptr<const Catalogue> read(store::Database& database);

  // nullptr when there is none; throws Error{kInvalidArgument} for what cannot be a name, and for an ambiguous id.
  ImagePtr find(std::string_view name) const;
  std::vector<std::string> references_of(const std::string& image_id) const;  // canonical, sorted

 private:
  ImagePtr find_by_id_prefix(std::string_view hex, std::string_view given) const;
};

// True when `name` is (the beginning of) the id, with or without "sha256:", and not a reference.
bool is_id_prefix(std::string_view id, std::string_view name);

}  // namespace hull::image
