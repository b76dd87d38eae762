// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <tuple>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/clock_watch.hpp"
#include "agent/cluster_settings.hpp"
#include "agent/config_watch.hpp"
#include "agent/host_findings.hpp"
#include "capture/device_monitor.hpp"
#include "core/clock.hpp"
#include "core/log.hpp"
#include "core/quantity.hpp"

namespace caprock::agent {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kTick = 1s;
constexpr int kRepairTicks = 2;

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data())
                                                        : std::string("unknown");
}

/// Whether somebody starts the next agent: systemd, which tells the process it has started by its
/// pid (systemd.exec(5); what a user's session runs inherits only the rest), or Kubernetes.
bool is_service() {
  const char* const started = std::getenv("SYSTEMD_EXEC_PID");
  return (started != nullptr && started == std::to_string(getpid())) ||
         std::getenv("KUBERNETES_SERVICE_HOST") != nullptr;
}

bool same_events(const config::Agent& one, const config::Agent& other) {
  const auto keys = [](const config::Agent& agent) {
    return std::tie(agent.os_enabled, agent.os_events, agent.os_limits, agent.os_probes,
                    agent.os_inventory_interval);
  };
  return keys(one) == keys(other);
}

bool names_pods_in_vain(const config::Config& config) {
  if (on_kubernetes(config.agent)) return false;
  const auto filter = filter::PodFilter::from(config.tap);
  return filter && filter->restricts();
}

/// With a note on what has no effect here.
Result<config::LoadedConfig> load_config(const Options& options,
                                         const std::vector<std::string>& sets) {
  auto loaded = config::load(options.config_file, sets);
  if (loaded && names_pods_in_vain(loaded->config))
    loaded->notes.emplace_back(
        "which pods tap names has no effect, and others are recorded, too: no pods are followed "
        "here (set agent.kubernetes.enabled, or leave these keys out)");
  return loaded;
}

api::ConfigStatus config_status(const Options& options, const config::LoadedConfig& loaded) {
  return {.file = options.config_file,
          .loaded = {wall_ns()},
          .notes = loaded.notes,
          .reload_error = ""};
}

/// Each interface takes two descriptors, and each CPU a few.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log_warning(Error::from_errno("the limit of open files cannot be raised").message());
}

}  // namespace

Status run(const Options& options) {
  raise_file_limit();
  auto agent = Agent::create(options);
  if (!agent) return std::move(agent).error();
  return (*agent)->run();
}

Result<std::unique_ptr<Agent>> Agent::create(const Options& options) {
  auto loaded = load_config(options, options.sets);
  if (!loaded) return std::move(loaded).error();
  for (const auto& note : loaded->notes)
    log_warning(note);
  if (auto possible = check(inspect_host(loaded->config)); !possible)
    return std::move(possible).error();
  std::unique_ptr<Agent> agent(new Agent(options, std::move(*loaded)));
  if (auto started = agent->start(); !started) return std::move(started).error();
  agent->context_.findings = inspect_host(agent->config_);  // as they are now that it runs
  return agent;
}

Agent::Agent(const Options& options, config::LoadedConfig loaded)
    : options_(options),
      started_with_(loaded.config),
      daemon_set_(loaded.config.agent, cluster_node(loaded.config.agent, host_name())) {
  context_.node = host_name();
  context_.config = config_status(options, loaded);
  context_.enabled = loaded.config.tap.raw_enabled;
  config_ = std::move(loaded.config);
}

/// Until the ring is its own the process may be killed without a trace. From then on a signal waits
/// until the start is over: a stop then leaves what agent.onStop says.
void Agent::collect_signals() {
  stops_.add(SIGTERM);
  stops_.add(SIGINT);
  hangups_.add(SIGHUP);
}

Status Agent::make_recorder() {
  auto recorder = Recorder::create(config_, context_.node, [this] { collect_signals(); });
  if (!recorder) return std::move(recorder).error();
  recorder_ = std::move(*recorder);
  events_ = std::make_unique<EventRecorder>(*recorder_, pod_directory_);
  return {};
}

