// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/container_path.h"
#include "cli/local_files.h"
#include "cli/tar.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "cli/verbs.h"

// cp between a container and this machine. What a name means when it is, or is not, a directory on either side are
// Docker's rules (docs.docker.com, "docker container cp").
namespace hull::cli::container {
namespace {

constexpr std::int64_t kDirectory = std::int64_t{1} << 31, kSymbolicLink = std::int64_t{1} << 27;
constexpr std::int64_t kTypes = 0x8F280000;  // of Go's os.FileMode

struct Side {
  std::string container, path;
};

// "container:path"; a colon in a local name is told by a "/" or "." at its beginning.
Side side_of(const std::string& argument) {
  auto colon = argument.find(':');
  if (argument.starts_with('/') || argument.starts_with('.') || colon == std::string::npos) return {"", argument};
  return {argument.substr(0, colon), argument.substr(colon + 1)};
}

std::string from_base64(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (char c : text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    auto digit = kDigits.find(c);
    if (digit == kDigits.npos) break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xFF);
  }
  return out;
}

struct Found {
  bool exists = false;
  std::int64_t mode = 0;
  std::string link_target;
  bool is_directory() const { return (mode & kDirectory) != 0; }
  bool is_link() const { return (mode & kSymbolicLink) != 0; }
};

Found found_in(const ResponseHead& head) {
  Value stat = parse_value(from_base64(head.header("x-docker-container-path-stat")));
  return {true, stat["mode"].integer(), stat["linkTarget"].text()};
}

std::string archive_path(const Side& side, Query query) {
  query.add("path", side.path);
  return container_path(side.container, "/archive", query.text());
}

// Empty when there is nothing, or cannot be looked at.
Found look_at(Client& client, const Side& side) {
  client.negotiated_version();
  auto connection = client.send("HEAD", archive_path(side, {}));
  ResponseHead head = connection->read_head();
  return head.status == 200 ? found_in(head) : Found{};
}

void report(Invocation& call, std::int64_t bytes, std::string_view where) {
  bool quiet = call.options.given("quiet") ? call.options.is_set("quiet") : !is_terminal(STDOUT_FILENO);
  if (!quiet) complain(cat("Successfully copied ", decimal_size(static_cast<double>(bytes), 3), " to ", where));
}

// A link that was asked for itself, by the name of the link.
std::string follow_source(Client& client, Side& from) {
  Found found = look_at(client, from);
  if (!found.exists || !found.is_link()) return {};
  PathParts wanted = path_parts(from.path), target = path_parts(found.link_target);
  from.path = found.link_target + (wanted.is_dot ? "/." : from.path.ends_with('/') ? "/" : "");
  return wanted.base == target.base || wanted.is_dot ? "" : wanted.base;
}

int copy_out(Invocation& call, Side from, const std::string& to) {
  Client& client = call.client();
  if (to != "-") check_output_path(to);
  std::string name = call.options.is_set("follow-link") ? follow_source(client, from) : "";
  client.negotiated_version();
  auto connection = client.send("GET", archive_path(from, {}));
  Found source = found_in(client.finish_head(*connection));
  auto read = [&](char* out, std::size_t size) { return connection->read_some(out, size); };
  if (to == "-") {
    if (is_terminal(STDOUT_FILENO)) throw Exit(1, "cowardly refusing to write an archive to a terminal: redirect it");
    std::string buffer(64 * 1024, '\0');
    while (std::size_t got = read(buffer.data(), buffer.size())) print({buffer.data(), got});
    return 0;
  }
  TarInput tar(read);
  PathParts parts = path_parts(from.path);
  if (parts.base == "/") parts.base.clear();
  Destination destination = local_destination(to, source.is_directory(), parts.base, name);
  unpack(tar, destination);
  report(call, tar.bytes(), to);
  return 0;
}

struct Target {
  std::string directory;  // inside the container
  Renaming renaming;
};

// Where an upload goes, and what its entries are called there.
Target container_target(const Found& there, const std::string& path, const LocalSource& source) {
  PathParts parts = path_parts(path);
  if (there.exists && there.is_directory()) return {path, {source.base, source.name}};
  if (there.exists && source.is_directory) throw Exit(1, "cannot copy directory");
  if (!source.is_directory && !there.exists && (path.ends_with('/') || parts.is_dot))
    throw Exit(1, "no such directory");
  return {parts.directory, {source.base, parts.base}};
}

int copy_in(Invocation& call, const std::string& from, Side to) {
  Client& client = call.client();
  std::string asked = cat(to.container, ":", to.path);
  Found there = look_at(client, to);
  if (there.is_link()) {
    to.path = there.link_target;
    there = look_at(client, to);
  }
  bool ordinary = (there.mode & kTypes & ~kDirectory) == 0;
  if (there.exists && !ordinary)
    throw Exit(1, cat("destination ", quoted(asked), " must be a directory or a regular file"));

  Query query;
  query.add("noOverwriteDirNonDir", "true");
  if (call.options.is_set("archive")) query.add("copyUIDGID", "true");
  std::int64_t bytes = 0;
  if (from == "-") {
    if (!there.is_directory()) throw Exit(1, cat("destination ", quoted(asked), " must be a directory"));
    std::string buffer(64 * 1024, '\0');
    client.upload_with("PUT", archive_path(to, query), "application/x-tar", [&](const Client::Send& send) {
      for (ssize_t got; (got = ::read(STDIN_FILENO, buffer.data(), buffer.size())) > 0; bytes += got)
        send({buffer.data(), static_cast<std::size_t>(got)});
    });
  } else {
    LocalSource source = local_source(from, call.options.is_set("follow-link"));
    Target target = container_target(there, to.path, source);
    to.path = target.directory;
    client.upload_with("PUT", archive_path(to, query), "application/x-tar", [&](const Client::Send& send) {
      TarOutput tar(send);
      pack(source, target.renaming, tar);
      tar.finish();
      bytes = tar.bytes();
    });
  }
  report(call, bytes, asked);
  return 0;
}

}  // namespace

int copy(Invocation& call) {
  if (call.argument(0).empty()) throw Exit(1, "source can not be empty");
  if (call.argument(1).empty()) throw Exit(1, "destination can not be empty");
  Side from = side_of(call.argument(0)), to = side_of(call.argument(1));
  if (!from.container.empty() && !to.container.empty()) throw Exit(1, "copying between containers is not supported");
  if (!from.container.empty()) return copy_out(call, from, to.path);
  if (!to.container.empty()) return copy_in(call, from.path, to);
  throw Exit(1, "must specify at least one container source");
}

}  // namespace hull::cli::container
