// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/client.h"

namespace hull::cli {

// POST /images/create for `name` (`all_tags` of it), with its progress on `out` (nothing when `quiet`). Throws Refused
// or Error with what the engine says.
void pull_image(Client& client, const std::string& name, const std::string& platform, bool quiet, int out,
                bool all_tags = false);
// {"os", "architecture", "variant"} of "os/arch[/variant]".
Value platform_value(std::string_view text);

// Reads a body of JSON objects one after another (progress of pull, load, import) and shows them on `out`: one line
// per message, with its id. On a terminal, lines of the same id are drawn over. Throws Error with the error in it.
void show_progress(Connection& connection, int out, bool quiet);

// Splits a stream into its JSON objects, whatever is between them.
class JsonObjects {
 public:
  // Calls each(text) for every object that `data` completes.
  template <class Each>
  void feed(std::string_view data, Each each) {
    for (char c : data) {
      if (depth_ == 0 && c != '{') continue;
      object_ += c;
      if (in_text_) {
        if (escaped_)
          escaped_ = false;
        else if (c == '\\')
          escaped_ = true;
        else if (c == '"')
          in_text_ = false;
      } else if (c == '"') {
        in_text_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if ((c == '}' || c == ']') && --depth_ == 0) {
        each(std::string_view(object_));
        object_.clear();
      }
    }
  }

 private:
  std::string object_;
  int depth_ = 0;
  bool in_text_ = false, escaped_ = false;
};

}  // namespace hull::cli
