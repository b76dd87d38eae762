// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.hpp"

#include <fmt/format.h>
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
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/clock_watch.hpp"
#include "agent/config_watch.hpp"
#include "agent/host_findings.hpp"
#include "agent/routes.hpp"
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
    return std::tie(agent.os_enabled, agent.os_events, agent.os_probes,
                    agent.os_inventory_interval);
  };
  return keys(one) == keys(other);
}

api::ConfigStatus config_status(const Options& options, const config::LoadedConfig& loaded) {
  return {.file = options.config_file,
          .loaded = {wall_ns()},
          .notes = loaded.notes,
          .reload_error = ""};
}

}  // namespace

Status run(const Options& options) {
  auto agent = Agent::create(options);
  if (!agent) return std::move(agent).error();
  return (*agent)->run();
}

Result<std::unique_ptr<Agent>> Agent::create(const Options& options) {
  auto loaded = config::load(options.config_file, options.sets);
  if (!loaded) return std::move(loaded).error();
  for (const auto& note : loaded->notes)
    log_warning(note);
  if (auto possible = check(inspect_host(loaded->config)); !possible)
    return std::move(possible).error();
  auto recorder = Recorder::create(loaded->config, host_name());
  if (!recorder) return std::move(recorder).error();
  std::unique_ptr<Agent> agent(new Agent(options, std::move(*loaded), std::move(*recorder)));
  if (auto started = agent->start(); !started) return std::move(started).error();
  agent->context_.findings = inspect_host(agent->config_);  // as they are now that it runs
  return agent;
}

Agent::Agent(const Options& options, config::LoadedConfig loaded,
             std::unique_ptr<Recorder> recorder)
    : options_(options),
      started_with_(loaded.config),
      recorder_(std::move(recorder)),
      events_(*recorder_, pods_) {
  context_.node = host_name();
  context_.config = config_status(options, loaded);
  context_.enabled = loaded.config.tap.raw_enabled;
  config_ = std::move(loaded.config);
}

// The filter is in force before the first program is attached, and the listeners' ports are known
// before the filter.
Status Agent::start() {
  for (const auto& note : recorder_->ring().recovery().notes)
    log_info(note);
  if (recorder_->resumed_bytes() != 0) {
    log_info(fmt::format("took over {} that were recorded while no agent ran",
                         format_size(recorder_->resumed_bytes())));
  }
  const auto status = [this] { return collector_->collect(context_); };
  server_ =
      std::make_unique<http::Server>(io_.get_executor(), routes(recorder_->ring(), top_, status));
  if (auto listening = listen(); !listening) return listening;
  filter_ = std::make_unique<filter::Applier>(recorder_->programs());
  if (auto applied = apply_filter(config_); !applied) return applied;
  auto follower =
      InterfaceFollower::create(*recorder_, recorder_->pin_directory(), follower_settings());
  if (!follower) return std::move(follower).error();
  follower_ = std::make_unique<InterfaceFollower>(std::move(*follower));
  set_events();
  collector_ = std::make_unique<StatusCollector>(*recorder_, *follower_, events_);
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
  if (auto set = events_.set(config_.agent); !set) report_error(set.error().message());
}

Status Agent::apply_filter(const config::Config& config) {
  auto specification = filter::Specification::from(config.agent);
  if (!specification) return std::move(specification).error();
  return filter_->apply(*specification,
                        config.agent.capture_self ? std::vector<Endpoint>{} : endpoints_);
}

FollowerSettings Agent::follower_settings() const {
  return {.wishes = {.interfaces = config_.agent.interfaces,
                     .excluded = config_.agent.excluded_interfaces,
                     .xdp = started_with_.agent.hook == config::Hook::kXdp,
                     .mirrors = started_with_.agent.mirror_interfaces,
                     .mirror_force = started_with_.agent.mirror_force},
          .mode = filter_->mode(),
          .enabled = config_.tap.raw_enabled,
          .mirror_bytes = started_with_.agent.stage_bytes};
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
  events_.stop();
  auto stopped = recorder_->stop(keep ? Drain::kPresent : Drain::kAll);
  log_info(fmt::format("stopped{}{}", stopped ? ": the ring is sealed and synced" : "",
                       keep ? "; the programs record on for the next agent" : ""));
  return failure_ ? std::move(stopped) : failure_;
}

/// One that ends by itself is started again where it is a service.
bool Agent::keeps_programs() const {
  if (config_.agent.on_stop != config::OnStop::kAuto)
    return config_.agent.on_stop == config::OnStop::kKeep;
  return is_service() && signal_ != SIGINT;
}

void Agent::reload() {
  auto loaded = config::load(options_.config_file, options_.sets);
  if (!loaded) {
    context_.config.reload_error = loaded.error().message();
    return report_error(fmt::format("configuration not reloaded, the old one stays in force: {}",
                                    loaded.error().message()));
  }
  adopt(std::move(*loaded));
}

// Keys that only a restart can change stay as they are, and the status names them.
void Agent::adopt(config::LoadedConfig loaded) {
  if (auto applied = apply_filter(loaded.config); !applied) {
    context_.config.reload_error = applied.error().message();
    return report_error(applied.error().message());
  }
  for (const auto& key : config::fixed_changes(started_with_, loaded.config)) {
    loaded.notes.push_back(fmt::format("{}: changes only with a restart", key));
  }
  context_.config = config_status(options_, loaded);
  context_.enabled = loaded.config.tap.raw_enabled;
  const bool other_events = !same_events(config_.agent, loaded.config.agent);
  config_ = std::move(loaded.config);
  follower_->set(follower_settings());
  if (other_events) set_events();
  log_info("configuration reloaded");
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
  spawn(watch_hangup(reload_now));
  if (!options_.config_file.empty()) spawn(watch_file(options_.config_file, reload_now));
  spawn(watch_clock([this] { follow_clock(); }));
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
    if (ticks % kRepairTicks == 0) follower_->repair();
    if (ticks % kRepairTicks == 0) recorder_->drop_predecessors();
  }
}

asio::awaitable<void> Agent::await_signal() {
  asio::signal_set signals(io_, SIGTERM, SIGINT);
  signal_ = co_await signals.async_wait(asio::use_awaitable);
  log_info(fmt::format("{}: stopping", signal_ == SIGTERM ? "SIGTERM" : "SIGINT"));
  co_await server_->end_streams();
  io_.stop();
}

}  // namespace caprock::agent
