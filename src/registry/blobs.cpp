// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "archive/sha256.h"
#include "oci/reference.h"
#include "registry/repository_state.h"

namespace hull::registry {

namespace {

constexpr int kMostConnections = 100;  // for one blob, however far each of them gets
constexpr std::int64_t kLargestSmallBlob = 16 << 20;

std::string blob_url(const std::string& base, const std::string& digest) { return cat(base, "/blobs/", digest); }

// Where in the blob a partial answer begins: "bytes 100-199/200".
std::optional<std::int64_t> start_of_range(const Response& response) {
  std::string_view text = response.header("Content-Range");
  if (!text.starts_with("bytes ")) return std::nullopt;
  return parse_number<std::int64_t>(split_once(text.substr(6), '-').first);
}

// A blob that comes in over one or more connections.
class Download {
 public:
  Download(const oci::Descriptor& blob, const archive::Sink& sink) : blob_(blob), sink_(sink) {}

  bool complete() const { return at_ == blob_.size; }
  std::int64_t at() const { return at_; }

  Request request(const std::string& base) {
    Request request;
    request.url = blob_url(base, blob_.digest);
    if (at_ > 0) request.headers.emplace_back("Range", cat("bytes=", at_, "-"));
    skip_ = 0;
    began_ = false;
    request.receive = [this](int status, std::string_view piece) { take(status, piece); };
    return request;
  }

  void check_answer(const Response& response) const {
    auto start = start_of_range(response);
    if (began_ && response.status == 206 && start && *start != begin_)
      fail(Kind::kUnavailable, "the registry answers with another part of blob ", blob_.digest,
           " than it was asked for");
  }

  void finish() {
    std::string digest = hash_.digest();
    if (digest != blob_.digest)
      fail(Kind::kUnavailable, "filesystem layer verification failed for digest ", blob_.digest,
           ": what the registry sent has the digest ", digest);
  }

 private:
  void take(int status, std::string_view piece) {
    if (!std::exchange(began_, true)) {
      begin_ = at_;
      skip_ = status == 206 ? 0 : at_;  // a registry without ranges begins at the beginning
    }
    auto skipped = static_cast<std::size_t>(std::min<std::int64_t>(skip_, static_cast<std::int64_t>(piece.size())));
    skip_ -= static_cast<std::int64_t>(skipped);
    piece.remove_prefix(skipped);
    if (piece.empty()) return;
    if (at_ + static_cast<std::int64_t>(piece.size()) > blob_.size)
      fail(Kind::kUnavailable, "the registry sends more than the ", blob_.size, " bytes of blob ", blob_.digest);
    hash_.update(piece);
    sink_(piece);
    at_ += static_cast<std::int64_t>(piece.size());
  }

