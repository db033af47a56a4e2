// SPDX-License-Identifier: Apache-2.0
#include "build/contexts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "archive/confined.h"
#include "archive/decompress.h"
#include "archive/placement.h"
#include "archive/tar_reader.h"
#include "base/file.h"
#include "dockerfile/git_reference.h"
#include "dockerfile/ignore.h"
#include "store/layout.h"

namespace hull::build {

namespace {

constexpr std::size_t kLargestDockerfile = 2 << 20;

// An upload as a directory.
UniqueFd spool(const archive::Source& tar, const std::string& directory) {
  make_directories(directory, 0700);
  UniqueFd root = open_file(directory, O_RDONLY | O_DIRECTORY);
  archive::TarReader reader(archive::read_ahead(archive::decompress(tar)));
  archive::Placement placement(root.get(), archive::Whiteouts::kLiteral);
  while (const archive::Entry* entry = reader.next()) placement.place(*entry, reader);
  placement.finish();
  return root;
}

std::optional<std::string> read_inside(int root, const std::string& path) {
  if (root < 0) return std::nullopt;
  UniqueFd file = archive::open_confined(root, path, O_RDONLY | O_NONBLOCK);
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) < 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  if (info.st_size > static_cast<off_t>(kLargestDockerfile))
    fail_invalid(quoted(path), " is too large for a text file");
  return read_all(file.get());
}

struct Text {
  std::string path, text;
};

bool is_tar(const archive::Source& content) {
  try {
    archive::TarReader reader(archive::decompress(content));
    return reader.next() != nullptr;
  } catch (const Error&) {
    return false;
  }
}

Text find_dockerfile(const Request& request, int context) {
  if (request.dockerfile_text)
    return {request.dockerfile.empty() ? "Dockerfile" : request.dockerfile, *request.dockerfile_text};
  Strings candidates = {request.dockerfile};
  if (request.dockerfile.empty()) candidates = {"Dockerfile", "dockerfile"};
  for (const std::string& path : candidates)
    if (auto text = read_inside(context, path)) return {path, std::move(*text)};
  fail_invalid("Cannot locate specified Dockerfile: ", candidates.front());
}

dockerfile::IgnoreRules ignore_rules(const Request& request, int context, const std::string& dockerfile) {
  if (request.has_ignore_text) return dockerfile::IgnoreRules::parse(request.ignore_text);
  for (const std::string& path : dockerfile::ignore_files(dockerfile))
    if (auto text = read_inside(context, path)) return dockerfile::IgnoreRules::parse(*text);
  return {};
}

std::string index_file(const std::string& data_root, int directory) {
  struct stat info {};
  check(::fstat(directory, &info), "stat", "the build context");
  make_directories(data_root + "/build/index", 0700);
  return cat(data_root, "/build/index/", static_cast<std::uint64_t>(info.st_dev), "-",
             static_cast<std::uint64_t>(info.st_ino));
}

// What lies at a URL becomes one of `directories`, or `text` when it is nothing but a Dockerfile.
class RemoteContexts {
 public:
  RemoteContexts(Shared& shared, RemoteSources& remote, Sources& sources, Rollback& undo)
      : shared_(shared), remote_(remote), sources_(sources), undo_(undo) {}

  void open(const std::string& name, const std::string& url) {
    if (auto repository = dockerfile::parse_git_reference(url)) return open_repository(name, *repository);
    if (!dockerfile::is_http_source(url)) fail_invalid("unsupported context ", hull::quoted(url));
    RemoteFile file = remote_.file(url, "");
    UniqueFd content = open_file(cat(file.directory, "/", file.name), O_RDONLY);
    if (is_tar(archive::file_source(content.get()))) {
      std::string directory = store::incoming_path(shared_.data_root, "context");
      undo_.add("remote context", [directory] { remove_tree(directory); });
      check(::lseek(content.get(), 0, SEEK_SET), "lseek");
      sources_.directories.insert_or_assign(name, spool(archive::file_source(content.get()), directory));
      return;
    }
    if (!name.empty()) fail_invalid("the context ", hull::quoted(name), ": ", url, " is no archive");
    check(::lseek(content.get(), 0, SEEK_SET), "lseek");
    dockerfile = read_all(content.get());
  }

  std::optional<std::string> dockerfile;  // when that was all

 private:
  void open_repository(const std::string& name, const dockerfile::GitReference& repository) {
    Checkout checkout = remote_.repository(repository, repository.keep_git_dir.value_or(false), "");
    UniqueFd root = open_file(checkout.directory, O_RDONLY | O_DIRECTORY);
    if (!repository.subdir.empty()) {
      root = archive::open_confined(root.get(), repository.subdir, O_RDONLY | O_DIRECTORY);
      if (!root) fail_invalid("the repository has no directory ", hull::quoted(repository.subdir));
    }
    sources_.directories.insert_or_assign(name, std::move(root));
  }

  Shared& shared_;
  RemoteSources& remote_;
  Sources& sources_;
  Rollback& undo_;
};

}  // namespace

Contexts open_contexts(Shared& shared, const Request& request, Sources sources, RemoteSources& remote, Rollback& undo) {
  if (sources.tar) {
    std::string spooled = store::incoming_path(shared.data_root, "context");
    undo.add("build context", [spooled] { remove_tree(spooled); });
    sources.directories.insert_or_assign("", spool(sources.tar, spooled));
  }
  RemoteContexts remote_contexts(shared, remote, sources, undo);
  if (!request.remote.empty()) remote_contexts.open("", request.remote);
  for (const auto& [name, url] : request.remote_contexts) remote_contexts.open(name, url);

  auto main = sources.directories.find("");
  int context = main == sources.directories.end() ? -1 : main->second.get();
  Text text;
  if (remote_contexts.dockerfile && !request.dockerfile_text)
    text = {"Dockerfile", *remote_contexts.dockerfile};
  else
    text = find_dockerfile(request, context);
  Contexts contexts;
  contexts.path = std::move(text.path);
  contexts.text = std::move(text.text);
  bool uploaded = static_cast<bool>(sources.tar);
  std::string place = request.remote;
  if (place.empty() && context >= 0 && !uploaded) place = index_file(shared.data_root, context);
  if (place.empty() && !request.tags.empty()) place = request.tags.front();
  contexts.project = cat(place, "\n", contexts.path, "\n", request.target, "\n", request.platform);
  for (auto& [name, directory] : sources.directories) {
    SourceTree::Options options;
    options.owners = false;
    options.ignore =
        name.empty() ? ignore_rules(request, context, contexts.path) : ignore_rules({}, directory.get(), "");
    if (!uploaded || !name.empty()) options.index = index_file(shared.data_root, directory.get());
    contexts.trees[name] = std::make_shared<SourceTree>(std::move(directory), std::move(options));
  }
  return contexts;
}

}  // namespace hull::build
