// SPDX-License-Identifier: Apache-2.0
#include "registry_server/grammar.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "base/text.h"
#include "registry_server/manifest_document.h"
#include "registry_server/path.h"
#include "registry_server/refusal.h"
#include "registry_server/uploads.h"

namespace hull::registry_server {
namespace {

// Random texts of characters that matter to the grammars; the same ones in every run.
class Texts {
 public:
  explicit Texts(std::string alphabet) : alphabet_(std::move(alphabet)) {}
  std::string next(std::size_t longest) {
    std::string text(std::uniform_int_distribution<std::size_t>(0, longest)(random_), ' ');
    for (char& c : text) c = alphabet_[std::uniform_int_distribution<std::size_t>(0, alphabet_.size() - 1)(random_)];
    return text;
  }

 private:
  std::string alphabet_;
  std::mt19937 random_{20240229};
};

TEST(Names, AreThoseOfTheSpecification) {
  // As the specification writes it.
  const std::regex pattern("[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*");
  Texts texts("aA0._-/");
  for (int i = 0; i < 200'000; ++i) {
    std::string text = texts.next(9);
    ASSERT_EQ(is_repository_name(text), std::regex_match(text, pattern)) << text;
  }
  EXPECT_TRUE(is_repository_name(std::string(255, 'a')));
  EXPECT_FALSE(is_repository_name(std::string(256, 'a')));
  EXPECT_FALSE(is_repository_name(std::string("a\0b", 3)));
}

TEST(Tags, AreThoseOfTheSpecification) {
  const std::regex pattern("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");
  Texts texts("aA0._-/:\n");
  for (int i = 0; i < 50'000; ++i) {
    std::string text = texts.next(5);
    ASSERT_EQ(is_tag(text), std::regex_match(text, pattern)) << text;
  }
  EXPECT_TRUE(is_tag(std::string(128, 'a')));
  EXPECT_FALSE(is_tag(std::string(129, 'a')));
}

TEST(Digests, OfKnownAlgorithmsAndTheRightLengthOnly) {
  EXPECT_EQ(parse_digest("sha256:" + std::string(64, 'a'))->text(), "sha256:" + std::string(64, 'a'));
  EXPECT_TRUE(parse_digest("sha512:" + std::string(128, '0')));
  for (const std::string& text :
       {std::string(), std::string("sha256"), std::string("sha256:"), "sha256:" + std::string(63, 'a'),
        "sha256:" + std::string(65, 'a'), "sha512:" + std::string(64, 'a'), "sha256:" + std::string(64, 'A'),
        "md5:" + std::string(32, 'a'), "SHA256:" + std::string(64, 'a'), "sha256:" + std::string(62, 'a') + "/.",
        "sha256:sha256:" + std::string(57, 'a')})
    EXPECT_FALSE(parse_digest(text)) << text;
}

TEST(Ranges, StayInsideOfTheFileWhateverIsAskedFor) {
  Texts texts("0123456789-,= bytes");
  for (int i = 0; i < 200'000; ++i) {
    std::string header = (i % 2 ? "bytes=" : "") + texts.next(24);
    std::uint64_t size = static_cast<std::uint64_t>(i % 300);
    RangeRequest request = parse_range(header, size);
    std::uint64_t total = 0;
    for (const Span& span : request.spans) {
      ASSERT_GT(span.size, 0u) << header;
      ASSERT_LE(span.offset + span.size, size) << header;
      total += span.size;
    }
    if (request.spans.size() > 1) {
      ASSERT_LE(total, size) << header;
    }
    if (!request.asked) {
      ASSERT_TRUE(request.spans.empty()) << header;
    }
  }
  EXPECT_EQ(parse_range("bytes=0-18446744073709551615", 10).spans, (std::vector<Span>{{0, 10}}));
  EXPECT_FALSE(parse_range("bytes=0-18446744073709551616", 10).asked);
  EXPECT_TRUE(parse_range("bytes=18446744073709551615-", 10).spans.empty());
  std::string many = "bytes=0-0";
  for (int i = 0; i < 1000; ++i) many += ",0-0";
  EXPECT_FALSE(parse_range(many, 10'000).asked);
}

TEST(ChunkRanges, AreTwoNumbersInOrder) {
  EXPECT_EQ(parse_chunk_range("0-0"), (Span{0, 1}));
  EXPECT_EQ(parse_chunk_range("100-199"), (Span{100, 100}));
  for (const char* text : {"", "-", "1", "1-", "-1", "2-1", "1-2-3", " 1-2", "1-2 ", "+1-2", "bytes 0-1/2", "0x1-2",
                           "0-18446744073709551615", "0-18446744073709551616"})
    EXPECT_FALSE(parse_chunk_range(text)) << text;
}

TEST(Paths, TheLastWordsOfTheApiCount) {
  struct Case {
    std::string path;
    Resource resource;
    std::string name, reference;
  };
  const Case cases[] = {
      {"/v2/", Resource::kRoot, "", ""},
      {"/v2/_catalog", Resource::kCatalog, "", ""},
      {"/v2/a/tags/list", Resource::kTags, "a", ""},
      {"/v2/a/b/manifests/latest", Resource::kManifest, "a/b", "latest"},
      {"/v2/a/blobs/sha256:0", Resource::kBlob, "a", "sha256:0"},
      {"/v2/a/blobs/uploads/", Resource::kUploads, "a", ""},
      {"/v2/a/blobs/uploads", Resource::kUploads, "a", ""},
      {"/v2/a/blobs/uploads/id", Resource::kUpload, "a", "id"},
      {"/v2/a/referrers/sha256:0", Resource::kReferrers, "a", "sha256:0"},
      {"/v2/manifests/blobs/manifests/blobs", Resource::kManifest, "manifests/blobs", "blobs"},
      {"/v2/a/blobs/uploads/manifests/x", Resource::kManifest, "a/blobs/uploads", "x"},
      {"/v2/a/uploads/manifests/tags/list", Resource::kTags, "a/uploads/manifests", ""},
  };
  for (const Case& one : cases) {
    auto target = parse_path(one.path);
    ASSERT_TRUE(target) << one.path;
    EXPECT_EQ(target->resource, one.resource) << one.path;
    EXPECT_EQ(target->name, one.name) << one.path;
    EXPECT_EQ(target->reference, one.reference) << one.path;
  }
  for (const char* path : {"", "/", "/v1/", "/v2x/", "v2/", "/v2/a", "/v2/a/b/c", "/v2//"})
    EXPECT_FALSE(parse_path(path)) << path;
}

// Whatever a path says, what becomes a file name is a name of the grammar, or nothing.
TEST(Paths, NoTextLeadsOutOfTheRoot) {
  Texts texts("a./_-v2tlisbouph%\\:");
  const std::string ends[] = {"/manifests/", "/blobs/", "/blobs/uploads/", "/referrers/", "/tags/list"};
  for (int i = 0; i < 100'000; ++i) {
    auto target = parse_path("/v2/" + texts.next(12) + ends[i % 5] + texts.next(8));
    if (!target || !is_repository_name(target->name)) continue;
    for (std::string_view part : split(target->name, '/')) {
      ASSERT_FALSE(part.empty());
      ASSERT_NE(part.front(), '.');
      ASSERT_NE(part.front(), '_');
    }
    if (is_tag(target->reference) || is_upload_id(target->reference)) {
      ASSERT_EQ(target->reference.find('/'), std::string::npos);
      ASSERT_NE(target->reference.front(), '.');
    }
  }
}

TEST(Manifests, BrokenOnesAreRefusedAndNeverMore) {
  const std::string digest = "sha256:" + std::string(64, '1');
  const std::string good = cat(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/b","config":{"mediaType":"c/d","digest":")",
      digest, R"(","size":2},"layers":[{"mediaType":"e/f","digest":")", digest, R"(","size":3},{"digest":")", digest,
      R"(","size":4,"urls":["https://elsewhere"]}],"subject":{"digest":")", digest,
      R"(","size":5},"annotations":{"k":"v"}})");
  ManifestDocument document = read_manifest(good, "");
  EXPECT_EQ(document.blobs.size(), 2u);  // config and one layer: the other is elsewhere
  EXPECT_EQ(document.artifact_type, "a/b");
  EXPECT_EQ(document.subject->text(), digest);
  // One byte changed, one taken out: an answer or a refusal, nothing else.
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    std::size_t at = random() % text.size();
    if (i % 3 == 0)
      text.erase(at, 1 + random() % 8);
    else
      text[at] = static_cast<char>(random() % 256);
    try {
      read_manifest(text, i % 2 ? "application/vnd.oci.image.manifest.v1+json" : "");
    } catch (const Refusal& e) {
      EXPECT_EQ(e.status(), 400);
      EXPECT_NE(e.body().find("\"errors\""), std::string::npos);
    }
  }
}

TEST(Refusals, TheTableIsInTheOrderOfTheCodes) {
  EXPECT_EQ(to_string(Code::kBlobUnknown), "BLOB_UNKNOWN");
  EXPECT_EQ(to_string(Code::kManifestUnknown), "MANIFEST_UNKNOWN");
  EXPECT_EQ(to_string(Code::kTooManyRequests), "TOOMANYREQUESTS");
  EXPECT_EQ(to_string(Code::kUnknown), "UNKNOWN");
  EXPECT_EQ(usual_status(Code::kUnauthorized), 401);
}

}  // namespace
}  // namespace hull::registry_server
