#include "hub/ctl/recorded.h"

#include <algorithm>

#include "hub/ctl/text.h"
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

}  // namespace syncline::ctl
