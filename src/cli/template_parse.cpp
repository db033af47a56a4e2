// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "cli/template.h"
#include "cli/template_lex.h"

namespace hull::cli::templates {
namespace {

using NodePtr = std::unique_ptr<Node>;

constexpr int kMostDepth = 10'000;  // of parentheses

void append_utf8(std::string& out, std::uint32_t point) {
  auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// The text within Go's quotes; empty optional for an escape that Go does not have.
std::optional<std::string> unquoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i >= text.size()) return std::nullopt;
    auto simple = std::string_view("abfnrtv\\'\"").find(text[i]);
    if (simple != std::string_view::npos) {
      out += "\a\b\f\n\r\t\v\\'\""[simple];
      continue;
    }
    bool octal = text[i] >= '0' && text[i] <= '7';
    std::size_t digits = octal ? 3 : text[i] == 'x' ? 2 : text[i] == 'u' ? 4 : text[i] == 'U' ? 8 : 0;
    if (!octal) ++i;
    if (digits == 0 || i + digits > text.size()) return std::nullopt;
    auto number = parse_number<std::uint32_t>(text.substr(i, digits), octal ? 8 : 16);
    if (!number || *number > 0x10FFFF) return std::nullopt;
    if (digits <= 3)
      out += static_cast<char>(*number);
    else
      append_utf8(out, *number);
    i += digits - 1;
  }
  return out;
}

// The code point of a text of one character.
std::optional<std::uint32_t> one_character(std::string_view text) {
  if (text.empty()) return std::nullopt;
  auto first = static_cast<unsigned char>(text[0]);
  std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() != size) return std::nullopt;
  std::uint32_t point = size == 1 ? first : first & (0xFFu >> (size + 1));
  for (char c : text.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3F);
  return point;
}

class Parser {
 public:
  Parser(std::string_view source, std::string_view name) : tokens_(lex(source)), name_(name) {}

  Trees parse_all() {
    NodePtr root = make(NodeKind::kList, peek());
    while (peek().kind != TokenKind::kEnd) {
      if (take_define()) continue;
      std::string end;
      if (NodePtr node = parse_node(end)) root->children.push_back(std::move(node));
      if (!end.empty()) refuse(cat("unexpected {{", end, "}}"));
    }
    add_tree("", std::move(root));
    return std::move(trees_);
  }

 private:
  [[noreturn]] void refuse(std::string_view reason) const {
    const Token& last = tokens_[std::min(at_ ? at_ - 1 : 0, tokens_.size() - 1)];
    fail_invalid("template: ", name_, ":", last.line, ": ", reason);
  }

  // What is wrong when `token` stands in `context`.
  [[noreturn]] void unexpected(const Token& token, std::string_view context) const {
    if (token.kind == TokenKind::kError) {
      bool elsewhere = action_line_ && action_line_ != token.line;
      std::string_view started = token.text.ends_with(" action") ? " started at " : " in action started at ";
      refuse(elsewhere ? cat(token.text, started, name_, ":", action_line_) : token.text);
    }
    refuse(cat("unexpected ", described(token), " in ", context));
  }

  static std::string described(const Token& token) {
    if (token.kind == TokenKind::kEnd) return "EOF";
    if (token.kind == TokenKind::kKeyword) return cat("<", token.text, ">");
    if (token.text.size() > 10) return go_quoted(token.text.substr(0, 10)) + "...";
    return go_quoted(token.text);
  }

  // The last token is the end or a mistake: there is nothing behind it to be taken.
  const Token& peek() const { return tokens_[std::min(at_, tokens_.size() - 1)]; }
  const Token& next() { return tokens_[std::min(at_++, tokens_.size() - 1)]; }
  const Token& peek_word() {
    while (peek().kind == TokenKind::kSpace) ++at_;
    return peek();
  }
  const Token& next_word() {
    peek_word();
    return next();
  }
  bool at_keyword(std::string_view word) { return peek_word().kind == TokenKind::kKeyword && peek().text == word; }
  void expect_close(std::string_view context) {
    if (const Token& token = next_word(); token.kind != TokenKind::kClose) unexpected(token, context);
  }

