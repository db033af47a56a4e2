// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <gtest/gtest.h>

namespace hull::cli {
namespace {

constexpr std::string_view kTable =
    "CONTAINER ID\tIMAGE\tCOMMAND\tSTATUS\tPORTS\tNAMES\n"
    "0123456789ab\tregistry.example/team/program\t\"a rather long command\"\tUp 2 minutes\t\tname-of-it\n";

TEST(Table, FitsAsItIsWhereThereIsRoom) { EXPECT_EQ(fitted(kTable, 200, {}, {}, {}), aligned(kTable)); }

TEST(Table, IsMadeNarrower) {
  std::string text = fitted(kTable, 70, {"CONTAINER ID", "NAMES"}, {"COMMAND"}, {"STATUS"});
  EXPECT_EQ(text,
            "CONTAINER ID  IMAGE                  COMMAND  STATUS        NAMES\n"
            "0123456789ab  registry.example/tea…  \"a rat…  Up 2 minutes  name-of-it\n")
      << text;
}

TEST(Table, KeepsWhatMustStay) {
  std::string text = fitted(kTable, 20, {"CONTAINER ID", "NAMES"}, {"COMMAND"}, {"STATUS"});
  EXPECT_NE(text.find("0123456789ab"), text.npos);
  EXPECT_NE(text.find("name-of-it"), text.npos);
  EXPECT_EQ(text.find("PORTS"), text.npos);  // nothing is in it
}

TEST(Table, ShortensCharactersNotBytes) {
  EXPECT_EQ(shortened("äöüß", 3), "äö…");
  EXPECT_EQ(shortened("äöü", 3), "äöü");
}

}  // namespace
}  // namespace hull::cli
