// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cli/template.h"

namespace hull::cli {
namespace templates {
namespace {

// Members that Docker's structures leave out of their JSON when they are empty: asking for one is no mistake.
constexpr std::string_view kOptional[] = {"Annotations",
                                          "ArgsEscaped",
                                          "ClusterVolume",
                                          "Driver",
                                          "ExposedPorts",
                                          "Health",
                                          "Healthcheck",
                                          "ImageManifestDescriptor",
                                          "Init",
                                          "MacAddress",
                                          "Mounts",
                                          "Name",
                                          "NetworkDisabled",
                                          "OnBuild",
                                          "Runtime",
                                          "Shell",
                                          "SizeRootFs",
                                          "SizeRw",
                                          "Status",
                                          "StopSignal",
                                          "StopTimeout",
                                          "StorageOpt",
                                          "Sysctls",
                                          "Tmpfs",
                                          "UsageData",
                                          "Labels",
                                          "Comment",
                                          "Author",
                                          "Variant",
                                          "OsVersion",
                                          "Error",
                                          "Warnings",
                                          "Health",
                                          "GraphDriver"};

enum class Flow : unsigned char { kNext, kBreak, kContinue };

class Runner {
 public:
  Runner(std::string_view source, const Value& data, Template::MissingKey missing)
      : source_(source), root_(data), missing_(missing) {}

  Flow run(const Nodes& nodes, const Value& dot) {
    for (const auto& node : nodes)
      if (Flow flow = run(*node, dot); flow != Flow::kNext) return flow;
    return Flow::kNext;
  }
  std::string out;

 private:
  [[noreturn]] void refuse(const Operand& at, std::string_view reason) const {
    std::string_view before = source_.substr(0, at.position);
    auto line = 1 + std::ranges::count(before, '\n');
    auto start = before.rfind('\n');
    auto column = start == before.npos ? at.position : at.position - start - 1;
    fail_invalid("template: :", line, ":", column, ": executing \"\" at <", at.source, ">: ", reason);
  }

  Flow run(const Node& node, const Value& dot) {
    auto scope = variables_.size();
    Flow flow = Flow::kNext;
    switch (node.kind) {
      case Node::kText: out += node.text; break;
      case Node::kOutput: {
        Value value = evaluate(node.pipeline, dot);
        if (!node.pipeline.variables.empty()) return flow;  // its variables live on in the block around it
        out += printed(value);
        break;
      }
      case Node::kIf: {
        bool yes = truth(evaluate(node.pipeline, dot));
        flow = run(yes ? node.body : node.otherwise, dot);
        break;
      }
      case Node::kWith: {
        Value value = evaluate(node.pipeline, dot);
        flow = truth(value) ? run(node.body, value) : run(node.otherwise, dot);
        break;
      }
      case Node::kRange: flow = run_range(node, dot); break;
      case Node::kBreak: return Flow::kBreak;
      case Node::kContinue: return Flow::kContinue;
    }
    variables_.resize(scope);
    return flow;
  }

  Flow run_range(const Node& node, const Value& dot) {
    auto scope = variables_.size();
    Pipeline const& pipeline = node.pipeline;
    Value over = evaluate_calls(pipeline, dot);
    std::vector<std::pair<Value, Value>> items;
    if (over.is_map()) {
      for (const auto& [key, item] : over.map())
        if (!key.starts_with(kHidden)) items.emplace_back(key, item);
      std::ranges::sort(items, [](const auto& a, const auto& b) { return a.first.text() < b.first.text(); });
    } else if (over.is_integer()) {
      for (std::int64_t i = 0; i < over.integer(); ++i) items.emplace_back(i, i);
    } else if (over.is_list()) {
      for (std::int64_t i = 0; const Value& item : over.list()) items.emplace_back(i++, item);
    } else if (!over.is_null()) {
      refuse(pipeline.calls[0].words[0], cat("range can't iterate over ", printed(over)));
    }
    for (const auto& [key, item] : items) {
      if (pipeline.variables.size() == 2) variables_.emplace_back(pipeline.variables[0], key);
      if (!pipeline.variables.empty()) variables_.emplace_back(pipeline.variables.back(), item);
      Flow flow = run(node.body, item);
      variables_.resize(scope);
      if (flow == Flow::kBreak) break;
    }
    return items.empty() ? run(node.otherwise, dot) : Flow::kNext;
  }