  static NodePtr make(NodeKind kind, const Token& at) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->position = at.position;
    return node;
  }

  void add_tree(const std::string& name, NodePtr tree) {
    auto empty = [](const Node& list) {
      return std::ranges::all_of(
          list.children, [](const NodePtr& node) { return node->kind == NodeKind::kText && trim(node->text).empty(); });
    };
    NodePtr& there = trees_[name];
    if (!there || empty(*there)) {
      there = std::move(tree);
    } else if (!empty(*tree)) {
      refuse(cat("template: multiple definition of template ", go_quoted(name)));
    }
  }

  // {{define "name"}}…{{end}}, which stands at the outermost level only.
  bool take_define() {
    if (peek().kind != TokenKind::kOpen) return false;
    std::size_t back = at_++;
    if (!at_keyword("define")) {
      at_ = back;
      return false;
    }
    next();
    std::string name = parse_name("define clause");
    expect_close("define clause");
    parse_tree(name, "define clause");
    return true;
  }

  void parse_tree(const std::string& name, std::string_view context) {
    auto variables = std::exchange(variables_, {"$"});
    int ranges = std::exchange(ranges_, 0);
    std::string end;
    NodePtr tree = parse_list(end);
    if (end != "end") refuse(cat("unexpected {{", end, "}} in ", context));
    add_tree(name, std::move(tree));
    variables_ = std::move(variables);
    ranges_ = ranges;
  }

  std::string parse_name(std::string_view context) {
    const Token& token = next_word();
    if (token.kind != TokenKind::kQuoted && token.kind != TokenKind::kRawQuoted) unexpected(token, context);
    return text_of(token);
  }

  std::string text_of(const Token& token) const {
    std::string_view inside = std::string_view(token.text).substr(1, token.text.size() - 2);
    if (token.kind == TokenKind::kRawQuoted) return std::string(inside);
    auto text = unquoted(inside);
    if (!text) refuse("invalid syntax");
    return *text;
  }

  // Up to {{end}} or {{else}}, whose word it gives.
  NodePtr parse_list(std::string& end) {
    NodePtr list = make(NodeKind::kList, peek_word());
    while (peek_word().kind != TokenKind::kEnd) {
      if (NodePtr node = parse_node(end)) list->children.push_back(std::move(node));
      if (!end.empty()) return list;
    }
    next();
    refuse("unexpected EOF");
  }

  NodePtr parse_node(std::string& end) {
    const Token& token = next_word();
    if (token.kind == TokenKind::kText) {
      NodePtr node = make(NodeKind::kText, token);
      node->text = token.text;
      return node;
    }
    if (token.kind != TokenKind::kOpen) unexpected(token, "input");
    action_line_ = token.line;
    NodePtr node = parse_action(end);
    action_line_ = 0;
    return node;
  }

  NodePtr parse_action(std::string& end) {
    const Token& first = peek_word();
    if (first.kind != TokenKind::kKeyword) {
      NodePtr node = make(NodeKind::kAction, first);
      node->pipe = parse_pipe("command", TokenKind::kClose);
      return node;
    }
    std::string word = first.text;
    if (word == "define") unexpected(next(), "command");
    next();
    if (word == "end") {
      expect_close("end");
      end = word;
      return nullptr;
    }
    if (word == "else") {
      if (!at_keyword("if") && !at_keyword("with")) expect_close("else");
      end = word;
      return nullptr;
    }
    if (word == "break" || word == "continue") return parse_jump(first, word);
    if (word == "template" || word == "block") return parse_template(first, word == "block");
    return parse_control(first, word);
  }

  NodePtr parse_jump(const Token& at, const std::string& word) {
    std::string shown = cat("{{", word, "}}");
    expect_close(shown);
    if (ranges_ == 0) refuse(cat(shown, " outside {{range}}"));
    return make(word == "break" ? NodeKind::kBreak : NodeKind::kContinue, at);
  }

  NodePtr parse_template(const Token&, bool is_block) {
    std::string_view context = is_block ? "block clause" : "template clause";
    NodePtr node = make(NodeKind::kTemplate, peek_word());
    node->text = parse_name(context);
    if (!is_block && peek_word().kind == TokenKind::kClose) {
      next();
      return node;
    }
    node->pipe = parse_pipe(context, TokenKind::kClose);
    if (is_block) parse_tree(node->text, context);
    return node;
  }

  NodePtr parse_control(const Token& at, const std::string& word) {
    NodePtr node = make(word == "if" ? NodeKind::kIf : word == "range" ? NodeKind::kRange : NodeKind::kWith, at);
    std::size_t scope = variables_.size();
    node->pipe = parse_pipe(word, TokenKind::kClose);
    ranges_ += word == "range";
    std::string end;
    node->list = parse_list(end);
    ranges_ -= word == "range";
    if (end == "else") {
      end.clear();
      if (word != "range" && at_keyword(word)) {
        // "else if" is an if within the else that shares its end.
        Token again = next();
        node->otherwise = make(NodeKind::kList, again);
        node->otherwise->children.push_back(parse_control(again, word));
      } else {
        node->otherwise = parse_list(end);
        if (end != "end") refuse(cat("expected end; found {{", end, "}}"));
      }
    }
    variables_.resize(scope);
    return node;
  }

  NodePtr parse_pipe(std::string_view context, TokenKind close) {
    NodePtr pipe = make(NodeKind::kPipe, peek_word());
    parse_declarations(*pipe, context);
    for (;;) {
      const Token& token = next_word();
      if (token.kind == close) break;
      switch (token.kind) {
        case TokenKind::kBool:
        case TokenKind::kCharacter:
        case TokenKind::kDot:
        case TokenKind::kField:
        case TokenKind::kIdentifier:
        case TokenKind::kNumber:
        case TokenKind::kNil:
        case TokenKind::kRawQuoted:
        case TokenKind::kQuoted:
        case TokenKind::kVariable:
        case TokenKind::kOpenParenthesis:
          --at_;
          pipe->children.push_back(parse_command());
          break;
        default: unexpected(token, context);
      }
    }
    if (pipe->children.empty()) refuse(cat("missing value for ", context));
    for (std::size_t i = 1; i < pipe->children.size(); ++i) {
      NodeKind first = pipe->children[i]->children[0]->kind;
      if (first == NodeKind::kLiteral || first == NodeKind::kDot || first == NodeKind::kNil)
        refuse(cat("non executable command in pipeline stage ", i + 1));
    }
    return pipe;
  }

  // "$x :=", "$x =" or "$i, $x :=".
  void parse_declarations(Node& pipe, std::string_view context) {
    while (peek_word().kind == TokenKind::kVariable) {
      std::size_t back = at_;
      std::string name = next().text;
      const Token& after = peek_word();
      if (after.kind == TokenKind::kAssign || after.kind == TokenKind::kDeclare) {
        pipe.assigns = after.kind == TokenKind::kAssign;
        next();
        declare(pipe, name);
        return;
      }
      if (after.kind != TokenKind::kOther || after.text != ",") {
        at_ = back;
        return;
      }
      next();
      declare(pipe, name);
      if (context != "range" || pipe.declared.size() > 1) refuse(cat("too many declarations in ", context));
      TokenKind then = peek_word().kind;
      if (then != TokenKind::kVariable && then != TokenKind::kClose && then != TokenKind::kCloseParenthesis)
        refuse("range can only initialize variables");
    }
  }
  void declare(Node& pipe, const std::string& name) {
    pipe.declared.push_back(name);
    variables_.push_back(name);
  }

  NodePtr parse_command() {
    NodePtr command = make(NodeKind::kCommand, peek_word());
    for (;;) {
      peek_word();
      if (NodePtr operand = parse_operand()) command->children.push_back(std::move(operand));
      const Token& token = next();
      if (token.kind == TokenKind::kSpace) continue;
      if (token.kind == TokenKind::kClose || token.kind == TokenKind::kCloseParenthesis)
        --at_;
      else if (token.kind != TokenKind::kPipe)
        unexpected(token, "operand");
      break;
    }
    if (command->children.empty()) refuse("empty command");
    return command;
  }

  NodePtr parse_operand() {
    NodePtr node = parse_term();
    if (!node || peek().kind != TokenKind::kField) return node;
    std::size_t position = peek().position;
    std::vector<std::string> fields;
    while (peek().kind == TokenKind::kField) fields.push_back(next().text.substr(1));
    if (node->kind == NodeKind::kLiteral || node->kind == NodeKind::kNil || node->kind == NodeKind::kDot)
      refuse(cat("unexpected . after term ", go_quoted(shown(*node))));
    if (node->kind != NodeKind::kField && node->kind != NodeKind::kVariable) {
      auto chain = std::make_unique<Node>();
      chain->kind = NodeKind::kChain;
      chain->children.push_back(std::move(node));
      node = std::move(chain);
    }
    node->position = position;
    node->names.insert(node->names.end(), fields.begin(), fields.end());
    return node;
  }

  NodePtr parse_term() {
    const Token& token = next_word();
    switch (token.kind) {
      case TokenKind::kIdentifier: {
        if (!find_function(token.text)) refuse(cat("function ", go_quoted(token.text), " not defined"));
        return named(NodeKind::kIdentifier, token);
      }
      case TokenKind::kDot: return make(NodeKind::kDot, token);
      case TokenKind::kNil: return make(NodeKind::kNil, token);
      case TokenKind::kVariable: {
        if (std::ranges::find(variables_, token.text) == variables_.end())
          refuse(cat("undefined variable ", go_quoted(token.text)));
        NodePtr node = make(NodeKind::kVariable, token);
        node->names.push_back(token.text);
        return node;
      }
      case TokenKind::kField: {
        NodePtr node = make(NodeKind::kField, token);
        node->names.push_back(token.text.substr(1));
        return node;
      }
      case TokenKind::kOpenParenthesis: {
        if (++depth_ > kMostDepth) refuse("max expression depth exceeded");
        NodePtr node = parse_pipe("parenthesized pipeline", TokenKind::kCloseParenthesis);
        --depth_;
        return node;
      }
      case TokenKind::kBool: return literal(token, token.text == "true", "bool");
      case TokenKind::kQuoted:
      case TokenKind::kRawQuoted: return literal(token, text_of(token), "string");
      case TokenKind::kCharacter: return parse_character(token);
      case TokenKind::kNumber: return parse_number_literal(token);
      default: --at_; return nullptr;
    }
  }

  static NodePtr named(NodeKind kind, const Token& token) {
    NodePtr node = make(kind, token);
    node->text = token.text;
    return node;
  }
  static NodePtr literal(const Token& token, Value value, std::string_view type) {
    NodePtr node = named(NodeKind::kLiteral, token);
    node->literal = std::move(value);
    node->literal_type = go_type(type);
    return node;
  }

  NodePtr parse_character(const Token& token) const {
    auto text = unquoted(std::string_view(token.text).substr(1, token.text.size() - 2));
    auto point = text ? one_character(*text) : std::nullopt;
    if (!point) refuse(cat("malformed character constant: ", token.text));
    return literal(token, static_cast<std::int64_t>(*point), "int");
  }

  NodePtr parse_number_literal(const Token& token) const {
    std::string digits;
    for (char c : token.text)
      if (c != '_') digits += c;
    bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.erase(0, 1);
    int base = 10;
    std::string_view whole = digits;
    if (whole.size() > 1 && whole[0] == '0') {
      auto mark = std::string_view("xXoObB").find(whole[1]);
      base = mark == std::string_view::npos ? 8 : mark < 2 ? 16 : mark < 4 ? 8 : 2;
      whole.remove_prefix(mark == std::string_view::npos ? 1 : 2);
    }
    if (auto number = parse_number<std::int64_t>(whole, base))
      return literal(token, negative ? -*number : *number, "int");
    double real = 0;
    auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
    if (code != std::errc() || stop != digits.data() + digits.size() || digits.empty())
      refuse(cat("illegal number syntax: ", go_quoted(token.text)));
    return literal(token, negative ? -real : real, "float64");
  }

  std::vector<Token> tokens_;
  std::string_view name_;
  std::size_t at_ = 0, action_line_ = 0;
  int ranges_ = 0, depth_ = 0;
  std::vector<std::string> variables_{"$"};
  Trees trees_;
};

