// SPDX-License-Identifier: Apache-2.0
#include "container/links.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace hull::container {
namespace {

TEST(Links, AreWrittenInThreeWays) {
  for (auto [text, target, alias] :
       {std::tuple{"db", "db", "db"}, {"db:store", "db", "store"}, {"/db:/web/store", "db", "store"}}) {
    Link link = parse_link(text);
    EXPECT_EQ(link.target, target);
    EXPECT_EQ(link.alias, alias);
  }
  for (auto text : {"", "a:b:c", ":x", "x:"}) EXPECT_THROW(parse_link(text), Error) << text;
}

TEST(Links, VariablesOfPortsInARow) {
  Config target;
  for (auto port : {"8080/tcp", "8081/tcp", "9000/tcp", "53/udp"}) target.exposed_ports.emplace(port, oci::Empty{});
  target.env = Strings{"HOME=/x", "PATH=/y", "A=b=c", "UNSET"};
  EXPECT_EQ(link_variables("web", "my-db", target, "10.0.0.2"),
            (Strings{"MY_DB_PORT=tcp://10.0.0.2:8080",
                     "MY_DB_PORT_8080_TCP=tcp://10.0.0.2:8080",
                     "MY_DB_PORT_8080_TCP_ADDR=10.0.0.2",
                     "MY_DB_PORT_8080_TCP_PORT=8080",
                     "MY_DB_PORT_8080_TCP_PROTO=tcp",
                     "MY_DB_PORT_8081_TCP=tcp://10.0.0.2:8081",
                     "MY_DB_PORT_8081_TCP_ADDR=10.0.0.2",
                     "MY_DB_PORT_8081_TCP_PORT=8081",
                     "MY_DB_PORT_8081_TCP_PROTO=tcp",
                     "MY_DB_PORT_8080_TCP_START=tcp://10.0.0.2:8080",
                     "MY_DB_PORT_8080_TCP_PORT_START=8080",
                     "MY_DB_PORT_8080_TCP_END=tcp://10.0.0.2:8081",
                     "MY_DB_PORT_8080_TCP_PORT_END=8081",
                     "MY_DB_PORT_9000_TCP=tcp://10.0.0.2:9000",
                     "MY_DB_PORT_9000_TCP_ADDR=10.0.0.2",
                     "MY_DB_PORT_9000_TCP_PORT=9000",
                     "MY_DB_PORT_9000_TCP_PROTO=tcp",
                     "MY_DB_PORT_53_UDP=udp://10.0.0.2:53",
                     "MY_DB_PORT_53_UDP_ADDR=10.0.0.2",
                     "MY_DB_PORT_53_UDP_PORT=53",
                     "MY_DB_PORT_53_UDP_PROTO=udp",
                     "MY_DB_NAME=/web/my-db",
                     "MY_DB_ENV_A=b=c"}));
  EXPECT_EQ(link_variables("web", "db", {}, "10.0.0.2"), (Strings{"DB_NAME=/web/db"}));
}

}  // namespace
}  // namespace hull::container