  const oci::Descriptor& blob_;
  const archive::Sink& sink_;
  archive::Sha256 hash_;
  std::int64_t at_ = 0, begin_ = 0, skip_ = 0;
  bool began_ = false;
};

}  // namespace

void Repository::fetch_blob(const oci::Descriptor& blob, const archive::Sink& sink, const std::stop_token& stop) {
  if (!oci::is_digest(blob.digest)) fail_invalid("invalid digest ", hull::quoted(blob.digest), " in a manifest");
  if (blob.size < 0) fail_invalid("invalid size of blob ", blob.digest, " in a manifest: ", blob.size);
  Download download(blob, sink);
  std::size_t address = state_->working;
  int failures = 0;
  for (int connections = 0; !download.complete() || connections == 0; ++connections) {
    Connection& connection = *state_->connections[address];
    bool last = address + 1 == state_->connections.size() || !connection.endpoint().mirror;
    std::int64_t before = download.at();
    std::optional<Response> refusal;
    std::exception_ptr broken;
    try {
      Response response = connection.perform(download.request(state_->base), state_->scope, stop);
      download.check_answer(response);
      if (!response.ok()) refusal = std::move(response);
    } catch (const TransportError&) {
      broken = std::current_exception();
    }
    if (!refusal && !broken && download.complete()) break;
    failures = download.at() > before ? 1 : failures + 1;
    bool hopeless = refusal && !is_temporary(refusal->status);
    if (hopeless || failures >= state_->attempts || connections >= kMostConnections) {
      if (!last) {
        ++address;
        failures = 0;
        continue;
      }
      if (broken) std::rethrow_exception(broken);
      if (refusal) refuse(*refusal, cat("blob ", blob.digest));
      fail(Kind::kUnavailable, "the registry sends ", download.at(), " of the ", blob.size, " bytes of blob ",
           blob.digest);
    }
    wait_before_retry(failures, refusal ? &*refusal : nullptr, stop);
  }
  download.finish();
}

std::string Repository::small_blob(const oci::Descriptor& blob, const std::stop_token& stop) {
  if (blob.size > kLargestSmallBlob)
    fail_invalid("blob ", blob.digest, " with ", blob.size, " bytes is too large to be an image's configuration");
  std::string content;
  fetch_blob(
      blob, [&](std::string_view piece) { content += piece; }, stop);
  return content;
}

std::optional<std::int64_t> Repository::find_blob(const std::string& digest, const std::stop_token& stop) {
  Request request;
  request.method = "HEAD";
  request.url = blob_url(state_->base, digest);
  Response response = state_->ask(request, stop);
  if (response.status == 404) return std::nullopt;
  if (!response.ok()) refuse(response, "");
  return parse_number<std::int64_t>(response.header("Content-Length")).value_or(0);
}

bool Repository::mount_blob(const std::string& digest, const std::string& from, const std::stop_token& stop) {
  Request request;
  request.method = "POST";
  request.url = cat(state_->base, "/blobs/uploads/?mount=", digest, "&from=", percent_encoded(from));
  Response response = state_->ask(request, stop);
  if (response.status == 201) return true;
  if (response.status != 202) refuse(response, cat("blob ", digest));
  // It began an ordinary upload instead: take that back.
  Request cancel;
  cancel.method = "DELETE";
  cancel.url = resolved(response.url, response.header("Location"));
  state_->ask_at(state_->present(), cancel, stop);
  return false;
}

oci::Descriptor Repository::push_blob(const Upload& upload, const std::stop_token& stop) {
  for (int failures = 1;; ++failures) {
    std::optional<Response> refusal;
    try {
      Request begin;
      begin.method = "POST";
      begin.url = cat(state_->base, "/blobs/uploads/");
      Response session = state_->ask(begin, stop);
      if (session.status != 202) refuse(session, "");
      archive::Sha256 hash;
      std::int64_t size = 0;
      Request body;
      body.method = "PATCH";
      body.url = resolved(session.url, session.header("Location"));
      body.headers.emplace_back("Content-Type", "application/octet-stream");
      body.upload_size = upload.size;
      body.upload = [&, source = upload.open()](char* buffer, std::size_t room) {
        std::size_t got = source(buffer, room);
        hash.update({buffer, got});
        size += static_cast<std::int64_t>(got);
        upload.sent(size);
        return got;
      };
      Response sent = state_->present().perform(body, state_->scope, stop);
      if (sent.ok()) {
        oci::Descriptor blob;
        blob.digest = hash.digest();
        blob.size = size;
        Request end;
        end.method = "PUT";
        end.url = resolved(body.url, sent.header("Location"));
        end.url += cat(end.url.find('?') == end.url.npos ? "?" : "&", "digest=", percent_encoded(blob.digest));
        Response done = state_->ask_at(state_->present(), end, stop);
        if (done.ok()) return blob;
        refusal = std::move(done);
      } else {
        refusal = std::move(sent);
      }
    } catch (const TransportError&) {
      if (failures >= state_->attempts) throw;
    }
    // An upload that is not known any more (the registry was restarted) is begun again, too.
    bool again = !refusal || is_temporary(refusal->status) || refusal->status == 404 || refusal->status == 401;
    if (!again || failures >= state_->attempts) refuse(*refusal, "");
    wait_before_retry(failures, refusal ? &*refusal : nullptr, stop);
  }
}

std::string Repository::push_manifest(const std::string& reference, const Content& manifest,
                                      const std::stop_token& stop) {
  Request request;
  request.method = "PUT";
  request.url = cat(state_->base, "/manifests/", reference);
  request.headers.emplace_back("Content-Type", manifest.media_type);
  request.body = manifest.text;
  Response response = state_->ask(request, stop);
  if (!response.ok()) refuse(response, "");
  return archive::sha256_digest(manifest.text);
}

}  // namespace hull::registry
