// SPDX-License-Identifier: Apache-2.0
// One function per instruction, from its flags and its text to its type. Sentences are BuildKit's where it has one.
#include "dockerfile/body.h"

#include <algorithm>
#include <chrono>
#include <climits>

#include "base/clock.h"
#include "dockerfile/flags.h"
#include "dockerfile/lines.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

using Type = Flags::Type;

[[noreturn]] void at_least_one(const Request& request) {
  throw Problem{cat(request.keyword, " requires at least one argument"), {}};
}

std::string exactly_one(const Request& request) {
  if (request.arguments.empty()) throw Problem{cat(request.keyword, " requires exactly one argument"), {}};
  return std::string(request.arguments);
}

// JSON array or not; an array with something else than strings is an error.
bool is_exec_form(std::string_view text, std::vector<std::string>& words) {
  switch (parse_json_strings(text, words)) {
    case JsonForm::kStrings: return true;
    case JsonForm::kNone: return false;
    case JsonForm::kOther: break;
  }
  throw Problem{"when using JSON array syntax, arrays must be comprised of strings only", "["};
}

CommandLine command_line(std::string_view text) {
  CommandLine out;
  out.shell_form = !is_exec_form(text, out.words);
  if (out.shell_form && !text.empty()) out.words = {std::string(text)};
  return out;
}

std::vector<std::string> json_or_blanks(std::string_view text, bool& json) {
  std::vector<std::string> words;
  json = is_exec_form(text, words);
  return json ? words : split_blanks(text);
}

void no_flags(const Request& request) { Flags(request.flags, {}); }

std::vector<KeyValue> key_values(const Request& request) {
  const auto words = quoted_words(request.arguments, request.escape);
  if (words.empty()) {
    no_flags(request);  // "LABEL --x": the flag is what is wrong
    at_least_one(request);
  }
  std::vector<KeyValue> out;
  if (words.front().find('=') == std::string::npos) {
    const auto [key, value] = split_first_word(request.arguments);
    if (!value) throw Problem{cat(request.keyword, " must have two arguments"), std::string(key)};
    out.push_back({std::string(key), std::string(*value), true});
    return out;
  }
  for (const std::string& word : words) {
    const auto [key, value] = split_once(word, '=');
    if (!value)
      throw Problem{cat("Syntax error - can't find = in ", quoted(word), ". Must be of the form: name=value"), word};
    out.push_back({std::string(key), std::string(*value), false});
  }
  for (const KeyValue& pair : out)
    if (pair.key.empty()) throw Problem{cat(request.keyword, " names can not be blank"), cat("=", pair.value)};
  return out;
}

Body parse_from(const Request& request) {
  const auto words = split_blanks(request.arguments);
  From out;
  if (words.size() == 3 && equals_ignoring_case(words[1], "as")) {
    out.as_written = words[1];
    out.name_written = words[2];
    out.name = lower(words[2]);
    auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    };
    if (out.name.front() < 'a' || out.name.front() > 'z' || !std::all_of(out.name.begin(), out.name.end(), allowed))
      throw Problem{cat("invalid name for build stage: ", quoted(words[2]),
                        ", name can't start with a number or contain symbols"),
                    words[2]};
  } else if (words.size() != 1) {
    throw Problem{"FROM requires either one or three arguments", {}};
  }
  out.base = words[0];
  out.platform = Flags(request.flags, {{"platform"}}).text("platform");
  return out;
}

Body parse_run(const Request& request) {
  const Flags flags(request.flags, {{"mount", Type::kList}, {"network"}, {"security"}, {"device", Type::kList}});
  Run out;
  out.command = command_line(request.arguments);
  out.command.heredocs = request.heredocs;
  out.flags_used = flags.used();
  auto parse_each = [&](std::string_view name, auto parse_one) {
    for (const std::string& value : flags.list(name)) try {
        parse_one(value);
      } catch (const Error& error) {
        throw Problem{error.message(), cat("--", name, "=", value)};
      }
  };
  parse_each("mount", [&](const std::string& value) { out.mounts.push_back(parse_run_mount(value, {})); });
  out.network = flags.text("network", "default");
  if (out.network != "default" && out.network != "none" && out.network != "host")
    throw Problem{
        cat("invalid network mode ", quoted(out.network), suggestion(out.network, {"default", "none", "host"})),
        "--network"};
  const std::string security = flags.text("security", "sandbox");
  if (security != "sandbox" && security != "insecure")
    throw Problem{cat("security ", quoted(security), " is not valid", suggestion(security, {"sandbox", "insecure"})),
                  "--security"};
  out.insecure = security == "insecure";
  parse_each("device", [&](const std::string& value) { out.devices.push_back(parse_run_device(value)); });
  return out;
}

template <class Kind>
Body parse_command(const Request& request) {
  no_flags(request);
  return Kind{command_line(request.arguments)};
}

