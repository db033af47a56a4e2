// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "container/log_record.h"

namespace hull::container {

namespace {

// The fields of a protobuf message, one after another.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  // False at the end, or when the message is damaged: failed().
  bool next() {
    if (rest_.empty()) return false;
    auto key = varint();
    if (!key) return fail();
    number = static_cast<unsigned>(*key >> 3);
    auto length = varint();  // for wire type 0 the value itself
    if (!length) return fail();
    value = *length;
    bytes = {};
    if ((*key & 7) == 0) return true;
    if ((*key & 7) != 2 || *length > rest_.size()) return fail();
    bytes = rest_.substr(0, *length);
    rest_.remove_prefix(*length);
    return true;
  }
  bool failed() const { return failed_; }

  unsigned number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;

 private:
  bool fail() {
    failed_ = true;
    return false;
  }
  std::optional<std::uint64_t> varint() {
    std::uint64_t result = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      result |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return result;
    }
    return std::nullopt;
  }
  std::string_view rest_;
  bool failed_ = false;
};

void read_attribute(std::string_view message, StringMap& into) {
  std::string_view key, value;
  for (Fields fields(message); fields.next();) {
    if (fields.number == 1) key = fields.bytes;
    if (fields.number == 2) value = fields.bytes;
  }
  into[std::string(key)] = value;
}

bool is_last(std::string_view metadata) {
  for (Fields fields(metadata); fields.next();)
    if (fields.number == 1) return fields.value != 0;
  return false;
}

}  // namespace

bool parse_local_record(std::string_view message, LogRecord& record, bool with_attributes) {
  record.text.clear();
  record.attributes.clear();
  record.is_stderr = false;
  bool goes_on = false;
  Fields fields(message);
  while (fields.next()) {
    switch (fields.number) {
      case 1: record.is_stderr = fields.bytes == "stderr"; break;
      case 2: record.time = {static_cast<std::int64_t>(fields.value)}; break;
      case 3: record.text = fields.bytes; break;
      case 4: goes_on = fields.value != 0; break;
      case 5: goes_on = !is_last(fields.bytes); break;
      case 6:
        if (with_attributes) read_attribute(fields.bytes, record.attributes);
        break;
      default: break;
    }
  }
  if (!goes_on) record.text += '\n';
  return !fields.failed();
}

bool parse_log_record(shim::LogFormat format, std::string_view text, LogRecord& record, bool with_attributes) {
  return format == shim::LogFormat::kJson ? parse_json_record(text, record, with_attributes)
                                          : parse_local_record(text, record, with_attributes);
}

}  // namespace hull::container
