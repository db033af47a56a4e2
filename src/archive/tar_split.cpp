// SPDX-License-Identifier: Apache-2.0
#include "archive/tar_split.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <vector>

#include "archive/confined.h"
#include "archive/decompress.h"
#include "archive/placement.h"
#include "base/error.h"
#include "base/file.h"

namespace hull::archive {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kRawPiece = 64 * 1024, kMostCompressed = 128 * 1024;
constexpr std::int64_t kLargestHeader = 1 << 20;  // of extended headers that are looked into
constexpr int kLevel = 3;

// Offsets in a header (POSIX ustar).
constexpr std::size_t kSizeAt = 124, kTypeAt = 156, kMagicAt = 257, kPrefixAt = 345;

std::int64_t number(std::string_view field) {
  std::uint64_t value = 0;
  if (static_cast<unsigned char>(field[0]) & 0x80) {
    for (std::size_t i = 0; i < field.size(); ++i) {
      auto byte = static_cast<unsigned char>(field[i]);
      value = value << 8 | (i == 0 ? byte & 0x3FU : byte);
    }
  } else {
    for (char c : field)
      if (c >= '0' && c <= '7') value = value * 8 + static_cast<unsigned>(c - '0');
  }
  return static_cast<std::int64_t>(value);
}

std::string_view text(std::string_view field) { return field.substr(0, std::min(field.find('\0'), field.size())); }

void append_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}
std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// What extended headers say about the next entry.
struct Override {
  std::string path;
  std::optional<std::int64_t> size;
  bool sparse = false;
};

void read_records(std::string_view records, Override& out) {
  while (!records.empty()) {
    auto blank = records.find(' ');
    auto length = parse_number<std::size_t>(records.substr(0, blank));
    if (!length || *length > records.size() || *length < blank + 2) return;
    std::string_view line = records.substr(blank + 1, *length - blank - 2);
    records.remove_prefix(*length);
    auto [key, value] = split_once(line, '=');
    if (key == "path") out.path = value.value_or("");
    if (key == "size") out.size = parse_number<std::int64_t>(value.value_or(""));
    if (key.starts_with("GNU.sparse.")) out.sparse = true;
  }
}

}  // namespace

struct TarRecorder::State {
  std::string path;
  UniqueFd file;
  ZSTD_CStream* compressor = ::ZSTD_createCStream();
  std::string raw;                        // of the tar, since the last record
  std::string records;                    // not compressed yet
  std::unordered_set<std::string> names;  // of all that is no directory
  bool usable = true, done = false;
  bool ended = false;  // what follows the block of zeros is no entry to whoever reads the archive
  std::int64_t total = 0;

  // Where in the tar we are.
  std::string header;
  std::int64_t left = 0;      // of the present content
  bool content_kept = false;  // it is in a file: leave it out
  char collecting = '\0';     // it is an extended header of this type: look into it
  std::string collected;
  std::size_t padding = 0;
  Override next;

  ~State() { ::ZSTD_freeCStream(compressor); }

  // With all that there is in one call zstd makes do with tables of that size.
  void compress(ZSTD_EndDirective directive) {
    std::string compressed(std::min(::ZSTD_compressBound(records.size()), kMostCompressed), '\0');
    ZSTD_inBuffer in{records.data(), records.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{compressed.data(), compressed.size(), 0};
      std::size_t left_over = ::ZSTD_compressStream2(compressor, &out, &in, directive);
      if (::ZSTD_isError(left_over)) fail(Kind::kInternal, "zstd: ", ::ZSTD_getErrorName(left_over));
      write_all(file.get(), {compressed.data(), out.pos});
      if (directive == ZSTD_e_end ? left_over == 0 : in.pos == in.size) break;
    }
    records.clear();
  }
  void add_record(std::string_view head, std::string_view content) {
    records.append(head).append(content);
    if (records.size() >= kRawPiece) compress(ZSTD_e_continue);
  }
  void flush_raw() {
    if (raw.empty()) return;
    std::string head = "R";
    append_number(head, raw.size(), 4);
    add_record(head, raw);
    raw.clear();
  }
  void keep(std::string_view data) {
    raw += data;
    if (raw.size() >= kRawPiece) flush_raw();
  }
  void refer(const std::string& name, std::int64_t size) {
    flush_raw();
    std::string record = "F";
    append_number(record, name.size(), 4);
    record += name;
    append_number(record, static_cast<std::uint64_t>(size), 8);
    add_record(record, {});
  }
  void begin_entry();
  std::size_t take(std::string_view data);
};

void TarRecorder::State::begin_entry() {
  std::string_view block = header;
  char type = block[kTypeAt];
  std::int64_t size = number(block.substr(kSizeAt, 12));
  content_kept = false;
  collecting = '\0';
  ended = std::ranges::all_of(block, [](char c) { return c == '\0'; });
  if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
    if (size <= kLargestHeader && (type == 'x' || type == 'L')) collecting = type;
    collected.clear();
  } else if (!ended) {
    Override told = std::exchange(next, {});
    if (told.size) size = *told.size;
    std::string name(text(block.substr(0, 100)));
    bool posix = block.substr(kMagicAt, 6) == std::string_view("ustar\0", 6);
    if (std::string_view prefix = text(block.substr(kPrefixAt, 155)); posix && !prefix.empty())
      name = cat(prefix, "/", name);
    if (!told.path.empty()) name = told.path;
    bool regular = (type == '0' || type == '\0' || type == '7') && !name.ends_with('/');
    bool directory = type == '5' || name.ends_with('/');
    name = clean_entry_name(name);
    bool whiteout = name.substr(name.rfind('/') + 1).starts_with(".wh.");
    if (directory ? names.contains(name) : !whiteout && !names.insert(name).second) usable = false;
    if (!regular && !directory && type >= '1' && type <= '6' && !told.size) size = 0;
    if (directory) size = told.size.value_or(type == '5' ? 0 : size);
    content_kept = regular && size > 0 && !told.sparse && !whiteout;
    if (content_kept) refer(name, size);
  }
  left = std::max<std::int64_t>(size, 0);
  padding = static_cast<std::size_t>((kBlock - static_cast<std::size_t>(left) % kBlock) % kBlock);
}

