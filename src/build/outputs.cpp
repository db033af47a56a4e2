// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>

#include "archive/tar_writer.h"
#include "base/file.h"
#include "build/annotations.h"
#include "build/builder_state.h"
#include "image/archive_writer.h"
#include "linux/detached_mount.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "store/layout.h"

// --output: what a build gives besides an image in the store.
namespace hull::build {

namespace {

constexpr std::string_view kTypes[] = {"local", "tar", "oci", "docker", "image", "registry", "cacheonly"};

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

// The names of an output: its own, or those of the build. Canonical.
Strings names_of(const Request& request, const Output& output) {
  Strings out;
  std::string own = output.attribute("name");
  Strings texts = request.tags;
  if (!own.empty()) {
    texts.clear();
    for (std::string_view one : split(own, ',')) texts.emplace_back(one);
  }
  for (const std::string& text : texts) out.push_back(oci::Reference::parse(text).canonical());
  return out;
}

void write_image(Shared& shared, const Assembled& built, const Request& request, const Output& output,
                 const archive::Sink& sink) {
  image::SavedImage saved;
  saved.image = shared.services().images.get(built.id);
  saved.references = names_of(request, output);
  Annotations annotations = annotations_of(request, output);
  saved.annotations = std::move(annotations.manifest);
  saved.descriptor_annotations = std::move(annotations.descriptor);
  image::write_archive(shared.services().database, shared.data_root, {saved}, [&] { return sink; });
}

void push(Shared& shared, const Request& request, const Output& output, Result& result, Observer& observer,
          const std::stop_token& stop) {
  Strings names = names_of(request, output);
  if (names.empty()) fail_invalid("a tag is needed when pushing to a registry: give -t, or name= of the output");
  for (const std::string& name : names) {
    image::PushRequest push;
    push.reference = oci::Reference::parse(name);
    if (!request.transfer) fail(Kind::kUnavailable, "there is no way to ", push.reference.domain);
    push.options = request.transfer(push.reference.domain);
    push.annotations = annotations_of(request, output).manifest;
    push.oci = output.is_set("oci-mediatypes");
    observer.message(cat("pushing ", push.reference.familiar()));
    auto report = [&](const image::TransferMessage& message) {
      if (message.digest.empty()) return;
      result.manifest_digest = message.digest;
      result.manifest_size = message.size;
      result.manifest_type = message.media_type;
    };
    shared.services().images.push(push, report, stop);
  }
}

void write_output(Shared& shared, const Assembled& image, const Request& request, const Output& output, Result& result,
                  Observer& observer, const std::stop_token& stop) {
  if (output.type == "cacheonly") return;
  if (output.stores_image()) {
    if (output.pushes()) push(shared, request, output, result, observer, stop);
    return;
  }
  observer.message(cat("exporting to ", output.type));
  archive::Sink sink = [&](std::string_view data) { write_all(output.destination.get(), data); };
  if (output.type == "local" || output.type == "tar") return write_files(shared, image, sink);
  write_image(shared, image, request, output, sink);
}

}  // namespace

void check_outputs(const Request& request) {
  for (const Output& output : request.outputs) {
    if (std::ranges::find(kTypes, output.type) == std::end(kTypes))
      fail_invalid("unknown output type ", quoted(output.type));
    if (!output.stores_image() && output.type != "cacheonly" && !output.destination)
      fail_invalid("output type=", output.type, " needs a destination");
    annotations_of(request, output);
    names_of(request, output);
  }
  annotations_of(request, {});
}

Result write_outputs(Shared& shared, const Assembled& image, const Request& request, Observer& observer,
                     const std::stop_token& stop) {
  bool wanted = request.outputs.empty(), archived = false, annotated = request.annotations.empty();
  Strings names;
  if (wanted) names = names_of(request, {});
  for (const Output& output : request.outputs) {
    bool archive = output.type == "docker" || output.type == "oci";
    annotated = annotated || archive || output.pushes();
    archived = archived || archive;
    if (!output.stores_image()) continue;
    wanted = true;
    for (const std::string& name : names_of(request, output))
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  if (!annotated)
    observer.warning("annotations belong to the manifest of an image, which it gets when it is pushed or exported", {});
  Result result;
  bool was_there = shared.services().images.find(image.id) != nullptr;
  if (wanted || archived) {
    shared.services().images.add_built(image.config, image.chain, image.size, names);
    result.image_id = image.id;
    if (wanted)
      for (const std::string& name : names) result.tags.push_back(oci::Reference::parse(name).familiar());
    else
      for (const std::string& tag : request.tags) result.tags.push_back(oci::Reference::parse(tag).familiar());
  }
  for (const Output& output : request.outputs) write_output(shared, image, request, output, result, observer, stop);
  // It was there for its archive only.
  if (archived && !wanted && !was_there)
    shared.services().images.remove(image.id, true, true,
                                    [](const auto&) { return std::optional<image::Images::Use>(); });
  return result;
}

}  // namespace hull::build
