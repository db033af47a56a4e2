// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/instruction.h"

#include <array>

namespace hull::dockerfile {

std::string Heredoc::text() const {
  if (!strip_tabs) return content;
  std::string out;
  bool line_start = true;
  for (char c : content) {
    if (line_start && c == '\t') continue;
    out += c;
    line_start = c == '\n';
  }
  return out;
}

Position Instruction::position(std::string_view word) const { return locate(pieces, original, word); }

std::string_view keyword(const Body& body) {
  // In the order of the variant.
  static constexpr std::array<std::string_view, std::variant_size_v<Body>> kNames = {
      "FROM",   "RUN",  "CMD",     "ENTRYPOINT", "SHELL",      "LABEL",   "ENV",         "ARG",  "EXPOSE",
      "VOLUME", "USER", "WORKDIR", "STOPSIGNAL", "MAINTAINER", "ONBUILD", "HEALTHCHECK", "COPY", "ADD"};
  return kNames[body.index()];
}

}  // namespace hull::dockerfile
