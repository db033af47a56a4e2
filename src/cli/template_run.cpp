// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cli/template.h"

namespace hull::cli {
namespace templates {
namespace {

constexpr std::size_t kMostDepth = 400;  // of {{template}}s within each other: what our stack has room for

enum class Flow : unsigned char { kNext, kBreak, kContinue };

class Runner {
 public:
  Runner(std::string_view source, std::string_view name, const Trees& trees, Template::Missing missing, bool headings)
      : source_(source), name_(name), trees_(trees), missing_(missing), headings_(headings) {}

  std::string run(const Term& data) {
    variables_ = {{"$", data}};
    walk(*trees_.at(""), data);
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const Node& at, std::string_view reason) const {
    std::string_view before = source_.substr(0, at.position);
    auto line = 1 + std::ranges::count(before, '\n');
    auto start = before.rfind('\n');
    auto column = start == before.npos ? at.position : at.position - start - 1;
    fail_invalid("template: ", name_, ":", line, ":", column, ": executing ", go_quoted(tree_.empty() ? name_ : tree_),
                 " at <", shown(at), ">: ", reason);
  }

  Flow walk(const Node& node, const Term& dot) {
    switch (node.kind) {
      case NodeKind::kList:
        for (const auto& child : node.children)
          if (Flow flow = walk(*child, dot); flow != Flow::kNext) return flow;
        break;
      case NodeKind::kText: out_ += node.text; break;
      case NodeKind::kAction: {
        Term term = pipe(*node.pipe, dot);
        // Variables live on in the block around; what declares them is not shown.
        if (node.pipe->declared.empty()) print(term);
        break;
      }
      case NodeKind::kIf:
      case NodeKind::kWith: return walk_if_or_with(node, dot);
      case NodeKind::kRange: return walk_range(node, dot);
      case NodeKind::kTemplate: walk_template(node, dot); break;
      case NodeKind::kBreak: return Flow::kBreak;
      case NodeKind::kContinue: return Flow::kContinue;
      default: break;
    }
    return Flow::kNext;
  }

  void print(const Term& term) {
    Term target = indirect(term);
    out_ += target.valid() ? go_text(target) : "<no value>";
  }

  Flow walk_if_or_with(const Node& node, const Term& dot) {
    auto scope = variables_.size();
    Term term = pipe(*node.pipe, dot);
    Flow flow = Flow::kNext;
    if (truth(term))
      flow = walk(*node.list, node.kind == NodeKind::kWith ? term : dot);
    else if (node.otherwise)
      flow = walk(*node.otherwise, dot);
    variables_.resize(scope);
    return flow;
  }

  // Keys (indices) and elements of what is ranged over.
  std::vector<std::pair<Term, Term>> items_of(const Node& node, const Node& at, const Term& over) {
    std::vector<std::pair<Term, Term>> items;
    if (!over.valid()) return items;
    const GoType& type = *over.type;
    if (type.kind == GoType::kList) {
      for (std::size_t i = 0; i < over.value->list().size(); ++i)
        items.emplace_back(scratch_.keep(static_cast<std::int64_t>(i), go_type("int")), element_of(over, i));
    } else if (type.kind == GoType::kMap) {
      for (const auto& [key, item] : over.value->map()) {
        if (key.starts_with(kHidden)) continue;
        items.emplace_back(scratch_.text(key), Term{&item, type.element});
      }
      std::ranges::sort(items, {}, [](const auto& item) -> const std::string& { return item.first.value->text(); });
    } else if (type.kind == GoType::kInteger || type.kind == GoType::kUnsigned) {
      if (node.pipe->declared.size() > 1)
        refuse(at, cat("can't use ", go_text(over), " to iterate over more than one variable"));
      for (std::int64_t i = 0; i < over.value->integer(); ++i)
        items.emplace_back(Term{}, scratch_.keep(i, go_type("int")));
    } else if (!over.is_nil()) {
      refuse(at, cat("range can't iterate over ", go_text(over)));
    }
    return items;
  }

  Flow walk_range(const Node& node, const Term& dot) {
    auto scope = variables_.size();
    const auto& names = node.pipe->declared;
    Term over = indirect(pipe(*node.pipe, dot));
    auto mark = variables_.size();
    auto items = items_of(node, *last_, over);
    Flow flow = Flow::kNext;
    for (const auto& [key, item] : items) {
      // Of one variable it is the element, of two the first is the key.
      if (!names.empty()) set(names, names.size() - 1, mark, node.pipe->assigns, item);
      if (names.size() > 1) set(names, 0, mark, node.pipe->assigns, key);
      flow = walk(*node.list, item);
      variables_.resize(mark);
      if (flow == Flow::kBreak) break;
    }
    flow = Flow::kNext;
    if (items.empty() && node.otherwise) flow = walk(*node.otherwise, dot);
    variables_.resize(scope);
    return flow;
  }

