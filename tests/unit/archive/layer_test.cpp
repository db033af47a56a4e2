// SPDX-License-Identifier: Apache-2.0
#include "archive/layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <gtest/gtest.h>

#include "archive/sha256.h"
#include "base/file.h"
#include "base/process.h"
#include "tar_text.h"

using namespace hull;
using namespace hull::archive;

namespace {

class Layer : public testing::Test {
 protected:
  ExtractedLayer extract(const std::string& tar) { return extract_layer(text_source(tar), root()); }
  std::string root() const { return dir_.path() + "/jail/diff"; }
  std::string at(const std::string& name) const { return cat(root(), "/", name); }
  std::string outside() const { return dir_.path() + "/outside"; }

  struct stat info(const std::string& name) const {
    struct stat found {};
    EXPECT_EQ(::lstat(at(name).c_str(), &found), 0) << name;
    return found;
  }
  bool is_whiteout(const std::string& name) const { return S_ISCHR(info(name).st_mode) && info(name).st_rdev == 0; }
  bool is_opaque(const std::string& name) const {
    char value = 0;
    return ::lgetxattr(at(name).c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
  }
  void expect_refused(const std::string& tar, const std::string& why) {
    try {
      extract(tar);
      ADD_FAILURE() << "not refused: " << why;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), Kind::kInvalidArgument) << e.message();
      EXPECT_NE(e.message().find(why), std::string::npos) << e.message();
    }
  }
  // Nothing but what the test made beside the jail.
  void expect_nothing_outside() const {
    EXPECT_EQ(list_directory(dir_.path()), (std::vector<std::string>{"jail", "outside"}));
    EXPECT_EQ(list_directory(outside()), std::vector<std::string>{"secret"});
    EXPECT_EQ(read_file(outside() + "/secret"), "keep");
  }

  void SetUp() override {
    make_directories(outside());
    write_file_atomically(outside() + "/secret", "keep");
  }

  TempDir dir_;
};

std::string gzipped(const std::string& text) {
  TempDir dir;
  write_file_atomically(dir.path() + "/in", text);
  EXPECT_EQ(run_program({"gzip", "-n", dir.path() + "/in"}).exit_code, 0);
  return read_file(dir.path() + "/in.gz");
}

}  // namespace

