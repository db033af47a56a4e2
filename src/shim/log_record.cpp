// SPDX-License-Identifier: Apache-2.0
#include "shim/log_record.h"

#include "shim/json_text.h"

namespace hull::shim {

namespace {

constexpr unsigned kVarint = 0, kBytes = 2;  // protobuf's wire types

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_key(std::string& out, unsigned field, unsigned type) { put_varint(out, field << 3 | type); }

void put_number(std::string& out, unsigned field, std::uint64_t value) {
  if (value == 0) return;
  put_key(out, field, kVarint);
  put_varint(out, value);
}

void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  if (bytes.empty()) return;
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

std::string big_endian(std::size_t size) {
  std::string bytes(4, '\0');
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(size >> (24 - 8 * i));
  return bytes;
}

std::string_view stream_name(Channel channel) { return channel == Channel::kOut ? "stdout" : "stderr"; }

}  // namespace

JsonRecords::JsonRecords(const LogAttributes& attributes) {
  if (attributes.empty()) return;
  middle_ = R"(,"attrs":{)";
  for (const auto& [key, value] : attributes) {
    if (!middle_.ends_with('{')) middle_ += ',';
    middle_ += '"';
    append_json_text(middle_, key);
    middle_ += R"(":")";
    append_json_text(middle_, value);
    middle_ += '"';
  }
  middle_ += '}';
}

void JsonRecords::append(std::string& out, const LogPiece& piece) {
  if (piece.time != time_ || time_text_.empty()) {
    time_ = piece.time;
    time_text_ = format_rfc3339(time_);
  }
  out += R"({"log":")";
  append_json_text(out, piece.text);
  if (piece.newline) out += "\\n";
  out += piece.channel == Channel::kOut ? R"(","stream":"stdout")" : R"(","stream":"stderr")";
  out += middle_;
  out += R"(,"time":")";
  out += time_text_;
  out += "\"}\n";
}

LocalRecords::LocalRecords(const LogAttributes& attributes) {
  for (const auto& [key, value] : attributes) {
    std::string attribute;
    put_bytes(attribute, 1, key);
    put_bytes(attribute, 2, value);
    put_bytes(attributes_, 6, attribute);
  }
}

void LocalRecords::append(std::string& out, const LogPiece& piece) const {
  std::size_t start = out.size();
  out.append(4, '\0');
  put_bytes(out, 1, stream_name(piece.channel));
  put_number(out, 2, static_cast<std::uint64_t>(piece.time.nanoseconds));
  put_bytes(out, 3, piece.text);
  if (piece.partial()) {
    put_number(out, 4, 1);
    std::string metadata;
    put_number(metadata, 1, piece.newline);
    put_bytes(metadata, 2, piece.partial_id);
    put_number(metadata, 3, static_cast<std::uint64_t>(piece.ordinal));
    put_bytes(out, 5, metadata);
  }
  out += attributes_;
  std::string size = big_endian(out.size() - start - 4);
  out.replace(start, 4, size);
  out += size;
}

}  // namespace hull::shim
