// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "api/json.hpp"
#include "api/top.hpp"

namespace caprock::api {

constexpr auto fields(const TopCounts&) {
  using S = TopCounts;
  return std::tuple(Field{"bytes", &S::bytes}, Field{"packets", &S::packets},
                    Field{"bytes_per_second", &S::bytes_per_second},
                    Field{"packets_per_second", &S::packets_per_second},
                    Field{"sent_bytes", &S::sent_bytes}, Field{"sent_packets", &S::sent_packets},
                    Field{"received_bytes", &S::received_bytes},
                    Field{"received_packets", &S::received_packets},
                    Field{"retransmissions", &S::retransmissions}, Field{"drops", &S::drops},
                    Field{"resets", &S::resets});
}

constexpr auto fields(const TopRow&) {
  using S = TopRow;
  return std::tuple_cat(
      std::tuple(Field{"protocol", &S::protocol}, Field{"local", &S::local},
                 Field{"remote", &S::remote}, Field{"interface", &S::interface},
                 Field{"pid", &S::pid}, Field{"comm", &S::comm}, Field{"container", &S::container},
                 Field{"pod", &S::pod}, Field{"remote_pid", &S::remote_pid},
                 Field{"remote_comm", &S::remote_comm},
                 Field{"remote_container", &S::remote_container},
                 Field{"remote_pod", &S::remote_pod}, Field{"flows", &S::flows}),
      fields(TopCounts()));
}

constexpr auto fields(const TopReport&) {
  using S = TopReport;
  return std::tuple(
      Field{"from", &S::from}, Field{"to", &S::to}, Field{"window_seconds", &S::window},
      Field{"by", &S::by}, Field{"sort", &S::sort}, Field{"os_enabled", &S::os_enabled},
      Field{"notes", &S::notes}, Field{"flows", &S::flows}, Field{"rows_in_all", &S::rows_in_all},
      Field{"total", &S::total}, Field{"other", &S::other}, Field{"rows", &S::rows});
}

std::string to_json_text(const TopReport& report) {
  constexpr int kOneLine = -1;
  return text_of(Json(report), kOneLine);
}

Result<TopReport> parse_top(std::string_view json) {
  return parse_document<TopReport>(json, "an answer of top");
}

}  // namespace caprock::api
