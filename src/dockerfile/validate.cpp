// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/validate.h"

#include <cstring>

#include "base/error.h"
#include "dockerfile/git_reference.h"
#include "dockerfile/mode.h"
#include "dockerfile/owner.h"
#include "oci/reference.h"

namespace hull::dockerfile {

namespace {

void validate_files(const FileSources& files) {
  if (files.link && parse_owner(files.chown).has_names())
    throw Problem{cat("--chown=", files.chown,
                      ": user and group names can't be resolved when used with --link, use numeric uid[:gid] instead"),
                  "--chown"};
  if (files.chmod.empty()) return;
  try {
    ModeChange::parse(files.chmod);
  } catch (const Error& error) {
    throw Problem{error.message(), "--chmod"};
  }
}

}  // namespace

void validate(const Copy& copy) {
  validate_files(copy.files);
  if (!copy.from.empty() && copy.from.find('$') != std::string::npos && copy.from.find('$') + 1 != copy.from.size())
    throw Problem{
        "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a "
        "workaround",
        "--from"};
  for (const std::string& source : copy.files.paths) {
    if (is_http_source(source)) throw Problem{"source can't be a URL for COPY", source};
    const auto git = parse_git_reference(source);
    if (git && !git->looks_local) throw Problem{"source can't be a git ref for COPY", source};
  }
}

void validate(const Add& add) {
  validate_files(add.files);
  const auto& sources = add.files.paths;
  bool any_git = false;
  for (const std::string& source : sources) {
    try {
      const auto git = parse_git_reference(source);
      if (!git || git->looks_local) continue;
      any_git = true;
      if (add.keep_git_dir && git->keep_git_dir && *add.keep_git_dir != *git->keep_git_dir)
        throw Problem{"inconsistent keep-git-dir configuration", source};
      if (!add.checksum.empty() && !git->checksum.empty() && add.checksum != git->checksum)
        throw Problem{cat("checksum mismatch ", quoted(add.checksum), " != ", quoted(git->checksum)), source};
    } catch (const Error& error) {
      throw Problem{error.message(), source};
    }
  }
  if (add.checksum.empty()) return;
  if (sources.size() != 1) throw Problem{"checksum can't be specified for multiple sources", "--checksum"};
  const bool http = is_http_source(sources.front());
  if (!http && !any_git) throw Problem{"checksum requires HTTP(S) or Git sources", "--checksum"};
  if (http && !oci::is_digest(add.checksum))
    throw Problem{cat("invalid checksum digest format: ", add.checksum, " (expected sha256:<64 hex digits>)"),
                  "--checksum"};
}

bool is_signal(std::string_view text) {
  if (const auto number = parse_number<int>(text)) return *number > 0;
  std::string name = upper(text);
  if (name.starts_with("SIG")) name.erase(0, 3);
  // Names that are not the kernel's, but that Docker knows.
  for (std::string_view alias : {"CLD", "IOT", "POLL", "UNUSED", "STKFLT", "RTMIN", "RTMAX"})
    if (name == alias) return true;
  for (int signal = 1; signal < 32; ++signal)
    if (const char* known = sigabbrev_np(signal); known && name == known) return true;
  const std::string_view view = name;
  if (view.starts_with("RTMIN+")) {
    const auto offset = parse_number<int>(view.substr(6));
    return offset && *offset >= 1 && *offset <= 15;
  }
  if (view.starts_with("RTMAX-")) {
    const auto offset = parse_number<int>(view.substr(6));
    return offset && *offset >= 1 && *offset <= 14;
  }
  return false;
}

void validate(const StopSignal& stop) {
  if (!is_signal(stop.signal)) throw Problem{cat("Invalid signal: ", stop.signal), stop.signal};
}

}  // namespace hull::dockerfile
