#include "hub/ctl/cluster.h"

#include <algorithm>
#include <charconv>

#include "hub/core/state_codec.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/memory.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/nats/streams.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

nats::ConsumeSpec newest_of(std::string_view stream, std::string filter) {
    return {
        .stream = std::string{stream}, .filters = {std::move(filter)}, .last_per_subject = true};
}

/// All newest messages; none if the stream does not exist.
Result<std::vector<nats::StoredMessage>> read_newest(Session& session, std::string_view stream,
                                                     std::string filter) {
    auto all = session.read_all(newest_of(stream, std::move(filter)));
    if (!all && all.error().kind == ErrorKind::kNotFound) {
        return std::vector<nats::StoredMessage>{};
    }
    return all;
}

Result<std::vector<Presence>> read_presence(Session& session, std::string_view stream,
                                            std::string filter) {
    const auto all = read_newest(session, stream, std::move(filter));
    if (!all) return fail(all.error());
    std::vector<Presence> out;
    for (const nats::StoredMessage& message : *all) {
        const auto id = subjects::last_token(message.subject);
        if (message.deleted || !id) continue;
        Presence presence{.id = *id, .said = {}, .heard_at = message.stored_at, .broken = {}};
        auto json = parse_json(message.body);
        const auto* map = json ? json->get<Value::Map>() : nullptr;
        if (map != nullptr) {
            presence.said = Announced{*map};
        } else {
            presence.broken = json ? "it is no JSON object" : json.error().what;
        }
        out.push_back(std::move(presence));
    }
    std::ranges::sort(out, {}, &Presence::id);
    return out;
}

Result<void> read_streams(Session& session, Cluster& cluster) {
    for (const nats::StreamConfig& config : nats::stream_configs()) {
        auto info = session.stream_info(config.name);
        if (!info && info.error().kind != ErrorKind::kNotFound) return fail(info.error());
        cluster.streams.push_back(
            {config.name, info ? std::optional{std::move(*info)} : std::nullopt});
    }
    return {};
}

/// The server's clock, as an answer of JetStream's API tells it; how far ours is ahead. Half the
/// way there and back is taken off.
void read_clock(Session& session, Cluster& cluster) {
    const Timestamp before = session.clock().now();
    const auto answer = session.jetstream("STREAM.INFO", subjects::kStreamIn, Value::Map{});
    const Timestamp after = session.clock().now();
    cluster.now = after;
    if (!answer) return;
    const Timestamp server = Announced{*answer->get<Value::Map>()}.time("ts");
    if (server.ns == 0) return;
    const Timestamp middle = before + (after - before) / 2;
    cluster.clock_ahead = middle - server;
    cluster.now = server + (after - before) / 2;
}

Result<void> read_marks(Session& session, Cluster& cluster) {
    const auto all = read_newest(session, subjects::kStreamState, subjects::all_marks());
    if (!all) return fail(all.error());
    for (std::uint16_t i = 0; i < cluster.partitions; ++i) {
        cluster.marks.push_back({.partition = Partition{i}, .mark = {}, .broken = {}});
    }
    for (const nats::StoredMessage& message : *all) {
        const auto id = subjects::last_token(message.subject);
        std::uint16_t number = 0;
        if (!id) continue;
        const auto [end, error] = std::from_chars(id->data(), id->data() + id->size(), number);
        const bool whole = error == std::errc{} && end == id->data() + id->size();
        if (!whole || number >= cluster.partitions || message.deleted) continue;
        auto mark = hub::decode_mark(message.body);
        if (mark) {
            cluster.marks[number].mark = std::move(*mark);
        } else {
            cluster.marks[number].broken = mark.error().what;
        }
    }
    return {};
}

/// What each partition has after its mark's floor. The stream's sequences are shared by all
/// partitions, so a difference of numbers would say nothing; the server counts instead.
Result<void> count_lag(Session& session, Cluster& cluster) {
    const StreamView* in = cluster.stream(subjects::kStreamIn);
    if (in == nullptr || !in->info) return {};
    std::vector<nats::ConsumeSpec> specs;
    std::vector<std::size_t> which;
    for (const PartitionView& view : cluster.marks) {
        const bool same = view.mark && view.mark->inputs_created == in->info->created;
        const std::uint64_t floor = same ? view.mark->floor : 0;
        if (floor >= in->info->last_sequence) continue;
        specs.push_back({.stream = std::string{subjects::kStreamIn},
                         .filters = {subjects::inputs_of(view.partition)},
                         .start_sequence = floor + 1});
        which.push_back(view.partition.value);
    }
    if (specs.empty()) return {};
    const auto counts = session.count(specs);
    if (!counts) return fail(counts.error());
    for (std::size_t i = 0; i < which.size(); ++i) cluster.marks[which[i]].lag = (*counts)[i];
    return {};
}

}  // namespace

