// The files of settings of agent and hub: every problem with its place, or settings within their
// limits. The secrets that they name are not looked up.
#include "agent/agent_config.h"
#include "hub/hub_config.h"
#include "shared/base/clock.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

void check_agent(std::string_view text) {
    static const SystemClock clock;
    const std::filesystem::path configs = SYNCLINE_SOURCE_DIR "/configs";
    const auto config = agent::parse_agent_config(
        text, "fuzz.toml", {clock, configs / "no-such-folder", configs / "profiles"});
    if (!config) {
        must(config.error().what.starts_with("fuzz.toml:") || !config.error().what.empty());
        return;
    }
    const agent::AgentSettings& settings = config->settings;
    must(config->connector != nullptr && !config->nats.urls.empty());
    must(settings.spool.message_bytes >= 1'024 && settings.spool.message_bytes <= 1u << 20);
    must(settings.writing.concurrency >= 1 && settings.writing.concurrency <= 64);
    must(settings.publishing.window >= 1 && settings.publishing.window <= 65'536);
    must(settings.reading.poll > Duration{0} && settings.presence > Duration{0});
}

void check_hub(std::string_view text) {
    const auto config = hub::parse_hub_config(text, "fuzz.toml");
    if (!config) return must_name_places(config.error(), "fuzz.toml");
    must(!config->nats.urls.empty());
    must(config->metrics_port >= 0 && config->metrics_port <= 65'535);
    must(config->streams.partitions >= 1);
    must(config->streams.replicas == 1 || config->streams.replicas == 3 ||
         config->streams.replicas == 5);
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = syncline::fuzz::text_of(data, size);
    syncline::fuzz::check_agent(text);
    syncline::fuzz::check_hub(text);
    return 0;
}
