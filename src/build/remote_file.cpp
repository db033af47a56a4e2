// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include "archive/sha256.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/rollback.h"
#include "build/cache.h"
#include "build/remote_sources.h"
#include "registry/hosts.h"
#include "registry/http.h"
#include "store/layout.h"

// Files over HTTP. Beside the file lies "head": what its server said about it, a line each.
namespace hull::build {

namespace {

struct Head {
  std::string digest, name, etag, modified;
};

std::optional<Head> read_head(const std::string& place) {
  auto text = read_if_exists(place + "/head");
  if (!text) return std::nullopt;
  auto lines = split(*text, '\n');
  if (lines.size() < 4 || !exists(cat(place, "/content/", lines[1]))) return std::nullopt;
  return Head{std::string(lines[0]), std::string(lines[1]), std::string(lines[2]), std::string(lines[3])};
}

std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

// "Wed, 21 Oct 2015 07:28:00 GMT" (RFC 9110, section 5.6.7); the epoch when it is none.
time_t http_time(const std::string& text) {
  tm parts{};
  if (text.empty() || !::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts)) return 0;
  return ::timegm(&parts);
}

}  // namespace

RemoteFile RemoteSources::file(const std::string& url, const std::string& checksum) {
  std::string key = KeyMaker("http").add(url).digest(), at = place(key);
  keep(key);
  Shared::Hold hold(shared_, key, stop_);
  auto known = read_head(at);
  auto found = [&](const Head& head) { return RemoteFile{at + "/content", head.name, head.digest}; };
  if (known && known->digest == checksum) return found(*known);

  std::string fresh = store::incoming_path(shared_.data_root, "download");
  Rollback undo;
  undo.add("download", [&] { remove_tree(fresh); });
  Head head;
  head.name = dockerfile::http_file_name(url);
  make_directories(fresh + "/content", 0755);
  std::string path = cat(fresh, "/content/", head.name);
  UniqueFd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  archive::Sha256 hash;
  registry::Request request;
  request.url = url;
  if (known && !known->etag.empty()) request.headers.emplace_back("If-None-Match", known->etag);
  if (known && !known->modified.empty()) request.headers.emplace_back("If-Modified-Since", known->modified);
  request.receive = [&](int, std::string_view piece) {
    hash.update(piece);
    write_all(file.get(), piece);
  };
  std::string origin = registry::origin_of(url), host = origin.substr(origin.find("://") + 3);
  registry::Route route;
  if (request_.transfer) route = registry::endpoints_of(host, request_.transfer(host).registry, true).front().route;
  registry::Response response = registry::Session().perform(request, route, stop_);
  if (response.status == 304 && known) {
    head = *known;
  } else if (!response.ok()) {
    fail(response.status == 404 ? Kind::kNotFound : Kind::kUnavailable, "failed to load ", url, ": the server answers ",
         response.status);
  } else {
    head.digest = hash.digest();
    head.etag = one_line(response.header("ETag"));
    head.modified = one_line(response.header("Last-Modified"));
  }
  if (!checksum.empty() && head.digest != checksum)
    fail_invalid("digest mismatch ", head.digest, ": ", checksum, " was expected of ", url);
  if (response.status == 304) return found(head);

  timespec times[2] = {{http_time(head.modified), 0}, {http_time(head.modified), 0}};
  check(::futimens(file.get(), times), "utimens", path);
  write_file_atomically(fresh + "/head", cat(head.digest, "\n", head.name, "\n", head.etag, "\n", head.modified, "\n"),
                        0600, Durability::kProcessCrash);
  fault::point("build.downloaded");
  store::move_to_trash(shared_.data_root, at);
  make_directories(at.substr(0, at.rfind('/')), 0700);
  check(::rename(fresh.c_str(), at.c_str()), "rename", at);
  fault::point("build.remote-moved");
  record(key, kHttpSource, url);
  return found(head);
}

}  // namespace hull::build
