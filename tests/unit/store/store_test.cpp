// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <thread>

#include "base/file.h"
#include "store/init_layer.h"
#include "store/layout.h"
#include "store/snapshots.h"

using namespace hull;
using namespace hull::store;

namespace {

const std::string kImage = "sha256:" + std::string(64, '1');
const std::string kLower = "sha256:" + std::string(64, 'a'), kUpper = "sha256:" + std::string(64, 'b');

class Store : public testing::Test {
 protected:
  Store() { reopen(); }
  void reopen() {
    snapshots_.reset();
    database_.reset();
    database_ = Database::open(root());
    snapshots_ = std::make_unique<Snapshots>(*database_, root());
  }
  std::string root() const { return dir_.path() + "/data"; }
  std::string at(const std::string& name) const { return cat(root(), "/", name); }

  StagedLayer staged(const std::string& chain_id, const std::string& parent, const std::string& file) {
    StagedLayer layer;
    layer.row = {chain_id, chain_id, parent, "", "", 4};
    layer.directory = incoming_path(root(), "test");
    make_directories(layer.directory + "/diff");
    write_file_atomically(cat(layer.directory, "/diff/", file), "text");
    return layer;
  }
  void add_image() {
    ImageRow image{kImage, "{}", "", {kLower, kUpper}, 8, 1};
    snapshots_->layers().commit(image, {staged(kLower, "", "low"), staged(kUpper, kLower, "up")},
                                {"docker.io/library/x:1"});
  }

  TempDir dir_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Snapshots> snapshots_;
};

template <class Work>
Kind kind_of(Work work) {
  try {
    work();
  } catch (const Error& e) {
    return e.kind();
  }
  return Kind::kNotModified;
}

TEST(InitLayer, IsSharedByLayersThatHaveNothingInItsPlaces) {
  TempDir root;
  auto layer = [&](const std::string& name, const std::string& place, mode_t mode) {
    std::string diff = cat(root.path(), "/", name, "/diff");
    make_directories(cat(diff, place));
    check(::chmod(cat(diff, place).c_str(), mode), "chmod", place);
    return diff;
  };
  make_directories(root.path() + "/incoming");
  std::string base = layer("base", "/etc", 0700), plain = layer("plain", "/usr/etc", 0755),
              changed = layer("changed", "/etc", 0750), top = layer("top", "/srv", 0755);
  auto init = [&](std::vector<std::string> layers) { return ensure_init_layer(root.path(), layers); };
  EXPECT_EQ(init({base}), root.path() + "/base/init");
  EXPECT_EQ(init({plain, base}), root.path() + "/base/init");
  EXPECT_EQ(init({top, changed, plain, base}), root.path() + "/changed/init");
  EXPECT_EQ(init({plain}), root.path() + "/plain/init");
  auto mode_of = [&](const std::string& path) {
    struct stat info {};
    check(::stat(cat(root.path(), path).c_str(), &info), "stat", path);
    return info.st_mode & 07777;
  };
  EXPECT_EQ(mode_of("/base/init/etc"), 0700U);
  EXPECT_EQ(mode_of("/changed/init/etc"), 0750U);
  EXPECT_EQ(mode_of("/plain/init/etc"), 0755U);
  EXPECT_TRUE(exists(root.path() + "/changed/init/etc/hosts"));
  EXPECT_FALSE(exists(root.path() + "/top/init"));
}

}  // namespace

TEST_F(Store, RowsComeBackInTheOrderOfTheirCreationAndSurviveAReopening) {
  database_->add_container({"id2", "b", "{\"s\":1}", "created"});
  database_->add_container({"id1", "a", "{}", "created"});
  database_->set_container_state("id2", "running", Sync::kFull);
  database_->set_container_spec("id1", "{\"new\":true}");
  database_->set_endpoint({"id1", "net", "1"});
  database_->set_endpoint({"id1", "net", "2"});
  database_->add_volume({"vol", "local", "{}", "{}", true, 42});
  reopen();
  auto rows = database_->containers();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].id, "id2");
  EXPECT_EQ(rows[0].state, "running");
  EXPECT_EQ(rows[1].spec, "{\"new\":true}");
  ASSERT_EQ(database_->endpoints().size(), 1u);
  EXPECT_EQ(database_->endpoints()[0].state, "2");
  EXPECT_TRUE(database_->volumes()[0].anonymous);
  EXPECT_EQ(database_->volumes()[0].created, 42);
  database_->remove_container("id2");
  database_->remove_container("id2");
  EXPECT_EQ(database_->containers().size(), 1u);
}

