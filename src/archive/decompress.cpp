// SPDX-License-Identifier: Apache-2.0
#include "archive/decompress.h"

#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace hull::archive {

namespace {

constexpr std::size_t kInputSize = 128 * 1024;

struct Signature {
  Compression compression;
  std::string_view bytes;
};
constexpr Signature kSignatures[] = {
    {Compression::kGzip, {"\x1f\x8b", 2}},
    {Compression::kZstd, {"\x28\xb5\x2f\xfd", 4}},
    {Compression::kXz,
     {"\xfd"
      "7zXZ\0",
      6}},
    {Compression::kBzip2, {"BZh", 3}},
};

// Compressed input in a buffer, refilled when it has run dry.
class Input {
 public:
  Input(Source source, std::string beginning) : source_(std::move(source)), buffer_(kInputSize) {
    std::ranges::copy(beginning, buffer_.begin());
    end_ = beginning.size();
  }
  // What is there now; empty only at the end of the stream.
  std::string_view peek() {
    if (at_ == end_ && !ended_) {
      at_ = 0;
      end_ = source_(buffer_.data(), buffer_.size());
      ended_ = end_ == 0;
    }
    return {buffer_.data() + at_, end_ - at_};
  }
  void skip(std::size_t count) { at_ += count; }

 private:
  Source source_;
  std::vector<char> buffer_;
  std::size_t at_ = 0, end_ = 0;
  bool ended_ = false;
};

[[noreturn]] void damaged(std::string_view what) { fail_invalid("the ", what, " data is damaged"); }
[[noreturn]] void truncated(std::string_view what) {
  fail_invalid("the ", what, " data ends in the middle: unexpected EOF");
}

class Plain {
 public:
  explicit Plain(Input input) : input_(std::move(input)) {}
  std::size_t read(char* buffer, std::size_t size) {
    auto in = input_.peek();
    std::size_t count = std::min(size, in.size());
    std::memcpy(buffer, in.data(), count);
    input_.skip(count);
    return count;
  }

 private:
  Input input_;
};

class Gzip {
 public:
  explicit Gzip(Input input) : input_(std::move(input)) { begin_member(); }

  std::size_t read(char* buffer, std::size_t size) {
    state_->next_out = reinterpret_cast<std::uint8_t*>(buffer);
    state_->avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(size, 1u << 30));
    std::uint32_t room = state_->avail_out;
    while (state_->avail_out == room && !ended_) step();
    return room - state_->avail_out;
  }

 private:
  void begin_member() {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }

  void step() {
    if (state_->block_state == ISAL_BLOCK_FINISH) {
      next_member();
      return;
    }
    auto in = input_.peek();
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(in.data()));
    state_->avail_in = static_cast<std::uint32_t>(in.size());
    std::uint32_t room = state_->avail_out;
    int result = isal_inflate(state_.get());
    input_.skip(in.size() - state_->avail_in);
    if (result < 0) damaged("gzip");
    bool stuck = in.empty() && state_->avail_out == room && state_->block_state != ISAL_BLOCK_FINISH;
    if (stuck) truncated("gzip");
  }

  // Zeros after the last member are padding of tapes and registries; anything else there is an error of gzip(1)
  // too, but one that it only warns about.
  void next_member() {
    auto in = input_.peek();
    if (in.empty() || in.front() != '\x1f') {
      while (!input_.peek().empty()) input_.skip(input_.peek().size());
      ended_ = true;
      return;
    }
    std::uint8_t* out = state_->next_out;
    std::uint32_t room = state_->avail_out;
    begin_member();
    state_->next_out = out;
    state_->avail_out = room;
  }

  Input input_;
  std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
  bool ended_ = false;
};

class Zstd {
 public:
  explicit Zstd(Input input) : input_(std::move(input)) {
    // Layers are made by strangers: a frame that wants more memory than any level of zstd(1) needs is refused.
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, 27);
  }

  std::size_t read(char* buffer, std::size_t size) {
    ZSTD_outBuffer out{buffer, size, 0};
    while (out.pos == 0) {
      auto in = input_.peek();
      if (in.empty() && !inside_) return 0;
      ZSTD_inBuffer from{in.data(), in.size(), 0};
      std::size_t left = ZSTD_decompressStream(context_.get(), &out, &from);
      input_.skip(from.pos);
      if (ZSTD_isError(left)) damaged("zstd");
      inside_ = left != 0;
      if (in.empty() && inside_ && out.pos == 0) truncated("zstd");
    }
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  Input input_;
  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
  bool inside_ = true;
};

