#include "hub/ctl/operations.h"

#include <algorithm>

#include "hub/core/state_codec.h"
#include "hub/ctl/lookup.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {

Result<void> publish_operation(Session& session, const hub::Operation& operation) {
    const auto partitions = partition_count(session);
    if (!partitions) return fail(partitions.error());
    const std::string subject = subjects::operation(entity_partition(operation.entity, *partitions),
                                                    hub::name_of(operation.kind), operation.id);
    const std::string body = encode(operation);
    auto published =
        session.publish({.subject = subject, .body = body, .headers = {}, .expected_sequence = 0});
    if (!published) return fail(published.error());
    return {};
}

Result<void> look_until(Session& session, Duration most,
                        const std::function<Result<bool>()>& is_over) {
    constexpr Duration kBetween = std::chrono::milliseconds{100};
    const Duration end = session.clock().steady() + most;
    for (;;) {
        const auto over = is_over();
        if (!over) return fail(over.error());
        const Duration left = end - session.clock().steady();
        if (*over || left.count() <= 0 || interrupted()) return {};
        std::ignore = session.until([] { return false; }, std::min(left, kBetween));
    }
}

}  // namespace syncline::ctl
