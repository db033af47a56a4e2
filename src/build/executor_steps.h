// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/text.h"
#include "build/request.h"
#include "dockerfile/instruction.h"

namespace hull::build {

// The root directory's own entry is a part of a layer only when who it belongs to or its mode have changed.
inline bool root_has_changed(const std::string& upper, const std::string& below) {
  struct stat now {
  }, before{};
  if (::stat(upper.c_str(), &now) < 0) return false;
  if (below.empty()) return (now.st_mode & 07777) != 0755 || now.st_uid != 0 || now.st_gid != 0;
  if (::stat(below.c_str(), &before) < 0) return false;
  return now.st_mode != before.st_mode || now.st_uid != before.st_uid || now.st_gid != before.st_gid;
}

// Of COPY and ADD.
inline const dockerfile::FileSources& sources_of(const dockerfile::Instruction& instruction) {
  const auto* copy = instruction.as<dockerfile::Copy>();
  return copy ? copy->files : instruction.as<dockerfile::Add>()->files;
}

// Layers with other times are other layers.
inline std::string epoch_key(const Request& request) {
  return request.rewrite_timestamps && request.source_date_epoch ? cat("epoch ", *request.source_date_epoch) : "";
}

}  // namespace hull::build
