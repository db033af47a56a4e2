// SPDX-License-Identifier: Apache-2.0
#include "archive/compress.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <zlib.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace hull::archive {

namespace {

constexpr std::size_t kBlockSize = 512 * 1024;
constexpr unsigned kMostThreads = 8;
constexpr std::string_view kHead{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10};  // deflate, no name, no time, no system
constexpr std::string_view kLastBlock{"\x03\0", 2};                    // of deflate: an empty one that says so

struct Block {
  std::string plain, packed;
  std::uint32_t crc = 0;
  bool done = false;
};

// One block as deflate, ending at a byte and without reference to what is before it.
void pack(Block& block, std::vector<std::uint8_t>& memory) {
  isal_zstream stream;
  isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = memory.data();
  stream.level_buf_size = static_cast<std::uint32_t>(memory.size());
  stream.flush = FULL_FLUSH;
  stream.next_in = reinterpret_cast<std::uint8_t*>(block.plain.data());
  stream.avail_in = static_cast<std::uint32_t>(block.plain.size());
  block.packed.resize(block.plain.size() + block.plain.size() / 8 + 4096);
  stream.next_out = reinterpret_cast<std::uint8_t*>(block.packed.data());
  stream.avail_out = static_cast<std::uint32_t>(block.packed.size());
  if (isal_deflate(&stream) != COMP_OK || stream.avail_in != 0 || stream.avail_out == 0)
    fail(Kind::kInternal, "igzip cannot compress a block");
  block.packed.resize(stream.total_out);
  block.crc = crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(block.plain.data()), block.plain.size());
}

// A ring of blocks: one thread fills them, several compress them, the reader takes them in order.
class Compressor {
 public:
  explicit Compressor(Source plain) : plain_(std::move(plain)), head_(kHead) {
    unsigned workers = std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads);
    blocks_.resize(2 * workers + 1);
    threads_.emplace_back([this] { guarded([this] { fill(); }); });
    for (unsigned i = 0; i < workers; ++i) threads_.emplace_back([this] { guarded([this] { work(); }); });
  }
  ~Compressor() {
    {
      std::lock_guard guard(mutex_);
      stopped_ = true;
      changed_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  std::size_t read(char* buffer, std::size_t size) {
    while (head_.empty() && next()) {
    }
    size = head_.copy(buffer, size);
    head_.remove_prefix(size);
    return size;
  }

 private:
  Block& block(std::size_t number) { return blocks_[number % blocks_.size()]; }

  template <class Act>
  void guarded(Act act) {
    try {
      act();
    } catch (...) {
      std::lock_guard guard(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stopped_ = true;
      changed_.notify_all();
    }
  }

  void fill() {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopped_ || filled_ - taken_ < blocks_.size() - 1; });
        if (stopped_) return;
      }
      Block& next = block(filled_);
      next.done = false;
      next.plain.resize(kBlockSize);
      std::size_t have = 0;
      while (have < kBlockSize) {
        std::size_t got = plain_(next.plain.data() + have, kBlockSize - have);
        if (got == 0) break;
        have += got;
      }
      next.plain.resize(have);
      std::lock_guard guard(mutex_);
      if (have > 0) ++filled_;
      if (have < kBlockSize) ended_ = true;
      changed_.notify_all();
      if (ended_) return;
    }
  }

  void work() {
    std::vector<std::uint8_t> memory(ISAL_DEF_LVL1_DEFAULT);
    for (;;) {
      std::size_t number = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopped_ || given_ < filled_ || ended_; });
        if (stopped_ || given_ == filled_) return;
        number = given_++;
      }
      pack(block(number), memory);
      std::lock_guard guard(mutex_);
      block(number).done = true;
      changed_.notify_all();
    }
  }

  // Makes head_ the next piece of the result; false at its end.
  bool next() {
    std::unique_lock lock(mutex_);
    if (holding_) {
      holding_ = false;
      ++taken_;
      changed_.notify_all();
    }
    changed_.wait(
        lock, [&] { return failure_ || (taken_ < filled_ && block(taken_).done) || (ended_ && taken_ == filled_); });
    if (failure_) std::rethrow_exception(failure_);
    if (taken_ == filled_) return std::exchange(finished_, true) ? false : finish();
    Block& one = block(taken_);
    crc_ = static_cast<std::uint32_t>(::crc32_combine(crc_, one.crc, static_cast<z_off_t>(one.plain.size())));
    total_ += one.plain.size();
    head_ = one.packed;
    holding_ = true;
    return true;
  }

  bool finish() {
    tail_ = kLastBlock;
    for (std::uint64_t number : {std::uint64_t{crc_}, total_})
      for (int i = 0; i < 4; ++i) tail_ += static_cast<char>(number >> (8 * i) & 0xFF);
    head_ = tail_;
    return true;
  }

  Source plain_;
  std::vector<Block> blocks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t filled_ = 0, given_ = 0, taken_ = 0;  // numbers of blocks, counted from the beginning
  bool ended_ = false, stopped_ = false;
  std::exception_ptr failure_;
  // Of the reader alone.
  std::string_view head_;
  std::string tail_;
  bool holding_ = false, finished_ = false;
  std::uint32_t crc_ = 0;
  std::uint64_t total_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace

Source gzip_compressed(Source plain) {
  auto compressor = std::make_shared<Compressor>(std::move(plain));
  return [compressor](char* buffer, std::size_t size) { return compressor->read(buffer, size); };
}

}  // namespace hull::archive
