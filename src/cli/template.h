// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/go_type.h"

// Go's text/template with Docker's functions: what --format takes. Messages are worded as Go's, since scripts and
// people know them. See https://pkg.go.dev/text/template.
namespace hull::cli {

namespace templates {

enum class NodeKind : unsigned char {
  kList,  // children in their order
  kText,
  kAction,  // pipe
  kIf,      // pipe, list, otherwise
  kRange,
  kWith,
  kTemplate,  // text is the name; pipe may be missing
  kBreak,
  kContinue,
  kPipe,      // children are commands; declared are its variables
  kCommand,   // children are operands
  kField,     // .A.B
  kVariable,  // $x.A: names[0] is "$x"
  kDot,
  kNil,
  kLiteral,     // text is as it was written
  kIdentifier,  // text is a function's name
  kChain,       // (pipeline).A, function.A
};

struct Node {
  NodeKind kind = NodeKind::kList;
  std::size_t position = 0;
  std::string text;
  std::vector<std::string> names;
  Value literal;
  const GoType* literal_type = nullptr;
  bool assigns = false;  // "=" instead of ":="
  std::vector<std::string> declared;
  std::vector<std::unique_ptr<Node>> children;
  std::unique_ptr<Node> pipe, list, otherwise;
};

// Trees by the names that {{define}} and {{block}} give them; "" is the text itself.
using Trees = std::map<std::string, std::unique_ptr<Node>>;

// Throws Error{kInvalidArgument} "template: NAME:1: …".
Trees parse(std::string_view source, std::string_view name);
// A node as Go writes it in messages.
std::string shown(const Node& node);

// What a function is called with: the terms, and a place for what it makes.
class Scratch {
 public:
  Term keep(Value value);  // of the type that the value has
  Term keep(Value value, const GoType* type);
  Term text(std::string value) { return keep(Value(std::move(value))); }

 private:
  std::vector<std::unique_ptr<Value>> kept_;
};

using Arguments = std::vector<Term>;
struct Function {
  std::string_view name;
  std::size_t least, most;      // arguments; most kAny: no limit
  std::string_view parameters;  // one letter each: v anything, s text, i integer, l list of texts
  Term (*call)(Scratch& scratch, const Arguments& arguments);
  static constexpr std::size_t kAny = static_cast<std::size_t>(-1);
};
const Function* find_function(std::string_view name);

bool truth(const Term& term);

}  // namespace templates

class Template {
 public:
  // Throws Error{kInvalidArgument} "template parsing error: template: :1: …".
  explicit Template(std::string_view source, std::string_view name = {});

  enum class Missing : unsigned char { kNoValue, kError };  // keys that a map does not have
  // Throws Error{kInvalidArgument} with "template: :1:2: executing …".
  std::string run(const Term& data, Missing missing = Missing::kNoValue) const;
  // As JSON without types is seen, where a missing key is a mistake.
  std::string run(const Value& data) const { return run(dynamic_term(data), Missing::kError); }
  // The headings of a table: functions of Docker's leave them as they are.
  std::string run_headings(const Value& headings) const;

 private:
  std::string source_, name_;
  std::shared_ptr<templates::Trees> trees_;
};

// Members that are for functions such as .Label only, and in no output, have names that begin with this.
inline constexpr char kHidden = '\x01';
inline constexpr std::string_view kHiddenLabels = "\x01labels";

}  // namespace hull::cli
