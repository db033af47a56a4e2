// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "cli/template.h"

namespace hull::cli::templates {
namespace {

bool is_name_start(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80); }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Nodes parse_all() {
    Nodes nodes;
    std::string end = parse_nodes(nodes);
    if (!end.empty()) refuse(cat("unexpected {{", end, "}}"));
    return nodes;
  }

 private:
  [[noreturn]] void refuse(std::string_view reason) const {
    auto line = 1 + std::count(source_.begin(),
                               source_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, source_.size())), '\n');
    fail_invalid("template parsing error: template: :", line, ": ", reason);
  }

  // Reads nodes up to {{end}} or {{else …}}, whose word it gives; "" at the end of the source.
  std::string parse_nodes(Nodes& nodes) {
    while (at_ < source_.size()) {
      auto open = source_.find("{{", at_);
      std::string text(source_.substr(at_, open == source_.npos ? source_.npos : open - at_));
      if (open == source_.npos) {
        add_text(nodes, text);
        at_ = source_.size();
        break;
      }
      at_ = open + 2;
      if (at_ + 1 < source_.size() && source_[at_] == '-' && is_blank(source_[at_ + 1])) {
        while (!text.empty() && is_blank(text.back())) text.pop_back();
        ++at_;
      }
      add_text(nodes, text);
      if (std::string end = parse_action(nodes); !end.empty()) return end;
    }
    return {};
  }

  static void add_text(Nodes& nodes, std::string text) {
    if (text.empty()) return;
    auto node = std::make_unique<Node>();
    node->text = std::move(text);
    nodes.push_back(std::move(node));
  }

  std::string parse_action(Nodes& nodes) {
    skip_blanks();
    if (source_.substr(at_).starts_with("/*")) {
      auto end = source_.find("*/", at_);
      if (end == source_.npos) refuse("unclosed comment");
      at_ = end + 2;
      close_action();
      return {};
    }
    auto start = at_;
    std::string word = peek_name();
    if (word == "end") {
      at_ += word.size();
      close_action();
      return word;
    }
    if (word == "else") {
      at_ += word.size();
      return word;  // the caller reads what follows
    }
    auto node = std::make_unique<Node>();
    if (word == "if" || word == "range" || word == "with") {
      at_ += word.size();
      parse_block(*node, word);
    } else if (word == "break" || word == "continue") {
      at_ += word.size();
      node->kind = word == "break" ? Node::kBreak : Node::kContinue;
      close_action();
    } else {
      at_ = start;
      node->kind = Node::kOutput;
      node->pipeline = parse_pipeline();
      if (node->pipeline.calls.empty()) refuse("missing value for command");
      close_action();
    }
    nodes.push_back(std::move(node));
    return {};
  }

  void parse_block(Node& node, std::string_view word) {
    node.kind = word == "if" ? Node::kIf : word == "range" ? Node::kRange : Node::kWith;
    node.pipeline = parse_pipeline();
    if (node.pipeline.calls.empty()) refuse(cat("missing value for ", word));
    close_action();
    std::string end = parse_nodes(node.body);
    if (end == "else") {
      skip_blanks();
      std::string next = peek_name();
      if (next == "if" || next == "with") {
        // "else if" is an if within the else that shares its end.
        at_ += next.size();
        auto nested = std::make_unique<Node>();
        parse_block(*nested, next);
        node.otherwise.push_back(std::move(nested));
        return;
      }
      close_action();
      end = parse_nodes(node.otherwise);
    }
    if (end != "end") refuse(end.empty() ? std::string("unexpected EOF") : cat("unexpected {{", end, "}}"));
  }

  void skip_blanks() {
    while (at_ < source_.size() && is_blank(source_[at_])) ++at_;
  }

  std::string peek_name() const {
    auto end = at_;
    if (end < source_.size() && is_name_start(source_[end]))
      while (end < source_.size() && is_name(source_[end])) ++end;
    return std::string(source_.substr(at_, end - at_));
  }

  void close_action() {
    bool blank = at_ < source_.size() && is_blank(source_[at_]);
    skip_blanks();
    if (blank && source_.substr(at_).starts_with("-}}")) {
      at_ += 3;
      skip_blanks();
    } else if (source_[at_ - 1] != '}' && source_.substr(at_).starts_with("-}}")) {
      at_ += 3;
      skip_blanks();
    } else if (source_.substr(at_).starts_with("}}")) {
      at_ += 2;
    } else if (at_ >= source_.size()) {
      refuse("unclosed action");
    } else {
      refuse(cat("unexpected ", quoted(source_.substr(at_, 1)), " in command"));
    }
  }

  bool at_end_of_pipeline() const {
    std::string_view rest = source_.substr(at_);
    return rest.empty() || rest.starts_with("}}") || rest.starts_with(')') || rest.starts_with("-}}");
  }

  Pipeline parse_pipeline() {
    Pipeline pipeline;
    skip_blanks();
    parse_variables(pipeline);
    for (;;) {
      Call call;
      for (skip_blanks(); !at_end_of_pipeline() && source_[at_] != '|'; skip_blanks())
        call.words.push_back(parse_operand());
      if (!call.words.empty())
        pipeline.calls.push_back(std::move(call));
      else if (!pipeline.calls.empty())
        refuse("missing value for command");
      if (at_ >= source_.size() || source_[at_] != '|') return pipeline;
      ++at_;
    }
  }

  // "$x :=", "$x =" or "$i, $x :=" before a pipeline.
  void parse_variables(Pipeline& pipeline) {
    auto start = at_;
    std::vector<std::string> names;
    while (at_ < source_.size() && source_[at_] == '$') {
      ++at_;
      std::string name = peek_name();
      at_ += name.size();
      names.push_back(name);
      skip_blanks();
      if (at_ >= source_.size() || source_[at_] != ',') break;
      ++at_;
      skip_blanks();
    }
    std::string_view rest = source_.substr(at_);
    if (!names.empty() && (rest.starts_with(":=") || (rest.starts_with('=') && !rest.starts_with("==")))) {
      pipeline.declares = rest[0] == ':';
      at_ += pipeline.declares ? 2 : 1;
      pipeline.variables = std::move(names);
    } else {
      at_ = start;
    }
  }

  Operand parse_operand() {
    Operand operand;
    auto start = operand.position = at_;
    char c = source_[at_];
    if (c == '.') {
      operand.kind = Operand::kField;
      if (at_ + 1 >= source_.size() || !is_name_start(source_[at_ + 1])) ++at_;
    } else if (c == '$') {
      operand.kind = Operand::kVariable;
      ++at_;
      operand.name = peek_name();
      at_ += operand.name.size();
    } else if (c == '(') {
      ++at_;
      operand.kind = Operand::kGroup;
      operand.group = std::make_unique<Pipeline>(parse_pipeline());
      if (at_ >= source_.size() || source_[at_] != ')') refuse("unclosed left paren");
      ++at_;
    } else if (c == '"' || c == '`' || c == '\'') {
      operand.literal = parse_text(c);
    } else if ((c >= '0' && c <= '9') || c == '-' || c == '+') {
      operand.literal = parse_number_literal();
    } else if (std::string name = peek_name(); !name.empty()) {
      at_ += name.size();
      if (name == "true" || name == "false")
        operand.literal = name == "true";
      else if (name != "nil") {
        if (!is_function(name)) refuse(cat("function ", quoted(name), " not defined"));
        operand.kind = Operand::kFunction;
        operand.name = name;
      }
    } else {
      refuse(cat("unexpected ", quoted(source_.substr(at_, 1)), " in command"));
    }
    parse_chain(operand);
    operand.source = source_.substr(start, at_ - start);
    return operand;
  }

  void parse_chain(Operand& operand) {
    while (at_ + 1 < source_.size() && source_[at_] == '.' && is_name_start(source_[at_ + 1])) {
      ++at_;
      operand.chain.push_back(peek_name());
      at_ += operand.chain.back().size();
    }
  }

  Value parse_text(char quote) {
    std::string text;
    for (++at_; at_ < source_.size() && source_[at_] != quote; ++at_) {
      char c = source_[at_];
      if (c != '\\' || quote == '`' || at_ + 1 >= source_.size()) {
        text += c;
        continue;
      }
      char escaped = source_[++at_];
      auto known = std::string_view("ntr0").find(escaped);
      text += known == std::string_view::npos ? escaped : "\n\t\r\0"[known];
    }
    if (at_ >= source_.size()) refuse("unterminated quoted string");
    ++at_;
    if (quote == '\'') return Value(static_cast<std::int64_t>(text.empty() ? 0 : text[0]));
    return text;
  }

  Value parse_number_literal() {
    auto end = source_.find_first_not_of("+-0123456789.eExXabcdefABCDEF_", at_);
    std::string_view digits = source_.substr(at_, end == source_.npos ? source_.npos : end - at_);
    at_ += digits.size();
    if (digits.starts_with('+')) digits.remove_prefix(1);
    if (auto number = parse_number<std::int64_t>(digits)) return *number;
    if (digits.starts_with("0x"))
      if (auto number = parse_number<std::int64_t>(digits.substr(2), 16)) return *number;
    double real = 0;
    auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
    if (code != std::errc() || stop != digits.data() + digits.size())
      refuse(cat("bad number syntax: ", quoted(digits)));
    return real;
  }

  std::string_view source_;
  std::size_t at_ = 0;
};

}  // namespace

Nodes parse(std::string_view source) { return Parser(source).parse_all(); }

}  // namespace hull::cli::templates