TEST_F(Store, TakenNamesAreConflictsAndChangeNothing) {
  database_->add_container({"id1", "a", "{}", "x"});
  database_->add_container({"id2", "b", "{}", "x"});
  EXPECT_EQ(kind_of([&] { database_->add_container({"id3", "a", "{}", "x"}); }), Kind::kConflict);
  EXPECT_EQ(kind_of([&] { database_->add_container({"id1", "c", "{}", "x"}); }), Kind::kConflict);
  EXPECT_EQ(kind_of([&] { database_->rename_container("id2", "a"); }), Kind::kConflict);
  EXPECT_EQ(database_->containers().size(), 2u);
  EXPECT_EQ(database_->containers()[1].name, "b");
  database_->add_volume({"v", "local", "{}", "{}", false, 1});
  EXPECT_EQ(kind_of([&] { database_->add_volume({"v", "local", "{}", "{}", false, 1}); }), Kind::kConflict);
}

TEST_F(Store, OneEnginePerDataRoot) {
  EXPECT_EQ(kind_of([&] { Database::open(root()); }), Kind::kConflict);
}

TEST_F(Store, ManyThreadsMayWrite) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        std::string id = cat("c", t, "-", i);
        database_->add_container({id, id, "{}", "created"});
        database_->set_container_state(id, "running", i % 10 == 0 ? Sync::kFull : Sync::kNormal);
        if (i % 2) database_->remove_container(id);
      }
    });
  threads.clear();
  EXPECT_EQ(database_->containers().size(), 100u);
}

TEST_F(Store, LayersLiveAsLongAsSomethingUsesThem) {
  add_image();
  EXPECT_EQ(read_file(layer_path(root(), kUpper) + "/diff/up"), "text");
  EXPECT_EQ(read_file(blob_path(root(), kImage)), "{}");
  snapshots_->prepare("box", {kLower, kUpper});
  snapshots_->layers().remove_image(kImage);
  EXPECT_FALSE(database_->image(kImage));
  EXPECT_TRUE(database_->references().empty());
  EXPECT_EQ(database_->layers().size(), 2u);
  snapshots_->remove("box");
  snapshots_->remove("box");
  snapshots_->empty_trash();
  EXPECT_TRUE(database_->layers().empty());
  for (const char* directory : {"layers", "snapshots", "blobs/sha256", "incoming/trash"})
    EXPECT_TRUE(list_directory(at(directory)).empty()) << directory;
}

TEST_F(Store, ASnapshotNeedsItsLayersAndIsMadeOnce) {
  EXPECT_EQ(kind_of([&] { snapshots_->prepare("box", {kLower}); }), Kind::kConflict);
  EXPECT_TRUE(database_->snapshots().empty());
  EXPECT_TRUE(list_directory(at("snapshots")).empty());
  add_image();
  snapshots_->prepare("box", {kLower});
  EXPECT_EQ(kind_of([&] { snapshots_->prepare("box", {kLower}); }), Kind::kConflict);
  EXPECT_EQ(database_->snapshots(), std::vector<std::string>{"box"});
  EXPECT_TRUE(exists(snapshots_->upper_directory("box")));
}

TEST_F(Store, AnImageWhoseLayerWasRemovedMeanwhileIsRefused) {
  ImageRow image{kImage, "{}", "", {kLower, kUpper}, 8, 1};
  EXPECT_EQ(kind_of([&] { snapshots_->layers().commit(image, {staged(kUpper, kLower, "up")}, {}); }), Kind::kConflict);
  EXPECT_TRUE(database_->images().empty());
}

