// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "registry_server/grammar.h"

namespace hull::registry_server {

// Where things are:
//
//     <root>/
//       layout                            "1": this form
//       collecting.lock                   held by whoever collects garbage
//       blobs/<algorithm>/<hh>/<hex>      every blob, so that it is found by its digest alone
//       repositories/<name>/
//         _blobs/<algorithm>/<hex>        the same file: a hard link for each repository that has the blob
//         _manifests/<algorithm>/<hex>    the media type, a line feed, the manifest byte by byte
//         _referrers/<algorithm>/<hex>/<algorithm>-<hex>   subject / manifest that names it: empty files
//         _tags/<tag>                     a digest
//         _uploads/<uuid>                 what has come so far of a blob
//
// There is no other index: the number of hard links is the number of references, and the kernel keeps it. Every change
// is one link, rename or unlink, so a crash at any moment leaves nothing half done, and any number of processes (the
// server, its successor, `hull registry gc`) may work on one root at the same time. Parts of names cannot begin
// with '_' or '.', so repositories can be nested.
struct Layout {
  std::string root;

  std::string repositories() const { return root + "/repositories"; }
  std::string repository(const std::string& name) const { return root + "/repositories/" + name; }
  std::string shared_blobs() const { return root + "/blobs"; }
  std::string shared_blob(const Digest& digest) const;
  std::string blob(const std::string& name, const Digest& digest) const;
  std::string manifest(const std::string& name, const Digest& digest) const;
  std::string tag(const std::string& name, const std::string& tag) const { return tags(name) + "/" + tag; }
  std::string upload(const std::string& name, const std::string& id) const { return uploads(name) + "/" + id; }
  std::string referrer(const std::string& name, const Digest& subject, const Digest& manifest) const;

  std::string blobs(const std::string& name) const { return repository(name) + "/_blobs"; }
  std::string manifests(const std::string& name) const { return repository(name) + "/_manifests"; }
  std::string tags(const std::string& name) const { return repository(name) + "/_tags"; }
  std::string uploads(const std::string& name) const { return repository(name) + "/_uploads"; }
  std::string all_referrers(const std::string& name) const { return repository(name) + "/_referrers"; }
  std::string referrers(const std::string& name, const Digest& subject) const;

  // Makes an empty registry of a directory that is empty or missing. Throws Error{kInvalidArgument} for a directory
  // with something else in it, and for a form that this program does not know.
  void prepare() const;
};

// Whether a file is one that write_file_atomically() has not finished: "….<12 hex>.tmp".
bool is_temporary(std::string_view name);
// The digests that a directory of <algorithm>/<hex> has, in order; temporary names are left out.
std::vector<Digest> digests_in(const std::string& directory);

}  // namespace hull::registry_server
