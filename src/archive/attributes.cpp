// SPDX-License-Identifier: Apache-2.0
#include "archive/attributes.h"

#include <sys/xattr.h>

#include <cerrno>

#include "base/error.h"

namespace hull::archive {

namespace {

constexpr std::string_view kOverlayPrefixes[] = {"trusted.overlay.", "user.overlay."};

bool belongs_to_overlay(std::string_view name) {
  for (std::string_view prefix : kOverlayPrefixes)
    if (name.starts_with(prefix)) return true;
  return false;
}

// user.* exists on regular files and directories only: EPERM elsewhere.
bool may_be_left_out(int code, std::string_view name) {
  return code == ENOTSUP || (code == EPERM && name.starts_with("user."));
}

// There is no setxattrat(2) before 6.13; the magic link names the parent by descriptor, and only the last
// component is looked up.
std::string path_at(int parent, const std::string& name) { return cat("/proc/self/fd/", parent, "/", name); }

template <class List, class Get>
Attributes read_with(List list, Get get, std::string_view shown) {
  Attributes attributes;
  ssize_t size = list(nullptr, 0);
  if (size < 0 && errno == ENOTSUP) return attributes;
  std::string names(static_cast<std::size_t>(check(size, "listxattr", shown)), '\0');
  if (names.empty()) return attributes;
  names.resize(static_cast<std::size_t>(check(list(names.data(), names.size()), "listxattr", shown)));
  for (std::string_view name : split(names, '\0')) {
    if (name.empty()) continue;
    std::string key(name);
    ssize_t length = get(key.c_str(), nullptr, 0);
    if (length < 0 && (errno == ENODATA || errno == ENOTSUP)) continue;
    std::string value(static_cast<std::size_t>(check(length, "getxattr", shown)), '\0');
    value.resize(static_cast<std::size_t>(check(get(key.c_str(), value.data(), value.size()), "getxattr", shown)));
    attributes.emplace_back(std::move(key), std::move(value));
  }
  return attributes;
}

template <class Set>
void write_with(Set set, const Attributes& attributes, std::string_view shown) {
  for (const auto& [name, value] : attributes) {
    if (belongs_to_overlay(name)) continue;
    if (set(name.c_str(), value.data(), value.size()) < 0 && !may_be_left_out(errno, name))
      throw_errno(cat("setxattr ", name), shown);
  }
}

}  // namespace

Attributes read_attributes(int fd) {
  return read_with([&](char* out, std::size_t size) { return ::flistxattr(fd, out, size); },
                   [&](const char* name, char* out, std::size_t size) { return ::fgetxattr(fd, name, out, size); }, "");
}

Attributes read_attributes_at(int parent, const std::string& name) {
  std::string path = path_at(parent, name);
  return read_with(
      [&](char* out, std::size_t size) { return ::llistxattr(path.c_str(), out, size); },
      [&](const char* key, char* out, std::size_t size) { return ::lgetxattr(path.c_str(), key, out, size); }, name);
}

void write_attributes(int fd, const Attributes& attributes, std::string_view shown) {
  write_with(
      [&](const char* name, const char* value, std::size_t size) { return ::fsetxattr(fd, name, value, size, 0); },
      attributes, shown);
}

void write_attributes_at(int parent, const std::string& name, const Attributes& attributes) {
  if (attributes.empty()) return;
  std::string path = path_at(parent, name);
  write_with([&](const char* key, const char* value,
                 std::size_t size) { return ::lsetxattr(path.c_str(), key, value, size, 0); },
             attributes, name);
}

}  // namespace hull::archive
