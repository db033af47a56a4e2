// SPDX-License-Identifier: Apache-2.0
#include "build/annotations.h"

#include "base/text.h"

namespace hull::build {

namespace {

// "manifest", "manifest[linux/amd64]": for which platform need not be asked, there is one.
void add(Annotations& out, std::string_view type, const std::string& key, const std::string& value) {
  type = type.substr(0, type.find('['));
  if (type == "manifest")
    out.manifest[key] = value;
  else if (type == "manifest-descriptor")
    out.descriptor[key] = value;
  else
    fail_invalid("annotation ", quoted(key), ": ", type, " annotations need a build for several platforms");
}

bool is_type(std::string_view text) {
  text = text.substr(0, text.find('['));
  return text == "manifest" || text == "manifest-descriptor" || text == "index" || text == "index-descriptor";
}

}  // namespace

Annotations annotations_of(const Request& request, const Output& output) {
  Annotations out;
  for (const auto& [name, value] : request.annotations) {
    auto [type, key] = split_once(name, ':');
    if (key && is_type(type))
      add(out, type, std::string(*key), value);
    else
      out.manifest[name] = value;
  }
  for (const auto& [name, value] : output.attributes) {
    if (!name.starts_with("annotation")) continue;
    auto [prefix, key] = split_once(name, '.');
    if (!key) continue;
    if (prefix == "annotation")
      out.manifest[std::string(*key)] = value;
    else if (prefix.starts_with("annotation-"))
      add(out, prefix.substr(std::string_view("annotation-").size()), std::string(*key), value);
  }
  return out;
}

}  // namespace hull::build