TEST_F(Layer, KeepsWhatTheArchiveSays) {
  TarText tar;
  Entry file = TarText::entry_of("usr/bin/tool", S_IFREG | 04755);
  file.uid = 1234;
  file.gid = 5678;
  file.size = 4;
  file.modified = {1'600'000'000, 123'456'789};
  file.attributes = {{"user.note", "hello"},
                     {"security.capability", std::string("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20)}};
  Entry fifo = TarText::entry_of("pipe", S_IFIFO | 0600);
  Entry device = TarText::entry_of("null", S_IFCHR | 0666);
  device.device = makedev(1, 3);
  tar.directory("./", 0750)
      .directory("usr/", 0711)
      .add(file, "text")
      .link("tool", "/usr/bin/tool")
      .add(fifo)
      .add(device);
  tar.hard_link("usr/same", "usr/bin/tool");
  ExtractedLayer layer = extract(tar.text());

  EXPECT_EQ(layer.size, 4);
  EXPECT_EQ(info("").st_mode & 07777, 0750u);
  EXPECT_EQ(info("usr").st_mode & 07777, 0711u);
  EXPECT_EQ(info("usr").st_mtim.tv_sec, 1'700'000'000);
  struct stat tool = info("usr/bin/tool");
  EXPECT_EQ(tool.st_mode & 07777, 04755u);
  EXPECT_EQ(tool.st_uid, 1234u);
  EXPECT_EQ(tool.st_gid, 5678u);
  EXPECT_EQ(tool.st_mtim.tv_sec, 1'600'000'000);
  EXPECT_EQ(tool.st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(tool.st_ino, info("usr/same").st_ino);
  EXPECT_TRUE(S_ISLNK(info("tool").st_mode));
  EXPECT_TRUE(S_ISFIFO(info("pipe").st_mode));
  EXPECT_EQ(info("null").st_rdev, makedev(1, 3));
  EXPECT_EQ(info("null").st_mode & 0777, 0666u);
  char value[64];
  EXPECT_EQ(::getxattr(at("usr/bin/tool").c_str(), "security.capability", value, sizeof value), 20);
  ssize_t note = ::getxattr(at("usr/bin/tool").c_str(), "user.note", value, sizeof value);
  EXPECT_TRUE(note < 0 || std::string(value, static_cast<std::size_t>(note)) == "hello");
}

TEST_F(Layer, TheDigestIsThatOfTheUncompressedStream) {
  TarText tar;
  std::string text = tar.file("a", "1").text() + std::string(10240, '\0');
  EXPECT_EQ(extract(text).diff_id, sha256_digest(text));
  ExtractedLayer again = extract(gzipped(text));
  EXPECT_EQ(again.diff_id, sha256_digest(text));
  EXPECT_EQ(again.compression, Compression::kGzip);
}

TEST_F(Layer, NamesThatClimbOutAreRefused) {
  for (const char* name : {"../outside/new", "a/../../outside/new", "/../outside/new", ".."}) {
    TarText tar;
    expect_refused(tar.file(name, "x").text(), "leads out of");
  }
  TarText tar;
  expect_refused(tar.file("a", "x").hard_link("b", "../outside/secret").text(), "leads out of");
  expect_nothing_outside();
}

TEST_F(Layer, AbsoluteNamesStayInside) {
  TarText tar;
  extract(tar.file("/etc/hostname", "x").file("//b//./c/../d", "y").text());
  EXPECT_EQ(read_file(at("etc/hostname")), "x");
  EXPECT_EQ(read_file(at("b/d")), "y");
}

TEST_F(Layer, SymbolicLinksCannotBeUsedToGetOut) {
  std::string up = "../../../../../../../../../../.." + outside();
  for (const std::string& target : {outside(), up, std::string("/"), std::string("../..")}) {
    TarText tar;
    tar.link("door", target).file("door" + outside() + "/new", "x").file("door/secret", "x");
    extract(tar.text());
    expect_nothing_outside();
    remove_tree(root());
  }
}

TEST_F(Layer, AFileReplacesASymbolicLinkInsteadOfFollowingIt) {
  TarText tar;
  extract(tar.link("log", outside() + "/secret").file("log", "new").text());
  EXPECT_EQ(read_file(at("log")), "new");
  expect_nothing_outside();
}

TEST_F(Layer, AReplacedDirectoryIsNotWrittenToAnyMore) {
  TarText tar;
  tar.directory("a").file("a/one", "1").link("a", outside()).file("a/two", "2");
  try {
    extract(tar.text());
  } catch (const Error&) {
    // Refused or confined, both are fine.
  }
  expect_nothing_outside();
}

TEST_F(Layer, HardLinksDoNotReachOut) {
  TarText tar;
  tar.link("door", outside()).hard_link("stolen", "door/secret");
  expect_refused(tar.text(), "not there");
  EXPECT_FALSE(exists(at("stolen")));
  expect_nothing_outside();
}

TEST_F(Layer, AHardLinkToItselfKeepsTheFile) {
  TarText tar;
  extract(tar.file("a", "text").hard_link("./a", "a").text());
  EXPECT_EQ(read_file(at("a")), "text");
}

TEST_F(Layer, OverlayAttributesOfTheArchiveAreDropped) {
  TarText tar;
  Entry entry = TarText::entry_of("a", S_IFDIR | 0755);
  entry.attributes = {{"trusted.overlay.redirect", "/etc"}, {"trusted.overlay.opaque", "y"}};
  extract(tar.add(entry).text());
  EXPECT_FALSE(is_opaque("a"));
  char value[16];
  EXPECT_LT(::getxattr(at("a").c_str(), "trusted.overlay.redirect", value, sizeof value), 0);
}

TEST_F(Layer, WhiteoutsBecomeWhatOverlayfsUnderstands) {
  TarText tar;
  tar.directory("d").file("d/.wh.gone", "").file("e/.wh..wh..opq", "").file("e/new", "1").file(".wh..wh.plnk", "");
  extract(tar.text());
  EXPECT_TRUE(is_whiteout("d/gone"));
  EXPECT_TRUE(is_opaque("e"));
  EXPECT_FALSE(is_opaque("d"));
  EXPECT_EQ(list_directory(root()), (std::vector<std::string>{"d", "e"}));
}

TEST_F(Layer, ADirectoryMadeAnewHidesTheOldOne) {
  TarText tar;
  tar.file(".wh.d", "")
      .directory("d")
      .file("d/a", "1")
      .directory("e")
      .file(".wh.e", "")
      .file("f", "2")
      .file(".wh.f", "");
  extract(tar.text());
  EXPECT_TRUE(is_opaque("d"));
  EXPECT_TRUE(is_opaque("e"));
  EXPECT_EQ(read_file(at("d/a")), "1");
  EXPECT_EQ(read_file(at("f")), "2");
}

TEST_F(Layer, StrangeNamesSurvive) {
  std::string latin1 = "caf\xe9", long_name(200, 'n'), utf8 = "grün/日本語", newline = "a\nb \\ \"";
  std::string deep;
  for (int i = 0; i < 12; ++i) deep += long_name + "/";
  TarText tar;
  tar.file(latin1, "1").file(utf8, "2").file(newline, "3").file(deep + "end", "4");
  extract(tar.text());
  EXPECT_EQ(read_file(at(latin1)), "1");
  EXPECT_EQ(read_file(at(utf8)), "2");
  EXPECT_EQ(read_file(at(newline)), "3");
  EXPECT_EQ(read_file(at(deep + "end")), "4");
}

TEST_F(Layer, LaterEntriesReplaceEarlierOnes) {
  TarText tar;
  tar.file("a", "1").file("a", "22").directory("b").file("b/x", "1").file("b", "flat").file("c", "1").directory("c");
  tar.file("d", "1").file("d/below", "2");
  extract(tar.text());
  EXPECT_EQ(read_file(at("a")), "22");
  EXPECT_EQ(read_file(at("b")), "flat");
  EXPECT_TRUE(S_ISDIR(info("c").st_mode));
  EXPECT_EQ(read_file(at("d/below")), "2");
}

TEST_F(Layer, CutOffAndForeignStreamsAreRefused) {
  TarText tar;
  std::string text = tar.file("a", std::string(100'000, 'x')).text();
  expect_refused(text.substr(0, 50'000), "runcated");
  expect_refused(
      "this is no archive, whatever it says of itself; it is long enough for one block though" + std::string(1000, 'x'),
      "invalid tar archive");
  std::string packed = gzipped(text);
  expect_refused(packed.substr(0, packed.size() - 10), "unexpected EOF");
}

TEST_F(Layer, SparseFilesStaySparse) {
  std::string tree = dir_.path() + "/jail/tree";
  make_directories(tree);
  {
    UniqueFd fd = open_file(tree + "/big", O_RDWR | O_CREAT, 0644);
    ASSERT_EQ(::ftruncate(fd.get(), 300 << 20), 0);
    ASSERT_EQ(::pwrite(fd.get(), "end", 3, (200 << 20)), 3);
  }
  for (const char* format : {"gnu", "posix"}) {
    auto made =
        run_program({"tar", "-C", tree, "-S", cat("--format=", format), "-cf", dir_.path() + "/jail/t.tar", "."});
    ASSERT_EQ(made.exit_code, 0) << made.errors;
    extract(read_file(dir_.path() + "/jail/t.tar"));
    EXPECT_EQ(info("big").st_size, 300 << 20);
    EXPECT_LT(info("big").st_blocks, 2048);
    UniqueFd fd = open_file(at("big"), O_RDONLY);
    char text[4] = {};
    EXPECT_EQ(::pread(fd.get(), text, 3, 200 << 20), 3);
    EXPECT_STREQ(text, "end");
  }
}

TEST_F(Layer, TenThousandFiles) {
  TarText tar;
  for (int i = 0; i < 10'000; ++i) tar.file(cat("d", i % 100, "/e", i % 7, "/f", i), cat(i));
  EXPECT_GT(extract(tar.text()).size, 0);
  EXPECT_EQ(read_file(at("d99/e3/f9999")), "9999");
  EXPECT_EQ(list_directory(at("d0")).size(), 7u);
}

TEST_F(Layer, ATreeSurvivesBeingWrittenAndExtractedAgain) {
  TarText tar;
  tar.directory("./").directory("d").file("d/.wh.gone", "").file("e/.wh..wh..opq", "").file("e/new", "1");
  tar.file("caf\xe9", "2").hard_link("same", "e/new").link("to", "e/new");
  extract(tar.text());
  auto written = [&](const std::string& directory) {
    std::string text;
    UniqueFd fd = open_file(directory, O_RDONLY | O_DIRECTORY);
    TarWriter writer([&](std::string_view data) { text += data; });
    write_tree(fd.get(), writer, Whiteouts::kOverlay);
    writer.finish();
    return text;
  };
  std::string first = written(root());
  extract_layer(text_source(first), dir_.path() + "/jail/again");
  EXPECT_TRUE(written(dir_.path() + "/jail/again") == first);
  remove_tree(root());
  extract(first);
  EXPECT_TRUE(is_whiteout("d/gone"));
  EXPECT_TRUE(is_opaque("e"));
  EXPECT_EQ(info("same").st_ino, info("e/new").st_ino);
}
