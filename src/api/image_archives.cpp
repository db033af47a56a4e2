// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/handlers.h"
#include "api/platforms.h"
#include "base/error.h"
#include "image/archive_writer.h"
#include "oci/json.h"

// docker save: GET /images/get and /images/{name}/get.
namespace hull::api {

namespace {

// Images here are for one platform: that of another is not there.
void check_platforms(const Call& call, const std::vector<image::SavedImage>& images) {
  for (const oci::Platform& wanted : archive_platforms(call)) {
    for (const auto& saved : images) {
      const auto& config = saved.image->config;
      if (!is_for(config, wanted))
        fail(Kind::kNotFound, "image ", saved.image->id, " is for ", config.os, "/", config.architecture,
             ", and does not provide the specified platform (", oci::to_string(wanted), ")");
    }
  }
}

void save(Call& call, const std::vector<std::string>& names) {
  if (names.empty()) fail_invalid("no image was named to be saved");
  auto& services = call.services();
  auto images = image::images_to_save(services.images, names);
  check_platforms(call, images);
  image::write_archive(services.database, call.engine.configuration().data_root, images, [&]() -> archive::Sink {
    call.response.begin(200, "application/x-tar");
    return [&response = call.response](std::string_view piece) { response.write(piece); };
  });
  for (const auto& saved : images) {
    container::Event event;
    event.type = "image";
    event.action = "save";
    event.actor_id = saved.image->id;
    event.attributes["name"] = saved.references.empty() ? saved.image->id : saved.references.front();
    services.events.publish(std::move(event));
  }
}

}  // namespace

void save_images(Call& call) { save(call, call.query.all("names")); }
void save_image(Call& call) { save(call, {call.parameter("name")}); }

}  // namespace hull::api
