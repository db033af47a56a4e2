// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "cli/local_files.h"
#include "cli/terminal.h"

namespace hull::cli {

void save_stream(Invocation& call, const std::string& path) {
  std::string output = call.options.text("output");
  if (output.empty() && is_terminal(STDOUT_FILENO))
    throw Exit(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
  if (!output.empty()) check_output_path(output);
  auto connection = call.client().stream("GET", path);
  std::string buffer(256 * 1024, '\0');
  if (output.empty()) {
    while (std::size_t got = connection->read_some(buffer.data(), buffer.size())) print({buffer.data(), got});
    return;
  }
  std::string temporary = cat(output, ".tmp-", random_hex(6));
  UniqueFd file = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  Rollback rollback;
  rollback.add("output file", [&] { ::unlink(temporary.c_str()); });
  while (std::size_t got = connection->read_some(buffer.data(), buffer.size()))
    write_all(file.get(), {buffer.data(), got});
  check(::rename(temporary.c_str(), output.c_str()), "rename", output);
  rollback.commit();
}

}  // namespace hull::cli