  void set(const std::vector<std::string>& names, std::size_t which, std::size_t mark, bool assigns, const Term& term) {
    if (assigns)
      variable(names[which]) = term;
    else
      variables_[mark - names.size() + which].second = term;
  }

  void walk_template(const Node& node, const Term& dot) {
    auto found = trees_.find(node.text);
    if (found == trees_.end()) refuse(node, cat("template ", go_quoted(node.text), " not defined"));
    if (++depth_ > kMostDepth) refuse(node, cat("exceeded maximum template depth (", kMostDepth, ")"));
    Term data = node.pipe ? pipe(*node.pipe, dot) : Term{};
    auto variables = std::exchange(variables_, {{"$", data}});
    std::string tree = std::exchange(tree_, node.text);
    walk(*found->second, data);
    variables_ = std::move(variables);
    tree_ = std::move(tree);
    --depth_;
  }

  Term pipe(const Node& node, const Term& dot) {
    Term term;
    last_ = &node;
    const Term* piped = nullptr;
    for (const auto& command : node.children) {
      term = run_command(*command, dot, piped);
      if (term.valid() && term.type->kind == GoType::kAny) term = dynamic_term(*term.value);
      piped = &term;
    }
    for (const std::string& name : node.declared) {
      if (node.assigns)
        variable(name) = term;
      else
        variables_.emplace_back(name, term);
    }
    return term;
  }

  Term run_command(const Node& command, const Term& dot, const Term* piped) {
    const Node& first = *command.children[0];
    bool has_arguments = command.children.size() > 1 || piped;
    switch (first.kind) {
      case NodeKind::kIdentifier: return call(*find_function(first.text), command, command, dot, piped);
      case NodeKind::kField: return fields(first, dot, first.names, 0, &command, dot, piped);
      case NodeKind::kVariable: {
        const Term& start = variable(first.names[0]);
        if (first.names.size() > 1) return fields(first, start, first.names, 1, &command, dot, piped);
        if (has_arguments) no_function(first, first);
        return start;
      }
      case NodeKind::kChain: return chain(first, &command, dot, piped);
      default: break;
    }
    if (has_arguments) no_function(first, first);
    if (first.kind == NodeKind::kNil) refuse(first, "nil is not a command");
    return operand(first, dot);
  }

  [[noreturn]] void no_function(const Node& at, const Node& what) const {
    refuse(at, cat("can't give argument to non-function ", shown(what)));
  }

  Term operand(const Node& node, const Term& dot) {
    last_ = &node;
    switch (node.kind) {
      case NodeKind::kDot: return dot;
      case NodeKind::kLiteral: return {&node.literal, node.literal_type};
      case NodeKind::kField: return fields(node, dot, node.names, 0, nullptr, dot, nullptr);
      case NodeKind::kVariable: return fields(node, variable(node.names[0]), node.names, 1, nullptr, dot, nullptr);
      case NodeKind::kPipe: return pipe(node, dot);
      case NodeKind::kChain: return chain(node, nullptr, dot, nullptr);
      case NodeKind::kIdentifier: return call(*find_function(node.text), node, node, dot, nullptr);
      default: return {};
    }
  }

  Term chain(const Node& node, const Node* command, const Term& dot, const Term* piped) {
    if (node.children[0]->kind == NodeKind::kNil)
      refuse(node, cat("indirection through explicit nil in ", shown(node)));
    return fields(node, operand(*node.children[0], dot), node.names, 0, command, dot, piped);
  }

  // Follows names[from…] from `start`; arguments of `command` are for the last one.
  Term fields(const Node& at, const Term& start, const std::vector<std::string>& names, std::size_t from,
              const Node* command, const Term& dot, const Term* piped) {
    Term term = start;
    last_ = &at;
    for (std::size_t i = from; i < names.size(); ++i) {
      bool last = i + 1 == names.size();
      term = field(at, term, names[i], last ? command : nullptr, dot, last ? piped : nullptr);
    }
    return term;
  }

