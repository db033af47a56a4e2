// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "oci/platform.h"
#include "oci/reference.h"

// The table of contents of an image archive that lies unpacked in a directory: the manifest.json of `docker save`,
// or else the index.json of an OCI image layout (image-spec, image-layout.md).
namespace hull::image {

struct ArchivedLayer {
  std::string file;    // path in the archive
  std::string digest;  // of the file; "" when the archive does not say
  std::string media_type;
};

struct ArchivedImage {
  std::string config;                     // text of the image config
  std::string manifest, manifest_digest;  // of an OCI layout; else ""
  std::vector<ArchivedLayer> layers;      // bottom first
  std::vector<oci::Reference> references;
  std::string parent;  // the id of an image, in archives of Docker; "": none
};

// Of an index for several platforms, the image for `platform`. Throws Error{kInvalidArgument} for what is missing,
// damaged or neither kind of archive. Metadata is checked against its digests, layers are not.
std::vector<ArchivedImage> read_archive_index(int root, const oci::Platform& platform);

// A regular file of the archive, for reading; links are followed inside the archive only.
UniqueFd open_member(int root, const std::string& path);

}  // namespace hull::image
