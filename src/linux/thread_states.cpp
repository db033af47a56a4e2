// SPDX-License-Identifier: Apache-2.0
#include "linux/thread_states.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace hull::linux {

namespace {

// "" for a file of a thread that has ended, or that we may not read.
std::string content(const std::string& path) {
  try {
    return read_if_exists(path).value_or("");
  } catch (const Error&) {
    return {};
  }
}

std::string kernel_stack(const std::string& directory) {
  std::string calls;
  const std::string stack = content(directory + "/stack");
  for (auto line : split(trim(stack), '\n')) {
    auto name = split_once(line, ' ').second.value_or("");
    if (!name.empty()) calls += cat(" < ", name);
  }
  return calls;
}

}  // namespace

std::vector<std::string> thread_states() {
  std::vector<std::string> states;
  for (const auto& id : list_directory("/proc/self/task")) {
    std::string directory = cat("/proc/self/task/", id);
    const std::string stat = content(directory + "/stat");
    auto end = stat.rfind(')');
    std::string_view state = end == std::string::npos ? "?" : std::string_view(stat).substr(end + 2, 1);
    states.push_back(cat(id, " ", state, " ", trim(content(directory + "/wchan")), kernel_stack(directory)));
  }
  return states;
}

}  // namespace hull::linux
