#include "hub/webhooks/progress.h"

#include "shared/base/json.h"
#include "shared/model/member.h"

namespace syncline::hub::webhooks {
namespace {

Value number(std::uint64_t value) { return Value{static_cast<std::int64_t>(value)}; }

}  // namespace

std::string encode(const Progress& progress) {
    return to_json(Value{Value::Map{{"position", number(progress.position)},
                                    {"position_at", time_as_text(progress.position_at)},
                                    {"taken", number(progress.taken)},
                                    {"refused", number(progress.refused)},
                                    {"taken_at", time_as_text(progress.taken_at)},
                                    {"failing_since", time_as_text(progress.failing_since)},
                                    {"failures", number(progress.failures)},
                                    {"why", progress.why},
                                    {"disabled", progress.disabled},
                                    {"told", progress.told}}});
}

Result<Progress> decode_progress(std::string_view body) {
    const auto read = parse_json(body);
    if (!read) return fail(read.error());
    if (read->get<Value::Map>() == nullptr) {
        return fail(ErrorKind::kInvalid, "it is no JSON object");
    }
    const Value& in = *read;
    return Progress{.position = number_member(in, "position"),
                    .position_at = time_member(in, "position_at"),
                    .taken = number_member(in, "taken"),
                    .refused = number_member(in, "refused"),
                    .taken_at = time_member(in, "taken_at"),
                    .failing_since = time_member(in, "failing_since"),
                    .failures = number_member(in, "failures"),
                    .why = text_member(in, "why"),
                    .disabled = text_member(in, "disabled"),
                    .told = flag_member(in, "told")};
}

}  // namespace syncline::hub::webhooks
