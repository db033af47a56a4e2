// SPDX-License-Identifier: Apache-2.0
#include "manifest_verbs.h"

#include <algorithm>
#include <set>

#include "archive/sha256.h"
#include "cli/config_file.h"
#include "cli/credentials.h"
#include "cli/output.h"
#include "manifest_lists.h"
#include "oci/image_manifest.h"
#include "registry/repository.h"

namespace hull::manifest_verbs {

namespace {

// What Go programs can be built for, and so what lists speak of (go tool dist list).
constexpr std::string_view kPlatforms[] = {
    "aix/ppc64",     "android/386",   "android/amd64",   "android/arm",     "android/arm64", "darwin/386",
    "darwin/amd64",  "darwin/arm",    "darwin/arm64",    "dragonfly/amd64", "freebsd/386",   "freebsd/amd64",
    "freebsd/arm",   "freebsd/arm64", "freebsd/riscv64", "illumos/amd64",   "ios/amd64",     "ios/arm64",
    "js/wasm",       "linux/386",     "linux/amd64",     "linux/arm",       "linux/arm64",   "linux/loong64",
    "linux/mips",    "linux/mips64",  "linux/mips64le",  "linux/mipsle",    "linux/ppc64",   "linux/ppc64le",
    "linux/riscv64", "linux/s390x",   "netbsd/386",      "netbsd/amd64",    "netbsd/arm",    "netbsd/arm64",
    "openbsd/386",   "openbsd/amd64", "openbsd/arm",     "openbsd/arm64",   "openbsd/ppc64", "openbsd/riscv64",
    "plan9/386",     "plan9/amd64",   "plan9/arm",       "solaris/amd64",   "wasip1/wasm",   "windows/386",
    "windows/amd64", "windows/arm",   "windows/arm64",
};

Lists lists() { return Lists(cli::config_directory() + "/manifests"); }

oci::Reference parse(const std::string& text, std::string_view what) {
  try {
    oci::Reference reference = oci::Reference::parse(text);
    if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
    return reference;
  } catch (const Error& e) {
    throw e.within(cat("error parsing name for ", what, " ", text));
  }
}

oci::Reference list_name(const std::string& text) { return parse(text, "manifest list"); }

registry::Repository repository_of(const oci::Reference& reference, bool insecure, registry::Access access) {
  registry::Options options;
  if (insecure) options.insecure.push_back(reference.domain);
  registry::Credentials credentials;
  if (auto login = cli::find_login(cli::server_key(reference.domain))) {
    credentials.username = login->username;
    credentials.password = login->password;
    credentials.identity_token = login->identity_token;
  }
  return {reference.domain, reference.path, options, credentials, access};
}

std::string wanted_of(const oci::Reference& reference) {
  return reference.digest.empty() ? reference.tag : reference.digest;
}

bool is_list(const Json& manifest) { return manifest.contains("manifests"); }

registry::Content fetch(registry::Repository& repository, const oci::Reference& reference) {
  try {
    return repository.manifest(wanted_of(reference), {});
  } catch (const Error& e) {
    if (e.kind() != Kind::kNotFound) throw;
    fail(Kind::kNotFound, "no such manifest: ", full_name(reference));
  }
}

std::string media_type_of(const registry::Content& content, const Json& manifest) {
  if (auto type = manifest.find("mediaType"); type != manifest.end() && type->is_string()) return *type;
  return content.media_type.empty() ? std::string(oci::kMediaTypeManifest) : content.media_type;
}

// The platform of an image, as its configuration says it.
Json platform_of(registry::Repository& repository, const Json& manifest) {
  auto config = from_json<oci::ImageManifest>(manifest).config;
  Json platform = Json::object();
  Json text = parse_json(repository.small_blob(config, {}));
  for (const char* key : {"architecture", "os", "os.version", "os.features", "variant"})
    if (auto found = text.find(key); found != text.end() && !found->is_null() && !found->empty() && *found != "")
      platform[key] = *found;
  return platform;
}

Entry entry_of(registry::Repository& repository, const oci::Reference& reference, const registry::Content& content) {
  Json manifest = parse_json(content.text);
  Entry entry{reference, Json::object(), content.text};
  entry.descriptor["mediaType"] = media_type_of(content, manifest);
  entry.descriptor["digest"] = content.digest;
  entry.descriptor["size"] = content.text.size();
  entry.descriptor["platform"] = platform_of(repository, manifest);
  return entry;
}

Entry fetch_image(const oci::Reference& reference, bool insecure) {
  auto repository = repository_of(reference, insecure, registry::Access::kPull);
  registry::Content content = fetch(repository, reference);
  if (is_list(parse_json(content.text))) fail_invalid(full_name(reference), " is a manifest list");
  return entry_of(repository, reference, content);
}

// What stands in the list for an image. The order of the keys is the docker CLI's: the same list has the same digest,
// whoever pushed it.
Json line_of(const oci::Reference& list, const Entry& entry) {
  if (entry.reference.domain != list.domain)
    fail_invalid("cannot use source images from a different registry than the target image: ", entry.reference.domain,
                 " != ", list.domain);
  Json line;
  for (const char* key : {"mediaType", "size", "digest"}) line[key] = entry.descriptor.at(key);
  Json platform = Json::object(), said = entry.descriptor.value("platform", Json::object());
  for (const char* key : {"architecture", "os", "os.version", "os.features", "variant"})
    if (said.contains(key)) platform[key] = said.at(key);
  line["platform"] = platform;
  return line;
}

registry::Content list_text(const oci::Reference& list, const std::vector<Entry>& entries) {
  Json document, lines = Json::array();
  for (const Entry& entry : entries) lines.push_back(line_of(list, entry));
  bool oci_list = !lines.empty() && lines.front().at("mediaType") == oci::kMediaTypeManifest;
  std::string type(oci_list ? oci::kMediaTypeIndex : oci::kMediaTypeDockerList);
  document["schemaVersion"] = 2;
  document["mediaType"] = type;
  document["manifests"] = lines;
  std::string text = document.dump(3);
  return {type, archive::sha256_digest(text), text};
}

void show(const Json& json) { cli::print(json.dump(1, '\t') + "\n"); }

// An image of another repository of the same registry: its blobs are mounted, its manifest is sent again.
void push_entry(registry::Repository& target, const oci::Reference& list, const Entry& entry) {
  if (entry.reference.path == list.path) return;
  auto manifest = from_json<oci::ImageManifest>(parse_json(entry.raw));
  std::vector<oci::Descriptor> blobs = manifest.layers;
  blobs.push_back(manifest.config);
  std::set<std::string> seen;
  for (const oci::Descriptor& blob : blobs) {
    if (!seen.insert(blob.digest).second || target.find_blob(blob.digest, {})) continue;
    if (!target.mount_blob(blob.digest, entry.reference.path, {}))
      fail(Kind::kUnavailable, "the registry does not mount blob ", blob.digest, " of ", full_name(entry.reference),
           ": push the image to ", list.canonical_name(), " first");
  }
  std::string digest = entry.descriptor.value("digest", "");
  target.push_manifest(digest, {entry.descriptor.value("mediaType", ""), digest, entry.raw}, {});
  cli::print_line("Pushed ref ", list.canonical_name(), "@", digest, " with digest: ", digest);
}

}  // namespace

int create(const cli::Options& options) {
  oci::Reference list = list_name(options.arguments[0]);
  Lists all = lists();
  if (!all.entries(list).empty() && !options.is_set("amend"))
    fail_invalid("refusing to amend an existing manifest list with no --amend flag");
  for (std::size_t i = 1; i < options.arguments.size(); ++i) {
    oci::Reference image = parse(options.arguments[i], "manifest");
    auto known = all.entry(list, image);
    all.save(list, known ? *known : fetch_image(image, options.is_set("insecure")));
  }
  cli::print_line("Created manifest list ", full_name(list));
  return 0;
}

int annotate(const cli::Options& options) {
  oci::Reference list = list_name(options.arguments[0]), image = parse(options.arguments[1], "manifest");
  auto entry = lists().entry(list, image);
  if (!entry)
    fail(Kind::kNotFound, "manifest for image ", options.arguments[1], " does not exist in ", options.arguments[0]);
  Json platform = entry->descriptor.value("platform", Json::object());
  for (auto [flag, key] :
       {std::pair{"os", "os"}, {"arch", "architecture"}, {"variant", "variant"}, {"os-version", "os.version"}})
    if (options.given(flag)) platform[key] = options.text(flag);
  for (const std::string& feature : options.list("os-features")) {
    Json& features = platform["os.features"];
    if (std::ranges::find(features, Json(feature)) == features.end()) features.push_back(feature);
  }
  std::string both = cat(platform.value("os", ""), "/", platform.value("architecture", ""));
  if (std::ranges::find(kPlatforms, both) == std::end(kPlatforms))
    fail_invalid("manifest entry for image has unsupported os/arch combination: ", both);
  entry->descriptor["platform"] = platform;
  lists().save(list, *entry);
  return 0;
}

int inspect(const cli::Options& options) {
  bool verbose = options.is_set("verbose"), insecure = options.is_set("insecure");
  auto show_entry = [&](const Entry& entry) { show(verbose ? to_json(entry) : parse_json(entry.raw)); };
  auto show_entries = [&](const oci::Reference& list, const std::vector<Entry>& entries) {
    if (!verbose) return cli::print(list_text(list, entries).text + "\n");
    Json all = Json::array();
    for (const Entry& entry : entries) all.push_back(to_json(entry));
    show(all);
  };
  oci::Reference image = parse(options.arguments.back(), "manifest");
  if (options.arguments.size() == 2) {
    oci::Reference list = list_name(options.arguments[0]);
    auto entry = lists().entry(list, image);
    if (!entry) fail(Kind::kNotFound, "No such manifest: ", full_name(image));
    show_entry(*entry);
    return 0;
  }
  if (auto entries = lists().entries(image); !entries.empty()) {
    show_entries(image, entries);
    return 0;
  }
  auto repository = repository_of(image, insecure, registry::Access::kPull);
  registry::Content content = fetch(repository, image);
  Json manifest = parse_json(content.text);
  if (!is_list(manifest)) {
    show_entry(entry_of(repository, image, content));
  } else if (!verbose) {
    cli::print(manifest.dump(3) + "\n");
  } else {
    std::vector<Entry> entries;
    for (const Json& line : manifest.at("manifests")) {
      oci::Reference one = image;
      one.digest = line.value("digest", "");
      one.tag.clear();
      registry::Content child = fetch(repository, one);
      Entry entry{one, line, child.text};
      entries.push_back(std::move(entry));
    }
    show_entries(image, entries);
  }
  return 0;
}

int push(const cli::Options& options) {
  oci::Reference list = list_name(options.arguments[0]);
  auto entries = lists().entries(list);
  if (entries.empty()) fail(Kind::kNotFound, full_name(list), " not found");
  for (const Entry& entry : entries) {
    Json platform = entry.descriptor.value("platform", Json::object());
    if (platform.value("os", "").empty() || platform.value("architecture", "").empty())
      fail_invalid("manifest ", full_name(entry.reference),
                   " must have an OS and Architecture to be pushed to a registry");
  }
  registry::Content text = list_text(list, entries);
  auto target = repository_of(list, options.is_set("insecure"), registry::Access::kPush);
  for (const Entry& entry : entries) push_entry(target, list, entry);
  cli::print_line(target.push_manifest(wanted_of(list), text, {}));
  if (options.is_set("purge")) lists().remove(list);
  return 0;
}

int referrers(const cli::Options& options) {
  oci::Reference image = parse(options.arguments[0], "image");
  auto repository = repository_of(image, options.is_set("insecure"), registry::Access::kPull);
  std::string digest = image.digest;
  if (digest.empty()) {
    auto found = repository.find_manifest(image.tag, {});
    if (!found) fail(Kind::kNotFound, "no such manifest: ", full_name(image));
    digest = found->digest;
  }
  Json index = parse_json(repository.referrers(digest, {})), kept = Json::array();
  std::string wanted = options.text("artifact-type");
  for (const Json& one : index.value("manifests", Json::array()))
    if (wanted.empty() || one.value("artifactType", "") == wanted) kept.push_back(one);
  index["manifests"] = kept;
  show(index);
  return 0;
}

int remove(const cli::Options& options) {
  std::string failures;
  for (const std::string& name : options.arguments) {
    try {
      lists().remove(list_name(name));
    } catch (const Error& e) {
      failures += cat(failures.empty() ? "" : "\n", e.message());
    }
  }
  if (!failures.empty()) fail(Kind::kNotFound, failures);
  return 0;
}

}  // namespace hull::manifest_verbs
