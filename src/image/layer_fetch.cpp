// SPDX-License-Identifier: Apache-2.0
#include "image/layer_fetch.h"

#include <fcntl.h>

#include <chrono>

#include "archive/layer.h"
#include "archive/sha256.h"
#include "archive/tar_split.h"
#include "base/file.h"
#include "base/log.h"
#include "image/spool.h"
#include "store/layout.h"

namespace hull::image {

namespace {

// Runs the download beside its reader, and has it end with its owner.
class Downloader {
 public:
  Downloader(Spool& spool, const std::function<void(const archive::Sink&, const std::stop_token&)>& download,
             const std::stop_token& outer)
      : outer_(outer, [this] { inner_.request_stop(); }), thread_([this, &spool, download] {
          try {
            download([&](std::string_view piece) { spool.write(piece); }, inner_.get_token());
            spool.finish();
          } catch (...) {
            spool.fail(std::current_exception());
          }
        }) {}
  ~Downloader() {
    inner_.request_stop();
    thread_.join();
  }
  Downloader(const Downloader&) = delete;
  Downloader& operator=(const Downloader&) = delete;

 private:
  struct Stopper {
    Stopper(const std::stop_token& token, std::function<void()> act) : callback(token, std::move(act)) {}
    std::stop_callback<std::function<void()>> callback;
  };
  std::stop_source inner_;
  Stopper outer_;
  std::thread thread_;
};

}  // namespace

LayerFetch::LayerFetch(LayerFetches& all, WantedLayer wanted, std::shared_ptr<registry::Repository> repository)
    : all_(all),
      wanted_(std::move(wanted)),
      repository_(std::move(repository)),
      directory_(store::incoming_path(all.data_root_, "fetch")) {
  state_.total = wanted_.blob.size;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

LayerFetch::~LayerFetch() {
  thread_.request_stop();
  thread_.join();
  try {
    remove_tree(directory_);
  } catch (const Error& e) {
    log::warn("left over from a pull: ", e.message());
  }
}

FetchState LayerFetch::state() const {
  std::lock_guard guard(all_.mutex_);
  return state_;
}

const store::StagedLayer& LayerFetch::staged() const {
  if (failure_) std::rethrow_exception(failure_);
  return staged_;
}

void LayerFetch::set_phase(FetchPhase phase) {
  std::lock_guard guard(all_.mutex_);
  state_.phase = phase;
  ++all_.changes_;
  all_.changed_.notify_all();
}

void LayerFetch::run(const std::stop_token& stop) {
  try {
    all_.acquire(stop);
    try {
      if (!reuse()) fetch(stop);
    } catch (...) {
      all_.release();
      throw;
    }
    all_.release();
    set_phase(FetchPhase::kDone);
  } catch (...) {
    failure_ = std::current_exception();
    set_phase(FetchPhase::kFailed);
  }
}

// The same content can be here on top of other layers, as the very blob or as its files. False when it is not (or is
// being removed just now).
bool LayerFetch::reuse() {
  auto begin = [&] {
    std::lock_guard guard(all_.mutex_);
    state_.local = true;
    state_.phase = FetchPhase::kExtracting;
  };
  try {
    if (all_.database_.layer_with_blob(wanted_.blob.digest)) {
      std::string blob = store::blob_path(all_.data_root_, wanted_.blob.digest);
      if (auto file = open_if_exists(blob, O_RDONLY)) {
        begin();
        make_directories(directory_, 0700);
        extract(archive::file_source(file->get()));
        check(::link(blob.c_str(), (directory_ + "/blob").c_str()), "link", blob);
        return true;
      }
    }
    for (const auto& row : all_.database_.layers_with_diff(wanted_.diff_id)) {
      std::string layer = store::layer_path(all_.data_root_, row.chain_id);
      UniqueFd files = open_file(layer + "/diff", O_RDONLY | O_DIRECTORY);
      auto tar = archive::replayed_tar(layer + "/tar-split", files.get());
      if (!tar) continue;
      begin();
      make_directories(directory_, 0700);
      extract(tar->source);
      staged_.blob.clear();
      staged_.row.blob_digest.clear();
      staged_.row.media_type.clear();
      return true;
    }
  } catch (const Error& e) {
    log::info("layer ", wanted_.diff_id, " cannot be taken from this machine, and is fetched: ", e.message());
    remove_tree(directory_);
    std::lock_guard guard(all_.mutex_);
    state_.local = false;
    state_.phase = FetchPhase::kWaiting;
  }
  return false;
}

void LayerFetch::fetch(const std::stop_token& stop) {
  make_directories(directory_, 0700);
  set_phase(FetchPhase::kDownloading);
  Spool spool(directory_ + "/blob");
  archive::Source reader = spool.reader();
  Downloader downloader(
      spool,
      [&](const archive::Sink& sink, const std::stop_token& inner) {
        repository_->fetch_blob(
            wanted_.blob,
            [&](std::string_view piece) {
              sink(piece);
              std::lock_guard guard(all_.mutex_);
              state_.downloaded += static_cast<std::int64_t>(piece.size());
            },
            inner);
        set_phase(FetchPhase::kExtracting);
      },
      stop);
  try {
    extract([&](char* buffer, std::size_t size) {
      std::size_t got = reader(buffer, size);
      std::lock_guard guard(all_.mutex_);
      state_.extracted += static_cast<std::int64_t>(got);
      return got;
    });
  } catch (const Error& e) {
    // What cannot be unpacked is mostly not what was asked for: the digest, at the end of the blob, says so.
    if (e.code() == 0) archive::drain(reader);
    throw;
  }
}

void LayerFetch::extract(const archive::Source& source) {
  std::string layer = directory_ + "/layer", recording = layer + "/tar-split";
  make_directories(layer, 0710);
  archive::ExtractedLayer extracted = archive::extract_layer(source, layer + "/diff", recording);
  archive::drain(source);  // the digest of the blob is that of all of it
  if (extracted.diff_id != wanted_.diff_id)
    fail(Kind::kUnavailable, "layers from manifest don't match image configuration: layer ", wanted_.blob.digest,
         " should contain ", wanted_.diff_id, ", but contains ", extracted.diff_id);
  staged_.directory = layer;
  staged_.row = {wanted_.chain_id, wanted_.diff_id, wanted_.parent_chain_id, "", "", extracted.size};
  // A push sends the very bytes that came. A plain tar can be put together again from its files.
  if (extracted.compression == archive::Compression::kNone && exists(recording)) return;
  staged_.blob = directory_ + "/blob";
  staged_.row.blob_digest = wanted_.blob.digest;
  staged_.row.media_type = wanted_.blob.media_type;
}

std::shared_ptr<LayerFetch> LayerFetches::get(const WantedLayer& wanted,
                                              std::shared_ptr<registry::Repository> repository, int at_once) {
  std::shared_ptr<LayerFetch> failed;  // its destructor waits for its thread: not under the lock
  std::lock_guard guard(mutex_);
  most_ = at_once;
  if (auto known = fetches_.find(wanted.chain_id); known != fetches_.end()) {
    failed = known->second.lock();
    if (failed && failed->state_.phase != FetchPhase::kFailed) return failed;
  }
  std::erase_if(fetches_, [](const auto& one) { return one.second.expired(); });
  auto fetch = std::make_shared<LayerFetch>(*this, wanted, std::move(repository));
  fetches_[wanted.chain_id] = fetch;
  return fetch;
}

void LayerFetches::wait(std::uint64_t& seen) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return changes_ != seen; });
  seen = changes_;
}

void LayerFetches::acquire(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return running_ < most_; })) fail(Kind::kCancelled, "cancelled");
  ++running_;
}

void LayerFetches::release() {
  std::lock_guard guard(mutex_);
  --running_;
  changed_.notify_all();
}

}  // namespace hull::image
