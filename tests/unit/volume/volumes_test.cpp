// SPDX-License-Identifier: Apache-2.0
#include "volume/volumes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <gtest/gtest.h>

#include "base/file.h"

using namespace hull;
using volume::Volumes;

namespace {

class VolumesTest : public testing::Test {
 protected:
  VolumesTest() { reopen(); }
  void reopen() {
    volumes_.reset();
    database_.reset();
    database_ = store::Database::open(dir_.path() + "/data");
    volumes_ = std::make_unique<Volumes>(*database_, dir_.path() + "/data");
  }
  std::string refusal(Kind kind, const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), kind) << e.message();
      return e.message();
    }
    return "not refused";
  }

  TempDir dir_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<Volumes> volumes_;
};

}  // namespace

TEST_F(VolumesTest, CreatingAgainGivesTheSameOne) {
  bool existed = true;
  auto made = volumes_->create("data", "", {{"a", "b"}}, {}, &existed);
  EXPECT_FALSE(existed);
  auto again = volumes_->create("data", "local", {{"c", "d"}}, {}, &existed);
  EXPECT_TRUE(existed);
  EXPECT_EQ(again.labels, made.labels);
  EXPECT_EQ(made.mountpoint, dir_.path() + "/data/volumes/data/_data");
  reopen();
  EXPECT_EQ(volumes_->get("data").labels.at("a"), "b");
  EXPECT_EQ(volumes_->get("data").created, made.created);
}

TEST_F(VolumesTest, WithoutANameItIsAnonymous) {
  auto made = volumes_->create("", "", {}, {});
  EXPECT_EQ(made.name.size(), 64u);
  EXPECT_TRUE(made.anonymous);
  EXPECT_TRUE(made.labels.contains("com.docker.volume.anonymous"));
  EXPECT_TRUE(exists(made.mountpoint));
}

TEST_F(VolumesTest, RefusalsNameTheFault) {
  auto create = [&](const std::string& name, const std::string& driver, std::map<std::string, std::string> options) {
    return [=, this] { volumes_->create(name, driver, {}, options); };
  };
  for (const char* name : {"../up", "a/b", ".hidden", "a b", "-x", "\xff\xff"})
    EXPECT_NE(refusal(Kind::kInvalidArgument, create(name, "", {})).find("invalid characters"), std::string::npos);
  refusal(Kind::kInvalidArgument, create("x", "", {}));
  EXPECT_EQ(refusal(Kind::kInvalidArgument, create("vol", "", {{"x", "y"}})), "create vol: invalid option: \"x\"");
  EXPECT_EQ(refusal(Kind::kInvalidArgument, create("vol", "", {{"o", "ro"}})),
            "create vol: missing required option: \"device\"");
  refusal(Kind::kInvalidArgument, create("vol", "", {{"size", "1g"}}));
  refusal(Kind::kNotFound, create("vol", "nfs", {}));
  EXPECT_TRUE(volumes_->list().empty());
}

TEST_F(VolumesTest, RemovalAsDockerDoes) {
  EXPECT_EQ(refusal(Kind::kNotFound, [&] { volumes_->remove("none", false); }), "get none: no such volume");
  volumes_->remove("none", true);
  auto made = volumes_->create("data", "", {}, {});
  std::vector<std::string> users{"c1", "c2"};
  volumes_->set_who_names([&](const std::string&) { return users; });
  EXPECT_EQ(refusal(Kind::kConflict, [&] { volumes_->remove("data", true); }),
            "remove data: volume is in use - [c1, c2]");
  EXPECT_FALSE(volumes_->remove_if_unused("data"));
  users.clear();
  volumes_->remove("data", false);
  EXPECT_FALSE(exists(made.mountpoint));
  EXPECT_FALSE(volumes_->find("data"));
  reopen();
  EXPECT_TRUE(volumes_->list().empty());
  EXPECT_TRUE(list_directory(dir_.path() + "/data/incoming").empty());
}

TEST_F(VolumesTest, AVolumeThatWasChosenStaysUntilItsContainerIsKnown) {
  Volumes::Hold first, second;
  volumes_->create("data", "", {}, {}, nullptr, &first);
  volumes_->create("data", "", {}, {}, nullptr, &second);
  auto remove = [&] { volumes_->remove("data", true); };
  auto rename = [&] { volumes_->rename("data", "other"); };
  EXPECT_EQ(refusal(Kind::kConflict, remove), "remove data: volume is in use by a container that is being created");
  first.reset();
  refusal(Kind::kConflict, remove);
  refusal(Kind::kConflict, rename);
  second.reset();
  volumes_->rename("data", "other");
  EXPECT_TRUE(volumes_->remove_if_unused("other"));
  EXPECT_FALSE(volumes_->remove_if_unused("other"));
}

