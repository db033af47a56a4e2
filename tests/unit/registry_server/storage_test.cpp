// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "registry_server/passwords.h"
#include "registry_server/repository_lock.h"
#include "registry_server/service.h"
#include "registry_server/times.h"

namespace hull::registry_server {
namespace {

constexpr std::string_view kImageType = "application/vnd.oci.image.manifest.v1+json";

class Storage : public ::testing::Test {
 protected:
  Storage() : service(options_of(directory.path() + "/root")) {}

  static Options options_of(const std::string& root) {
    Options options;
    options.root = root;
    return options;
  }

  Digest push(const std::string& name, std::string_view data) {
    Digest digest = digest_of(Algorithm::kSha256, data);
    std::string id = service.uploads.begin(name);
    auto writer = service.uploads.open(name, id, Algorithm::kSha256);
    writer->write(data);
    EXPECT_TRUE(service.uploads.finish(name, id, *writer, digest));
    return digest;
  }
  Digest push_image(const std::string& name, const std::string& tag, const Digest& blob) {
    std::string text =
        cat(R"({"schemaVersion":2,"config":{"digest":")", blob.text(), R"(","size":1},"x":")", tag, "\"}");
    Digest digest = digest_of(Algorithm::kSha256, text);
    service.manifests.put(name, digest, text, read_manifest(text, kImageType), {tag});
    return digest;
  }
  void age(const std::string& path, std::int64_t seconds) {
    std::int64_t time = now().nanoseconds / kSecond - seconds;
    timespec times[2] = {{time, 0}, {time, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0) << path;
  }

  TempDir directory;
  Service service;
};

TEST_F(Storage, AnUploadIsHashedOnceHoweverItComes) {
  std::string id = service.uploads.begin("a");
  EXPECT_NEAR(static_cast<double>(begun_at(id)), static_cast<double>(now().nanoseconds), 2e9);
  service.uploads.open("a", id, Algorithm::kSha256)->write("first ");
  // A process that begins anew knows nothing of the first part but the file.
  Uploads later(service.layout, service.blobs);
  auto writer = later.open("a", id, Algorithm::kSha256);
  EXPECT_EQ(writer->size(), 6u);
  writer->write("second");
  Digest digest = digest_of(Algorithm::kSha256, "first second");
  EXPECT_TRUE(later.finish("a", id, *writer, digest));
  EXPECT_EQ(service.blobs.open("a", digest)->size, 12u);
  EXPECT_FALSE(later.open("a", id, Algorithm::kSha256));
}

TEST_F(Storage, ALaterRequestTakesAnUploadOver) {
  std::string id = service.uploads.begin("a");
  auto first = service.uploads.open("a", id, Algorithm::kSha256);
  first->write("one");
  auto second = service.uploads.open("a", id, Algorithm::kSha256);
  EXPECT_THROW(first->write("two"), Error);
  second->write("two");
  EXPECT_THROW(service.uploads.finish("a", id, *first, digest_of(Algorithm::kSha256, "onetwo")), Error);
  EXPECT_TRUE(service.uploads.finish("a", id, *second, digest_of(Algorithm::kSha256, "onetwo")));
}

TEST_F(Storage, ACancelledUploadTakesNoMore) {
  std::string id = service.uploads.begin("a");
  auto writer = service.uploads.open("a", id, Algorithm::kSha256);
  EXPECT_TRUE(service.uploads.cancel("a", id));
  EXPECT_THROW(writer->write("x"), Error);
  EXPECT_FALSE(service.uploads.cancel("a", id));
}

TEST_F(Storage, GraceIsCountedFromTheLastClaim) {
  Digest old = push("a", "old"), claimed = push("a", "claimed"), young = push("a", "young");
  for (const Digest& digest : {old, claimed}) age(service.layout.blob("a", digest), 7200);
  EXPECT_TRUE(service.blobs.claim("a", claimed));
  auto done = service.collector.run({.grace = std::chrono::hours(1)});
  EXPECT_EQ(done.blobs, 1u);
  EXPECT_EQ(done.bytes, 3u);
  EXPECT_FALSE(service.blobs.exists("a", old));
  EXPECT_TRUE(service.blobs.exists("a", claimed));
  EXPECT_TRUE(service.blobs.exists("a", young));
  EXPECT_FALSE(service.blobs.claim("a", old));
}

// A push may take longer than the grace: what came first waits for what is still coming.
TEST_F(Storage, AnUploadUnderWayProtectsWhatCameSinceItBegan) {
  Digest blob = push("a", "small layer");
  std::string id = service.uploads.begin("a");
  // As if it had begun three hours ago, when the blob had been there for half an hour.
  std::int64_t began = now().nanoseconds / 1'000'000 - 3 * 3'600'000;
  std::string hex = cat("000000000000");
  for (int i = 11; i >= 0; --i, began /= 16) hex[static_cast<std::size_t>(i)] = "0123456789abcdef"[began % 16];
  std::string older = cat(hex.substr(0, 8), "-", hex.substr(8), id.substr(13));
  std::filesystem::rename(service.layout.upload("a", id), service.layout.upload("a", older));
  age(service.layout.blob("a", blob), 3 * 3600 + 1800);
  service.collector.run({.grace = std::chrono::hours(1)});
  EXPECT_TRUE(service.blobs.exists("a", blob));
  // Nobody writes to it any more: it is no push, and protects nothing.
  age(service.layout.upload("a", older), 2 * 3600);
  service.collector.run({.grace = std::chrono::hours(1)});
  EXPECT_FALSE(service.blobs.exists("a", blob));
}

TEST_F(Storage, UploadsThatNobodyFinishesGoAway) {
  std::string id = service.uploads.begin("a");
  service.uploads.open("a", id, Algorithm::kSha256)->write("abandoned");
  age(service.layout.upload("a", id), 8 * 24 * 3600);
  auto done = service.collector.run({});
  EXPECT_EQ(done.uploads, 1u);
  EXPECT_EQ(done.bytes, 9u);
  EXPECT_FALSE(service.uploads.size("a", id));
  EXPECT_FALSE(exists(service.layout.repository("a")));
}

TEST_F(Storage, ADamagedManifestStopsCollectionOfItsRepositoryOnly) {
  Digest a = push("a", "in a"), b = push("b", "in b");
  Digest manifest = push_image("a", "1", push("a", "config"));
  write_file_atomically(service.layout.manifest("a", manifest), "application/x\n{");
  service.collector.run({.grace = std::chrono::nanoseconds(0)});
  EXPECT_TRUE(service.blobs.exists("a", a));
  EXPECT_FALSE(service.blobs.exists("b", b));
  EXPECT_TRUE(service.manifests.remove("a", manifest));
}

TEST_F(Storage, LeftoversOfCrashesAreNoTagsAndNoManifests) {
  Digest manifest = push_image("a", "1", push("a", "config"));
  for (const std::string& path : {service.layout.tag("a", "1") + ".0123456789ab.tmp",
                                  service.layout.manifest("a", manifest) + ".0123456789ab.tmp"}) {
    write_file_atomically(path, "half");
    age(path, 48 * 3600);
  }
  EXPECT_EQ(service.manifests.tags("a"), (std::vector<std::string>{"1"}));
  EXPECT_EQ(service.manifests.list("a"), (std::vector<Digest>{manifest}));
  // A content without any repository, as after a crash between two unlinks.
  make_directories(service.layout.root + "/blobs/sha256/00");
  write_file_atomically(service.layout.root + "/blobs/sha256/00/00", "lost");
  auto done = service.collector.run({});
  EXPECT_EQ(done.blobs, 1u);
  EXPECT_EQ(list_directory(service.layout.tags("a")).size(), 1u);
}

TEST_F(Storage, OneCollectorAtATime) {
  auto lock = FileLock::try_acquire(service.layout.root + "/collecting.lock");
  try {
    service.collector.run({});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kConflict);
  }
}

TEST(Credentials, AreUserAndPassword) {
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(basic_credentials("Basic YWxpY2U6c2VjcmV0"), (Pair{"alice", "secret"}));
  EXPECT_EQ(basic_credentials("basic  YWxpY2U6YTpi "), (Pair{"alice", "a:b"}));
  EXPECT_EQ(basic_credentials("Basic YTo="), (Pair{"a", ""}));
  for (const char* header :
       {"", "Basic", "Basic ", "Bearer YWxpY2U6c2VjcmV0", "Basic YWxpY2U=", "Basic !!!!", "Basic AGE6Yg=="})
    EXPECT_EQ(basic_credentials(header).first, "") << header;
}

}  // namespace
}  // namespace hull::registry_server
