// SPDX-License-Identifier: Apache-2.0
#include "shim/deflate.h"

#include <sys/stat.h>
#include <zlib.h>

#include <array>

#include "base/error.h"
#include "base/file.h"
#include "linux/own_process.h"

namespace hull::shim {

namespace {

// About 64 KiB of memory instead of 256; messages are short.
constexpr int kSmallWindow = 13, kSmallMemory = 6;
constexpr int kGzipWrapper = 16;

[[noreturn]] void fail_deflate(const char* what) { fail(Kind::kInternal, "cannot compress: ", what); }

struct FileDeflate {
  z_stream stream{};
  FileDeflate() {
    if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipWrapper, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
      fail_deflate("no memory");
  }
  ~FileDeflate() { ::deflateEnd(&stream); }
  FileDeflate(const FileDeflate&) = delete;
};

}  // namespace

struct Deflate::State {
  z_stream stream{};
  Wrapper wrapper;
  int level;
  ~State() { ::deflateEnd(&stream); }
};

Deflate::Deflate() = default;
Deflate::~Deflate() = default;

std::string Deflate::whole(Wrapper wrapper, int level, std::string_view text) {
  if (!state_ || state_->wrapper != wrapper || state_->level != level) {
    state_ = std::make_unique<State>();
    state_->wrapper = wrapper;
    state_->level = level;
    int window = kSmallWindow + (wrapper == Wrapper::kGzip ? kGzipWrapper : 0);
    if (::deflateInit2(&state_->stream, level, Z_DEFLATED, window, kSmallMemory, Z_DEFAULT_STRATEGY) != Z_OK)
      fail_deflate("no memory");
  } else {
    ::deflateReset(&state_->stream);
  }
  z_stream& stream = state_->stream;
  std::string out(::deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (::deflate(&stream, Z_FINISH) != Z_STREAM_END) fail_deflate("zlib did not come to an end");
  out.resize(out.size() - stream.avail_out);
  return out;
}

void compress_log(int from, int to) {
  linux::lower_own_priority();
  struct stat info {};
  check(::fstat(from, &info), "fstat");
  std::string comment = cat("inode ", static_cast<std::uint64_t>(info.st_ino));
  gz_header header{};
  header.comment = reinterpret_cast<Bytef*>(comment.data());
  header.time = static_cast<uLong>(info.st_mtim.tv_sec);
  header.os = 3;  // Unix

  FileDeflate deflate;
  ::deflateSetHeader(&deflate.stream, &header);
  std::array<char, 64 << 10> in, out;
  int flush = Z_NO_FLUSH;
  while (flush != Z_FINISH) {
    ssize_t got = check(::read(from, in.data(), in.size()), "read");
    if (got == 0) flush = Z_FINISH;
    deflate.stream.next_in = reinterpret_cast<Bytef*>(in.data());
    deflate.stream.avail_in = static_cast<uInt>(got);
    do {
      deflate.stream.next_out = reinterpret_cast<Bytef*>(out.data());
      deflate.stream.avail_out = static_cast<uInt>(out.size());
      ::deflate(&deflate.stream, flush);
      write_all(to, {out.data(), out.size() - deflate.stream.avail_out});
    } while (deflate.stream.avail_out == 0);
  }
  timespec times[2] = {info.st_atim, info.st_mtim};
  check(::futimens(to, times), "futimens");
}

}  // namespace hull::shim
