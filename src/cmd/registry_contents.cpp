// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/units.h"
#include "registry_server/refusal.h"
#include "registry_server/service.h"
#include "registry_verbs.h"

// `hull registry gc`, `ls` and `rm`: they work on the directory itself, whether somebody serves it or not.
namespace hull::registry_verbs {

namespace {

namespace registry = registry_server;

// Opens what is there: none of these verbs makes a registry.
registry::Options existing(const cli::Options& options) {
  registry::Options wanted;
  wanted.root = root_of(options);
  if (!exists(wanted.root + "/layout")) fail(Kind::kNotFound, "there is no registry in ", wanted.root, " (--root)");
  return wanted;
}

// The size of an image as it is transferred: its manifest and all that it names, each once.
std::uint64_t size_of(const registry::Service& service, const std::string& name, const registry::Digest& digest,
                      std::set<registry::Digest>& seen) {
  if (!seen.insert(digest).second) return 0;
  auto manifest = service.manifests.read(name, digest, true);
  if (!manifest) return 0;
  auto document = registry::read_manifest(manifest->text, manifest->media_type);
  std::uint64_t size = manifest->size;
  for (const registry::Digest& blob : document.blobs)
    if (seen.insert(blob).second)
      if (auto file = service.blobs.open(name, blob)) size += file->size;
  for (const registry::Digest& child : document.manifests) size += size_of(service, name, child, seen);
  return size;
}

std::string rows_of(const registry::Service& service, const std::string& name, bool with_digests) {
  std::string rows;
  auto add = [&](const std::string& tag, const registry::Digest& digest) {
    std::set<registry::Digest> seen;
    std::uint64_t size = size_of(service, name, digest, seen);
    rows += cat(name, "\t", tag, "\t", with_digests ? cat(digest.text(), "\t") : "",
                size ? cli::decimal_size(static_cast<double>(size), 3) : "missing", "\n");
  };
  std::set<registry::Digest> tagged;
  for (const std::string& tag : service.manifests.tags(name))
    if (auto digest = service.manifests.resolve(name, tag)) {
      add(tag, *digest);
      tagged.insert(*digest);
    }
  if (with_digests)
    for (const registry::Digest& digest : service.manifests.list(name))
      if (!tagged.contains(digest)) add("<none>", digest);
  return rows;
}

void check_repository(const registry::Service& service, const std::string& name) {
  if (!registry::is_repository_name(name)) fail_invalid("invalid repository name ", quoted(name));
  if (!service.manifests.repository_exists(name)) fail(Kind::kNotFound, "the registry has no repository ", name);
}

void remove_repository(const registry::Service& service, const std::string& name) {
  for (const std::string& tag : service.manifests.tags(name)) service.manifests.remove_tag(name, tag);
  for (const registry::Digest& digest : service.manifests.list(name)) service.manifests.remove(name, digest);
  for (const registry::Digest& digest : registry::digests_in(service.layout.blobs(name)))
    service.blobs.remove(name, digest);
}

void remove_one(const registry::Service& service, const std::string& argument) {
  if (auto [name, digest_text] = split_once(argument, '@'); digest_text) {
    check_repository(service, std::string(name));
    auto digest = registry::parse_digest(*digest_text);
    if (!digest) fail_invalid("invalid digest ", quoted(*digest_text));
    if (!service.manifests.remove(std::string(name), *digest))
      fail(Kind::kNotFound, name, " has no manifest ", *digest_text);
    return;
  }
  auto [name, tag] = split_once(argument, ':');
  check_repository(service, std::string(name));
  if (!tag) return remove_repository(service, std::string(name));
  if (!registry::is_tag(*tag) || !service.manifests.remove_tag(std::string(name), std::string(*tag)))
    fail(Kind::kNotFound, name, " has no tag ", quoted(*tag));
}

}  // namespace

std::string root_of(const cli::Options& options) {
  if (std::string root = options.text("root"); !root.empty()) return root;
  if (::geteuid() == 0) return "/var/lib/hull-registry";
  if (const char* data = ::getenv("XDG_DATA_HOME"); data && *data) return cat(std::string_view(data), "/hull-registry");
  const char* home = ::getenv("HOME");
  if (!home || !*home) fail_invalid("name the directory of the registry with --root");
  return cat(std::string_view(home), "/.local/share/hull-registry");
}

int collect_garbage(const cli::Options& options) {
  registry::Service service(existing(options));
  registry::CollectOptions wanted;
  wanted.grace = std::chrono::nanoseconds(options.nanoseconds("grace"));
  wanted.untagged = options.is_set("untagged");
  wanted.dry_run = options.is_set("dry-run");
  auto done = service.collector.run(wanted);
  cli::print_line("Manifests removed: ", done.manifests);
  cli::print_line("Blobs removed: ", done.blobs);
  cli::print_line("Unfinished uploads removed: ", done.uploads);
  cli::print_line(wanted.dry_run ? "Space that would be reclaimed: " : "Total reclaimed space: ",
                  cli::decimal_size(static_cast<double>(done.bytes)));
  return 0;
}

int list(const cli::Options& options) {
  registry::Service service(existing(options));
  std::vector<std::string> names = options.arguments;
  for (const std::string& name : names) check_repository(service, name);
  if (names.empty()) names = service.manifests.repositories();
  if (options.is_set("quiet")) {
    for (const std::string& name : names) {
      if (options.arguments.empty())
        cli::print_line(name);
      else
        for (const std::string& tag : service.manifests.tags(name)) cli::print_line(name, ":", tag);
    }
    return 0;
  }
  bool digests = options.is_set("digests");
  std::string table = cat("REPOSITORY\tTAG\t", digests ? "DIGEST\t" : "", "SIZE\n");
  for (const std::string& name : names) table += rows_of(service, name, digests);
  cli::print(cli::aligned(table));
  return 0;
}

int remove(const cli::Options& options) {
  registry::Service service(existing(options));
  int failed = 0;
  for (const std::string& argument : options.arguments) {
    try {
      remove_one(service, argument);
      cli::print_line("Deleted: ", argument);
    } catch (const Error& e) {
      cli::complain(e.message());
      failed = 1;
    }
  }
  return failed;
}

}  // namespace hull::registry_verbs
