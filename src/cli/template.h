// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/value.h"

// Go's text/template, as far as --format needs it: fields, variables, pipelines, functions, if/else, range, with,
// define-less. Messages are worded as Go's, since scripts and people know them.
namespace hull::cli {

namespace templates {

struct Node;
using Nodes = std::vector<std::unique_ptr<Node>>;

// One operand: a literal, .a.b, $x.a, (pipeline).a or a function's name.
struct Operand {
  enum Kind : unsigned char { kLiteral, kField, kVariable, kGroup, kFunction } kind = kLiteral;
  Value literal;
  std::string name;                // of the variable or function
  std::vector<std::string> chain;  // field names
  std::unique_ptr<struct Pipeline> group;
  std::string source;  // as written, for messages
  std::size_t position = 0;
};
struct Call {
  std::vector<Operand> words;
};
struct Pipeline {
  std::vector<std::string> variables;  // declared or assigned: none, one, or two for range
  bool declares = false;
  std::vector<Call> calls;
};
struct Node {
  enum Kind : unsigned char { kText, kOutput, kIf, kRange, kWith, kBreak, kContinue } kind = kText;
  std::string text;
  Pipeline pipeline;
  Nodes body, otherwise;
};

// Throws Error{kInvalidArgument} "template: :1: …".
Nodes parse(std::string_view source);
// Calls a function of text/template or of Docker's own. Empty when there is none of that name; throws
// Error{kInvalidArgument} for arguments that do not fit.
std::optional<Value> call_function(std::string_view name, const std::vector<Value>& arguments);
bool is_function(std::string_view name);
bool truth(const Value& value);
std::string printed(const Value& value);  // as {{.}} shows it

}  // namespace templates

class Template {
 public:
  explicit Template(std::string_view source);

  enum class MissingKey : unsigned char { kError, kNoValue };
  // Throws Error{kInvalidArgument} with "template: :1:2: executing …".
  std::string run(const Value& data, MissingKey missing = MissingKey::kError) const;

 private:
  std::string source_;
  std::shared_ptr<templates::Nodes> nodes_;
};

// Members that are for functions such as .Label only, and in no output, have names that begin with this.
inline constexpr char kHidden = '\x01';

}  // namespace hull::cli
