// SPDX-License-Identifier: Apache-2.0
#include "cli/tar.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace hull::cli {
namespace {

constexpr std::int64_t kBlock = 512;
constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::int64_t kLongestRecords = 1 << 20;
constexpr std::int64_t kLargestOctal = 0777'7777'7777;  // what 11 digits hold
constexpr unsigned kLargestId = 07777777;

// POSIX ustar.
struct Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2],
      user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
static_assert(sizeof(Header) == kBlock);

std::int64_t padding_of(std::int64_t size) { return (kBlock - size % kBlock) % kBlock; }

template <std::size_t kSize>
void put_octal(char (&field)[kSize], std::uint64_t value) {
  for (std::size_t i = kSize - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
  field[kSize - 1] = '\0';
}
template <std::size_t kSize>
void put_text(char (&field)[kSize], std::string_view text) {
  text.substr(0, kSize).copy(field, kSize);
}

// Octal digits, or GNU's binary form for what they do not hold.
template <std::size_t kSize>
std::int64_t number(const char (&field)[kSize]) {
  std::int64_t value = 0;
  if (static_cast<unsigned char>(field[0]) & 0x80) {
    for (std::size_t i = 0; i < kSize; ++i) {
      auto byte = static_cast<unsigned char>(field[i]);
      value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << 8 | (i == 0 ? byte & 0x3F : byte));
    }
    return value;
  }
  for (char c : field)
    if (c >= '0' && c <= '7') value = value * 8 + (c - '0');
  return value;
}
template <std::size_t kSize>
std::string text_of(const char (&field)[kSize]) {
  return {field, ::strnlen(field, kSize)};
}

unsigned checksum_of(const Header& header) {
  unsigned sum = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  constexpr std::size_t kFrom = offsetof(Header, checksum), kTo = kFrom + sizeof header.checksum;
  for (std::size_t i = 0; i < sizeof header; ++i) sum += i >= kFrom && i < kTo ? ' ' : bytes[i];
  return sum;
}

// "<length of all this> key=value\n"
std::string record(std::string_view key, std::string_view value) {
  std::size_t size = key.size() + value.size() + 3;
  std::size_t total = size + std::to_string(size).size();
  if (std::to_string(total).size() != std::to_string(size).size()) total = size + std::to_string(total).size();
  return cat(total, " ", key, "=", value, "\n");
}

}  // namespace

void TarOutput::put(std::string_view data) {
  buffer_ += data;
  bytes_ += static_cast<std::int64_t>(data.size());
  if (buffer_.size() < kBuffer) return;
  sink_(buffer_);
  buffer_.clear();
}

void TarOutput::header(const TarEntry& entry) {
  Header header{};
  put_text(header.name, entry.name);
  put_octal(header.mode, entry.mode & 07777);
  put_octal(header.uid, std::min(entry.uid, kLargestId));
  put_octal(header.gid, std::min(entry.gid, kLargestId));
  put_octal(header.size, static_cast<std::uint64_t>(entry.size > kLargestOctal ? 0 : entry.size));
  put_octal(header.mtime, static_cast<std::uint64_t>(std::max<std::int64_t>(entry.modified, 0)));
  header.type = entry.type;
  put_text(header.link, entry.link);
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  put_octal(header.major, entry.major);
  put_octal(header.minor, entry.minor);
  put_octal(header.checksum, checksum_of(header));
  put({reinterpret_cast<const char*>(&header), sizeof header});
}

void TarOutput::extended(const std::string& records, const TarEntry& entry) {
  TarEntry extra;
  extra.name = cat("PaxHeaders.0/", entry.name.substr(0, 80));
  extra.type = 'x';
  extra.mode = 0644;
  extra.size = static_cast<std::int64_t>(records.size());
  header(extra);
  put(records);
  put(std::string(static_cast<std::size_t>(padding_of(extra.size)), '\0'));
}

void TarOutput::add(const TarEntry& entry) {
  std::string records;
  if (entry.name.size() > sizeof Header::name) records += record("path", entry.name);
  if (entry.link.size() > sizeof Header::link) records += record("linkpath", entry.link);
  if (entry.size > kLargestOctal) records += record("size", cat(entry.size));
  if (entry.uid > kLargestId) records += record("uid", cat(entry.uid));
  if (entry.gid > kLargestId) records += record("gid", cat(entry.gid));
  if (entry.modified < 0) records += record("mtime", cat(entry.modified));
  if (!records.empty()) extended(records, entry);
  header(entry);
  left_ = entry.size;
  padding_ = padding_of(entry.size);
}

void TarOutput::content(std::string_view data) {
  data =
      data.substr(0, static_cast<std::size_t>(std::min<std::int64_t>(left_, static_cast<std::int64_t>(data.size()))));
  left_ -= static_cast<std::int64_t>(data.size());
  put(data);
}

