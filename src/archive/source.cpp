// SPDX-License-Identifier: Apache-2.0
#include "archive/source.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace hull::archive {

namespace {

// A ring of blocks between one producer and one consumer.
class ReadAhead {
 public:
  explicit ReadAhead(Source source) : source_(std::move(source)) {
    thread_ = std::jthread([this](std::stop_token stop) { produce(stop); });
  }
  ~ReadAhead() {
    std::lock_guard lock(mutex_);
    thread_.request_stop();
    changed_.notify_all();
  }

  std::size_t read(char* buffer, std::size_t size) {
    Block* block = next_filled();
    if (!block) return 0;
    std::size_t count = std::min(size, block->size - block->taken);
    std::memcpy(buffer, block->data.get() + block->taken, count);
    block->taken += count;
    if (block->taken == block->size) give_back();
    return count;
  }

 private:
  static constexpr std::size_t kBlockSize = 256 * 1024;
  static constexpr std::size_t kBlocks = 8;
  struct Block {
    std::unique_ptr<char[]> data = std::make_unique_for_overwrite<char[]>(kBlockSize);
    std::size_t size = 0, taken = 0;
  };

  // The block being consumed; nullptr at the end of the stream.
  Block* next_filled() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return filled_ > consumed_ || done_; });
    if (filled_ > consumed_) return &blocks_[consumed_ % kBlocks];
    if (failure_) std::rethrow_exception(failure_);
    return nullptr;
  }

  void give_back() {
    std::lock_guard lock(mutex_);
    ++consumed_;
    changed_.notify_all();
  }

  void produce(const std::stop_token& stop) {
    std::exception_ptr failure;
    try {
      while (fill_one(stop)) {
      }
    } catch (...) {
      failure = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    failure_ = failure;
    done_ = true;
    changed_.notify_all();
  }

  bool fill_one(const std::stop_token& stop) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return filled_ - consumed_ < kBlocks || stop.stop_requested(); });
      if (stop.stop_requested()) return false;
    }
    // To the brim, however small the pieces are that it comes in: each block costs a change of threads.
    Block& block = blocks_[filled_ % kBlocks];
    block.size = block.taken = 0;
    std::exception_ptr failure;
    try {
      while (block.size < kBlockSize && !stop.stop_requested()) {
        std::size_t got = source_(block.data.get() + block.size, kBlockSize - block.size);
        if (got == 0) break;
        block.size += got;
      }
    } catch (...) {
      failure = std::current_exception();  // comes after what came before it
    }
    if (block.size > 0) {
      std::lock_guard lock(mutex_);
      ++filled_;
      changed_.notify_all();
    }
    if (failure) std::rethrow_exception(failure);
    return block.size > 0;
  }

  Source source_;
  std::array<Block, kBlocks> blocks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t filled_ = 0, consumed_ = 0;  // counted from the beginning of the stream
  bool done_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: joined before what it uses goes
};

// A buffer between a thread that writes and another one that reads.
class Conveyor {
 public:
  void put(std::string_view data) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return back_.size() < kLimit || abandoned_; });
    if (abandoned_) fail(Kind::kCancelled, "nobody reads the stream any more");
    back_.append(data);
    changed_.notify_all();
  }
  // Nothing more comes; the reader gets the exception after all that did.
  void end(std::exception_ptr failure = nullptr) {
    std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    done_ = true;
    changed_.notify_all();
  }
  // Nothing more is read: the writer gets an exception.
  void abandon() {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    changed_.notify_all();
  }

  // What has come since the last call, which stays as it is until the next one; empty at the end.
  std::string_view next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !back_.empty() || done_; });
    if (back_.empty() && failure_) std::rethrow_exception(failure_);
    front_.swap(back_);
    back_.clear();
    changed_.notify_all();
    return front_;
  }

 private:
  static constexpr std::size_t kLimit = 1 << 20;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string front_, back_;  // being read, being filled
  bool done_ = false, abandoned_ = false;
  std::exception_ptr failure_;
};

// Somebody who writes on a thread of his own.
class Producer {
 public:
  explicit Producer(std::function<void(const Sink&)> produce) {
    thread_ = std::thread([this, produce = std::move(produce)] {
      try {
        produce([this](std::string_view data) { conveyor_.put(data); });
        conveyor_.end();
      } catch (...) {
        conveyor_.end(std::current_exception());
      }
    });
  }
  ~Producer() {
    conveyor_.abandon();
    thread_.join();
  }

  std::size_t read(char* out, std::size_t size) {
    if (left_.empty()) left_ = conveyor_.next();
    std::size_t count = std::min(size, left_.size());
    std::memcpy(out, left_.data(), count);
    left_.remove_prefix(count);
    return count;
  }

 private:
  Conveyor conveyor_;
  std::string_view left_;
  std::thread thread_;
};

// Somebody who reads on a thread of his own.
class Consumer {
 public:
  explicit Consumer(const Sink& consume) {
    thread_ = std::thread([this, &consume] {
      try {
        for (std::string_view data = conveyor_.next(); !data.empty(); data = conveyor_.next()) consume(data);
      } catch (...) {
        failure_ = std::current_exception();
      }
      conveyor_.abandon();
    });
  }
  ~Consumer() {
    if (!thread_.joinable()) return;
    conveyor_.end();
    thread_.join();
  }

  void put(std::string_view data) { conveyor_.put(data); }
  void finish() {
    conveyor_.end();
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  Conveyor conveyor_;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace

Source produced_by(std::function<void(const Sink& sink)> produce) {
  auto producer = std::make_shared<Producer>(std::move(produce));
  return [producer](char* buffer, std::size_t size) { return producer->read(buffer, size); };
}

void pass_on(const std::function<void(const Sink& sink)>& produce, const Sink& consume) {
  constexpr std::size_t kLittle = 512 << 10;
  std::string first;
  std::optional<Consumer> consumer;
  auto take = [&](std::string_view data) {
    if (!consumer && first.size() + data.size() <= kLittle) {
      first.append(data);
      return;
    }
    if (!consumer) {
      consumer.emplace(consume);
      consumer->put(std::exchange(first, {}));
    }
    consumer->put(data);
  };
  produce(take);
  if (consumer) return consumer->finish();
  if (!first.empty()) consume(first);
}

Source file_source(int fd) {
  return [fd](char* buffer, std::size_t size) {
    ssize_t got;
    do got = ::read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    return static_cast<std::size_t>(check(got, "read"));
  };
}

Source read_ahead(Source source) {
  auto ring = std::make_shared<ReadAhead>(std::move(source));
  return [ring](char* buffer, std::size_t size) { return ring->read(buffer, size); };
}

void drain(const Source& source) {
  std::vector<char> buffer(64 * 1024);
  while (source(buffer.data(), buffer.size()) != 0) {
  }
}

}  // namespace hull::archive
