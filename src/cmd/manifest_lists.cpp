// SPDX-License-Identifier: Apache-2.0
#include "manifest_lists.h"

#include <algorithm>

#include "base/base64.h"
#include "base/file.h"
#include "oci/image_manifest.h"

namespace hull::manifest_verbs {

namespace {

// As the docker CLI makes file names of references.
std::string file_name(const oci::Reference& reference) {
  std::string name = full_name(reference);
  std::ranges::replace(name, ':', '-');
  std::ranges::replace(name, '/', '_');
  return name;
}

Entry read_entry(const std::string& path) {
  Json file = parse_json(read_file(path));
  Entry entry;
  entry.reference = oci::Reference::parse(file.value("Ref", ""));
  entry.descriptor = file.value("Descriptor", Json::object());
  entry.raw = base64_decoded(file.value("Raw", "")).value_or("");
  if (entry.raw.empty()) fail_invalid("manifest list file ", path, " does not have the text of its manifest");
  return entry;
}

}  // namespace

std::string full_name(const oci::Reference& reference) {
  return reference.digest.empty() ? reference.canonical() : cat(reference.canonical_name(), "@", reference.digest);
}

Json to_json(const Entry& entry) {
  bool docker = entry.descriptor.value("mediaType", "") == oci::kMediaTypeDockerManifest;
  Json out;
  out["Ref"] = full_name(entry.reference);
  out["Descriptor"] = entry.descriptor;
  out["Raw"] = base64(entry.raw);
  out[docker ? "SchemaV2Manifest" : "OCIManifest"] = parse_json(entry.raw);
  return out;
}

std::string Lists::path_of(const oci::Reference& list) const { return cat(directory_, "/", file_name(list)); }

std::vector<Entry> Lists::entries(const oci::Reference& list) const {
  std::vector<Entry> found;
  std::string directory = path_of(list);
  for (const std::string& name : list_directory(directory)) found.push_back(read_entry(cat(directory, "/", name)));
  return found;
}

std::optional<Entry> Lists::entry(const oci::Reference& list, const oci::Reference& image) const {
  std::string path = cat(path_of(list), "/", file_name(image));
  if (!exists(path)) return std::nullopt;
  return read_entry(path);
}

void Lists::save(const oci::Reference& list, const Entry& entry) const {
  std::string directory = path_of(list);
  make_directories(directory, 0755);
  write_file_atomically(cat(directory, "/", file_name(entry.reference)), dump_json(to_json(entry)), 0644,
                        Durability::kProcessCrash);
}

void Lists::remove(const oci::Reference& list) const {
  std::string directory = path_of(list);
  if (!exists(directory)) fail(Kind::kNotFound, "No such manifest: ", full_name(list));
  remove_tree(directory);
}

}  // namespace hull::manifest_verbs
