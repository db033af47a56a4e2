// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "oci/json.h"
#include "oci/reference.h"

// The manifest lists that `hull manifest create` begins and `push` sends: files beside config.json, in the form and
// under the names that the docker CLI has for them (manifests/<list>/<image>), so that either program goes on with what
// the other began.
namespace hull::manifest_verbs {

// One image of a list.
struct Entry {
  oci::Reference reference;
  Json descriptor;  // mediaType, digest, size, platform {architecture, os, …}
  std::string raw;  // the manifest's text
};
// As the file has it, and as `inspect --verbose` shows it.
Json to_json(const Entry& entry);
// "docker.io/library/debian:12": how a list or an image is called in files and messages.
std::string full_name(const oci::Reference& reference);

class Lists {
 public:
  explicit Lists(std::string directory) : directory_(std::move(directory)) {}

  // Empty when there is no such list. Sorted by the images' names.
  std::vector<Entry> entries(const oci::Reference& list) const;
  std::optional<Entry> entry(const oci::Reference& list, const oci::Reference& image) const;
  void save(const oci::Reference& list, const Entry& entry) const;
  // Error{kNotFound} when there is none.
  void remove(const oci::Reference& list) const;

 private:
  std::string path_of(const oci::Reference& list) const;
  std::string directory_;
};

}  // namespace hull::manifest_verbs