// The filter is in force before the first program is attached, and the listeners' ports are known
// before the filter.
Status Agent::start() {
  if (auto made = make_recorder(); !made) return made;
  for (const auto& note : recorder_->ring().recovery().notes)
    log_info(note);
  if (recorder_->resumed_bytes() != 0) {
    log_info(fmt::format("took over {} that were recorded while no agent ran",
                         format_size(recorder_->resumed_bytes())));
  }
  server_ = std::make_unique<http::Server>(io_.get_executor(),
                                           routes(recorder_->ring(), top_, control()));
  if (auto listening = listen(); !listening) return listening;
  filter_ = std::make_unique<filter::Applier>(recorder_->programs());
  if (auto followed = follow_pods(); !followed) return followed;
  if (auto applied = apply_filter(config_, plan()); !applied) return applied;
  auto follower =
      InterfaceFollower::create(*recorder_, recorder_->pin_directory(), follower_settings());
  if (!follower) return std::move(follower).error();
  follower_ = std::make_unique<InterfaceFollower>(std::move(*follower));
  set_events();
  collector_ = std::make_unique<StatusCollector>(*recorder_, *follower_, *events_, pods_.get());
  spawn_watchers();
  return {};
}

Status Agent::listen() {
  for (const auto& text : config_.agent.listen) {
    const auto endpoint = Endpoint::parse(text);
    if (!endpoint) return endpoint.error();
    auto listening = server_->listen(*endpoint);
    if (!listening) return std::move(listening).error();
    endpoints_.push_back(*listening);
  }
  return {};
}

/// Packets are recorded whatever becomes of it.
void Agent::set_events() {
  if (auto set = events_->set(config_.agent); !set) report_error(set.error().message());
}

/// By the pods that are known already, as the programs are attached with the first plan.
Status Agent::follow_pods() {
  if (!on_kubernetes(config_.agent)) return {};
  auto filter = filter::PodFilter::from(config_.tap);
  if (!filter) return std::move(filter).error();
  auto found = capture::read_devices();
  if (!found) return std::move(found).error();
  pods_ = std::make_unique<PodFollower>(io_.get_executor(), config_, context_.node, *recorder_,
                                        pod_directory_, *std::move(filter));
  pods_->update({.all = [&]() -> const capture::DeviceMap& { return *found; },
                 .appeared_ns = [](std::uint32_t) { return std::int64_t{0}; }});
  in_force_ = pods_->plan();
  return {};
}

PodFollower::Devices Agent::devices() const {
  return {.all = [this]() -> const capture::DeviceMap& { return follower_->devices(); },
          .appeared_ns = [this](std::uint32_t ifindex) { return follower_->appeared_ns(ifindex); }};
}

const PodPlan& Agent::plan() const {
  static const PodPlan kNone;
  return pods_ ? pods_->plan() : kNone;
}

Status Agent::apply_filter(const config::Config& config, const PodPlan& plan) {
  auto specification = filter::Specification::from(config.agent);
  if (!specification) return std::move(specification).error();
  specification->excluded_addresses.insert(plan.excluded_addresses.begin(),
                                           plan.excluded_addresses.end());
  specification->targets = plan.target_addresses;
  return filter_->apply(*specification,
                        config.agent.capture_self ? std::vector<Endpoint>{} : endpoints_);
}

/// The present plan, from the one that is in force. What both record is recorded meanwhile:
/// addresses count for as long as an interface needs them. After a failure that one stays in force.
Status Agent::put_in_force(const config::Config& config) {
  const PodPlan both = meanwhile(in_force_, plan());
  if (auto applied = apply_filter(config, both); !applied) {
    (void)apply_filter(config_, in_force_);  // takes back what of it was written
    return applied;
  }
  if (&config != &config_) config_ = config;
  follower_->set(follower_settings());
  in_force_ = both;
  if (auto applied = apply_filter(config, plan()); applied)
    in_force_ = plan();
  else  // the next plan tries again
    report_error(fmt::format("what is no target any more is still recorded by its address: {}",
                             applied.error().message()));
  return {};
}

