#include "hub/decision_links.h"

#include <charconv>

#include "shared/base/sha256.h"
#include "shared/http/client.h"
#include "shared/http/percent_decode.h"

namespace syncline::hub {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// The text up to the next mark, which is taken away with it.
std::string_view next_part(std::string_view& rest, char mark = '/') {
    const auto end = rest.find(mark);
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return part;
}

}  // namespace

Result<void> DecisionLinks::open(const LinkSettings& settings) {
    if (settings.base.empty()) return {};
    Secret key = settings.key;
    if (auto loaded = key.load(); !loaded) return fail(loaded.error(), "links.key");
    if (key.reveal().size() < kKeyBytesLeast) {
        return fail(ErrorKind::kInvalid, "links.key: " + key.source_text() +
                                             " has fewer than 32 bytes; make one with: openssl "
                                             "rand -base64 48");
    }
    base_ = settings.base;
    while (base_.ends_with('/')) base_.pop_back();
    key_ = key.reveal();
    return {};
}

std::string DecisionLinks::mark_of(std::string_view what) const {
    return hexadecimal(bytes_of(hmac_sha256(key_, "syncline decision\n" + std::string{what})));
}

std::string DecisionLinks::link(const Grant& grant, Timestamp until, Timestamp now) const {
    if (until == Timestamp{}) until = now + kLongest;
    // No name has a comma once it is encoded.
    std::string who = percent_encode(grant.person);
    if (!grant.on_behalf_of.empty()) who += "," + percent_encode(grant.on_behalf_of);
    const std::string what =
        who + "/" + std::to_string(until.ns / kSecond) + "/" + percent_encode(grant.approval);
    return base_ + std::string{kPath} + mark_of(what) + "/" + what;
}

Result<DecisionLinks::Grant> DecisionLinks::read(std::string_view path, Timestamp now) const {
    const auto denied = [](const char* why) { return fail(ErrorKind::kDenied, why); };
    if (!enabled() || !path.starts_with(kPath)) return denied("there are no links here");
    std::string_view rest = path.substr(kPath.size());
    const std::string_view mark = next_part(rest);
    // By hash, so that how long it takes says nothing of the right one.
    if (sha256({mark}) != sha256({mark_of(rest)})) return denied("the link is not one of ours");
    std::string_view who = next_part(rest);
    const std::string_view until = next_part(rest);
    std::int64_t seconds = 0;
    std::from_chars(until.data(), until.data() + until.size(), seconds);
    if (now.ns / kSecond >= seconds) return denied("the link's time is over");
    const std::string_view person = next_part(who, ',');
    return Grant{percent_decode(rest), percent_decode(person), percent_decode(who)};
}

}  // namespace syncline::hub