const Value* Announced::find(std::string_view name) const {
    const auto at = fields_.find(name);
    return at == fields_.end() ? nullptr : &at->second;
}

std::string Announced::text(std::string_view name) const {
    const Value* value = find(name);
    const auto* text = value == nullptr ? nullptr : value->get<std::string>();
    return text == nullptr ? "" : *text;
}

std::uint64_t Announced::count(std::string_view name) const {
    const Value* value = find(name);
    if (value == nullptr) return 0;
    if (const auto* number = value->get<std::int64_t>()) {
        return *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
    }
    const std::string digits = text(name);
    std::uint64_t out = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return out;
}

bool Announced::flag(std::string_view name) const {
    const Value* value = find(name);
    const auto* flag = value == nullptr ? nullptr : value->get<bool>();
    return flag != nullptr && *flag;
}

Timestamp Announced::time(std::string_view name) const {
    const auto time = parse_timestamp(text(name));
    return time ? *time : Timestamp{};
}

Announced Announced::inner(std::string_view name) const {
    const Value* value = find(name);
    const auto* map = value == nullptr ? nullptr : value->get<Value::Map>();
    return map == nullptr ? Announced{} : Announced{*map};
}

const StreamView* Cluster::stream(std::string_view name) const {
    const auto at = std::ranges::find(streams, name, &StreamView::name);
    return at == streams.end() ? nullptr : &*at;
}

bool Cluster::installed() const {
    return std::ranges::any_of(streams, [](const StreamView& s) { return s.info.has_value(); });
}

Result<Cluster> read_cluster(Session& session, Memory* memory) {
    Cluster cluster;
    cluster.server_version = session.link().status().server_version;
    if (auto read = read_streams(session, cluster); !read) return fail(read.error());
    read_clock(session, cluster);
    if (const StreamView* in = cluster.stream(subjects::kStreamIn); in != nullptr && in->info) {
        const auto count = partition_count(session);
        if (!count) return fail(count.error());
        cluster.partitions = *count;
    }
    auto hubs = read_presence(session, subjects::kStreamLease, subjects::all_hub_presence());
    if (!hubs) return fail(hubs.error());
    cluster.hubs = std::move(*hubs);
    auto agents = read_presence(session, subjects::kStreamAgent, subjects::all_agent_presence());
    if (!agents) return fail(agents.error());
    cluster.agents = std::move(*agents);
    if (auto read = read_marks(session, cluster); !read) return fail(read.error());
    if (auto counted = count_lag(session, cluster); !counted) return fail(counted.error());
    if (memory != nullptr) {
        auto looked = memory->board().look(session, [&](const ExceptionBoard::View& board) {
            for (const ExceptionView* view : board.open) cluster.open_exceptions.push_back(*view);
            for (const auto& [subject, what] : board.damaged) cluster.damaged.push_back(what);
        });
        if (!looked) return fail(looked.error());
        return cluster;
    }
    auto exceptions = read_exceptions(session, subjects::all_exceptions(), cluster.damaged);
    if (!exceptions) return fail(exceptions.error());
    std::erase_if(*exceptions, [](const ExceptionView& view) {
        return view.record.status != hub::ExceptionStatus::kOpen;
    });
    cluster.open_exceptions = std::move(*exceptions);
    return cluster;
}

Result<std::vector<ExceptionView>> read_exceptions(Session& session, const std::string& filter,
                                                   std::vector<std::string>& damaged) {
    const auto all = read_newest(session, subjects::kStreamExceptions, filter);
    if (!all) return fail(all.error());
    std::vector<ExceptionView> out;
    for (const nats::StoredMessage& message : *all) {
        if (message.deleted) continue;
        auto record = hub::decode_exception(message.body);
        if (record) {
            out.push_back(
                {std::move(*record), message.subject, message.sequence, message.stored_at});
        } else {
            damaged.push_back(message.subject + " sequence " + std::to_string(message.sequence) +
                              ": " + record.error().what);
        }
    }
    return out;
}

}  // namespace syncline::ctl