Body parse_shell(const Request& request) {
  no_flags(request);
  Shell out;
  const bool json = is_exec_form(request.arguments, out.words);
  if (json ? out.words.empty() : request.arguments.empty()) at_least_one(request);
  if (!json) throw Problem{"SHELL requires the arguments to be in JSON form", {}};
  return out;
}

template <class Kind>
Body parse_key_values(const Request& request) {
  Kind out{key_values(request)};
  no_flags(request);
  return out;
}

// Docker skips flags of ARG without a word, and so do we.
Body parse_arg(const Request& request) {
  Arg out;
  for (const std::string& word : quoted_words(request.arguments, request.escape)) {
    const auto [name, value] = split_once(word, '=');
    if (value && name.empty()) throw Problem{"ARG names can not be blank", word};
    out.arguments.push_back({std::string(name), value ? std::optional<std::string>(*value) : std::nullopt, {}});
  }
  if (out.arguments.empty()) at_least_one(request);
  return out;
}

Body parse_expose(const Request& request) {
  Expose out{split_blanks(request.arguments)};
  if (out.ports.empty()) at_least_one(request);
  no_flags(request);
  std::sort(out.ports.begin(), out.ports.end());
  return out;
}

Body parse_volume(const Request& request) {
  bool json = false;
  Volume out{json_or_blanks(request.arguments, json)};
  if (out.paths.empty()) at_least_one(request);
  no_flags(request);
  for (std::string& path : out.paths) {
    path = trim_blanks(std::string(path));
    if (path.empty()) throw Problem{"VOLUME specified can not be an empty string", {}};
  }
  return out;
}

template <class Kind>
Body parse_text(const Request& request) {
  Kind out{exactly_one(request)};
  // STOPSIGNAL is Docker's exception: its flags are skipped.
  if constexpr (!std::is_same_v<Kind, StopSignal>) no_flags(request);
  return out;
}

Request inner_request(const Request& request) {
  Request inner = split_request(request.arguments, request.escape);
  inner.heredocs = request.heredocs;
  return inner;
}

Body parse_on_build(const Request& request) {
  if (request.arguments.empty()) at_least_one(request);
  no_flags(request);
  const Request inner = inner_request(request);
  if (inner.keyword == "ONBUILD") throw Problem{"Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", {}};
  if (inner.keyword == "MAINTAINER" || inner.keyword == "FROM")
    throw Problem{cat(inner.keyword, " isn't allowed as an ONBUILD trigger"), {}};
  // A trigger that no build could ever run is refused where it is written, not where it is used.
  parse_body(inner);
  OnBuild out{std::string(trim_blanks(request.original.substr(request.keyword.size())))};
  for (const Heredoc& document : request.heredocs) out.trigger += cat("\n", document.content, document.name);
  return out;
}

// In nanoseconds; 0 when not given.
std::int64_t duration(const Flags& flags, std::string_view name) {
  const std::string text = flags.text(name);
  if (text.empty()) return 0;
  const auto parsed = parse_duration(text);
  if (!parsed) {
    const bool only_number = text.find_first_not_of("+-.0123456789") == std::string::npos &&
                             text.find_first_of("0123456789") != std::string::npos;
    throw Problem{cat("time: ", only_number ? "missing unit in duration " : "invalid duration ", quoted(text)),
                  cat("--", name)};
  }
  if (parsed->count() != 0 && *parsed < std::chrono::milliseconds(1))
    throw Problem{cat("Interval ", quoted(name), " cannot be less than 1ms"), cat("--", name)};
  return parsed->count();
}

int retries(const Flags& flags) {
  const std::string text = flags.text("retries");
  if (text.empty()) return 0;
  const auto number = parse_number<int>(text.starts_with('+') ? std::string_view(text).substr(1) : text);
  if (!number) throw Problem{cat("strconv.ParseInt: parsing ", quoted(text), ": invalid syntax"), "--retries"};
  if (*number < 0) throw Problem{cat("--retries cannot be negative (", *number, ")"), "--retries"};
  return *number;
}

Body parse_health_check(const Request& request) {
  const auto [word, rest] = split_first_word(request.arguments);
  if (word.empty()) at_least_one(request);
  const std::string kind = upper(word);
  HealthCheck out;
  if (kind == "NONE") {
    if (rest) throw Problem{"HEALTHCHECK NONE takes no arguments", std::string(*rest)};
    out.check.test = {{"NONE"}};
    return out;
  }
  const CommandLine command = command_line(rest.value_or(std::string_view()));
  const Flags flags(request.flags, {{"interval"}, {"timeout"}, {"start-period"}, {"start-interval"}, {"retries"}});
  if (kind != "CMD") throw Problem{cat("Unknown type ", quoted(kind), " in HEALTHCHECK (try CMD)"), std::string(word)};
  if (command.words.empty()) throw Problem{"Missing command after HEALTHCHECK CMD", {}};
  out.check.test.emplace().push_back(command.shell_form ? "CMD-SHELL" : "CMD");
  out.check.test->insert(out.check.test->end(), command.words.begin(), command.words.end());
  out.check.interval = duration(flags, "interval");
  out.check.timeout = duration(flags, "timeout");
  out.check.start_period = duration(flags, "start-period");
  out.check.start_interval = duration(flags, "start-interval");
  out.check.retries = retries(flags);
  return out;
}