Status Agent::plan_by(const config::Config& config) {
  if (!pods_) return {};
  auto filter = filter::PodFilter::from(config.tap);
  if (!filter) return std::move(filter).error();
  pods_->set(*std::move(filter), config.agent.pod_loopback);
  pods_->update(devices());
  return {};
}

void Agent::replan() {
  pods_->update(devices());
  if (records_the_same(in_force_, plan())) return;
  if (auto applied = put_in_force(config_); !applied) report_error(applied.error().message());
}

FollowerSettings Agent::follower_settings() const {
  const bool recorded_once =
      pods_ != nullptr && config_.agent.duplicates == config::Duplicates::kDrop;
  return {.wishes = {.interfaces = config_.agent.interfaces,
                     .excluded = config_.agent.excluded_interfaces,
                     .xdp = started_with_.agent.hook == config::Hook::kXdp && !recorded_once,
                     .mirrors = started_with_.agent.mirror_interfaces,
                     .mirror_force = started_with_.agent.mirror_force,
                     .overlays = recorded_once},
          .mode = filter_->mode(),
          .enabled = config_.tap.raw_enabled,
          .mirror_bytes = started_with_.agent.stage_bytes,
          .mirror_busy_poll = started_with_.agent.mirror_busy_poll,
          .once = recorded_once,
          .devices = plan().devices,
          .others = plan().others,
          .loopbacks = plan().loopbacks};
}

void Agent::log_findings() const {
  for (const auto& finding : context_.findings)
    if (finding.severity == Severity::kWarning)
      log_warning(fmt::format("{}: {}; {}", finding.found, finding.consequence, finding.remedy));
}

Status Agent::run() {
  log_findings();
  log_info(
      fmt::format("recording into {} on {}", recorder_->ring().status().path, follower_->hook()));
  spawn(await_signal());
  io_.run();
  server_->stop();
  const bool keep = keeps_programs();
  keep ? follower_->keep() : follower_->stop();
  events_->stop();
  if (pods_) pods_->stop();
  auto stopped = recorder_->stop(keep ? Drain::kPresent : Drain::kAll);
  log_info(fmt::format("stopped{}{}", stopped ? ": the ring is sealed and synced" : "",
                       keep ? "; the programs record on for the next agent" : ""));
  return failure_ ? std::move(stopped) : failure_;
}

/// One that ends by itself is started again where it is a service. Without pins there is nothing
/// that the next one could take over.
bool Agent::keeps_programs() const {
  if (last_ || recorder_->pin_directory().empty()) return false;
  if (config_.agent.on_stop != config::OnStop::kAuto)
    return config_.agent.on_stop == config::OnStop::kKeep;
  return is_service() && signal_ != SIGINT;
}

void Agent::reload() {
  auto loaded = load_config(options_, options_.sets);
  Status adopted = loaded ? adopt(*std::move(loaded)) : Status(std::move(loaded).error());
  if (adopted) {
    changes_.clear();
    for (const auto& note : context_.config.notes)
      log_warning(note);
    return log_info("configuration reloaded");
  }
  context_.config.reload_error = adopted.error().message();
  report_error(fmt::format("configuration not reloaded, the old one stays in force: {}",
                           adopted.error().message()));
}

// Keys that only a restart can change stay as they are, and the status names them.
Status Agent::adopt(config::LoadedConfig loaded) {
  if (auto planned = plan_by(loaded.config); !planned) return planned;
  for (const auto& key : config::fixed_changes(started_with_, loaded.config)) {
    loaded.notes.push_back(fmt::format("{}: changes only with a restart", key));
  }
  const bool other_events = !same_events(config_.agent, loaded.config.agent);
  if (auto applied = put_in_force(loaded.config); !applied) {
    (void)plan_by(config_);  // it was right before
    return applied;
  }
  if (pods_) pods_->set_inventory_interval(config_.agent.os_inventory_interval);
  context_.config = config_status(options_, loaded);
  context_.enabled = config_.tap.raw_enabled;
  if (other_events) set_events();
  return {};
}

