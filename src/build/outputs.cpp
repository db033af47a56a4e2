// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "archive/tar_writer.h"
#include "base/file.h"
#include "build/builder_state.h"
#include "image/archive_writer.h"
#include "linux/detached_mount.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "store/layout.h"

// --output: what a build gives besides an image in the store.
namespace hull::build {

namespace {

// The files of the result, as a tar; "local" is unpacked by the client.
void write_files(Shared& shared, const Assembled& image, const archive::Sink& sink) {
  archive::TarWriter writer(sink);
  if (!image.chain.empty()) {
    linux::OverlayOptions options;
    for (auto layer = image.chain.rbegin(); layer != image.chain.rend(); ++layer)
      options.lower.push_back(store::layer_path(shared.data_root, *layer) + "/diff");
    auto mount = linux::mount_overlay(options);
    UniqueFd root(check(::openat(mount.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", "the result"));
    archive::TreeOptions tree;
    tree.root = "";
    archive::write_tree(root.get(), writer, tree);
  }
  writer.finish();
}

void write_image(Shared& shared, const Assembled& built, const Request& request, const Output& output,
                 const archive::Sink& sink) {
  image::SavedImage saved;
  saved.image = shared.services().images.get(built.id);
  auto names = output.attributes.find("name");
  Strings references = request.tags;
  if (names != output.attributes.end()) references = {names->second};
  for (const std::string& name : references)
    for (std::string_view one : split(name, ',')) saved.references.push_back(oci::Reference::parse(one).canonical());
  image::write_archive(shared.services().database, shared.data_root, {saved}, [&] { return sink; });
}

}  // namespace

void write_output(Shared& shared, const Assembled& image, const Request& request, const Output& output,
                  Observer& observer) {
  if (output.type == "image" || output.type == "cacheonly") return;
  if (output.type == "registry") fail(Kind::kNotImplemented, "output type=registry: push the image with `hull push`");
  if (!output.destination) fail_invalid("output type=", output.type, " needs a destination");
  observer.message(cat("exporting to ", output.type));
  archive::Sink sink = [&](std::string_view data) { write_all(output.destination.get(), data); };
  if (output.type == "local" || output.type == "tar") return write_files(shared, image, sink);
  if (output.type == "docker" || output.type == "oci") return write_image(shared, image, request, output, sink);
  fail_invalid("unknown output type ", quoted(output.type));
}

}  // namespace hull::build
