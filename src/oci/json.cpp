// SPDX-License-Identifier: Apache-2.0
#include "oci/json.h"

#include <unordered_map>

#include "oci/json_syntax.h"

namespace hull {

namespace {

// Builds a document as the library's own reader does, but finds the members of large objects by a table: an object that
// keeps the order of its members compares each key with all before it, which ten thousand ports make seconds of.
class Builder {
 public:
  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(Json::number_integer_t value) { return put(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
  bool number_float(Json::number_float_t value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(Json::binary_t& value) { return put(std::move(value)); }
  bool start_object(std::size_t) {
    open(Json::object());
    members_of(levels_.back()).reserve(kUsual);  // each growth copies the names
    return true;
  }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    Level& level = levels_.back();
    Members& members = members_of(level);
    if (members.size() == kLarge && level.places.empty())
      for (std::size_t i = 0; i < members.size(); ++i) level.places.emplace(members[i].first, i);
    level.member = place_of(level, members, name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    failed_at = position;
    return false;
  }

  // A value and then something else, as opposed to a broken value.
  bool complete() const { return has_result_ && levels_.empty(); }

  Json result;
  std::size_t failed_at = 0;

 private:
  using Members = Json::object_t::Container;  // without the look-up by name
  static constexpr std::size_t kUsual = 8, kLarge = 32;
  struct Level {
    Json value;
    std::size_t member = 0;  // the one that the next value belongs to
    std::unordered_map<std::string, std::size_t> places;
  };

  static Members& members_of(Level& level) { return level.value.get_ref<Json::object_t&>(); }

  // Of two members of one name the last counts, in the place of the first.
  static std::size_t place_of(Level& level, Members& members, std::string& name) {
    if (members.size() < kLarge) {
      for (std::size_t i = 0; i < members.size(); ++i)
        if (members[i].first == name) return i;
    } else if (auto [found, is_new] = level.places.emplace(name, members.size()); !is_new) {
      return found->second;
    }
    members.emplace_back(std::move(name), nullptr);
    return members.size() - 1;
  }
  bool put(Json value) {
    if (levels_.empty()) {
      result = std::move(value);
      has_result_ = true;
    } else if (Level& level = levels_.back(); level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else {
      members_of(level)[level.member].second = std::move(value);
    }
    return true;
  }
  bool open(Json empty) {
    levels_.push_back({std::move(empty), 0, {}});
    return true;
  }
  bool close() {
    Json value = std::move(levels_.back().value);
    levels_.pop_back();
    return put(std::move(value));
  }

  std::vector<Level> levels_;
  bool has_result_ = false;
};

}  // namespace

Json parse_json(std::string_view text) {
  if (trim(text).empty()) fail_invalid("invalid JSON: EOF");
  Builder builder;
  if (Json::sax_parse(text, &builder)) return std::move(builder.result);
  if (builder.complete()) fail_invalid("unexpected content after JSON");
  std::string what = json_syntax_error(text);
  fail_invalid("invalid JSON: ", what.empty() ? cat("syntax error at byte ", builder.failed_at) : what);
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hull