std::string joined(const std::vector<NodePtr>& nodes, std::string_view separator) {
  std::string out;
  for (const NodePtr& node : nodes) out += cat(out.empty() ? std::string_view() : separator, shown(*node));
  return out;
}

}  // namespace

Trees parse(std::string_view source, std::string_view name) { return Parser(source, name).parse_all(); }

std::string shown(const Node& node) {
  switch (node.kind) {
    case NodeKind::kField: return "." + join(node.names, ".");
    case NodeKind::kVariable: return join(node.names, ".");
    case NodeKind::kDot: return ".";
    case NodeKind::kNil: return "nil";
    case NodeKind::kLiteral:
    case NodeKind::kIdentifier:
    case NodeKind::kText: return node.text;
    case NodeKind::kChain: {
      const Node& first = *node.children[0];
      std::string inner = first.kind == NodeKind::kPipe ? cat("(", shown(first), ")") : shown(first);
      return cat(inner, ".", join(node.names, "."));
    }
    case NodeKind::kCommand: {
      std::string out;
      for (const NodePtr& word : node.children) {
        bool group = word->kind == NodeKind::kPipe;
        out += cat(out.empty() ? "" : " ", group ? "(" : "", shown(*word), group ? ")" : "");
      }
      return out;
    }
    case NodeKind::kPipe: {
      std::string out = join(node.declared, ", ");
      if (!out.empty()) out += node.assigns ? " = " : " := ";
      return out + joined(node.children, " | ");
    }
    case NodeKind::kAction: return cat("{{", shown(*node.pipe), "}}");
    case NodeKind::kTemplate:
      return cat("{{template ", go_quoted(node.text), node.pipe ? " " + shown(*node.pipe) : std::string(), "}}");
    case NodeKind::kIf: return cat("{{if ", shown(*node.pipe), "}}");
    case NodeKind::kRange: return cat("{{range ", shown(*node.pipe), "}}");
    case NodeKind::kWith: return cat("{{with ", shown(*node.pipe), "}}");
    case NodeKind::kBreak: return "{{break}}";
    case NodeKind::kContinue: return "{{continue}}";
    case NodeKind::kList: return joined(node.children, "");
  }
  return {};
}

}  // namespace hull::cli::templates
