// SPDX-License-Identifier: Apache-2.0
#include "filter/prefix.hpp"

#include <catch2/catch_test_macros.hpp>

using caprock::filter::Prefix;

TEST_CASE("prefix: addresses and CIDRs of both families") {
  CHECK(Prefix::parse("10.1.2.3")->is_single_address());
  CHECK(*Prefix::parse("10.1.2.3/32") == *Prefix::parse("10.1.2.3"));
  CHECK(Prefix::parse("::1")->ipv6);
  CHECK(Prefix::parse("0.0.0.0/0")->bits == 0);
  CHECK_FALSE(Prefix::parse("2001:db8::/32")->is_single_address());
}

TEST_CASE("prefix: bits beyond the prefix do not matter") {
  CHECK(*Prefix::parse("10.1.2.3/8") == *Prefix::parse("10.0.0.0/8"));
  CHECK(*Prefix::parse("10.1.255.3/17") == *Prefix::parse("10.1.128.0/17"));
  CHECK(*Prefix::parse("2001:db8:ffff::1/33") == *Prefix::parse("2001:db8:8000::/33"));
  CHECK_FALSE(*Prefix::parse("0.0.0.0/0") == *Prefix::parse("::/0"));
}

TEST_CASE("prefix: what is none is refused with the reason") {
  for (const char* text :
       {"", "10.1.2", "10.1.2.3/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "host"}) {
    CAPTURE(text);
    CHECK_FALSE(Prefix::parse(text));
  }
  CHECK(Prefix::parse("10.0.0.0/33").error().message() ==
        "\"10.0.0.0/33\" must end with a prefix of /0 to /32");
}
