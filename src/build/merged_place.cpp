// SPDX-License-Identifier: Apache-2.0
#include "build/merged_place.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "archive/attributes.h"
#include "base/text.h"
#include "store/layout.h"

namespace hull::build {

namespace {

bool is_whiteout(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0); }

bool is_opaque(const std::string& directory) {
  char value = 0;
  return ::getxattr(directory.c_str(), archive::kOpaqueAttribute, &value, 1) == 1 && value == 'y';
}

}  // namespace

MergedPlace merged_place(const std::string& data_root, const std::vector<std::string>& chain, const std::string& path) {
  MergedPlace place;
  for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer) {
    std::string at = store::layer_path(data_root, *layer) + "/diff";
    bool hides = false, present = true, directory = true;
    for (std::string_view part : split(path, '/')) {
      if (part.empty()) continue;
      at += cat("/", part);
      struct stat info {};
      if (::lstat(at.c_str(), &info) < 0) {
        present = false;
        break;
      }
      if (is_whiteout(info)) {
        present = false;
        hides = true;
        break;
      }
      directory = S_ISDIR(info.st_mode);
      if (!directory) break;
      hides = hides || is_opaque(at);
    }
    if (present && directory) place.directories.push_back(at);
    if (present && !directory) {
      if (place.directories.empty()) place.file = at;
      return place;
    }
    if (hides) return place;
  }
  return place;
}

}  // namespace hull::build
