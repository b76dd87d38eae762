// SPDX-License-Identifier: Apache-2.0
#include "core/quantity.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock;
using namespace std::chrono_literals;

namespace {

struct SizeCase {
  const char* text;
  std::uint64_t bytes;
};

struct DurationCase {
  const char* text;
  Nanoseconds duration;
};

struct TimeCase {
  const char* text;
  std::int64_t ns;
};

struct PrintedSize {
  std::uint64_t bytes;
  const char* text;
};

struct PrintedDuration {
  Nanoseconds duration;
  const char* text;
};

constexpr std::int64_t kNow = 1'000'000'000'000'000'000;

}  // namespace

TEST_CASE("quantity: sizes are read as Kubernetes reads them") {
  const auto [text, bytes] = GENERATE(values<SizeCase>({
      {"0", 0},
      {"1000000", 1'000'000},
      {"1k", 1'000},
      {"500M", 500'000'000},
      {"1Ki", 1'024},
      {"1Gi", 1ULL << 30},
      {"1.5Gi", 3ULL << 29},
      {".5Ki", 512},
      {"1e9", 1'000'000'000},
      {"2E3", 2'000},
      {"1E", 1'000'000'000'000'000'000},
      {"15Ei", 15ULL << 60},
      {"18446744073709551615", 18'446'744'073'709'551'615ULL},
  }));
  CAPTURE(text);
  const auto size = parse_size(text);
  REQUIRE(size);
  CHECK(*size == bytes);
}

TEST_CASE("quantity: what is no size is refused and not guessed at") {
  const auto text =
      GENERATE("", " ", "Gi", "1 Gi", "1gi", "1GB", "-1Gi", "+1", "1.5", "0.3Ki", "1e", "1e19",
               "1e-3", "16Ei", "18446744073709551616", "1Gi ", ".", "0x10");
  CAPTURE(text);
  const auto size = parse_size(text);
  REQUIRE_FALSE(size);
  CHECK(size.error().message().find('"' + std::string(text) + '"') != std::string::npos);
}

TEST_CASE("quantity: durations are read as Go reads them") {
  const auto [text, duration] = GENERATE(values<DurationCase>({
      {"0", 0ns},
      {"5m", 5min},
      {"1h30m", 90min},
      {"1.5s", 1500ms},
      {"-5m", -5min},
      {"+300ms", 300ms},
      {"2us", 2us},
      {"2\u00b5s", 2us},
      {"2\u03bcs", 2us},
      {"1h1m1s1ms1us1ns", 1h + 1min + 1s + 1ms + 1us + 1ns},
      {"0.5ns", 0ns},
      {"2562047h", 2562047h},
  }));
  CAPTURE(text);
  const auto parsed = parse_duration(text);
  REQUIRE(parsed);
  CHECK(*parsed == duration);
}

TEST_CASE("quantity: what is no duration is refused") {
  const auto text =
      GENERATE("", "5", "m", "5 m", "5d", "1h30", "--5m", "-", "2562048h", "1.s1", "5M", "s5");
  CAPTURE(text);
  CHECK_FALSE(parse_duration(text));
}

TEST_CASE("quantity: times are RFC 3339, relative to now, or now") {
  const auto [text, ns] = GENERATE(values<TimeCase>({
      {"now", kNow},
      {"-5m", kNow - 300'000'000'000},
      {"+1s", kNow + 1'000'000'000},
      {"1970-01-01T00:00:00Z", 0},
      {"2026-11-22T10:00:00Z", 1'795'341'600'000'000'000},
      {"2026-11-22t10:00:00z", 1'795'341'600'000'000'000},
      {"2026-11-22 10:00:00Z", 1'795'341'600'000'000'000},
      {"2026-11-22T11:00:00+01:00", 1'795'341'600'000'000'000},
      {"2026-11-22T04:30:00-05:30", 1'795'341'600'000'000'000},
      {"2026-11-22T10:00:00.5Z", 1'795'341'600'500'000'000},
      {"2026-11-22T10:00:00.123456789Z", 1'795'341'600'123'456'789},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000'000'000},
  }));
  CAPTURE(text);
  const auto time = parse_time(text, kNow);
  REQUIRE(time);
  CHECK(*time == ns);
}

TEST_CASE("quantity: what is no time is refused") {
  const auto text =
      GENERATE("", "5m", "yesterday", "2026-11-22", "2026-11-22T10:00Z", "2026-11-22T10:00:00",
               "2026-02-30T10:00:00Z", "2026-13-01T10:00:00Z", "2026-11-22T24:00:00Z",
               "2026-11-22T10:00:00.Z", "2026-11-22T10:00:00Zx", "9999-01-01T00:00:00Z", "-5x");
  CAPTURE(text);
  CHECK_FALSE(parse_time(text, kNow));
}

TEST_CASE("quantity: sizes are printed with three figures at the most") {
  const auto [bytes, text] = GENERATE(values<PrintedSize>({
      {0, "0 B"},
      {512, "512 B"},
      {999, "999 B"},
      {1000, "0.98 KiB"},
      {1536, "1.5 KiB"},
      {1ULL << 30, "1 GiB"},
      {(1ULL << 30) - 1, "1 GiB"},
      {12'900'000, "12.3 MiB"},
      {18'446'744'073'709'551'615ULL, "16 EiB"},
  }));
  CHECK(format_size(bytes) == text);
}

TEST_CASE("quantity: durations are printed with two units at the most") {
  const auto [duration, text] = GENERATE(values<PrintedDuration>({
      {0ns, "0s"},
      {17ns, "17ns"},
      {1500ns, "1.5\u00b5s"},
      {350ms, "350ms"},
      {4200ms, "4.2s"},
      {59s, "59s"},
      {60s, "1m"},
      {90s, "1m30s"},
      {90min, "1h30m"},
      {23h + 59min + 59s + 900ms, "1d"},
      {49h, "2d1h"},
      {-5min, "-5m"},
  }));
  CHECK(format_duration(duration) == text);
}

TEST_CASE("quantity: a printed time is read back as the same time") {
  const auto ns = GENERATE(std::int64_t{0}, std::int64_t{1}, kNow, kNow + 123'456'789,
                           std::int64_t{-1'500'000'000}, std::int64_t{1'795'341'600'500'000'000});
  const auto time = parse_time(format_time(ns), 0);
  REQUIRE(time);
  CHECK(*time == ns);
  CHECK(format_time(1'795'341'600'500'000'000) == "2026-11-22T10:00:00.5Z");
}
