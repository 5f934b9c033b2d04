// What a sender pushes: an event of header lines, a blank line and a body. No header makes it
// trusted without the key, and a body is taken as records or refused.
#include <array>
#include <map>

#include "agent/connectors/webhook/events.h"
#include "agent/connectors/webhook/signature.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent;
using namespace agent::webhook;

constexpr Timestamp kNow{1'767'607'872'000'000'000};

SignatureVerifier verifier(SignatureScheme scheme) {
    ::setenv("SYNCLINE_FUZZ_KEY", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1);
    Secret key{Secret::Source::kEnvironment, "SYNCLINE_FUZZ_KEY"};
    must(key.load().has_value());
    auto made = SignatureVerifier::make(scheme, {key}, std::chrono::minutes{5});
    must(made.has_value());
    return std::move(*made);
}

using Headers = std::map<std::string, std::string_view, std::less<>>;

Headers take_headers(std::string_view& rest) {
    Headers headers;
    while (!rest.empty()) {
        const std::string_view line = next_line(rest);
        if (line.empty()) break;
        const std::size_t colon = line.find(": ");
        if (colon == std::string_view::npos) continue;
        headers.insert_or_assign(std::string{line.substr(0, colon)}, line.substr(colon + 2));
    }
    return headers;
}

/// Signed by us or not at all: a body changed after signing never passes.
void check_signatures(std::string_view text) {
    using enum SignatureScheme;
    static const std::array verifiers{verifier(kStandard), verifier(kGithub), verifier(kHubspotV3),
                                      verifier(kZendesk), verifier(kFrappe)};
    const Headers headers = take_headers(text);
    SignedMessage message{.method = "POST", .url = "https://in.example.com/hook", .body = text};
    message.header = [&](std::string_view name) {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string_view{} : found->second;
    };
    const std::string changed = std::string{text} + " ";
    for (const SignatureVerifier& one : verifiers) {
        if (!taken(one.verify(message, kNow))) continue;
        SignedMessage other = message;
        other.body = changed;
        must(!one.verify(other, kNow));
    }
}

void check_events(const EventShape& shape, std::string_view body) {
    static const ObjectMapping mapping{
        .object = ObjectName{"customer"},
        .key = "id",
        .fields = {{.field = FieldName{"email"}, .path = "email"},
                   {.field = FieldName{"since"}, .path = "since", .type = NativeType::kDate}}};
    const auto event = events_of(shape, mapping, body, {.bytes_max = 64u << 10, .depth_max = 16});
    if (!taken(event)) {
        must(event.error().kind == ErrorKind::kInvalid ||
             event.error().kind == ErrorKind::kTooLarge);
        return;
    }
    for (const Record& record : event->records) {
        must(!record.id.empty() && record.object == mapping.object);
        must(!record.deleted || record.fields.empty());
        must(record.deleted || record.partial != shape.complete);
    }
    for (const Batch::Reject& reject : event->rejects) must(!reject.reason.empty());
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline::fuzz;
    std::string_view text = text_of(data, size);
    check_signatures(text);
    take_headers(text);
    check_events({.complete = true}, text);
    check_events({.items = "events",
                  .record = "data",
                  .deleted_when = {"type", {"deleted"}},
                  .accept_when = {"type", {"created", "updated"}}},
                 text);
    return 0;
}