// A delimiter that is none (an open quote) leaves a path behind.
std::optional<Heredoc> heredoc_source(std::string_view word) {
  try {
    return parse_heredoc_word(word);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Sources, destination and the flags that COPY and ADD share.
FileSources file_sources(const Request& request, const std::vector<std::string>& words, bool json, const Flags& flags) {
  FileSources out;
  out.destination = words.back();
  if (!json && heredoc_source(out.destination))
    throw Problem{cat(request.keyword, " cannot accept a heredoc as a destination"), out.destination};
  for (auto word = words.begin(); word + 1 != words.end(); ++word) {
    auto document = json ? std::nullopt : heredoc_source(*word);
    if (!document) {
      out.paths.push_back(*word);
      continue;
    }
    // Of two documents with one name the last one counts.
    for (const Heredoc& read : request.heredocs)
      if (read.name == document->name) document->content = read.content;
    out.documents.push_back(std::move(*document));
  }
  out.chown = flags.text("chown");
  out.chmod = flags.text("chmod");
  out.link = flags.is_on("link");
  out.exclude = flags.list("exclude");
  return out;
}

std::vector<std::string> sources_and_destination(const Request& request, bool& json) {
  auto words = json_or_blanks(request.arguments, json);
  if (words.size() < 2)
    throw Problem{
        cat(request.keyword,
            " requires at least two arguments, but only one was provided. Destination could not be determined"),
        {}};
  return words;
}

Body parse_copy(const Request& request) {
  bool json = false;
  const auto words = sources_and_destination(request, json);
  const Flags flags(
      request.flags,
      {{"chown"}, {"from"}, {"chmod"}, {"link", Type::kSwitch}, {"exclude", Type::kList}, {"parents", Type::kSwitch}});
  return Copy{file_sources(request, words, json, flags), flags.text("from"), flags.is_on("parents")};
}

Body parse_add(const Request& request) {
  bool json = false;
  const auto words = sources_and_destination(request, json);
  const Flags flags(request.flags, {{"chown"},
                                    {"chmod"},
                                    {"link", Type::kSwitch},
                                    {"keep-git-dir", Type::kSwitch},
                                    {"checksum"},
                                    {"unpack", Type::kSwitch},
                                    {"exclude", Type::kList}});
  return Add{file_sources(request, words, json, flags), flags.text("checksum"), flags.given_switch("keep-git-dir"),
             flags.given_switch("unpack")};
}

struct Parser {
  std::string_view keyword;
  Body (*parse)(const Request&);
};

constexpr Parser kParsers[] = {
    {"ADD", parse_add},
    {"ARG", parse_arg},
    {"CMD", parse_command<Cmd>},
    {"COPY", parse_copy},
    {"ENTRYPOINT", parse_command<Entrypoint>},
    {"ENV", parse_key_values<Env>},
    {"EXPOSE", parse_expose},
    {"FROM", parse_from},
    {"HEALTHCHECK", parse_health_check},
    {"LABEL", parse_key_values<Label>},
    {"MAINTAINER", parse_text<Maintainer>},
    {"ONBUILD", parse_on_build},
    {"RUN", parse_run},
    {"SHELL", parse_shell},
    {"STOPSIGNAL", parse_text<StopSignal>},
    {"USER", parse_text<User>},
    {"VOLUME", parse_volume},
    {"WORKDIR", parse_text<Workdir>},
};

}  // namespace

const std::vector<std::string_view>& instruction_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> out;
    for (const Parser& parser : kParsers) out.push_back(parser.keyword);
    return out;
  }();
  return names;
}

Request split_request(std::string_view text, char escape) {
  const auto [word, rest] = split_first_word(text);
  Request out;
  out.keyword = upper(word);
  out.escape = escape;
  out.original = text;
  if (rest) {
    auto flagged = split_flags(*rest, escape);
    out.flags = std::move(flagged.flags);
    out.arguments = trim_blanks(flagged.rest);
  }
  return out;
}

bool may_have_heredocs(const Request& request) {
  if (request.keyword == "ONBUILD") {
    const Request inner = inner_request(request);
    return inner.keyword != "ONBUILD" && may_have_heredocs(inner);
  }
  if (request.keyword != "RUN" && request.keyword != "COPY" && request.keyword != "ADD") return false;
  std::vector<std::string> words;
  return parse_json_strings(request.arguments, words) == JsonForm::kNone;
}

Body parse_body(const Request& request) {
  for (const Parser& parser : kParsers)
    if (parser.keyword == request.keyword) return parser.parse(request);
  const std::string_view word = request.original.substr(0, request.keyword.size());
  throw Problem{cat("unknown instruction: ", word, suggestion(word, instruction_names(), true)), std::string(word)};
}

}  // namespace hull::dockerfile