// Handles the beginning of `data`; how many bytes that was.
std::size_t TarRecorder::State::take(std::string_view data) {
  if (ended) {
    keep(data);
    return data.size();
  }
  if (left > 0) {
    auto size = static_cast<std::size_t>(std::min<std::int64_t>(left, static_cast<std::int64_t>(data.size())));
    if (!content_kept) keep(data.substr(0, size));
    if (collecting) collected += data.substr(0, size);
    left -= static_cast<std::int64_t>(size);
    if (left == 0 && collecting == 'x') read_records(collected, next);
    if (left == 0 && collecting == 'L') next.path = text(collected);
    return size;
  }
  if (padding > 0) {
    std::size_t size = std::min(padding, data.size());
    keep(data.substr(0, size));
    padding -= size;
    return size;
  }
  std::size_t size = std::min(kBlock - header.size(), data.size());
  header += data.substr(0, size);
  keep(data.substr(0, size));
  if (header.size() == kBlock) {
    begin_entry();
    header.clear();
  }
  return size;
}

TarRecorder::TarRecorder(std::string path) : state_(std::make_unique<State>()) {
  state_->path = std::move(path);
  state_->file = open_file(state_->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  ::ZSTD_CCtx_setParameter(state_->compressor, ZSTD_c_compressionLevel, kLevel);
}

TarRecorder::~TarRecorder() {
  if (!state_->done) ::unlink(state_->path.c_str());
}

void TarRecorder::feed(std::string_view data) {
  state_->total += static_cast<std::int64_t>(data.size());
  while (!data.empty() && state_->usable) data.remove_prefix(state_->take(data));
}

bool TarRecorder::finish() {
  if (!state_->usable) return false;
  state_->flush_raw();
  state_->compress(ZSTD_e_end);
  std::string total;
  append_number(total, static_cast<std::uint64_t>(state_->total), 8);
  write_all(state_->file.get(), total);
  state_->done = true;
  return true;
}

Source recorded(Source source, TarRecorder& recorder) {
  return [source = std::move(source), &recorder](char* buffer, std::size_t size) {
    std::size_t got = source(buffer, size);
    recorder.feed({buffer, got});
    return got;
  };
}

namespace {

class Replay {
 public:
  Replay(UniqueFd recording, std::int64_t size, int files)
      : recording_(std::move(recording)), left_(size), files_(files), records_(decompress(limited())) {}

  std::size_t read(char* buffer, std::size_t size) {
    if (content_ == 0 && !next()) return 0;
    auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(content_, static_cast<std::int64_t>(size)));
    std::size_t got = file_ ? from_file(buffer, wanted) : records_(buffer, wanted);
    if (got == 0) fail(Kind::kInternal, "the archive of a layer cannot be put together: ", name_, " is too short");
    content_ -= static_cast<std::int64_t>(got);
    return got;
  }

 private:
  // The compressed part of the file.
  Source limited() {
    return [this](char* buffer, std::size_t size) -> std::size_t {
      size = static_cast<std::size_t>(std::min<std::int64_t>(left_, static_cast<std::int64_t>(size)));
      if (size == 0) return 0;
      std::size_t got = file_source(recording_.get())(buffer, size);
      left_ -= static_cast<std::int64_t>(got);
      return got;
    };
  }
  std::string exactly(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t have = 0; have < size;) {
      std::size_t got = records_(bytes.data() + have, size - have);
      if (got == 0) fail(Kind::kInternal, "the recording of a layer's archive is cut off");
      have += got;
    }
    return bytes;
  }
  bool next() {
    char kind = 0;
    if (records_(&kind, 1) == 0) return false;
    auto size = read_number(exactly(4));
    file_.reset();
    if (kind == 'R') {
      content_ = static_cast<std::int64_t>(size);
      return true;
    }
    name_ = exactly(size);
    content_ = static_cast<std::int64_t>(read_number(exactly(8)));
    file_ = open_confined(files_, name_, O_RDONLY | O_NONBLOCK);
    struct stat info {};
    if (!file_ || ::fstat(file_.get(), &info) < 0 || !S_ISREG(info.st_mode) || info.st_size != content_)
      fail(Kind::kInternal, "the archive of a layer cannot be put together: ", name_, " is not what it was");
    return true;
  }
  std::size_t from_file(char* buffer, std::size_t size) { return file_source(file_.get())(buffer, size); }

  UniqueFd recording_;
  std::int64_t left_;
  int files_;
  Source records_;
  UniqueFd file_;
  std::string name_;
  std::int64_t content_ = 0;
};

}  // namespace

std::optional<ReplayedTar> replayed_tar(const std::string& recording, int files) {
  auto file = open_if_exists(recording, O_RDONLY);
  if (!file) return std::nullopt;
  struct stat info {};
  check(::fstat(file->get(), &info), "stat", recording);
  char total[8];
  if (info.st_size < 8 || ::pread(file->get(), total, 8, info.st_size - 8) != 8) return std::nullopt;
  auto replay = std::make_shared<Replay>(std::move(*file), info.st_size - 8, files);
  return ReplayedTar{static_cast<std::int64_t>(read_number({total, 8})),
                     [replay](char* buffer, std::size_t size) { return replay->read(buffer, size); }};
}

}  // namespace hull::archive
