#include "hub/ctl/recorded.h"

#include <algorithm>

#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {

Result<Span> find_span(Session& session, Timestamp now, const std::string& from,
                       const std::string& to) {
    const auto begin = parse_point(from, now);
    if (!begin) return fail(begin.error(), "--from");
    const auto end = parse_point(to, now);
    if (!end) return fail(end.error(), "--to");
    const auto info = session.stream_info(subjects::kStreamIn);
    if (!info) return fail(info.error());
    Span span{info->first_sequence, info->last_sequence};
    if (begin->sequence) {
        span.first = std::max(span.first, *begin->sequence);
    } else if (auto found = session.sequence_at(subjects::kStreamIn, begin->time)) {
        span.first = std::max(span.first, *found);
    } else {
        return fail(found.error());
    }
    if (end->sequence) {
        span.last = std::min(span.last, *end->sequence);
    } else if (to != "now") {
        const auto found = session.sequence_at(subjects::kStreamIn, end->time);
        if (!found) return fail(found.error());
        span.last = *found - 1;
    }
    return span;
}

namespace {

/// The narrowest subject for what is asked.
std::string subject_of(const ChangeFilter& filter) {
    constexpr std::size_t kPlatform = 2;
    constexpr std::size_t kPartition = 3;
    constexpr std::size_t kObject = 5;
    constexpr std::size_t kRecord = 6;
    std::string subject = subjects::change(
        {PlatformId{filter.platform}, ObjectName{filter.object}, RecordId{filter.record}},
        Partition{0});
    subject = with_wildcards(subject, {kPartition});
    if (filter.platform.empty()) subject = with_wildcards(subject, {kPlatform});
    if (filter.object.empty()) subject = with_wildcards(subject, {kObject});
    if (filter.record.empty()) subject = with_wildcards(subject, {kRecord});
    return subject;
}

}  // namespace

Result<void> read_recorded_changes(
    Session& session, const Span& span, const ChangeFilter& filter,
    const std::function<void(std::uint64_t sequence, Result<Change> change)>& take) {
    using More = Session::More;
    if (span.first > span.last) return {};
    return session.read_each({.stream = std::string{subjects::kStreamIn},
                              .filters = {subject_of(filter)},
                              .start_sequence = span.first},
                             [&](const nats::InMessage& message) {
                                 if (message.sequence > span.last) return More::kEnough;
                                 take(message.sequence, wire::decode_change(message.body));
                                 return message.sequence == span.last ? More::kEnough
                                                                      : More::kWanted;
                             });
}

}  // namespace syncline::ctl
