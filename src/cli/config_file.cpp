// SPDX-License-Identifier: Apache-2.0
#include "cli/config_file.h"

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"

namespace hull::cli {
namespace {

struct Proxy {
  const char *setting, *variable;
};
constexpr Proxy kProxies[] = {{"httpProxy", "HTTP_PROXY"},
                              {"httpsProxy", "HTTPS_PROXY"},
                              {"noProxy", "NO_PROXY"},
                              {"ftpProxy", "FTP_PROXY"},
                              {"allProxy", "ALL_PROXY"}};

// Where a link leads: config.json may be one, and stays one.
std::string real_path(const std::string& path) {
  char* found = ::realpath(path.c_str(), nullptr);
  std::string real = found ? found : path;
  std::free(found);
  return real;
}

// "name=value,other=value" with quotes around values that have commas.
std::vector<std::string> comma_separated(std::string_view text) {
  std::vector<std::string> parts(1);
  for (bool in_quotes = false; char c : text) {
    if (c == '"')
      in_quotes = !in_quotes;
    else if (c == ',' && !in_quotes)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

}  // namespace

std::string config_directory() {
  if (const char* directory = std::getenv("DOCKER_CONFIG"); directory && *directory) return directory;
  const char* home = std::getenv("HOME");
  return cat(home ? home : "/root", "/.docker");
}

std::string config_path() { return config_directory() + "/config.json"; }

Value read_config() {
  auto text = read_if_exists(config_path());
  if (!text || trim(*text).empty()) return Value::empty_map();
  try {
    return parse_value(*text);
  } catch (const Error& e) {
    fail_invalid("config file ", config_path(), " is no JSON: ", e.message());
  }
}

void write_config(const Value& config) {
  std::string path = real_path(config_path());
  make_directories(path.substr(0, path.rfind('/')), 0700);
  write_file_atomically(path, indent_json(to_json(config), "\t") + "\n", 0600);
}

const Value& config() {
  static const Value kConfig = [] {
    try {
      return read_config();
    } catch (const Error& e) {
      complain(cat("WARNING: Error loading config file: ", e.message()));
      return Value::empty_map();
    }
  }();
  return kConfig;
}

std::string chosen_format(const Options& options, std::string_view setting, bool quiet) {
  std::string format = options.text("format");
  return format.empty() && !quiet ? config()[setting].text() : format;
}

std::string chosen_detach_keys(const Options& options) {
  return options.given("detach-keys") ? options.text("detach-keys") : config()["detachKeys"].text();
}

std::string chosen_platform(const Options& options) {
  const char* usual = std::getenv("DOCKER_DEFAULT_PLATFORM");
  return options.given("platform") || !usual ? options.text("platform") : usual;
}

Headers custom_headers() {
  Headers headers;
  if (const char* given = std::getenv("DOCKER_CUSTOM_HEADERS"); given && *given) {
    for (const std::string& part : comma_separated(given)) {
      auto [name, value] = split_once(part, '=');
      if (trim(name).empty() || !value)
        fail_invalid("invalid value for $DOCKER_CUSTOM_HEADERS: ", quoted(part), " is not of the form name=value");
      headers.emplace_back(trim(name), *value);
    }
  } else {
    for (const auto& [name, value] : config()["HttpHeaders"].map()) headers.emplace_back(name, value.text());
  }
  std::erase_if(headers, [](const auto& header) { return equals_ignoring_case(header.first, "user-agent"); });
  return headers;
}

std::vector<std::pair<std::string, std::string>> proxies_for(const std::string& host) {
  const Value& all = config()["proxies"];
  const Value* own = all.find_exact(host);
  const Value& chosen = own ? *own : all["default"];
  std::vector<std::pair<std::string, std::string>> out;
  for (const Proxy& proxy : kProxies) {
    std::string value = chosen[proxy.setting].text();
    if (value.empty()) continue;
    out.emplace_back(proxy.variable, value);
    out.emplace_back(lower(proxy.variable), value);
  }
  return out;
}

void add_prune_filters(std::vector<std::string>& filters) {
  const std::vector<std::string> given = filters;
  for (const Value& setting : config()["pruneFilters"].list()) {
    auto [name, value] = split_once(setting.text(), '=');
    if (!value) continue;
    std::string opposite = name == "label" ? cat("label!=", *value) : name == "label!" ? cat("label=", *value) : "";
    if (std::ranges::find(given, opposite) == given.end()) filters.push_back(setting.text());
  }
}

}  // namespace hull::cli
