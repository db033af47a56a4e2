// SPDX-License-Identifier: Apache-2.0
#include "registry_server/layout.h"

#include "base/error.h"
#include "base/file.h"

namespace hull::registry_server {

namespace {

constexpr std::string_view kForm = "1";

std::string below(std::string directory, const Digest& digest) {
  return cat(directory, "/", to_string(digest.algorithm), "/", digest.hex);
}

}  // namespace

std::string Layout::shared_blob(const Digest& digest) const {
  return cat(shared_blobs(), "/", to_string(digest.algorithm), "/", digest.hex.substr(0, 2), "/", digest.hex);
}

std::string Layout::blob(const std::string& name, const Digest& digest) const { return below(blobs(name), digest); }

std::string Layout::manifest(const std::string& name, const Digest& digest) const {
  return below(manifests(name), digest);
}

std::string Layout::referrers(const std::string& name, const Digest& subject) const {
  return below(all_referrers(name), subject);
}

std::string Layout::referrer(const std::string& name, const Digest& subject, const Digest& manifest) const {
  return cat(referrers(name, subject), "/", to_string(manifest.algorithm), "-", manifest.hex);
}

void Layout::prepare() const {
  make_directories(root, 0750);
  std::string mark = root + "/layout";
  if (auto form = read_if_exists(mark)) {
    if (trim(*form) != kForm)
      fail_invalid("the registry in ", root, " has form ", quoted(trim(*form)),
                   ", which this program does not know: it was made by a newer one");
    return;
  }
  for (const std::string& name : list_directory(root))
    if (name != "lost+found" && !name.starts_with("layout."))
      fail_invalid(root, " is no registry, and not empty (", name, "): name another directory with --root");
  write_file_atomically(mark, cat(kForm, "\n"));
}

bool is_temporary(std::string_view name) {
  constexpr std::string_view kEnd = ".tmp";
  constexpr std::size_t kRandom = 12;
  if (name.size() < kEnd.size() + kRandom + 1 || !name.ends_with(kEnd)) return false;
  name.remove_suffix(kEnd.size());
  std::string_view random = name.substr(name.size() - kRandom);
  return name[name.size() - kRandom - 1] == '.' && random.find_first_not_of("0123456789abcdef") == random.npos;
}

std::vector<Digest> digests_in(const std::string& directory) {
  std::vector<Digest> found;
  for (Algorithm algorithm : {Algorithm::kSha256, Algorithm::kSha512})
    for (const std::string& hex : list_directory(cat(directory, "/", to_string(algorithm))))
      if (auto digest = parse_digest(cat(to_string(algorithm), ":", hex))) found.push_back(std::move(*digest));
  return found;
}

}  // namespace hull::registry_server