class Xz {
 public:
  explicit Xz(Input input) : input_(std::move(input)) {
    constexpr std::uint64_t kMemory = 256u << 20;
    if (lzma_stream_decoder(&stream_, kMemory, LZMA_CONCATENATED) != LZMA_OK)
      fail(Kind::kInternal, "cannot start the xz decoder");
  }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;
  ~Xz() { lzma_end(&stream_); }

  std::size_t read(char* buffer, std::size_t size) {
    stream_.next_out = reinterpret_cast<std::uint8_t*>(buffer);
    stream_.avail_out = size;
    while (stream_.avail_out == size && !ended_) {
      auto in = input_.peek();
      stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
      stream_.avail_in = in.size();
      lzma_ret result = lzma_code(&stream_, in.empty() ? LZMA_FINISH : LZMA_RUN);
      input_.skip(in.size() - stream_.avail_in);
      if (result == LZMA_STREAM_END)
        ended_ = true;
      else if (result == LZMA_BUF_ERROR)
        truncated("xz");
      else if (result != LZMA_OK)
        damaged("xz");
    }
    return size - stream_.avail_out;
  }

 private:
  Input input_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ended_ = false;
};

class Bzip2 {
 public:
  explicit Bzip2(Input input) : input_(std::move(input)) { begin(); }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;
  ~Bzip2() { BZ2_bzDecompressEnd(&stream_); }

  std::size_t read(char* buffer, std::size_t size) {
    auto room = static_cast<unsigned>(std::min<std::size_t>(size, 1u << 30));
    stream_.next_out = buffer;
    stream_.avail_out = room;
    while (stream_.avail_out == room && !ended_) step();
    return room - stream_.avail_out;
  }

 private:
  void begin() {
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) fail(Kind::kInternal, "cannot start the bzip2 decoder");
  }

  void step() {
    auto in = input_.peek();
    if (in.empty()) truncated("bzip2");
    stream_.next_in = const_cast<char*>(in.data());
    stream_.avail_in = static_cast<unsigned>(in.size());
    int result = BZ2_bzDecompress(&stream_);
    input_.skip(in.size() - stream_.avail_in);
    if (result == BZ_STREAM_END) {
      ended_ = input_.peek().empty();
      if (ended_) return;
      bz_stream old = stream_;
      BZ2_bzDecompressEnd(&stream_);
      stream_ = {};
      begin();
      stream_.next_out = old.next_out;
      stream_.avail_out = old.avail_out;
    } else if (result != BZ_OK) {
      damaged("bzip2");
    }
  }

  Input input_;
  bz_stream stream_{};
  bool ended_ = false;
};

template <class Codec>
Source codec_source(Input input) {
  auto codec = std::make_shared<Codec>(std::move(input));
  return [codec](char* buffer, std::size_t size) { return codec->read(buffer, size); };
}

std::string read_beginning(const Source& source) {
  std::string beginning(8, '\0');
  std::size_t have = 0;
  while (have < beginning.size()) {
    std::size_t got = source(beginning.data() + have, beginning.size() - have);
    if (got == 0) break;
    have += got;
  }
  beginning.resize(have);
  return beginning;
}

}  // namespace

std::string_view to_string(Compression compression) {
  switch (compression) {
    case Compression::kNone: return "none";
    case Compression::kGzip: return "gzip";
    case Compression::kZstd: return "zstd";
    case Compression::kXz: return "xz";
    case Compression::kBzip2: return "bzip2";
  }
  return "none";
}

Compression detect_compression(std::string_view beginning) {
  for (const Signature& signature : kSignatures)
    if (beginning.starts_with(signature.bytes)) return signature.compression;
  // A zstd stream may begin with skippable frames: 0x184D2A50 to 0x184D2A5F, little endian.
  if (beginning.size() >= 4 && (beginning[0] & 0xf0) == 0x50 && beginning.substr(1, 3) == "\x2a\x4d\x18")
    return Compression::kZstd;
  return Compression::kNone;
}

Source decompress(Source source, Compression* detected) {
  std::string beginning = read_beginning(source);
  Compression compression = detect_compression(beginning);
  if (detected) *detected = compression;
  Input input(std::move(source), std::move(beginning));
  switch (compression) {
    case Compression::kGzip: return codec_source<Gzip>(std::move(input));
    case Compression::kZstd: return codec_source<Zstd>(std::move(input));
    case Compression::kXz: return codec_source<Xz>(std::move(input));
    case Compression::kBzip2: return codec_source<Bzip2>(std::move(input));
    case Compression::kNone: break;
  }
  return codec_source<Plain>(std::move(input));
}

}  // namespace hull::archive