TEST_F(VolumesTest, ARemovalThatIsCutOffLeavesAllOrNothing) {
  auto whole = volumes_->create("whole", "", {}, {});
  auto gone = volumes_->create("gone", "", {}, {});
  for (const auto* volume : {&whole, &gone}) {
    write_file_atomically(volume->mountpoint + "/file", "content", 0600);
    write_file_atomically(volume->mountpoint + "/../removing", "", 0600);
  }
  database_->remove_volume("gone");
  reopen();
  EXPECT_TRUE(exists(whole.mountpoint + "/file"));
  EXPECT_FALSE(exists(whole.mountpoint + "/../removing"));
  EXPECT_FALSE(exists(gone.mountpoint));
}

TEST_F(VolumesTest, AnEmptyVolumeIsFilledFromTheImageAndAFullOneIsNot) {
  std::string image = dir_.path() + "/image";
  make_directories(image + "/sub");
  write_file_atomically(image + "/sub/file", "text", 0600);
  ASSERT_EQ(::chown((image + "/sub/file").c_str(), 7, 8), 0);
  ASSERT_EQ(::chmod((image + "/sub/file").c_str(), 04755), 0);
  ASSERT_EQ(::link((image + "/sub/file").c_str(), (image + "/same").c_str()), 0);
  ASSERT_EQ(::symlink("/etc/passwd", (image + "/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((image + "/pipe").c_str(), 0600), 0);
  ASSERT_EQ(::mknod((image + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  ASSERT_EQ(::setxattr((image + "/sub").c_str(), "trusted.note", "n", 1, 0), 0);
  timespec times[2] = {{1'500'000'000, 5}, {1'500'000'000, 123}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (image + "/sub").c_str(), times, 0), 0);
  ASSERT_EQ(::chmod(image.c_str(), 01777), 0);
  ASSERT_EQ(::chown(image.c_str(), 70, 71), 0);

  auto made = volumes_->create("data", "", {}, {});
  UniqueFd from = open_file(image, O_RDONLY | O_DIRECTORY);
  volumes_->populate("data", from.get());
  auto info = [&](const std::string& name) {
    struct stat found {};
    EXPECT_EQ(::lstat(cat(made.mountpoint, "/", name).c_str(), &found), 0) << name;
    return found;
  };
  EXPECT_EQ(info(".").st_mode & 07777, 01777u);
  EXPECT_EQ(info(".").st_uid, 70u);
  EXPECT_EQ(info("sub/file").st_mode & 07777, 04755u);
  EXPECT_EQ(info("sub/file").st_gid, 8u);
  EXPECT_EQ(info("sub/file").st_ino, info("same").st_ino);
  EXPECT_EQ(info("sub").st_mtim.tv_nsec, 123);
  EXPECT_TRUE(S_ISLNK(info("link").st_mode));
  EXPECT_TRUE(S_ISFIFO(info("pipe").st_mode));
  EXPECT_EQ(info("null").st_rdev, makedev(1, 3));
  char note = 0;
  EXPECT_EQ(::getxattr((made.mountpoint + "/sub").c_str(), "trusted.note", &note, 1), 1);
  EXPECT_EQ(read_file(made.mountpoint + "/same"), "text");

  write_file_atomically(image + "/later", "x");
  volumes_->populate("data", from.get());
  EXPECT_FALSE(exists(made.mountpoint + "/later"));
}

TEST_F(VolumesTest, WhatACrashLeftHalfFilledIsEmptiedByTheNextStart) {
  auto made = volumes_->create("data", "", {}, {});
  auto kept = volumes_->create("kept", "", {}, {});
  write_file_atomically(kept.mountpoint + "/file", "user's");
  write_file_atomically(made.mountpoint + "/half", "copied");
  write_file_atomically(dir_.path() + "/data/volumes/data/filling", "");
  reopen();
  EXPECT_TRUE(list_directory(made.mountpoint).empty());
  EXPECT_EQ(list_directory(dir_.path() + "/data/volumes/data"), std::vector<std::string>{"_data"});
  EXPECT_EQ(read_file(kept.mountpoint + "/file"), "user's");
}