TEST_F(Store, AMountShowsTheLayersAndTakesWritesIntoTheSnapshot) {
  add_image();
  ASSERT_EQ(::chown((layer_path(root(), kUpper) + "/diff").c_str(), 12, 34), 0);
  ASSERT_EQ(::chmod((layer_path(root(), kUpper) + "/diff").c_str(), 0711), 0);
  for (bool is_volatile : {false, true}) {
    snapshots_->prepare("box", {kLower, kUpper});
    for (int again = 0; again < 2; ++again) {
      auto mount = snapshots_->mount("box", is_volatile);
      struct stat info {};
      ASSERT_EQ(::fstat(mount.get(), &info), 0);
      EXPECT_EQ(info.st_uid, 12u);
      EXPECT_EQ(info.st_gid, 34u);
      EXPECT_EQ(info.st_mode & 07777, 0711u);
      EXPECT_EQ(::faccessat(mount.get(), "low", F_OK, 0), 0);
      EXPECT_EQ(::faccessat(mount.get(), "up", F_OK, 0), 0);
      UniqueFd file(::openat(mount.get(), "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
      ASSERT_TRUE(file.valid());
      write_all(file.get(), "written");
    }
    EXPECT_EQ(read_file(snapshots_->upper_directory("box") + "/new"), "written");
    EXPECT_EQ(snapshots_->size_rw("box"), 7);
    snapshots_->remove("box");
  }
  snapshots_->prepare("empty", {});
  auto mount = snapshots_->mount("empty");
  EXPECT_EQ(::faccessat(mount.get(), ".dockerenv", F_OK, 0), 0);
  EXPECT_EQ(::mkdirat(mount.get(), "made", 0755), 0);
  mount.reset();
  snapshots_->remove("empty");
}

TEST_F(Store, TheInitLayerKeepsTheImagesAttributesAndLeavesLinksAlone) {
  add_image();
  std::string diff = layer_path(root(), kLower) + "/diff";
  make_directories(diff + "/etc");
  ASSERT_EQ(::chmod((diff + "/etc").c_str(), 0700), 0);
  ASSERT_EQ(::chown((diff + "/etc").c_str(), 3, 4), 0);
  ASSERT_EQ(::symlink("elsewhere", (diff + "/dev").c_str()), 0);
  snapshots_->prepare("box", {kLower, kUpper});
  auto mount = snapshots_->mount("box");
  struct stat info {};
  ASSERT_EQ(::fstatat(mount.get(), "etc", &info, 0), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  EXPECT_EQ(info.st_uid, 3u);
  EXPECT_EQ(info.st_gid, 4u);
  EXPECT_EQ(::faccessat(mount.get(), "etc/hosts", F_OK, 0), 0);
  ASSERT_EQ(::fstatat(mount.get(), "dev", &info, AT_SYMLINK_NOFOLLOW), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  mount.reset();
  snapshots_->remove("box");
}

TEST_F(Store, TheNextStartRemovesWhatNoRowNames) {
  add_image();
  snapshots_->prepare("box", {kLower});
  make_directories(at("layers/") + std::string(64, 'f') + "/diff/deep");
  make_directories(at("snapshots/nobody/upper/file"));
  write_file_atomically(at("blobs/sha256/") + std::string(64, 'e'), "junk");
  make_directories(at("incoming/import-1/diff/usr"));
  make_directories(at("incoming/trash/1/x"));
  reopen();
  EXPECT_EQ(list_directory(at("layers")), (std::vector<std::string>{std::string(64, 'a'), std::string(64, 'b')}));
  EXPECT_EQ(list_directory(at("snapshots")), std::vector<std::string>{"box"});
  EXPECT_EQ(list_directory(at("blobs/sha256")), std::vector<std::string>{std::string(64, '1')});
  EXPECT_TRUE(list_directory(at("incoming")).empty());
}

TEST_F(Store, AKilledWriterLeavesAWholeDatabase) {
  snapshots_.reset();
  database_.reset();
  pid_t child = ::fork();
  if (child == 0) {
    auto database = Database::open(root());
    for (int i = 0;; ++i) database->add_container({cat("c", i), cat("n", i), "{}", "created"});
  }
  ::usleep(200'000);
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  reopen();
  auto rows = database_->containers();
  EXPECT_GT(rows.size(), 10u);
  EXPECT_EQ(rows.back().id, cat("c", rows.size() - 1));
}

TEST_F(Store, ReadyDirectoriesAreTakenByRenameAndMadeWhenThereIsNone) {
  int made = 0;
  ReadyDirectories ready(root(), 2, [&](const std::string& path) {
    ++made;
    make_directories(path + "/inside");
  });
  ready.fill();
  EXPECT_EQ(made, 2);
  EXPECT_EQ(list_directory(at("incoming")).size(), 2U);
  for (const char* name : {"snapshots/a", "snapshots/b", "snapshots/c"}) {
    ready.take(at(name));
    EXPECT_TRUE(exists(at(name) + "/inside"));
  }
  EXPECT_EQ(made, 3);
  EXPECT_TRUE(list_directory(at("incoming")).empty());

  ready.fill();
  for (const std::string& name : list_directory(at("incoming"))) remove_tree(cat(at("incoming"), "/", name));
  ready.take(at("snapshots/d"));  // what was made ahead is gone
  EXPECT_TRUE(exists(at("snapshots/d/inside")));
}