  Term field(const Node& at, const Term& from, const std::string& name, const Node* command, const Term& dot,
             const Term* piped) {
    if (!from.valid()) {
      if (missing_ == Template::Missing::kError) refuse(at, cat("nil data; no entry for key ", go_quoted(name)));
      return {};
    }
    if (from.type->kind == GoType::kAny && from.value->is_null())
      refuse(at, cat("nil pointer evaluating interface {}.", name));
    Term receiver = indirect(from);
    bool has_arguments = (command && command->children.size() > 1) || piped;
    if (name == "Label") {
      const Value& labels = (*receiver.value)[kHiddenLabels];
      if (headings_ || labels.is_map()) return label(at, labels, command, dot, piped);
    }
    const GoType& type = *receiver.type;
    if (type.kind == GoType::kStruct) {
      if (type.field(name)) {
        if (has_arguments)
          refuse(at, type.is_row ? cat("wrong number of args for ", name, ": want 0 got 1")
                                 : cat(name, " has arguments but cannot be invoked as function"));
        return inner(receiver, name);
      }
    } else if (type.kind == GoType::kMap) {
      if (has_arguments) refuse(at, cat(name, " is not a method but has arguments"));
      const Value* member = receiver.value->find_exact(name);
      if (!member && missing_ == Template::Missing::kError)
        refuse(at, cat("map has no entry for key ", go_quoted(name)));
      return member ? Term{member, type.element} : Term{};
    } else if (type.kind == GoType::kPointer && receiver.value->is_null() && type.element->field(name)) {
      refuse(at, cat("nil pointer evaluating ", from.type->name, ".", name));
    }
    refuse(at, cat("can't evaluate field ", name, " in type ", from.type->name));
  }

  // A field of a structure, through those that are embedded in it.
  static Term inner(const Term& structure, const std::string& name) {
    for (const GoField& one : structure.type->fields)
      if (one.name == name) return member_of(structure, one);
    for (const GoField& one : structure.type->fields)
      if (one.embedded && one.type->target()->field(name)) return inner({structure.value, one.type->target()}, name);
    return {};
  }

  // .Label "name": the one method of listings. Above a column stands the last part of the name.
  Term label(const Node& at, const Value& labels, const Node* command, const Term& dot, const Term* piped) {
    Arguments arguments = arguments_of(command, dot, piped);
    if (arguments.size() != 1) refuse(at, cat("wrong number of args for Label: want 1 got ", arguments.size()));
    if (arguments[0].kind() != GoType::kText)
      refuse(*command->children[1], cat("expected string; found ", shown(*command->children[1])));
    std::string name = arguments[0].value->text();
    if (!headings_) {
      const Value* found = labels.find_exact(name);
      return scratch_.text(found ? found->text() : std::string());
    }
    if (auto dot_at = name.rfind('.'); dot_at != name.npos) name.erase(0, dot_at + 1);
    for (char& c : name)
      if (c == '-' || c == '_') c = ' ';
    return scratch_.text(name);
  }

  Arguments arguments_of(const Node* command, const Term& dot, const Term* piped) {
    Arguments arguments;
    for (std::size_t i = 1; command && i < command->children.size(); ++i) {
      const Node& word = *command->children[i];
      arguments.push_back(word.kind == NodeKind::kNil ? Term{} : operand(word, dot));
    }
    if (piped) arguments.push_back(*piped);
    return arguments;
  }

  Term call(const Function& function, const Node& at, const Node& node, const Term& dot, const Term* piped) {
    const Node* command = node.kind == NodeKind::kCommand ? &node : nullptr;
    std::size_t count = (command ? command->children.size() - 1 : 0) + (piped ? 1 : 0);
    const Node& name = command ? *command->children[0] : node;
    last_ = &name;
    if (count < function.least && function.most == Function::kAny)
      refuse(name, cat("wrong number of args for ", function.name, ": want at least ", function.least, " got ", count));
    if (count < function.least || count > function.most)
      refuse(name, cat("wrong number of args for ", function.name, ": want ", function.least, " got ", count));
    if (function.name == "and" || function.name == "or")
      return short_circuit(function.name == "or", *command, dot, piped);
    Arguments arguments = arguments_of(command, dot, piped);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      fit(arguments[i], function.parameters[std::min(i, function.parameters.size() - 1)], where_of(command, name, i));
    }
    if (headings_ && is_left_alone(function.name)) return arguments[0];
    if (function.name == "call" && arguments[0].valid())
      refuse(at, cat("error calling call: non-function ", shown(where_of(command, name, 0)), " of type ",
                     indirect(arguments[0]).type->name));
    try {
      return function.call(scratch_, arguments);
    } catch (const Error& e) {
      refuse(at, cat("error calling ", function.name, ": ", e.message()));
    }
  }

