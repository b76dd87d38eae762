// SPDX-License-Identifier: Apache-2.0
#include "filter/pod_filter.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock;
using namespace caprock::filter;

namespace {

kubernetes::Pod pod(std::string namespace_name, std::string name) {
  kubernetes::Pod pod;
  pod.namespace_name = std::move(namespace_name);
  pod.name = std::move(name);
  return pod;
}

PodVerdict judge(const config::Tap& tap, const kubernetes::Pod& pod) {
  return PodFilter::from(tap)->judge(pod);
}

}  // namespace

TEST_CASE("pod filter: the defaults take all pods, and whatever is none") {
  const auto filter = PodFilter::from({});
  REQUIRE(filter);
  CHECK_FALSE(filter->restricts());
  CHECK(filter->judge(pod("kube-system", "dns")).targeted);
}

TEST_CASE("pod filter: an excluded namespace wins over everything") {
  config::Tap tap;
  tap.namespaces = {"shop", "bank"};
  tap.excluded_namespaces = {"bank"};
  CHECK(judge(tap, pod("shop", "web")).targeted);
  kubernetes::Pod asks = pod("bank", "web");
  asks.annotations[kCaptureAnnotation] = "true";
  CHECK_FALSE(judge(tap, asks).targeted);
  CHECK(judge(tap, asks).reason == "tap.excludedNamespaces");
  CHECK(judge(tap, pod("dev", "web")).reason == "not in tap.namespaces");
}

TEST_CASE("pod filter: a regex is found anywhere in the name, unless it is anchored") {
  config::Tap tap;
  tap.regex = "front";
  CHECK(judge(tap, pod("shop", "frontend-7c9")).targeted);
  CHECK(judge(tap, pod("shop", "storefront-1")).targeted);
  CHECK_FALSE(judge(tap, pod("shop", "backend-1")).targeted);
  tap.regex = "^front";
  CHECK_FALSE(judge(tap, pod("shop", "storefront-1")).targeted);
  CHECK(judge(tap, pod("shop", "storefront-1")).reason == "tap.regex does not match");
}

TEST_CASE("pod filter: labels and the pod's own word") {
  config::Tap tap;
  tap.label_selector = "app=web";
  kubernetes::Pod web = pod("shop", "web");
  web.labels = {{"app", "web"}};
  CHECK(judge(tap, web).targeted);
  web.annotations[kCaptureAnnotation] = "false";
  CHECK_FALSE(judge(tap, web).targeted);
  CHECK(judge(tap, web).reason == "annotation caprock.io/capture: false");
  kubernetes::Pod other = pod("shop", "db");
  CHECK(judge(tap, other).reason == "tap.labelSelector does not match");
  other.annotations[kCaptureAnnotation] = "true";
  CHECK(judge(tap, other).targeted);
}
