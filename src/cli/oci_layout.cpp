// SPDX-License-Identifier: Apache-2.0
#include "cli/oci_layout.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "base/file.h"
#include "base/text.h"
#include "cli/tar.h"
#include "cli/value.h"

namespace hull::cli {
namespace {

constexpr std::string_view kDigestStart = "sha256:";
constexpr std::size_t kPiece = 1 << 20, kHexLength = 64;
constexpr std::string_view kNameAnnotation = "org.opencontainers.image.ref.name";

class Layout {
 public:
  explicit Layout(LayoutReference reference) : reference_(std::move(reference)) {
    auto index = read_if_exists(reference_.directory + "/index.json");
    if (!index) fail_invalid(reference_.directory, " is no OCI image layout: it has no index.json");
    choose(parse_value(*index)["manifests"].list());
  }

  // The same layout with nothing in it but the image, which has no name there.
  void write(TarOutput& tar) {
    add_text(tar, "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    add_blobs(tar, chosen_["digest"].text(), true);
    Value index = Value::empty_map();
    index.set("schemaVersion", 2);
    index.set("manifests", Value(Value::List{chosen_}));
    add_text(tar, "index.json", to_json(index));
  }

 private:
  void choose(const Value::List& manifests) {
    if (!reference_.digest.empty()) {
      std::string text = read_file(blob(reference_.digest));
      chosen_.set("mediaType", parse_value(text)["mediaType"].text());
      chosen_.set("digest", reference_.digest);
      chosen_.set("size", static_cast<std::int64_t>(text.size()));
      return;
    }
    for (const Value& one : manifests) {
      const std::string& name = one["annotations"][kNameAnnotation].text();
      if (reference_.tag.empty() ? manifests.size() == 1 || name == "latest" : name == reference_.tag) chosen_ = one;
    }
    if (chosen_.is_null())
      fail(Kind::kNotFound, reference_.directory, " has ", manifests.size(), " images, and none with the tag ",
           quoted(reference_.tag.empty() ? "latest" : reference_.tag));
    Value plain = Value::empty_map();
    for (const char* field : {"mediaType", "digest", "size"}) plain.set(field, chosen_[field]);
    chosen_ = std::move(plain);
  }

  std::string blob(const std::string& digest) const {
    bool valid = digest.starts_with(kDigestStart) && digest.size() == kDigestStart.size() + kHexLength &&
                 digest.find_first_not_of("0123456789abcdef", kDigestStart.size()) == digest.npos;
    if (!valid) fail_invalid(quoted(digest), " is not a sha256 digest");
    return cat(reference_.directory, "/blobs/sha256/", digest.substr(kDigestStart.size()));
  }

  // A blob, and of a manifest or index what it names. Images of an index for other platforms need not be there.
  void add_blobs(TarOutput& tar, const std::string& digest, bool is_document) {
    if (!added_.insert(digest).second) return;
    UniqueFd file = open_file(blob(digest), O_RDONLY);
    struct stat info {};
    check(::fstat(file.get(), &info), "stat", digest);
    TarEntry entry;
    entry.name = cat("blobs/sha256/", digest.substr(kDigestStart.size()));
    entry.mode = 0644;
    entry.size = info.st_size;
    tar.add(entry);
    std::string piece(kPiece, '\0'), text;
    while (ssize_t got = check(::read(file.get(), piece.data(), piece.size()), "read", digest)) {
      tar.content({piece.data(), static_cast<std::size_t>(got)});
      if (is_document) text.append(piece, 0, static_cast<std::size_t>(got));
    }
    tar.end_content();
    if (!is_document) return;
    Value document = parse_value(text);
    for (const Value& one : document["manifests"].list())
      if (exists(blob(one["digest"].text()))) add_blobs(tar, one["digest"].text(), true);
    if (const Value* config = document.find("config")) add_blobs(tar, (*config)["digest"].text(), false);
    for (const Value& one : document["layers"].list()) add_blobs(tar, one["digest"].text(), false);
  }

  static void add_text(TarOutput& tar, const std::string& name, std::string_view text) {
    TarEntry entry;
    entry.name = name;
    entry.mode = 0644;
    entry.size = static_cast<std::int64_t>(text.size());
    tar.add(entry);
    tar.content(text);
    tar.end_content();
  }

  LayoutReference reference_;
  Value chosen_;
  std::set<std::string> added_;
};

// The id in "Loaded image ID: sha256:…", which is one of the messages.
std::string loaded_id(const std::string& messages) {
  constexpr std::string_view kSays = "Loaded image ID: ";
  for (std::string_view line : split(messages, '\n')) {
    if (trim(line).empty()) continue;
    Value message = parse_value(line);
    if (const Value* failure = message.find("error")) fail_invalid(failure->text());
    std::string_view said = trim(message["stream"].text());
    if (said.starts_with(kSays)) return std::string(said.substr(kSays.size()));
  }
  fail(Kind::kInternal, "the engine did not say which image it has loaded");
}

}  // namespace

LayoutReference parse_layout_reference(std::string_view text) {
  LayoutReference out;
  if (auto at = text.rfind("@"); at != text.npos && text.substr(at + 1).starts_with(kDigestStart)) {
    out.digest = text.substr(at + 1);
    text = text.substr(0, at);
  }
  auto colon = text.rfind(':'), slash = text.rfind('/');
  if (colon != text.npos && (slash == text.npos || colon > slash)) {
    out.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  out.directory = text;
  return out;
}

std::string load_from_layout(Client& client, std::string_view reference) {
  Layout layout(parse_layout_reference(reference));
  auto answer = client.upload_streaming("/images/load?quiet=1", "application/x-tar", [&](const Client::Send& send) {
    TarOutput tar(send);
    layout.write(tar);
    tar.finish();
  });
  return loaded_id(answer->read_body());
}

}  // namespace hull::cli
