// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "archive/decompress.h"
#include "archive/tar_reader.h"
#include "archive/tar_writer.h"
#include "archive/tree_copy.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/rollback.h"
#include "linux/root_dir.h"
#include "volume/local_mount.h"
#include "volume/state.h"

// What is in a volume: copied from an image, written as an archive and read back.
namespace hull::volume {

namespace {

bool is_empty(int directory) { return list_directory(cat("/proc/self/fd/", directory)).empty(); }

UniqueFd open_contents(const Volume& volume) { return open_file(volume.mountpoint, O_RDONLY | O_DIRECTORY); }

// A user of a volume for as long as something is done to it.
class Use {
 public:
  Use(Volumes& volumes, std::string name)
      : volumes_(volumes), name_(std::move(name)), user_("engine " + random_hex(8)) {
    volumes_.use(name_, user_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { volumes_.release(name_, user_); }

 private:
  Volumes& volumes_;
  std::string name_, user_;
};

void place_all(const archive::Source& plain, int root) {
  archive::TarReader reader(plain);
  archive::Placement placement(root, archive::Whiteouts::kLiteral);
  while (const archive::Entry* entry = reader.next()) placement.place(*entry, reader);
  placement.finish();
}

}  // namespace

void Volumes::State::empty_half_filled(const Volume& volume) const {
  for (const std::string& entry : list_directory(volume.mountpoint)) remove_tree(cat(volume.mountpoint, "/", entry));
  remove_tree(filling_mark(volume.name));
}

void Volumes::State::recover_half_filled(const Volume& volume) const {
  if (!has_mount(volume)) return empty_half_filled(volume);
  // It is not mounted now, and mounting may wait for a server.
  log::warn("files were being copied into the volume ", volume.name,
            " when the engine ended: it may have a part of them");
  remove_tree(filling_mark(volume.name));
}

// What is half copied must not look like content that was there, also after a crash: the mark is seen by the next
// start. (Copying elsewhere and renaming would take the directory away from under those who have it mounted.)
void Volumes::State::fill(const Volume& volume, const std::function<void(int directory)>& work) {
  UniqueFd target = open_contents(volume);
  std::string mark = filling_mark(volume.name);
  write_file_atomically(mark, "", 0600, Durability::kProcessCrash);
  Rollback rollback;
  rollback.add("copied files", [&] { empty_half_filled(volume); });
  fault::point("volume.filling");
  work(target.get());
  fault::point("volume.filled");
  rollback.commit();
  check(::unlink(mark.c_str()), "unlink", mark);
}

void Volumes::populate(const std::string& name, int image_directory, const std::string& subpath) {
  Volume volume = get(name);
  Use use(*this, name);
  auto turn = state_->turn(name);
  std::lock_guard guard(*turn);
  UniqueFd contents = open_contents(volume);
  if (!subpath.empty()) {
    auto part = linux::RootDir(contents.get()).open_beneath(subpath, O_RDONLY | O_DIRECTORY);
    if (part && is_empty(part->get())) archive::copy_tree(image_directory, part->get());
    return;
  }
  if (!is_empty(contents.get())) return;
  state_->fill(volume, [&](int target) { archive::copy_tree(image_directory, target); });
}

void Volumes::write_archive(const std::string& name, const std::function<archive::Sink()>& begin) {
  Volume volume = get(name);
  Use use(*this, name);
  UniqueFd directory = open_contents(volume);
  archive::TarWriter writer(begin());
  archive::write_tree(directory.get(), writer, archive::Whiteouts::kLiteral);
  writer.finish();
}

void Volumes::read_archive(const std::string& name, archive::Source tar) {
  Volume volume = get(name);
  Use use(*this, name);
  auto turn = state_->turn(name);
  std::lock_guard guard(*turn);
  if (!is_empty(open_contents(volume).get()))
    fail(Kind::kConflict, "import ", name, ": the volume is not empty: import into a new one");
  archive::Source plain = archive::decompress(std::move(tar));
  state_->fill(volume, [&](int target) {
    place_all(plain, target);
    archive::drain(plain);
  });
}

}  // namespace hull::volume
