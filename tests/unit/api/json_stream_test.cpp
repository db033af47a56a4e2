// SPDX-License-Identifier: Apache-2.0
#include "api/json_stream.h"

#include <gtest/gtest.h>

#include "oci/json.h"

namespace hull::api {
namespace {

TEST(JsonStreams, TheHighestWeightWins) {
  EXPECT_EQ(accepted_json_stream("application/x-ndjson;q=0.5, application/json-seq; q=0.7"), kJsonSequence);
  EXPECT_EQ(accepted_json_stream("application/x-ndjson;q=0.7;v=1 ,application/json-seq;v=1;Q=0.700"), kNdJson);
  EXPECT_EQ(accepted_json_stream("application/json-seq, application/jsonl"), kJsonLines);
  EXPECT_EQ(accepted_json_stream("application/json-seq, application/jsonl;q=0.999"), kJsonSequence);
  EXPECT_EQ(accepted_json_stream("APPLICATION/JSONL"), kJsonLines);
}

TEST(JsonStreams, WhatIsNotNamedIsNotAccepted) {
  for (const char* accept : {"", "*/*", "application/*", "application/json", "application/jsonl;q=0", ",;,",
                             "application/jsonl;q=0.000", "application/jsonl;q=nonsense", "application/jsonl2"})
    EXPECT_EQ(accepted_json_stream(accept), "") << accept;
}

TEST(JsonStreams, RecordsOfASequenceBeginWithASeparator) {
  Json one = {{"a", 1}};
  EXPECT_EQ(json_record(kJsonSequence, one), "\x1e{\"a\":1}\n");
  EXPECT_EQ(json_record(kNdJson, one), "{\"a\":1}\n");
}

}  // namespace
}  // namespace hull::api
