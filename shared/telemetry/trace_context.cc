#include "shared/telemetry/trace_context.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace syncline::telemetry {
namespace {

constexpr std::size_t kTraceDigits = 32;
constexpr std::size_t kSpanDigits = 16;
constexpr std::size_t kLength = 2 + 1 + kTraceDigits + 1 + kSpanDigits + 1 + 2;
constexpr unsigned kSampled = 1;

bool is_hex(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) {
    return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

std::string hex(std::uint64_t number) {
    std::array<char, kSpanDigits + 1> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
    return text.data();
}

std::string span_of(const TraceContext& trace, const std::string& what) {
    const std::uint64_t id = stable_hash(trace.trace_id + "/" + what);
    return hex(id == 0 ? 1 : id);
}

std::string name_of(const EntityKey& entity, std::string_view more, std::uint64_t number) {
    return entity.object.text + "/" + entity.entity.text + "/" + std::string{more} + "/" +
           std::to_string(number);
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view text) {
    // Later versions may be longer, and begin as this one.
    const bool longer = text.size() > kLength;
    if (text.size() < kLength || (longer && (text.starts_with("00") || text[kLength] != '-'))) {
        return std::nullopt;
    }
    const std::string_view version = text.substr(0, 2);
    const std::string_view trace = text.substr(3, kTraceDigits);
    const std::string_view span = text.substr(4 + kTraceDigits, kSpanDigits);
    const std::string_view flags = text.substr(kLength - 2, 2);
    const bool dashes = text[2] == '-' && text[3 + kTraceDigits] == '-' && text[kLength - 3] == '-';
    if (!dashes || !is_hex(version) || version == "ff" || !is_id(trace) || !is_id(span) ||
        !is_hex(flags)) {
        return std::nullopt;
    }
    const char last = flags[1];
    const unsigned digit = static_cast<unsigned>(last <= '9' ? last - '0' : last - 'a' + 10);
    return TraceContext{std::string{trace}, std::string{span}, (digit & kSampled) != 0};
}

std::optional<TraceContext> sampled_trace(std::string_view text) {
    auto context = parse_traceparent(text);
    return context && context->sampled ? context : std::nullopt;
}

std::string to_text(const TraceContext& context) {
    return "00-" + context.trace_id + "-" + context.span_id + (context.sampled ? "-01" : "-00");
}

TraceContext make_trace(std::uint64_t a, std::uint64_t b, std::uint64_t c, bool sampled) {
    return {hex(a) + hex(b == 0 ? 1 : b), hex(c == 0 ? 1 : c), sampled};
}

std::string decision_span(const TraceContext& trace, const EntityKey& entity,
                          std::uint64_t version) {
    return span_of(trace, name_of(entity, "decision", version));
}

std::string command_span(const TraceContext& trace, const EntityKey& entity,
                         const PlatformId& platform, std::uint64_t generation) {
    return span_of(trace, name_of(entity, "command/" + platform.text, generation));
}

std::string apply_span(const TraceContext& trace, const EntityKey& entity,
                       const PlatformId& platform, std::uint64_t generation) {
    return span_of(trace, name_of(entity, "apply/" + platform.text, generation));
}

std::string operation_span(const TraceContext& trace, const std::string& key,
                           std::uint64_t attempt) {
    return span_of(trace, key + "/" + std::to_string(attempt));
}

}  // namespace syncline::telemetry
