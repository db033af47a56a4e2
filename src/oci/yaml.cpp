// SPDX-License-Identifier: Apache-2.0
#include "oci/yaml.h"

#include <yaml.h>

#include <cmath>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>

#include "base/text.h"

namespace hull {

namespace {

constexpr int kDeepest = 64;
constexpr int kMostNodes = 100'000;  // after aliases are resolved: a few lines of YAML can mean gigabytes

class Parser {
 public:
  explicit Parser(std::string_view text) {
    if (!yaml_parser_initialize(&parser_)) throw std::bad_alloc();
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Parser(const Parser&) = delete;
  ~Parser() { yaml_parser_delete(&parser_); }
  yaml_parser_t* get() { return &parser_; }

  [[noreturn]] void throw_problem() const {
    fail_invalid("invalid YAML: line ", parser_.problem_mark.line + 1, ": ",
                 std::string_view(parser_.problem ? parser_.problem : "it cannot be read"));
  }

 private:
  yaml_parser_t parser_;
};

class Document {
 public:
  explicit Document(Parser& parser) {
    if (!yaml_parser_load(parser.get(), &document_)) parser.throw_problem();
  }
  Document(const Document&) = delete;
  ~Document() { yaml_document_delete(&document_); }
  yaml_document_t* get() { return &document_; }

 private:
  yaml_document_t document_;
};

std::optional<std::int64_t> integer(std::string_view text) {
  bool negative = text.starts_with('-');
  std::string_view digits = text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
  int base = 10;
  if (digits.starts_with("0x"))
    base = 16;
  else if (digits.starts_with("0o") || (digits.size() > 1 && digits.starts_with('0')))
    base = 8;
  if (base == 16 || digits.starts_with("0o")) digits.remove_prefix(2);
  if (digits.starts_with('-')) return std::nullopt;
  auto value = parse_number<std::int64_t>(digits, base);
  if (value && negative) value = -*value;
  return value;
}

std::optional<double> floating(const std::string& text) {
  if (text.find_first_not_of("0123456789.eE+-") != text.npos || text.find_first_of("0123456789") == text.npos)
    return std::nullopt;
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

Json scalar(const yaml_node_t& node) {
  std::string text(reinterpret_cast<const char*>(node.data.scalar.value), node.data.scalar.length);
  // libyaml calls every scalar without a tag text: only its style tells.
  if (node.data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return text;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (auto value = integer(text)) return *value;
  if (auto value = floating(text)) return *value;
  return text;
}

class Converter {
 public:
  explicit Converter(yaml_document_t* document) : document_(document) {}

  Json convert(int index, int depth) {
    yaml_node_t* node = yaml_document_get_node(document_, index);
    if (depth > kDeepest || ++count_ > kMostNodes)
      fail_invalid("invalid YAML: line ", node->start_mark.line + 1, ": this is too large, or nested too deeply");
    switch (node->type) {
      case YAML_SCALAR_NODE: return scalar(*node);
      case YAML_SEQUENCE_NODE: return sequence(*node, depth);
      case YAML_MAPPING_NODE: return mapping(*node, depth);
      case YAML_NO_NODE: break;
    }
    return nullptr;
  }

 private:
  Json sequence(const yaml_node_t& node, int depth) {
    Json out = Json::array();
    for (auto* item = node.data.sequence.items.start; item < node.data.sequence.items.top; ++item)
      out.push_back(convert(*item, depth + 1));
    return out;
  }

  Json mapping(const yaml_node_t& node, int depth) {
    Json out = Json::object();
    for (auto* pair = node.data.mapping.pairs.start; pair < node.data.mapping.pairs.top; ++pair) {
      const yaml_node_t* key = yaml_document_get_node(document_, pair->key);
      if (key->type != YAML_SCALAR_NODE)
        fail_invalid("invalid YAML: line ", key->start_mark.line + 1, ": a key has to be text");
      std::string name(reinterpret_cast<const char*>(key->data.scalar.value), key->data.scalar.length);
      Json value = convert(pair->value, depth + 1);
      if (name == "<<" && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        merge(out, value);
      else
        out[name] = std::move(value);
    }
    return out;
  }

  // What the mapping says itself counts, wherever it stands; of several merged ones the first.
  static void merge(Json& out, const Json& from) {
    if (from.is_array())
      for (const Json& one : from) merge(out, one);
    if (!from.is_object()) return;
    for (const auto& [name, value] : from.items())
      if (!out.contains(name)) out[name] = value;
  }

  yaml_document_t* document_;
  int count_ = 0;
};

}  // namespace

Json parse_yaml(std::string_view text) {
  Parser parser(text);
  Document document(parser);
  yaml_node_t* root = yaml_document_get_root_node(document.get());
  if (!root) return nullptr;
  Json out = Converter(document.get()).convert(1, 0);
  Document next(parser);
  if (yaml_document_get_root_node(next.get()))
    fail_invalid("invalid YAML: line ", yaml_document_get_root_node(next.get())->start_mark.line + 1,
                 ": a second document begins here");
  return out;
}

}  // namespace hull
