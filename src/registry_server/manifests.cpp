// SPDX-License-Identifier: Apache-2.0
#include "registry_server/manifests.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "registry_server/refusal.h"
#include "registry_server/repository_lock.h"
#include "registry_server/times.h"

namespace hull::registry_server {

namespace {

constexpr std::size_t kLongestType = 256;

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

void collect_repositories(const std::string& directory, const std::string& prefix, bool begun,
                          std::vector<std::string>& into) {
  for (const std::string& part : list_directory(directory)) {
    if (part.starts_with('_') || !is_repository_name(part)) continue;
    std::string path = cat(directory, "/", part), name = cat(prefix, part);
    if (exists(path + "/_manifests") || exists(path + "/_blobs") || (begun && exists(path + "/_uploads")))
      into.push_back(name);
    collect_repositories(path, name + "/", begun, into);
  }
}

}  // namespace

std::optional<Digest> Manifests::resolve(const std::string& name, const std::string& tag) const {
  auto text = read_if_exists(layout_.tag(name, tag));
  if (!text) return std::nullopt;
  return parse_digest(trim(*text));
}

std::optional<StoredManifest> Manifests::read(const std::string& name, const Digest& digest, bool with_text) const {
  auto fd = open_if_exists(layout_.manifest(name, digest), O_RDONLY);
  if (!fd) return std::nullopt;
  struct stat info {};
  check(::fstat(fd->get(), &info), "stat");
  std::string head;
  if (with_text) {
    head = read_all(fd->get());
  } else {
    head.resize(kLongestType);
    head.resize(static_cast<std::size_t>(check(::read(fd->get(), head.data(), head.size()), "read")));
  }
  auto end = head.find('\n');
  if (end == head.npos) fail(Kind::kInternal, "the file of manifest ", digest.text(), " of ", name, " is damaged");
  StoredManifest found{digest, head.substr(0, end), {}, static_cast<std::uint64_t>(info.st_size) - end - 1};
  if (with_text) found.text = head.substr(end + 1);
  return found;
}

bool Manifests::claim(const std::string& name, const Digest& digest) const {
  std::string path = layout_.manifest(name, digest);
  if (is_fresh(path)) return true;
  auto lock = RepositoryLock::shared_if_exists(layout_, name);
  return lock && freshen(path);
}

void Manifests::check_complete(const std::string& name, const ManifestDocument& document) const {
  std::vector<Refusal::Item> missing;
  for (const Digest& blob : document.blobs)
    if (!blobs_.exists(name, blob))
      missing.push_back(
          {Code::kManifestBlobUnknown, "the manifest refers to a blob that is not in the repository", blob.text()});
  for (const Digest& manifest : document.manifests)
    if (!exists(layout_.manifest(name, manifest)))
      missing.push_back({Code::kManifestBlobUnknown, "the index refers to a manifest that is not in the repository",
                         manifest.text()});
  if (!missing.empty()) throw Refusal(usual_status(Code::kManifestBlobUnknown), std::move(missing));
}

void Manifests::put(const std::string& name, const Digest& digest, std::string_view text,
                    const ManifestDocument& document, const std::vector<std::string>& tags, bool complete) const {
  auto lock = RepositoryLock::shared(layout_, name);
  if (complete) check_complete(name, document);
  // The entry that makes it a referrer comes first: without the manifest it means nothing.
  if (document.subject) {
    std::string entry = layout_.referrer(name, *document.subject, digest);
    make_directories(directory_of(entry), 0750);
    open_file(entry, O_WRONLY | O_CREAT, 0640);
    check(::fsync(open_file(directory_of(entry), O_RDONLY | O_DIRECTORY).get()), "fsync", directory_of(entry));
  }
  std::string path = layout_.manifest(name, digest);
  make_directories(directory_of(path), 0750);
  write_file_atomically(path, cat(document.media_type, "\n", text), 0640);
  for (const std::string& tag : tags) write_tag(name, tag, digest);
}

// The lock is held.
void Manifests::write_tag(const std::string& name, const std::string& tag, const Digest& digest) const {
  make_directories(layout_.tags(name), 0750);
  write_file_atomically(layout_.tag(name, tag), digest.text() + "\n", 0640);
}

void Manifests::set_tag(const std::string& name, const std::string& tag, const Digest& digest) const {
  auto lock = RepositoryLock::shared(layout_, name);
  write_tag(name, tag, digest);
}

bool Manifests::remove(const std::string& name, const Digest& digest) const {
  auto lock = RepositoryLock::alone(layout_, name);
  auto manifest = lock ? read(name, digest, true) : std::nullopt;
  if (!manifest) return false;
  for (const std::string& tag : tags(name))
    if (resolve(name, tag) == digest) ::unlink(layout_.tag(name, tag).c_str());
  std::optional<Digest> subject;
  try {
    subject = read_manifest(manifest->text, manifest->media_type).subject;
  } catch (const Refusal&) {
    // Damaged: it can be removed all the same.
  }
  unlink(name, digest, subject);
  return true;
}

void Manifests::unlink(const std::string& name, const Digest& digest, const std::optional<Digest>& subject) const {
  std::string path = layout_.manifest(name, digest);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) throw_errno("unlink", path);
  if (!subject) return;
  ::unlink(layout_.referrer(name, *subject, digest).c_str());
  ::rmdir(layout_.referrers(name, *subject).c_str());  // when it was the last one
}

bool Manifests::remove_tag(const std::string& name, const std::string& tag) const {
  std::string path = layout_.tag(name, tag);
  if (::unlink(path.c_str()) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) throw_errno("unlink", path);
  return false;
}

bool Manifests::repository_exists(const std::string& name) const {
  return exists(layout_.manifests(name)) || exists(layout_.blobs(name));
}

std::vector<std::string> Manifests::tags(const std::string& name) const {
  std::vector<std::string> found = list_directory(layout_.tags(name));
  std::erase_if(found, [](const std::string& tag) { return !is_tag(tag) || is_temporary(tag); });
  return found;
}

std::vector<Referrer> Manifests::referrers(const std::string& name, const Digest& subject) const {
  std::vector<Referrer> found;
  for (std::string entry : list_directory(layout_.referrers(name, subject))) {
    if (auto dash = entry.find('-'); dash != entry.npos) entry[dash] = ':';
    auto digest = parse_digest(entry);
    auto manifest = digest ? read(name, *digest, true) : std::nullopt;
    if (!manifest) continue;
    found.push_back({*digest, manifest->size, read_manifest(manifest->text, manifest->media_type)});
  }
  return found;
}

std::vector<std::string> Manifests::repositories(bool begun) const {
  std::vector<std::string> found;
  collect_repositories(layout_.repositories(), {}, begun, found);
  std::ranges::sort(found);
  return found;
}

}  // namespace hull::registry_server
