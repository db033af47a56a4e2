// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/lint.h"
#include "dockerfile/report_json.h"

namespace hull::dockerfile {

std::string format_check(const CheckResult& result, std::string_view text, std::string_view file) {
  const std::size_t count = result.warnings.size();
  std::string out;
  if (count == 1) out = "Check complete, 1 warning has been found!\n";
  if (count > 1) out = cat("Check complete, ", count, " warnings have been found!\n");
  for (const Warning& warning : result.warnings) {
    const RuleInfo& rule = info(warning.rule);
    out += cat("\nWARNING: ", rule.name, rule.url.empty() ? "" : " - ", rule.url, "\n", warning.message, "\n",
               excerpt(text, file, warning.lines));
  }
  if (result.error) {
    if (count > 0) out += "\n";
    out += cat(result.error->message(), "\n", excerpt(text, file, result.error->lines(), result.error->position()));
  } else if (count == 0) {
    out = "Check complete, no warnings found.\n";
  }
  return out;
}

std::string format_short(const Warning& warning) {
  std::string out = cat(info(warning.rule).name, ": ", warning.message);
  if (warning.lines.first > 0) out += cat(" (line ", warning.lines.first, ")");
  return out;
}

std::string format_json(const CheckResult& result, std::string_view text, std::string_view file) {
  Json out = {{"warnings", nullptr}, {"sources", Json::array()}};
  for (const Warning& warning : result.warnings) {
    const RuleInfo& rule = info(warning.rule);
    Json one = {{"ruleName", rule.name}, {"description", rule.description}};
    if (!rule.url.empty()) one["url"] = rule.url;
    one["detail"] = warning.message;
    one["location"] = location(warning.lines);
    out["warnings"].push_back(std::move(one));
  }
  out["sources"].push_back({{"filename", file}, {"language", "Dockerfile"}, {"data", base64(text)}});
  if (result.error)
    out["buildError"] = {{"message", result.error->message()}, {"location", location(result.error->lines())}};
  return pretty(out);
}

}  // namespace hull::dockerfile
