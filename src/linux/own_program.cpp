// SPDX-License-Identifier: Apache-2.0
#include "linux/own_program.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "linux/mounts.h"

namespace hull::linux {

namespace {

constexpr const char* kSelf = "/proc/self/exe";
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// A file on a mount that nobody can write through, or one whose content is fixed.
bool cannot_be_written(int program) {
  struct statvfs info {};
  if (::fstatvfs(program, &info) == 0 && (info.f_flag & ST_RDONLY)) return true;
  int seals = ::fcntl(program, F_GET_SEALS);
  return seals >= 0 && (seals & kSeals) == kSeals;
}

UniqueFd read_only_mount(const std::string& path) {
  UniqueFd mount = clone_mount(path, false);
  set_mount_attributes(mount.get(), {MOUNT_ATTR_RDONLY, 0, 0});
  return mount;
}

bool may_not_mount(const Error& e) { return e.code() == EPERM || e.code() == ENOSYS || e.code() == EINVAL; }

UniqueFd sealed_copy(int program) {
  struct stat info {};
  check(::fstat(program, &info), "stat", kSelf);
  UniqueFd copy(check(::memfd_create("hull", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  off_t done = 0;
  while (done < info.st_size)
    check(::sendfile(copy.get(), program, &done, static_cast<std::size_t>(info.st_size - done)), "copy", kSelf);
  check(::fchmod(copy.get(), 0755), "chmod", kSelf);
  check(::fcntl(copy.get(), F_ADD_SEALS, kSeals), "seal", kSelf);
  // Executed through a descriptor that can only be read: a writable one would make the file busy.
  return open_file(cat("/proc/self/fd/", copy.get()), O_RDONLY);
}

UniqueFd protected_program(int program) {
  try {
    return read_only_mount(kSelf);
  } catch (const Error& e) {
    if (!may_not_mount(e)) throw;
  }
  return sealed_copy(program);
}

}  // namespace

UniqueFd read_only_program(const std::string& path) {
  constexpr int kAboveWhatIsPassedOn = 10;
  try {
    UniqueFd mount = read_only_mount(path);
    return UniqueFd(check(::fcntl(mount.get(), F_DUPFD_CLOEXEC, kAboveWhatIsPassedOn), "dup", path));
  } catch (const Error& e) {
    if (!may_not_mount(e)) throw;
    return {};
  }
}

void execute_from_read_only_copy(char** arguments) {
  UniqueFd program = open_file(kSelf, O_RDONLY);
  if (cannot_be_written(program.get())) return;
  UniqueFd copy = protected_program(program.get());
  ::fexecve(copy.get(), arguments, environ);
  throw_errno("execute", kSelf);
}

}  // namespace hull::linux
