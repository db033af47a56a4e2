// SPDX-License-Identifier: Apache-2.0
#include "network/interface_counters.h"

#include "base/file.h"
#include "base/text.h"

namespace hull::network {

namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (auto word : split(line, ' '))
    if (!word.empty()) words.emplace_back(word);
  return words;
}

}  // namespace

std::vector<InterfaceCounters> interface_counters(pid_t pid) {
  std::vector<InterfaceCounters> all;
  const std::string text = read_if_exists(cat("/proc/", pid, "/net/dev")).value_or("");
  for (auto line : split(text, '\n')) {
    auto [name, rest] = split_once(line, ':');
    if (!rest || trim(name) == "lo") continue;
    // rx: bytes packets errs drop fifo frame compressed multicast; tx: bytes packets errs drop …
    std::vector<std::uint64_t> values;
    for (const auto& word : words_of(*rest)) values.push_back(parse_number<std::uint64_t>(word).value_or(0));
    if (values.size() < 12) continue;
    all.push_back({std::string(trim(name)), values[0], values[1], values[2], values[3], values[8], values[9],
                   values[10], values[11]});
  }
  return all;
}

}  // namespace hull::network
