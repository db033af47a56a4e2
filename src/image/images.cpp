// SPDX-License-Identifier: Apache-2.0
#include "image/images.h"

#include "image/state.h"
#include "oci/reference.h"

namespace hull::image {

void Images::State::tell(const std::vector<Event>& events) {
  std::lock_guard guard(callback_mutex);
  if (!callback) return;
  for (const Event& event : events) callback(event.action, event.id, event.name);
}

void Images::State::commit(const store::ImageRow& image, const std::vector<store::StagedLayer>& layers,
                           const std::vector<std::string>& references, const std::string& manifest) {
  std::lock_guard guard(writer);
  snapshots.layers().commit(image, layers, references, manifest);
  publish();
}

Images::Images(store::Database& database, store::Snapshots& snapshots, std::string data_root)
    : state_(std::make_unique<State>(database, snapshots, std::move(data_root))) {
  state_->publish();
}

Images::~Images() = default;

Images::Deliveries& Images::deliveries() { return state_->deliveries; }

ImagePtr Images::find(std::string_view name) const { return state_->current()->find(name); }

ImagePtr Images::get(std::string_view name) const {
  if (auto image = find(name)) return image;
  fail(Kind::kNotFound, "No such image: ", name);
}

std::vector<ImagePtr> Images::list() const { return state_->current()->images; }

void Images::tag(std::string_view name, std::string_view new_reference) {
  auto reference = oci::Reference::parse(new_reference);
  if (!reference.digest.empty()) fail_invalid("refusing to create a tag with a digest reference");
  if (reference.familiar_name() == "sha256")
    fail_invalid("refusing to create an ambiguous tag using digest algorithm as name");
  ImagePtr image;
  {
    std::lock_guard guard(state_->writer);
    image = get(name);
    state_->database.set_reference({reference.canonical(), image->id});
    state_->publish();
  }
  state_->tell({{"tag", image->id, reference.familiar()}});
}

void Images::on_event(std::function<void(std::string_view, const std::string&, const std::string&)> callback) {
  std::lock_guard guard(state_->callback_mutex);
  state_->callback = std::move(callback);
}

}  // namespace hull::image
