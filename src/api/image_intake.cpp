// SPDX-License-Identifier: Apache-2.0
#include <mutex>

#include "api/handlers.h"
#include "api/image_progress.h"
#include "api/platforms.h"
#include "api/registry_auth.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "registry/download.h"

// docker import and docker load: POST /images/create?fromSrc=… and /images/load.
namespace hull::api {

namespace {

image::Source body_of(Call& call) {
  return [&request = call.request](char* buffer, std::size_t size) { return request.read(buffer, size); };
}

// The objects of a progress stream. Before the first of them an error still has a status of its own.
class Progress {
 public:
  explicit Progress(Call& call) : call_(call) {}
  void show(std::string_view key, std::string_view text) {
    if (!call_.response.started()) call_.response.begin(200, kJson);
    Json out;
    out[std::string(key)] = std::string(text);
    call_.response.write(dump_json(out) + "\r\n");
  }
  void error(const std::string& message) {
    if (!call_.response.started()) call_.response.begin(200, kJson);
    Json out = {{"errorDetail", {{"message", message}}}, {"error", message}};
    call_.response.write(dump_json(out) + "\r\n");
  }

 private:
  Call& call_;
};

image::ImportOptions import_options(const Call& call, const std::string& source) {
  image::ImportOptions options;
  options.reference = call.query.get("repo");
  if (std::string tag = call.query.get("tag"); !tag.empty() && !options.reference.empty())
    options.reference += cat(tag.find(':') == tag.npos ? ":" : "@", tag);
  if (!options.reference.empty()) oci::Reference::parse(options.reference);
  options.changes = call.query.all("changes");
  options.message = call.query.get("message");
  if (options.message.empty()) options.message = "Imported from " + source;
  options.platform = call.query.get("platform");
  return options;
}

// What is said of a download comes from the thread that reads it, and only as long as it is wanted.
class DownloadProgress {
 public:
  explicit DownloadProgress(const image::Report& report) : report_(report) {}
  void read(std::size_t size, std::int64_t total) {
    std::lock_guard guard(mutex_);
    current_ += static_cast<std::int64_t>(size);
    if (over_ || total <= 0 || (size > 0 && current_ - shown_ < kStep)) return;
    shown_ = current_;
    image::TransferMessage message{"", "Importing"};
    message.current = current_;
    message.total = total;
    report_(message);
  }
  void end() {
    std::lock_guard guard(mutex_);
    over_ = true;
  }

 private:
  static constexpr std::int64_t kStep = 512 << 10;
  const image::Report& report_;
  std::mutex mutex_;
  std::int64_t current_ = 0, shown_ = 0;
  bool over_ = false;
};

// An archive that somebody else serves. It is extracted while it comes.
void import_from_url(Call& call, const std::string& url) {
  image::ImportOptions options = import_options(call, url);
  registry::Options network = registry_options(call);
  std::stop_token hung_up = call.request.hung_up();
  report_progress(call, [&](const image::Report& report) {
    std::int64_t total = -1;
    image::Source stream = archive::produced_by([&](const archive::Sink& sink) {
      registry::download(
          url, network, [&](std::int64_t size) { total = size; }, sink, hung_up);
    });
    // A server that refuses does so before anything is answered.
    std::string first(64 << 10, '\0');
    first.resize(stream(first.data(), first.size()));
    report({"", "Downloading from " + url});
    DownloadProgress progress(report);
    progress.read(first.size(), total);
    auto joined = [&, rest = std::string_view(first)](char* buffer, std::size_t size) mutable {
      if (!rest.empty()) {
        size = rest.copy(buffer, size);
        rest.remove_prefix(size);
        return size;
      }
      std::size_t got = stream(buffer, size);
      progress.read(got, total);
      return got;
    };
    std::string id;
    try {
      id = call.services().images.import(joined, options);
    } catch (...) {
      progress.end();
      throw;
    }
    progress.end();
    report({"", id});
  });
}

}  // namespace

void create_image(Call& call) {
  std::string source = call.query.get("fromSrc");
  if (!call.query.get("fromImage").empty()) return pull_image(call);
  if (source.empty()) fail_invalid("neither an image to pull (fromImage) nor an archive to import (fromSrc) was named");
  if (source != "-") return import_from_url(call, source);
  std::string id = call.services().images.import(body_of(call), import_options(call, source));
  Progress(call).show("status", id);
}

void load_images(Call& call) {
  Progress progress(call);
  auto platforms = archive_platforms(call);
  // Whatever goes wrong is part of the progress here, as clients expect it.
  try {
    for (const auto& line : call.services().images.load(body_of(call), platforms)) progress.show("stream", line + "\n");
  } catch (const Error& e) {
    if (e.kind() == Kind::kCancelled) throw;
    progress.error(e.message());
  }
  if (!call.response.started()) call.response.begin(200, kJson);
}

}  // namespace hull::api
