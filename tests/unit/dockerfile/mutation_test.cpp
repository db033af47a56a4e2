// SPDX-License-Identifier: Apache-2.0
// The corpus with random damage, the same every time: whatever a file says, the answer is a result or a SourceError
// whose place is in the file. tests/fuzz does the same for hours, guided by coverage.
#include <gtest/gtest.h>

#include <random>

#include "base/file.h"
#include "dockerfile/ignore.h"
#include "dockerfile_targets.h"

namespace hull::dockerfile {
namespace {

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> corpus) : corpus_(std::move(corpus)) {}

  std::string next() {
    std::string text = pick(corpus_);
    for (std::size_t edits = 1 + below(8); edits > 0; --edits) {
      const std::size_t at = below(text.size() + 1);
      switch (below(5)) {
        case 0: text.erase(at, below(20)); break;
        case 1: text.insert(at, pick(kPieces)); break;
        case 2: text.insert(at, 1, static_cast<char>(below(256))); break;
        case 3: text.insert(at, text.substr(below(text.size() + 1), below(40))); break;
        default: {
          const std::string& other = pick(corpus_);
          text = text.substr(0, at) + other.substr(below(other.size() + 1));
        }
      }
    }
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

  inline static const std::vector<std::string> kPieces = {
      "FROM x\n",     "RUN ",     "COPY ", "<<EOF",    "<<-'E'",       "\n",  "\\\n",     "`\n",   "${", "}", ":-",
      "//",           "%%",       "\"",    "'",        "[\"",          "\"]", "--mount=", "type=", ",",  "=", "#",
      "# escape=`\n", "ONBUILD ", "\r\n",  "\xC2\xA0", "\xEF\xBB\xBF", "!",   "**",       "[a-",   "/./"};
  std::vector<std::string> corpus_;
  std::mt19937 random_{20240229};
};

TEST(Mutation, DamagedDockerfiles) {
  std::vector<std::string> corpus;
  for (std::string_view kind : {"valid", "invalid"})
    for (const std::string& name : list_directory(cat(HULL_CORPUS "/dockerfile/", kind)))
      if (name.ends_with(".dockerfile")) corpus.push_back(read_file(cat(HULL_CORPUS "/dockerfile/", kind, "/", name)));
  ASSERT_GT(corpus.size(), 50U);
  Mutator mutator(corpus);
  for (int i = 0; i < 4000; ++i) fuzz_dockerfile(mutator.next());
}

TEST(Mutation, DamagedWordsAndIgnoreFiles) {
  Mutator words({"${a:-b} $c \"d\" 'e'", "${a##*/}${b%%.*}", "${a/x/y}${a//\\//:}", "<<EOF \\$x ${a:?m}"});
  for (int i = 0; i < 20000; ++i) fuzz_expand(words.next());
  Mutator rules({"# c\n*.log\n!a/**/b\n[a-z]?\\*\n", "**/x\na**b/\n!/d\n", "a/b/c\n./x//y/\n"});
  for (int i = 0; i < 10000; ++i) fuzz_ignore(rules.next());
}

}  // namespace
}  // namespace hull::dockerfile