Status Agent::change_capture(const std::vector<std::string>& assignments) {
  auto changes = changes_;
  for (const auto& assignment : assignments) {
    const auto equals = assignment.find('=');
    const std::string key = assignment.substr(0, equals);
    const std::string value = assignment.substr(equals + 1);
    if (!pods_ && key != "tap.capture.raw.enabled")
      return Error(fmt::format("{}: no pods are followed here (agent.kubernetes.enabled)", key));
    if (value == "null")
      changes.erase(key);
    else
      changes.insert_or_assign(key, value);
  }
  std::vector<std::string> sets = options_.sets;
  for (const auto& [key, value] : changes)
    sets.push_back(fmt::format("{}={}", key, value));
  auto loaded = load_config(options_, sets);
  if (!loaded) return std::move(loaded).error();
  if (auto adopted = adopt(*std::move(loaded)); !adopted) return adopted;
  changes_ = std::move(changes);
  for (const auto& assignment : assignments)
    log_info(fmt::format("changed: {}", assignment));
  return {};
}

api::CaptureDocument Agent::capture() const {
  return {.regex = config_.tap.regex,
          .namespaces = config_.tap.namespaces,
          .excluded_namespaces = config_.tap.excluded_namespaces,
          .label_selector = config_.tap.label_selector,
          .raw = {.enabled = config_.tap.raw_enabled},
          .changed = !changes_.empty()};
}

api::TargetsReport Agent::targets() const {
  if (pods_) return pods_->targets();
  api::TargetsReport report;
  report.node = context_.node;
  return report;
}

ControlRoutes Agent::control() {
  return {
      .status = [this] { return collector_->collect(context_); },
      .targets = [this] { return targets(); },
      .capture = [this] { return capture(); },
      .change_capture = [this](const auto& assignments) { return change_capture(assignments); }};
}

/// A watcher that ends with an exception would leave an agent that no longer follows the host:
/// better a restart.
void Agent::spawn(asio::awaitable<void> watcher) {
  asio::co_spawn(io_, std::move(watcher), [this](const std::exception_ptr& thrown) {
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
      failure_ = Error(fmt::format("the control plane failed: {}", exception.what()));
    }
    io_.stop();
  });
}

void Agent::spawn_watchers() {
  const auto reload_now = [this] { reload(); };
  spawn(follow_devices());
  spawn(tick());
  spawn(watch_hangup(hangups_, reload_now));
  if (!options_.config_file.empty()) spawn(watch_file(options_.config_file, reload_now));
  spawn(watch_clock([this] { follow_clock(); }));
  if (pods_) spawn(pods_->follow_cluster());
  if (pods_) spawn(pods_->plan_changes([this] { replan(); }));
  spawn(daemon_set_.look());
}

void Agent::follow_clock() {
  if (auto followed = recorder_->follow_clock(); !followed)
    report_error(followed.error().message());
}

asio::awaitable<void> Agent::follow_devices() {
  asio::posix::stream_descriptor events(io_, dup(follower_->fd()));
  for (;;) {
    co_await events.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
    follower_->read_events();
    if (pods_) pods_->wake();
  }
}

asio::awaitable<void> Agent::tick() {
  asio::steady_timer timer(io_, kTick);
  for (int ticks = 1;; ++ticks) {
    co_await timer.async_wait(asio::use_awaitable);
    timer.expires_at(timer.expiry() + kTick);
    collector_->sample();
    follow_clock();
    top_.rest();
    if (pods_) pods_->tick();
    if (ticks % kRepairTicks == 0) follower_->repair();
    if (ticks % kRepairTicks == 0 && follower_->replaced_all()) recorder_->drop_predecessors();
  }
}

/// A second one ends the process at once.
asio::awaitable<void> Agent::await_signal() {
  signal_ = co_await stops_.async_wait(asio::use_awaitable);
  log_info(fmt::format("{}: stopping", signal_ == SIGTERM ? "SIGTERM" : "SIGINT"));
  const std::string why_last = co_await daemon_set_.why_last();
  last_ = !why_last.empty();
  if (last_) log_info(why_last + ": nothing stays attached");
  co_await server_->end_streams();
  stops_.clear();
  io_.stop();
}

}  // namespace caprock::agent
