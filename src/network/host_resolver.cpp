// SPDX-License-Identifier: Apache-2.0
#include "network/host_resolver.h"

#include <sys/stat.h>

#include <mutex>

#include "base/file.h"
#include "base/text.h"

namespace hull::network {

namespace {

constexpr const char* kFile = "/etc/resolv.conf";
constexpr std::string_view kResolvedStub = "127.0.0.53";  // systemd-resolved; its real servers are in another file

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string blanks_only(line);
  for (char& c : blanks_only)
    if (c == '\t') c = ' ';
  for (auto word : split(blanks_only, ' '))
    if (!word.empty()) words.emplace_back(word);
  return words;
}

}  // namespace

Resolver parse_resolver(std::string_view text) {
  Resolver resolver;
  for (auto line : split(text, '\n')) {
    auto words = words_of(trim(line.substr(0, line.find_first_of("#;"))));
    if (words.size() < 2) continue;
    if (words[0] == "nameserver") resolver.servers.push_back(words[1]);
    if (words[0] == "search" || words[0] == "domain") resolver.search.assign(words.begin() + 1, words.end());
    if (words[0] == "options") resolver.options.insert(resolver.options.end(), words.begin() + 1, words.end());
  }
  return resolver;
}

Resolver host_resolver() {
  Resolver resolver = parse_resolver(read_if_exists(kFile).value_or(""));
  if (resolver.servers == std::vector<std::string>{std::string(kResolvedStub)})
    if (auto real = read_if_exists("/run/systemd/resolve/resolv.conf")) return parse_resolver(*real);
  return resolver;
}

std::vector<std::string> host_name_servers() {
  static std::mutex mutex;
  static std::int64_t changed = -1;
  static std::vector<std::string> servers;
  struct stat now {};
  std::int64_t version = ::stat(kFile, &now) == 0 ? now.st_mtim.tv_sec * 1'000'000'000 + now.st_mtim.tv_nsec : 0;
  std::lock_guard lock(mutex);
  if (version != changed) {
    servers = parse_resolver(read_if_exists(kFile).value_or("")).servers;
    changed = version;
  }
  return servers;
}

}  // namespace hull::network
