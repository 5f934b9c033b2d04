// Numbers, times and other short texts, each a line's worth: what is taken reads back as itself.
#include "agent/connectors/rest/quota.h"
#include "agent/core/time_format.h"
#include "shared/base/timestamp.h"
#include "shared/base/utf8.h"
#include "shared/http/client.h"
#include "shared/model/decimal.h"
#include "shared/nats/jetstream_api.h"
#include "shared/nats/replies.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

void check_decimal(std::string_view text) {
    const auto number = Decimal::parse(text);
    if (!taken(number)) return;
    const auto again = Decimal::parse(number->text());
    must(again && *again == *number);
    must(number->scale() >= 0 && number->scale() <= Decimal::kDigitsMax);
    must(number->negated().negated() == *number);
    const auto nothing = Decimal::add(*number, number->negated());
    must(nothing && *nothing == Decimal{});
    const Decimal rounded = number->rounded(2);
    must(rounded.scale() <= 2 && rounded.rounded(2) == rounded);
    const auto whole = number->to_int64();
    if (taken(whole)) must(Decimal{*whole} == *number);
}

void check_times(std::string_view text) {
    const auto show = [](const auto& time) { return to_string(time); };
    must_round_trip(parse_timestamp(text), show,
                    [](const std::string& again) { return parse_timestamp(again); });
    must_round_trip(parse_date(text), show,
                    [](const std::string& again) { return parse_date(again); });
    const auto stamp = parse_timestamp(text);
    if (stamp) must(parse_timestamp(to_string(*stamp)) == *stamp);
}

/// A form, and a text of that form.
void check_time_format(std::string_view format, std::string_view text) {
    if (!taken(agent::check_time_format(format))) return;
    const auto time = agent::read_time(format, text);
    if (!taken(time)) return;
    const std::string written = agent::write_time(format, *time);
    const auto again = agent::read_time(format, written);
    must(again && agent::write_time(format, *again) == written);
}

void check_http_texts(std::string_view text) {
    constexpr Timestamp kNow{1'767'607'872'000'000'000};
    constexpr Duration kLongest = std::chrono::hours{1};
    static_cast<void>(taken(parse_http_date(text)));
    const auto pause = parse_retry_after(text, kNow, kLongest);
    if (pause) must(*pause >= Duration{0} && *pause <= kLongest);
    must(text.find(next_link(text)) != std::string_view::npos);
    for (const char c : percent_encode(text)) must(c > ' ' && c != '/' && c != '?' && c != '\x7f');
}

/// How a vendor writes of his quota, and what he writes; what a quota kept, and has to live with.
void check_quota(std::string_view form_text, std::string_view text) {
    using namespace agent;
    constexpr Timestamp kNow{1'767'607'872'000'000'000};
    QuotaTold told;
    const auto form = rest::QuotaForm::parse(form_text);
    if (taken(form)) form->read(text, kNow, told);
    if (told.resets_in) must(*told.resets_in >= Duration{0});
    Quota quota{{.limit = 1'000}};
    const auto restored = quota.restore(text, kNow);
    static_cast<void>(taken(restored));
    quota.settle(QuotaLane::kFree, {.calls = 0, .told = told}, kNow);
    const auto status = quota.status(kNow);
    must(status.limit > 0 && status.limit <= 1'000 && status.reserve <= status.limit);
    must(quota.wait(QuotaLane::kAsk, kNow) >= Duration{0});
    quota.covered(1'000);
    must(quota.wait(QuotaLane::kBackfill, kNow) >= Duration{0});
}

void check_broker_texts(std::string_view text) {
    const auto delivery = nats::parse_delivery(text);
    if (delivery) must(text.find(delivery->stream) != std::string_view::npos);
    static_cast<void>(taken(nats::api::from_base64(text)));
    static_cast<void>(nats::api::is_delete_marker(text));
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline::fuzz;
    const std::string_view text = text_of(data, size);
    check_decimal(text);
    check_times(text);
    check_http_texts(text);
    check_broker_texts(text);
    std::string_view rest = text;
    const std::string_view format = next_line(rest);
    check_time_format(format, rest);
    check_quota(format, rest);
    check_quota("{used}/{limit} {reset_s}", text);
    const std::size_t bad = syncline::find_invalid_utf8(text);
    if (bad != std::string_view::npos) {
        must(bad < size && syncline::find_invalid_utf8(text.substr(0, bad)) == text.npos);
    }
    return 0;
}