  // The node of an argument; what is piped in has none of its own.
  static const Node& where_of(const Node* command, const Node& name, std::size_t argument) {
    return command && argument + 1 < command->children.size() ? *command->children[argument + 1] : name;
  }

  // Docker's own functions would spoil a heading.
  static bool is_left_alone(std::string_view name) {
    for (std::string_view one : {"json", "split", "join", "title", "lower", "upper", "truncate"})
      if (one == name) return true;
    return false;
  }

  // Makes the argument what the parameter wants, or says why it cannot be.
  void fit(Term& term, char parameter, const Node& where) const {
    if (parameter == 'v') return;
    std::string_view wanted = parameter == 's' ? "string" : parameter == 'i' ? "int" : "[]string";
    if (headings_) return;
    if (where.kind == NodeKind::kLiteral && parameter != 'l') {
      bool fits = parameter == 's' ? term.kind() == GoType::kText : term.kind() == GoType::kInteger;
      if (!fits) refuse(where, cat("expected ", parameter == 's' ? "string" : "integer", "; found ", shown(where)));
      return;
    }
    if (!term.valid()) {
      if (parameter == 'l') {
        static const Value kNull;
        term = {&kNull, go_type("[]string")};
        return;
      }
      refuse(where, where.kind == NodeKind::kNil ? cat("cannot assign nil to ", wanted)
                                                 : cat("invalid value; expected ", wanted));
    }
    Term target = term.type->kind == GoType::kAny || term.type->kind == GoType::kPointer ? indirect(term) : term;
    bool fits = parameter == 'l'
                    ? target.kind() == GoType::kList && target.type->element &&
                          (target.type->element->name == "string" || target.type->element->kind == GoType::kAny)
                    : target.type->name == wanted || (parameter == 'i' && target.type->name == "int64");
    if (!fits) refuse(where, cat("wrong type for value; expected ", wanted, "; got ", target.type->name));
    term = target;
  }

  Term short_circuit(bool is_or, const Node& command, const Term& dot, const Term* piped) {
    Term term;
    for (std::size_t i = 1; i < command.children.size(); ++i) {
      term = operand(*command.children[i], dot);
      if (truth(term) == is_or) return term;
    }
    return piped ? *piped : term;
  }

  Term& variable(const std::string& name) {
    auto found =
        std::find_if(variables_.rbegin(), variables_.rend(), [&](const auto& one) { return one.first == name; });
    if (found == variables_.rend()) fail_invalid("undefined variable: ", name);
    return found->second;
  }

  std::string_view source_, name_;
  const Trees& trees_;
  Template::Missing missing_;
  bool headings_;
  std::string tree_, out_;
  std::size_t depth_ = 0;
  const Node* last_ = nullptr;  // what was looked at last
  Scratch scratch_;
  std::vector<std::pair<std::string, Term>> variables_;
};

}  // namespace

Term Scratch::keep(Value value, const GoType* type) {
  kept_.push_back(std::make_unique<Value>(std::move(value)));
  return {kept_.back().get(), type};
}

Term Scratch::keep(Value value) {
  const GoType* type = dynamic_type(value);
  return keep(std::move(value), type);
}

bool truth(const Term& term) {
  if (term.is_nil()) return false;
  Term target = term.type->kind == GoType::kAny ? dynamic_term(*term.value) : term;
  switch (target.type->kind) {
    case GoType::kBool: return target.value->boolean();
    case GoType::kInteger:
    case GoType::kUnsigned:
    case GoType::kReal: return target.value->real() != 0;
    case GoType::kText: return !target.value->text().empty() || target.value->is_integer() || target.value->is_real();
    case GoType::kList: return !target.value->list().empty();
    case GoType::kMap: return !target.value->map().empty();
    default: return true;
  }
}

}  // namespace templates

Template::Template(std::string_view source, std::string_view name) : source_(source), name_(name) {
  try {
    trees_ = std::make_shared<templates::Trees>(templates::parse(source_, name_));
  } catch (const Error& e) {
    fail_invalid("template parsing error: ", e.message());
  }
}

std::string Template::run(const Term& data, Missing missing) const {
  return templates::Runner(source_, name_, *trees_, missing, false).run(data);
}

std::string Template::run_headings(const Value& headings) const {
  return templates::Runner(source_, name_, *trees_, Missing::kNoValue, true)
      .run({&headings, go_type("map[string]string")});
}

}  // namespace hull::cli
