// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hull::oci {

// An image reference as the distribution project defines it: [domain/]path[:tag][@digest].
// Normalised as Docker does: "debian" is docker.io/library/debian.
struct Reference {
  std::string domain;  // "docker.io"
  std::string path;    // "library/debian"
  std::string tag;     // "" when none was given
  std::string digest;  // "sha256:…" or ""

  std::string canonical_name() const;  // docker.io/library/debian
  std::string familiar_name() const;   // debian
  std::string canonical() const;       // docker.io/library/debian:12[@digest]; tag "latest" when neither was given
  std::string familiar() const;        // debian:12

  // Throws Error{kInvalidArgument} "invalid reference format…" in Docker's words.
  static Reference parse(std::string_view text);
};

// "sha256:<64 hex>". Empty optional for anything else.
bool is_digest(std::string_view text);

}  // namespace hull::oci
