// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/id.h"
#include "image/state.h"
#include "oci/reference.h"

// docker rmi: names are taken away one by one; the image goes with its last one. The rules and the wording of the
// refusals are Docker's, which its clients show and test for.
namespace hull::image {

namespace {

using Uses = std::function<std::optional<Images::Use>(const std::string&)>;

std::string short_image_id(std::string_view id) { return short_id(id.substr(id.find(':') + 1)); }

[[noreturn]] void conflict(const std::string& id, bool can_be_forced, std::string_view why) {
  fail(Kind::kConflict, "conflict: unable to delete ", short_image_id(id), " (", can_be_forced ? "must" : "cannot",
       " be forced) - ", why);
}

// At most one tag, and nothing in a second repository.
bool is_single_reference(const std::vector<std::string>& references) {
  if (references.size() <= 1) return true;
  int tags = 0;
  std::set<std::string> repositories;
  for (const std::string& name : references) {
    auto reference = oci::Reference::parse(name);
    repositories.insert(reference.canonical_name());
    tags += reference.digest.empty();
  }
  return tags <= 1 && repositories.size() == 1;
}

// One removal, planned on one catalogue and then made.
class Removal {
 public:
  Removal(const Catalogue& catalogue, ImagePtr image, bool force, const Uses& in_use)
      : catalogue_(catalogue), image_(std::move(image)), force_(force), in_use_(in_use) {
    references_ = catalogue_.references_of(image_->id);
  }

  void plan_by_name(std::string_view name);
  void plan_by_id();
  const std::vector<std::string>& untagged() const { return untagged_; }  // canonical
  bool deletes() const { return deletes_; }

 private:
  void untag(const std::string& canonical);
  void drop_digests_of(const std::string& repository);
  void refuse_when_running(const std::optional<Images::Use>& use) const {
    if (use && use->running)
      conflict(image_->id, false, cat("image is being used by running container ", short_id(use->container_id)));
  }

  const Catalogue& catalogue_;
  ImagePtr image_;
  bool force_;
  const Uses& in_use_;
  std::vector<std::string> references_, untagged_;
  bool deletes_ = false;
};

void Removal::untag(const std::string& canonical) {
  std::erase(references_, canonical);
  untagged_.push_back(canonical);
}

// A digest says where an image came from; without a tag in that repository it is of no more use.
void Removal::drop_digests_of(const std::string& repository) {
  std::vector<std::string> digests;
  for (const std::string& name : references_) {
    auto reference = oci::Reference::parse(name);
    if (reference.canonical_name() != repository) continue;
    if (reference.digest.empty()) return;
    digests.push_back(name);
  }
  for (const std::string& name : digests) untag(name);
}

void Removal::plan_by_name(std::string_view name) {
  auto use = in_use_(image_->id);
  if (!force_ && use && is_single_reference(references_))
    fail(Kind::kConflict, "conflict: unable to remove repository reference ", hull::quoted(name),
         " (must force) - container ", short_id(use->container_id), " is using its referenced image ",
         short_image_id(image_->id));
  auto reference = oci::Reference::parse(name);
  if (!reference.digest.empty()) reference.tag.clear();
  untag(reference.canonical());
  if (reference.digest.empty()) drop_digests_of(reference.canonical_name());
  // A container keeps its image, now without a name; the name is gone all the same.
  deletes_ = references_.empty() && !(use && use->running);
}

void Removal::plan_by_id() {
  auto use = in_use_(image_->id);
  refuse_when_running(use);
  if (!force_) {
    if (!is_single_reference(references_)) conflict(image_->id, true, "image is referenced in multiple repositories");
    if (use) conflict(image_->id, true, cat("image is being used by stopped container ", short_id(use->container_id)));
  }
  while (!references_.empty()) untag(std::string(references_.front()));
  deletes_ = true;
}

}  // namespace

Removed Images::remove(std::string_view name, bool force, bool /*prune_children: images have no parents here*/,
                       const std::function<std::optional<Use>(const std::string& image_id)>& in_use) {
  Removed removed;
  std::vector<Event> events;
  {
    std::lock_guard guard(state_->writer);
    auto catalogue = state_->current();
    ImagePtr image = get(name);
    Removal removal(*catalogue, image, force, in_use);
    if (is_id_prefix(image->id, name))
      removal.plan_by_id();
    else
      removal.plan_by_name(name);

    for (const std::string& canonical : removal.untagged()) {
      removed.untagged.push_back(oci::Reference::parse(canonical).familiar());
      events.push_back({"untag", image->id, removed.untagged.back()});
    }
    if (removal.deletes()) {
      state_->snapshots.layers().remove_image(image->id);
      removed.deleted.push_back(image->id);
      events.push_back({"delete", image->id, image->id});
    } else {
      for (const std::string& canonical : removal.untagged()) state_->database.remove_reference(canonical);
    }
    state_->publish();
  }
  state_->tell(events);
  return removed;
}

}  // namespace hull::image