void TarOutput::end_content() {
  static const std::string kZeros(kBuffer, '\0');
  while (left_ > 0) content(kZeros);
  put(std::string(static_cast<std::size_t>(std::exchange(padding_, 0)), '\0'));
}

void TarOutput::finish() {
  put(std::string(2 * kBlock, '\0'));
  if (!buffer_.empty()) sink_(buffer_);
  buffer_.clear();
}

bool TarInput::fill(char* out, std::size_t size) {
  std::size_t have = 0;
  while (have < size) {
    std::size_t got = source_(out + have, size - have);
    if (got == 0 && have == 0) return false;
    if (got == 0) fail_invalid("the archive is cut off");
    have += got;
    bytes_ += static_cast<std::int64_t>(got);
  }
  return true;
}

std::string TarInput::text(std::int64_t size) {
  if (size < 0 || size > kLongestRecords) fail_invalid("not a tar archive: a header is too large");
  std::string content(static_cast<std::size_t>(size + padding_of(size)), '\0');
  if (!content.empty() && !fill(content.data(), content.size())) fail_invalid("the archive is cut off");
  content.resize(static_cast<std::size_t>(size));
  return content;
}

void TarInput::apply_records(std::string_view records, TarEntry& entry, bool& has_size) {
  while (!records.empty()) {
    auto blank = records.find(' ');
    auto length = parse_number<std::size_t>(records.substr(0, blank));
    if (!length || *length > records.size() || *length < blank + 2) fail_invalid("not a tar archive: a bad record");
    std::string_view line = records.substr(blank + 1, *length - blank - 2);
    records.remove_prefix(*length);
    auto [key, value] = split_once(line, '=');
    std::string_view text = value.value_or("");
    auto integer = parse_number<std::int64_t>(text.substr(0, text.find('.')));
    if (key == "path") entry.name = text;
    if (key == "linkpath") entry.link = text;
    if (key == "size" && integer) entry.size = *integer, has_size = true;
    if (key == "uid" && integer) entry.uid = static_cast<unsigned>(*integer);
    if (key == "gid" && integer) entry.gid = static_cast<unsigned>(*integer);
    if (key == "mtime" && integer) entry.modified = *integer;
  }
}

bool TarInput::next(TarEntry& entry) {
  char waste[16 * 1024];
  while (read(waste, sizeof waste) > 0) continue;
  std::string records, long_name, long_link;
  for (;;) {
    Header header;
    if (!fill(reinterpret_cast<char*>(&header), sizeof header)) return false;
    if (header.name[0] == '\0' && checksum_of(header) == 8 * ' ') continue;  // a mark of the end
    if (number(header.checksum) != checksum_of(header)) fail_invalid("not a tar archive: a bad checksum");
    std::int64_t size = number(header.size);
    if (header.type == 'x' || header.type == 'g') {
      std::string found = text(size);
      if (header.type == 'x') records = std::move(found);
      continue;
    }
    if (header.type == 'L' || header.type == 'K') {
      std::string found = text(size);
      found.resize(::strnlen(found.data(), found.size()));
      (header.type == 'L' ? long_name : long_link) = std::move(found);
      continue;
    }
    entry = {};
    bool posix = std::memcmp(header.magic, "ustar\0", 6) == 0;
    std::string prefix = posix ? text_of(header.prefix) : "";
    entry.name = prefix.empty() ? text_of(header.name) : cat(prefix, "/", text_of(header.name));
    entry.link = text_of(header.link);
    entry.type = header.type == '\0' || header.type == '7' ? '0' : header.type;
    entry.mode = static_cast<unsigned>(number(header.mode));
    entry.uid = static_cast<unsigned>(number(header.uid));
    entry.gid = static_cast<unsigned>(number(header.gid));
    entry.major = static_cast<unsigned>(number(header.major));
    entry.minor = static_cast<unsigned>(number(header.minor));
    entry.modified = number(header.mtime);
    entry.size = size;
    if (!long_name.empty()) entry.name = long_name;
    if (!long_link.empty()) entry.link = long_link;
    bool has_size = false;
    apply_records(records, entry, has_size);
    bool has_content = entry.type == '0';
    if (!has_content && !has_size && entry.type >= '1' && entry.type <= '6') entry.size = 0;
    left_ = entry.size;
    padding_ = padding_of(entry.size);
    return true;
  }
}

std::size_t TarInput::read(char* out, std::size_t size) {
  if (left_ == 0) {
    char waste[kBlock];
    if (padding_ > 0 && !fill(waste, static_cast<std::size_t>(std::exchange(padding_, 0))))
      fail_invalid("the archive is cut off");
    return 0;
  }
  std::size_t got =
      source_(out, static_cast<std::size_t>(std::min<std::int64_t>(left_, static_cast<std::int64_t>(size))));
  if (got == 0) fail_invalid("the archive is cut off");
  left_ -= static_cast<std::int64_t>(got);
  bytes_ += static_cast<std::int64_t>(got);
  return got;
}

}  // namespace hull::cli
