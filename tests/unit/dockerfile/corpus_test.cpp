// SPDX-License-Identifier: Apache-2.0
// The Dockerfiles of tests/corpus/dockerfile: valid ones with what they parse to beside them (the form of dump.h),
// invalid ones with what the user sees. tests/conformance/test_dockerfile_language.py compares the same files with
// BuildKit. To write the files anew after a change that is meant: HULL_WRITE_CORPUS=1 build/tests/test_dockerfile.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "dump.h"

namespace hull::dockerfile {
namespace {

std::vector<std::string> dockerfiles(const std::string& directory) {
  std::vector<std::string> out;
  for (const std::string& name : list_directory(directory))
    if (name.ends_with(".dockerfile")) out.push_back(directory + "/" + name.substr(0, name.rfind('.')));
  return out;
}

void expect_content(const std::string& path, const std::string& content) {
  if (getenv("HULL_WRITE_CORPUS")) write_file_atomically(path, content, 0644, Durability::kProcessCrash);
  EXPECT_EQ(read_if_exists(path).value_or("no such file"), content) << path;
}

// What a command line shows for a file that does not parse.
std::string complaint(const std::string& text) {
  try {
    parse(text);
    return "accepted\n";
  } catch (const SourceError& error) {
    return cat(error.message(), "\n", excerpt(text, "Dockerfile", error.lines(), error.position()));
  } catch (const Error& error) {
    return cat(error.message(), "\n");
  }
}

TEST(Corpus, ValidFilesParseToWhatStandsBesideThem) {
  const auto files = dockerfiles(HULL_CORPUS "/dockerfile/valid");
  EXPECT_GE(files.size(), 13U);
  for (const std::string& file : files)
    expect_content(file + ".ast", dump::parse_and_dump(read_file(file + ".dockerfile")));
}

TEST(Corpus, InvalidFilesSayWhatIsWrongAndWhere) {
  const auto files = dockerfiles(HULL_CORPUS "/dockerfile/invalid");
  EXPECT_GE(files.size(), 43U);
  for (const std::string& file : files) expect_content(file + ".error", complaint(read_file(file + ".dockerfile")));
}

// Every place that an instruction reports is inside the file, and what stands there is what the instruction says.
TEST(Corpus, PlacesPointAtTheirText) {
  for (const std::string& file : dockerfiles(HULL_CORPUS "/dockerfile/valid")) {
    const std::string text = read_file(file + ".dockerfile");
    const auto lines = split(text, '\n');
    auto check = [&](const Instruction& one) {
      const Position place = one.position();
      ASSERT_LE(static_cast<std::size_t>(place.line), lines.size()) << file;
      const std::string_view line = lines[static_cast<std::size_t>(place.line - 1)];
      EXPECT_TRUE(line.substr(static_cast<std::size_t>(place.column - 1)).starts_with(one.name))
          << file << ": " << line;
      EXPECT_EQ(place.line, one.lines.first);
      EXPECT_LE(one.lines.first, one.lines.last);
    };
    const Dockerfile parsed = parse(text);
    for (const Instruction& one : parsed.arguments) check(one);
    for (const Stage& stage : parsed.stages) {
      check(stage.start);
      for (const Instruction& one : stage.instructions) check(one);
    }
  }
}

}  // namespace
}  // namespace hull::dockerfile
