// SPDX-License-Identifier: Apache-2.0
#include "image/images.h"

#include <fcntl.h>

#include <gtest/gtest.h>

#include <thread>

#include "../archive/tar_text.h"
#include "archive/sha256.h"
#include "base/file.h"
#include "base/process.h"
#include "mutation.h"
#include "oci/json.h"

using namespace hull;
using archive::TarText;
using archive::text_source;
using image::ImagePtr;
using image::Images;

namespace {

class ImagesTest : public testing::Test {
 protected:
  ImagesTest() { reopen(); }
  void reopen() {
    images_.reset();
    snapshots_.reset();
    database_.reset();
    database_ = store::Database::open(root());
    snapshots_ = std::make_unique<store::Snapshots>(*database_, root());
    images_ = std::make_unique<Images>(*database_, *snapshots_, root());
    images_->on_event([this](std::string_view action, const std::string&, const std::string& name) {
      events_.push_back(cat(action, " ", name.starts_with("sha256:") ? "ID" : name));
    });
  }
  std::string root() const { return dir_.path() + "/data"; }
  std::string at(const std::string& name) const { return cat(root(), "/", name); }

  std::string import(const std::string& reference, const std::string& content = "text") {
    TarText tar;
    return images_->import(text_source(tar.directory("./").file("file", content).text()), {reference, {}, "", ""});
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
  void expect_nothing_left() {
    snapshots_->empty_trash();
    EXPECT_TRUE(database_->images().empty());
    EXPECT_TRUE(database_->layers().empty());
    EXPECT_TRUE(database_->references().empty());
    for (const char* directory : {"layers", "blobs/sha256", "incoming/trash"})
      EXPECT_TRUE(list_directory(at(directory)).empty()) << directory;
    for (const std::string& name : list_directory(at("incoming"))) EXPECT_EQ(name, "trash");
  }
  static std::optional<Images::Use> unused(const std::string&) { return std::nullopt; }
  std::string config_of(const std::vector<std::string>& layers) {
    oci::ImageConfig config;
    config.created = "2026-01-02T03:04:05Z";
    config.architecture = "amd64";
    config.os = "linux";
    config.config.env = {"A=b"};
    for (const std::string& layer : layers) config.rootfs.diff_ids.push_back(archive::sha256_digest(layer));
    return dump_json(to_json(config));
  }

  TempDir dir_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<store::Snapshots> snapshots_;
  std::unique_ptr<Images> images_;
  std::vector<std::string> events_;
};

std::string gzipped(const std::string& text) {
  TempDir dir;
  write_file_atomically(dir.path() + "/in", text);
  EXPECT_EQ(run_program({"gzip", "-n", dir.path() + "/in"}).exit_code, 0);
  return read_file(dir.path() + "/in.gz");
}

std::string descriptor(const std::string& type, const std::string& content, const std::string& more = "") {
  return cat(R"({"mediaType":")", type, R"(","digest":")", archive::sha256_digest(content), R"(","size":)",
             content.size(), more, "}");
}
std::string blob_name(const std::string& content) {
  return "blobs/sha256/" + archive::sha256_digest(content).substr(7);
}
constexpr std::string_view kManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";

}  // namespace

TEST_F(ImagesTest, AnImportIsAnImageOfOneLayer) {
  TarText tar;
  std::string text = tar.directory("./").file("etc/motd", "hello").text();
  std::string id =
      images_->import(text_source(gzipped(text)), {"my/app:1", {"CMD [\"/bin/sh\"]", "ENV A=b"}, "a message", ""});
  ImagePtr image = images_->get("my/app:1");
  EXPECT_EQ(image->id, id);
  EXPECT_EQ(image->tags, std::vector<std::string>{"my/app:1"});
  EXPECT_EQ(image->size, 5);
  EXPECT_EQ(image->config.os, "linux");
  EXPECT_EQ(image->config.config.cmd, std::vector<std::string>{"/bin/sh"});
  EXPECT_EQ(image->config.history.at(0).comment, "a message");
  EXPECT_EQ(image->config.rootfs.diff_ids, std::vector<std::string>{archive::sha256_digest(text)});
  EXPECT_EQ(read_file(at("layers/") + image->layer_chain_ids.at(0).substr(7) + "/diff/etc/motd"), "hello");
  EXPECT_EQ(archive::sha256_digest(read_file(at("blobs/sha256/") + id.substr(7))), id);
  EXPECT_TRUE(list_directory(at("incoming")).empty());
  EXPECT_EQ(events_, (std::vector<std::string>{"import my/app:1", "tag my/app:1"}));
  reopen();
  EXPECT_EQ(images_->get("my/app:1")->id, id);
  EXPECT_EQ(images_->list().size(), 1u);
}

TEST_F(ImagesTest, AFailedImportLeavesNothing) {
  TarText tar;
  std::string text = tar.file("a", std::string(100'000, 'x')).text();
  std::string packed = gzipped(text + text + text);
  refusal(Kind::kInvalidArgument, [&] { images_->import(text_source(text.substr(0, 50'000)), {"x", {}, "", ""}); });
  refusal(Kind::kInvalidArgument, [&] {
    images_->import(text_source(packed.substr(0, packed.size() / 2)), {"x", {}, "", ""});
  });
  refusal(Kind::kInvalidArgument, [&] { images_->import(text_source(text), {"Bad", {}, "", ""}); });
  refusal(Kind::kInvalidArgument, [&] { images_->import(text_source(text), {"x", {"RUN true"}, "", ""}); });
  refusal(Kind::kCancelled, [&] {
    images_->import([](char*, std::size_t) -> std::size_t { fail(Kind::kCancelled, "the client went away"); },
                    {"x", {}, "", ""});
  });
  expect_nothing_left();
  EXPECT_TRUE(events_.empty());
}

TEST_F(ImagesTest, LookUpByEveryName) {
  std::string id = import("debian:12");
  std::string hex = id.substr(7);
  for (const std::string& name : {id, hex, hex.substr(0, 12), "sha256:" + hex.substr(0, 5), std::string("debian:12"),
                                  std::string("docker.io/library/debian:12"), std::string("library/debian:12")})
    EXPECT_EQ(images_->get(name)->id, id) << name;
  EXPECT_EQ(refusal(Kind::kNotFound, [&] { images_->get("debian"); }), "No such image: debian");
  EXPECT_EQ(refusal(Kind::kNotFound, [&] { images_->get("debian:" + hex); }), "No such image: debian:" + hex);
  EXPECT_EQ(refusal(Kind::kInvalidArgument, [&] { images_->get("debian:" + id); }), "invalid reference format");
  EXPECT_EQ(refusal(Kind::kNotFound, [&] { images_->get(std::string(64, '0')); }),
            "No such image: " + std::string(64, '0'));
  EXPECT_EQ(images_->find("none:at-all"), nullptr);
}

TEST_F(ImagesTest, AnAmbiguousPrefixIsRefused) {
  std::map<char, int> first;
  std::string shared;
  for (int i = 0; i < 17 && shared.empty(); ++i) {
    char c = import("", cat(i))[7];
    if (++first[c] == 2) shared = c;
  }
  EXPECT_NE(refusal(Kind::kInvalidArgument, [&] { images_->get("sha256:" + shared); }).find("ambiguous"),
            std::string::npos);
}

TEST_F(ImagesTest, ATagMovesAndLeavesTheOldImageWithoutOne) {
  std::string one = import("app:1", "1"), two = import("app:1", "2");
  EXPECT_EQ(images_->get("app:1")->id, two);
  EXPECT_TRUE(images_->get(one)->tags.empty());
  EXPECT_EQ(images_->list().at(0)->id, two);
  images_->tag(one, "other");
  EXPECT_EQ(images_->get("other:latest")->id, one);
  EXPECT_EQ(refusal(Kind::kInvalidArgument, [&] { images_->tag(one, "sha256:abc"); }),
            "refusing to create an ambiguous tag using digest algorithm as name");
  refusal(Kind::kInvalidArgument, [&] { images_->tag(one, "a@" + one); });
  EXPECT_EQ(refusal(Kind::kNotFound, [&] { images_->tag("none", "x"); }), "No such image: none");
}

TEST_F(ImagesTest, RemovalUntagsFirstAndDeletesLast) {
  std::string id = import("app:1");
  images_->tag("app:1", "app:2");
  auto removed = images_->remove("app:1", false, true, unused);
  EXPECT_EQ(removed.untagged, std::vector<std::string>{"app:1"});
  EXPECT_TRUE(removed.deleted.empty());
  removed = images_->remove("app:2", false, true, unused);
  EXPECT_EQ(removed.untagged, std::vector<std::string>{"app:2"});
  EXPECT_EQ(removed.deleted, std::vector<std::string>{id});
  EXPECT_EQ(refusal(Kind::kNotFound, [&] { images_->remove("app:2", true, true, unused); }), "No such image: app:2");
  expect_nothing_left();
  EXPECT_EQ(events_, (std::vector<std::string>{"import app:1", "tag app:1", "tag app:2", "untag app:1", "untag app:2",
                                               "delete ID"}));
}

TEST_F(ImagesTest, ConflictsAreInDockersWords) {
  std::string id = import("app:1"), short_hex = id.substr(7, 12), box(64, 'c');
  auto used = [&](bool running) {
    return [=](const std::string&) { return std::optional<Images::Use>({box, running}); };
  };
  auto conflict = [&](const std::string& name, bool force, bool running) {
    return refusal(Kind::kConflict, [&] { images_->remove(name, force, true, used(running)); });
  };
  EXPECT_EQ(conflict("app:1", false, false),
            "conflict: unable to remove repository reference \"app:1\" (must force) - container cccccccccccc is using "
            "its referenced image " +
                short_hex);
  EXPECT_EQ(conflict(id, false, false),
            "conflict: unable to delete " + short_hex +
                " (must be forced) - image is being used by stopped container cccccccccccc");
  EXPECT_EQ(conflict(id, true, true),
            "conflict: unable to delete " + short_hex +
                " (cannot be forced) - image is being used by running container cccccccccccc");
  images_->tag(id, "other:1");
  EXPECT_EQ(
      refusal(Kind::kConflict, [&] { images_->remove(short_hex, false, true, unused); }),
      "conflict: unable to delete " + short_hex + " (must be forced) - image is referenced in multiple repositories");
  EXPECT_EQ(images_->get(id)->tags.size(), 2u);
  // A running container keeps its image, not its names.
  images_->remove("other:1", true, true, used(true));
  auto removed = images_->remove("app:1", true, true, used(true));
  EXPECT_TRUE(removed.deleted.empty());
  EXPECT_TRUE(images_->get(id)->tags.empty());
  images_->tag(id, "a:1");
  images_->tag(id, "b:1");
  removed = images_->remove(id, true, true, used(false));
  EXPECT_EQ(removed.untagged, (std::vector<std::string>{"a:1", "b:1"}));
  EXPECT_EQ(removed.deleted, std::vector<std::string>{id});
  expect_nothing_left();
}

TEST_F(ImagesTest, ADockerArchiveIsLoaded) {
  TarText low, up;
  std::string first = low.directory("./").file("a", "1").file("b", "1").text(),
              second = up.file(".wh.a", "").file("c", "2").text();
  std::string config = config_of({first, second});
  TarText tar;
  tar.file("x/layer.tar", first)
      .file("y.tar.gz", gzipped(second))
      .link("z/layer.tar", "../x/layer.tar")
      .file("c.json", config);
  tar.file("manifest.json",
           R"([{"Config":"c.json","RepoTags":["app:1","app:2"],"Layers":["z/layer.tar","y.tar.gz"]}])");
  EXPECT_EQ(images_->load(text_source(gzipped(tar.text()))),
            (std::vector<std::string>{"Loaded image: app:1", "Loaded image: app:2"}));
  ImagePtr image = images_->get("app:2");
  EXPECT_EQ(image->id, archive::sha256_digest(config));
  EXPECT_EQ(image->size, 3);
  EXPECT_EQ(image->config.config.env, std::vector<std::string>{"A=b"});
  EXPECT_TRUE(list_directory(at("incoming")).empty());

  snapshots_->prepare("box", image->layer_chain_ids);
  auto mount = snapshots_->mount("box");
  EXPECT_EQ(list_directory(cat("/proc/self/fd/", mount.get())),
            (std::vector<std::string>{".dockerenv", "b", "c", "dev", "etc", "proc", "sys"}));
  mount.reset();
  snapshots_->remove("box");
  images_->remove("app:1", true, true, unused);
  images_->remove("app:2", true, true, unused);
  expect_nothing_left();
}

// Larger than what is left lying until it is known what it is.
std::string noise(std::size_t size, unsigned seed) {
  std::string text;
  for (unsigned x = seed; text.size() < size; x = x * 1664525 + 1013904223) text += static_cast<char>(x >> 24);
  return text;
}

TEST_F(ImagesTest, LargeLayersAreExtractedAsTheyCome) {
  TarText low, up, unused_layer;
  std::string first = low.directory("./").file("a", noise(300'000, 1)).file("b", "1").text(),
              second = up.file(".wh.a", "").file("c", noise(100'000, 2)).text(),
              nobodys = unused_layer.file("../../../escape", noise(50'000, 3)).text();
  // The lowest content once more on top: a directory of its own, of the same member.
  std::string config = config_of({first, second, first, second});
  std::string manifest = R"([{"Config":"c.json","RepoTags":["app:1"],
      "Layers":["z/layer.tar","y.tar.gz","x/layer.tar","y.tar.gz"]}])";
  TarText tar;
  tar.file("nobodys.tar", nobodys)
      .file("x/layer.tar", nobodys)  // is replaced
      .file("x/layer.tar", first)
      .file("y.tar.gz", gzipped(second))
      .link("z/layer.tar", "../x/layer.tar")
      .file("c.json", config)
      .file("manifest.json", manifest);
  EXPECT_EQ(images_->load(text_source(tar.text())), (std::vector<std::string>{"Loaded image: app:1"}));
  ImagePtr image = images_->get("app:1");
  ASSERT_EQ(image->layer_chain_ids.size(), 4u);
  EXPECT_EQ(image->size, 2 * (300'001 + 100'000));
  for (int i : {0, 2}) {
    std::string layer = at("layers/") + image->layer_chain_ids[static_cast<std::size_t>(i)].substr(7);
    EXPECT_EQ(read_file(layer + "/diff/a"), noise(300'000, 1));
    EXPECT_TRUE(exists(layer + "/tar-split"));
  }
  EXPECT_EQ(read_file(at(blob_name(gzipped(second)))), gzipped(second));
  EXPECT_TRUE(list_directory(at("incoming")).empty());
  images_->remove("app:1", true, true, unused);
  expect_nothing_left();
}

TEST_F(ImagesTest, LargeLayersThatAreNoneAreRefusedWhenTheyAreNeeded) {
  TarText good, bad;
  std::string text = good.file("a", noise(50'000, 1)).text(), hostile = bad.file("../a", noise(50'000, 2)).text();
  std::string packed = gzipped(text);
  auto load = [&](const std::string& content, const std::string& config) {
    TarText tar;
    tar.file("l.tar", content).file("c.json", config);
    tar.file("manifest.json", R"([{"Config":"c.json","RepoTags":null,"Layers":["l.tar"]}])");
    return refusal(Kind::kInvalidArgument, [&] { images_->load(text_source(tar.text())); });
  };
  EXPECT_NE(load(hostile, config_of({hostile})).find("leads out of the archive's root"), std::string::npos);
  EXPECT_NE(load(packed.substr(0, packed.size() / 2), config_of({text})).find("unexpected EOF"), std::string::npos);
  EXPECT_NE(load(text, config_of({hostile})).find("invalid diffID for layer 0"), std::string::npos);
  // Nor does an archive that is cut off leave anything.
  TarText tar;
  std::string whole = tar.file("l.tar", text).text();
  refusal(Kind::kInvalidArgument, [&] { images_->load(text_source(whole.substr(0, whole.size() / 2))); });
  refusal(Kind::kCancelled, [&] {
    images_->load([rest = std::string_view(whole).substr(0, whole.size() / 2)](char* buffer, std::size_t size) mutable {
      if (rest.empty()) fail(Kind::kCancelled, "the client went away");
      size = rest.copy(buffer, size);
      rest.remove_prefix(size);
      return size;
    });
  });
  expect_nothing_left();
}

TEST_F(ImagesTest, AnOciLayoutIsLoadedAndItsBlobsAreKept) {
  TarText layer;
  std::string text = layer.file("a", "1").text(), packed = gzipped(text), config = config_of({text});
  std::string manifest =
      cat(R"({"schemaVersion":2,"config":)", descriptor("application/vnd.oci.image.config.v1+json", config),
          R"(,"layers":[)", descriptor(std::string(kLayerGzip), packed), "]}");
  auto layout = [&](const std::string& layer_content, const std::string& annotations) {
    TarText tar;
    tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    tar.file(blob_name(packed), layer_content).file(blob_name(config), config).file(blob_name(manifest), manifest);
    tar.file("index.json", cat(R"({"schemaVersion":2,"manifests":[)",
                               descriptor(std::string(kManifest), manifest, annotations), "]}"));
    return tar.text();
  };
  EXPECT_EQ(
      images_->load(text_source(layout(packed, R"(,"annotations":{"org.opencontainers.image.ref.name":"latest"})"))),
      std::vector<std::string>{"Loaded image ID: " + archive::sha256_digest(config)});
  EXPECT_EQ(images_->load(
                text_source(layout(packed, R"(,"annotations":{"io.containerd.image.name":"docker.io/library/a:1"})"))),
            std::vector<std::string>{"Loaded image: a:1"});
  EXPECT_EQ(images_->list().size(), 1u);
  EXPECT_EQ(images_->get("a:1")->manifest_digest, archive::sha256_digest(manifest));
  EXPECT_EQ(read_file(at(blob_name(packed))), packed);
  EXPECT_EQ(read_file(at(blob_name(manifest))), manifest);
  images_->remove("a:1", false, true, unused);
  expect_nothing_left();

  std::string other = gzipped("not that");
  EXPECT_NE(refusal(Kind::kInvalidArgument, [&] { images_->load(text_source(layout(other, ""))); }), "");
  expect_nothing_left();
}

TEST_F(ImagesTest, DamagedArchivesAreRefusedAndLeaveNothing) {
  TarText layer, other;
  std::string text = layer.file("a", "1").text(), foreign = other.file("a", "2").text(), config = config_of({text});
  auto load = [&](const std::string& manifest, const std::string& content) {
    TarText tar;
    tar.file("l.tar", content).file("c.json", config);
    if (!manifest.empty()) tar.file("manifest.json", manifest);
    return refusal(Kind::kInvalidArgument, [&] { images_->load(text_source(tar.text())); });
  };
  EXPECT_EQ(load(R"([{"Config":"c.json","RepoTags":null,"Layers":["l.tar"]}])", foreign),
            cat("invalid diffID for layer 0: expected \"", archive::sha256_digest(text), "\", got \"",
                archive::sha256_digest(foreign), "\""));
  EXPECT_EQ(load(R"([{"Config":"c.json","Layers":[]}])", text),
            "invalid manifest, layers length mismatch: expected 1, got 0");
  EXPECT_EQ(load(R"([{"Config":"none.json","Layers":["l.tar"]}])", text),
            "invalid image archive: it has no file \"none.json\"");
  load(R"([{"Config":"c.json","Layers":["/../../../../etc/passwd"]}])", text);
  load(R"([{"Config":"c.json","RepoTags":["BAD"],"Layers":["l.tar"]}])", text);
  load("[[[", text);
  load("", text);
  expect_nothing_left();
}

TEST_F(ImagesTest, ArchivesWithAnythingInThemLeaveTheStoreWhole) {
  TarText low, up;
  std::string first = low.directory("./").file("a", noise(20'000, 1)).hard_link("b", "a").text(),
              second = up.file(".wh.a", "").file("c", "2").text(), config = config_of({first, second});
  std::string manifest =
      cat(R"({"schemaVersion":2,"config":)", descriptor("application/vnd.oci.image.config.v1+json", config),
          R"(,"layers":[)", descriptor(std::string(kLayerGzip), gzipped(first)), ",",
          descriptor(std::string(kLayerGzip), gzipped(second)), "]}");
  TarText docker, layout;
  docker.file("x/layer.tar", first).link("y.tar", "x/layer.tar").file("z.tar", second).file("c.json", config);
  docker.file("manifest.json", R"([{"Config":"c.json","RepoTags":["app:1"],"Layers":["y.tar","z.tar"]}])");
  layout.file(blob_name(gzipped(first)), gzipped(first)).file(blob_name(gzipped(second)), gzipped(second));
  layout.file(blob_name(config), config).file(blob_name(manifest), manifest);
  layout.file("index.json",
              cat(R"({"schemaVersion":2,"manifests":[)", descriptor(std::string(kManifest), manifest), "]}"));
  fuzz::mutate({docker.text(), layout.text()}, 300, [&](const std::string& text) {
    images_->load(text_source(text));
    for (const ImagePtr& image : images_->list()) images_->remove(image->id, true, true, unused);
  });
  for (const ImagePtr& image : images_->list()) images_->remove(image->id, true, true, unused);
  expect_nothing_left();
}

TEST_F(ImagesTest, ImportsAndRemovalsAtOnceKeepTheStoreWhole) {
  TarText tar;
  std::string text = tar.file("shared", "same layer").text();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 10; ++i) {
          std::string name = cat("app:", t);
          images_->import(text_source(text), {name, {cat("LABEL n=", t, "-", i)}, "", ""});
          ImagePtr image = images_->get(name);
          EXPECT_EQ(read_file(at("layers/") + image->layer_chain_ids.at(0).substr(7) + "/diff/shared"), "same layer");
          images_->remove(name, false, true, unused);
          snapshots_->empty_trash();
        }
      });
  }
  expect_nothing_left();
}

TEST_F(ImagesTest, BusyboxRunsFromAnImportedRoot) {
  if (!exists("/bin/busybox")) GTEST_SKIP() << "busybox-static is not installed";
  TarText tar;
  tar.directory("./").directory("bin").file("bin/busybox", read_file("/bin/busybox"), 0755).link("bin/echo", "busybox");
  images_->import(text_source(tar.text()), {"busybox", {}, "", ""});
  snapshots_->prepare("box", images_->get("busybox")->layer_chain_ids);
  auto mount = snapshots_->mount("box");
  auto result = run_program({"sh", "-c", cat("exec /proc/", ::getpid(), "/fd/", mount.get(), "/bin/echo it runs")});
  EXPECT_EQ(result.output, "it runs\n") << result.errors;
}
