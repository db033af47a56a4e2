// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "api/handlers.h"
#include "api/json_reply.h"
#include "container/spec_fields.h"
#include "oci/json.h"
#include "oci/reference.h"

// The files of a container: archive (docker cp), export, commit.
namespace hull::api {

namespace {

constexpr std::string_view kTar = "application/x-tar";

std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                               reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

void add_stat_header(Call& call, const container::PathStat& stat) {
  Json out;
  out["name"] = stat.name;
  out["size"] = stat.size;
  out["mode"] = stat.mode;
  out["mtime"] = format_rfc3339(stat.modified);
  out["linkTarget"] = stat.link_target;
  call.response.headers.emplace_back("X-Docker-Container-Path-Stat", base64(dump_json(out)));
}

std::string path_of(const Call& call) {
  std::string path = call.query.get("path");
  if (path.empty()) fail_invalid("bad parameter: 'path' cannot be empty");
  return path;
}

archive::Sink body_of(Call& call, std::string_view type) {
  call.response.begin(200, type);
  return [&response = call.response](std::string_view piece) { response.write(piece); };
}

std::string commit_reference(const Call& call) {
  std::string repository = call.query.get("repo"), tag = call.query.get("tag");
  if (repository.empty()) return {};
  auto reference = oci::Reference::parse(repository);
  if (!reference.digest.empty()) fail_invalid("cannot commit to digest reference");
  if (!tag.empty()) reference = oci::Reference::parse(cat(reference.familiar_name(), ":", tag));
  return reference.canonical();
}

}  // namespace

void stat_archive(Call& call) {
  add_stat_header(call, call.engine.stat_path(call.parameter("name"), path_of(call)));
  call.send_empty(200);
}

void get_archive(Call& call) {
  call.engine.read_archive(call.parameter("name"), path_of(call), [&](const container::PathStat& stat) {
    add_stat_header(call, stat);
    return body_of(call, kTar);
  });
}

void put_archive(Call& call) {
  container::ExtractOptions options;
  options.as_container_user = call.query.flag("copyUIDGID");
  options.keep_kinds = call.query.flag("noOverwriteDirNonDir");
  call.engine.write_archive(
      call.parameter("name"), path_of(call),
      [&request = call.request](char* buffer, std::size_t size) { return request.read(buffer, size); }, options);
  call.send_empty(200);
}

void export_container(Call& call) {
  call.engine.export_root(call.parameter("name"), [&] { return body_of(call, "application/octet-stream"); });
}

void commit_container(Call& call) {
  std::string name = call.query.get("container");
  container::CommitRequest request;
  request.reference = commit_reference(call);
  request.comment = call.query.get("comment");
  request.author = call.query.get("author");
  request.pause = call.query.flag("pause", true);
  request.changes = call.query.all("changes");
  Json body = json_body(call, true);
  if (body.is_object() && !body.empty()) request.config = from_json<oci::ExecutionConfig>(body);
  Json out;
  out["Id"] = call.engine.commit(name, std::move(request));
  reply(call, 201, out);
}

}  // namespace hull::api