  Value evaluate(const Pipeline& pipeline, const Value& dot) {
    Value value = evaluate_calls(pipeline, dot);
    for (const std::string& name : pipeline.variables) {
      if (pipeline.declares)
        variables_.emplace_back(name, value);
      else
        variable(name, pipeline.calls[0].words[0]) = value;
    }
    return value;
  }

  Value evaluate_calls(const Pipeline& pipeline, const Value& dot) {
    Value value;
    for (bool first = true; const Call& call : pipeline.calls) {
      value = evaluate(call, dot, first ? nullptr : &value);
      first = false;
    }
    return value;
  }

  Value evaluate(const Call& call, const Value& dot, const Value* piped) {
    const Operand& head = call.words[0];
    std::vector<Value> arguments;
    if (head.kind == Operand::kFunction && (head.name == "and" || head.name == "or"))
      return short_circuit(call, dot, piped);
    for (std::size_t i = 1; i < call.words.size(); ++i) arguments.push_back(operand(call.words[i], dot));
    if (piped) arguments.push_back(*piped);
    if (head.kind == Operand::kFunction) {
      try {
        return *call_function(head.name, arguments);
      } catch (const Error& e) {
        refuse(head, cat("error calling ", head.name, ": ", e.message()));
      }
    }
    if (arguments.empty()) return operand(head, dot);
    return method(head, dot, arguments);
  }

  Value short_circuit(const Call& call, const Value& dot, const Value* piped) {
    bool wanted = call.words[0].name == "or";
    Value value;
    for (std::size_t i = 1; i < call.words.size(); ++i) {
      value = operand(call.words[i], dot);
      if (truth(value) == wanted) return value;
    }
    return piped ? *piped : value;
  }

  // .Label "name": the one field with an argument that Docker's lists have.
  Value method(const Operand& head, const Value& dot, const std::vector<Value>& arguments) {
    if (!head.chain.empty() && head.chain.back() == "Label" && arguments.size() == 1) {
      const Value& labels = dot[std::string{kHidden} + "labels"];
      if (labels.is_null()) return arguments[0];  // the row of headings
      const Value* found = labels.find_exact(arguments[0].text());
      return found ? *found : Value("");
    }
    refuse(head, cat("can't give argument to non-function ", head.source));
  }

  Value operand(const Operand& at, const Value& dot) {
    switch (at.kind) {
      case Operand::kLiteral: return at.literal;
      case Operand::kField: return walk(at, dot);
      case Operand::kVariable: return walk(at, at.name.empty() ? root_ : variable(at.name, at));
      case Operand::kGroup: return walk(at, evaluate(*at.group, dot));
      case Operand::kFunction: break;
    }
    return walk(at, *call_function(at.name, {}));
  }

  Value walk(const Operand& at, const Value& from) const {
    const Value* value = &from;
    for (const std::string& name : at.chain) {
      if (value->is_null()) refuse(at, cat("nil pointer evaluating interface {}.", name));
      if (!value->is_map()) refuse(at, cat("can't evaluate field ", name, " in type interface {}"));
      const Value* member = value->find(name);
      static const Value kNull;
      if (!member &&
          (missing_ == Template::MissingKey::kNoValue || std::ranges::find(kOptional, name) != std::end(kOptional)))
        member = &kNull;
      if (!member) refuse(at, cat("map has no entry for key ", quoted(name)));
      value = member;
    }
    return *value;
  }

  Value& variable(const std::string& name, const Operand& at) {
    for (auto one = variables_.rbegin(); one != variables_.rend(); ++one)
      if (one->first == name) return one->second;
    refuse(at, cat("undefined variable \"$", name, "\""));
  }

  std::string_view source_;
  const Value& root_;
  Template::MissingKey missing_;
  std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace
}  // namespace templates

Template::Template(std::string_view source)
    : source_(source), nodes_(std::make_shared<templates::Nodes>(templates::parse(source_))) {}

std::string Template::run(const Value& data, MissingKey missing) const {
  templates::Runner runner(source_, data, missing);
  runner.run(*nodes_, data);
  return std::move(runner.out);
}

}  // namespace hull::cli
