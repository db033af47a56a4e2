// SPDX-License-Identifier: Apache-2.0
#include "cli/context_store.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/config_file.h"
#include "cli/endpoint.h"
#include "cli/sha256.h"

namespace hull::cli {
namespace {

std::string root() { return config_directory() + "/contexts"; }

std::string metadata_path(const std::string& directory) { return directory + "/meta.json"; }

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

// Numbers within names count as numbers: "web2" is before "web10".
bool natural_less(std::string_view a, std::string_view b) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      std::size_t end_a = i, end_b = j;
      while (end_a < a.size() && is_digit(a[end_a])) ++end_a;
      while (end_b < b.size() && is_digit(b[end_b])) ++end_b;
      auto left = parse_number<std::uint64_t>(a.substr(i, end_a - i)).value_or(0);
      auto right = parse_number<std::uint64_t>(b.substr(j, end_b - j)).value_or(0);
      if (left != right) return left < right;
      i = end_a, j = end_b;
      continue;
    }
    if (a[i] != b[j]) return a[i] < b[j];
    ++i, ++j;
  }
  return a.size() - i < b.size() - j;
}

}  // namespace

Value Context::json() const {
  return Value::Map{{"Name", name},
                    {"Metadata", metadata.is_map() ? metadata : Value::empty_map()},
                    {"Endpoints", endpoints.is_map() ? endpoints : Value::empty_map()}};
}

void check_context_name(const std::string& name) {
  if (name.empty()) fail_invalid("context name cannot be empty");
  if (name == kDefaultContext) fail_invalid("\"default\" is a reserved context name");
  auto is_letter = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  bool fits = name.size() > 1 && is_letter(name[0]) && std::ranges::all_of(name, [&](char c) {
                return is_letter(c) || std::string_view("_.+-").find(c) != std::string_view::npos;
              });
  if (!fits)
    fail_invalid("context name ", quoted(name),
                 " is invalid, names are validated against regexp \"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\"");
}

std::string current_context(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  if (is_set("DOCKER_HOST") || is_set("HULL_HOST")) return std::string(kDefaultContext);
  if (is_set("DOCKER_CONTEXT")) return std::getenv("DOCKER_CONTEXT");
  std::string name = config()["currentContext"].text();
  return name.empty() ? std::string(kDefaultContext) : name;
}

Context default_context() {
  std::string host;
  for (const char* variable : {"DOCKER_HOST", "HULL_HOST"})
    if (host.empty() && is_set(variable)) host = std::getenv(variable);
  if (host.empty()) host = default_host();
  return {std::string(kDefaultContext), Value::empty_map(),
          Value::Map{{std::string(kDockerEndpoint), Value::Map{{"Host", host}, {"SkipTLSVerify", false}}}}};
}

std::string context_directory(const std::string& name) { return cat(root(), "/meta/", sha256_hex(name)); }
std::string context_tls_directory(const std::string& name) { return cat(root(), "/tls/", sha256_hex(name)); }

bool context_exists(const std::string& name) { return exists(context_directory(name)); }

Context parse_context(const std::string& json) {
  Value value = parse_value(json);
  return {value["Name"].text(), value["Metadata"], value["Endpoints"]};
}

std::vector<Context> all_contexts() {
  std::vector<Context> contexts;
  for (const std::string& id : list_directory(root() + "/meta")) {
    std::string path = metadata_path(cat(root(), "/meta/", id));
    auto text = read_if_exists(path);
    if (!text) continue;
    try {
      contexts.push_back(parse_context(*text));
    } catch (const Error& e) {
      fail_invalid("failed to read metadata: parsing ", path, ": ", e.message());
    }
  }
  std::ranges::sort(contexts, natural_less, &Context::name);
  return contexts;
}

Context find_context(const std::string& name) {
  if (name == kDefaultContext) return default_context();
  std::string path = metadata_path(context_directory(name));
  auto text = read_if_exists(path);
  if (!text)
    fail(Kind::kNotFound, "context ", quoted(name), ": context not found: open ", path, ": no such file or directory");
  try {
    return parse_context(*text);
  } catch (const Error& e) {
    fail_invalid("context ", quoted(name), ": parsing ", path, ": ", e.message());
  }
}

void store_context(const Context& context) {
  std::string directory = context_directory(context.name);
  make_directories(directory);
  write_file_atomically(metadata_path(directory), to_json(context.json()));
}

void remove_context(const std::string& name) {
  remove_tree(context_directory(name));
  remove_tree(context_tls_directory(name));
}

TlsFiles tls_files(const std::string& name) {
  TlsFiles files;
  std::string directory = context_tls_directory(name);
  for (const std::string& endpoint : list_directory(directory))
    for (const std::string& file : list_directory(cat(directory, "/", endpoint)))
      if (auto content = read_if_exists(cat(directory, "/", endpoint, "/", file))) files[endpoint][file] = *content;
  return files;
}

void store_tls_files(const std::string& name, const TlsFiles& files) {
  std::string directory = context_tls_directory(name);
  remove_tree(directory);
  for (const auto& [endpoint, contents] : files) {
    make_directories(cat(directory, "/", endpoint), 0700);
    for (const auto& [file, content] : contents)
      write_file_atomically(cat(directory, "/", endpoint, "/", file), content, 0600);
  }
}

}  // namespace hull::cli
