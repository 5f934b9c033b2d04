#include "shared/nats/replies.h"

#include <array>
#include <charconv>
#include <string>

#include <boost/json.hpp>

namespace syncline::nats {
namespace {

/// Reads digits at the front of `text` and removes them. False: there are none, or too many.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take_text(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

/// `{"stream":"X","seq":N}` and nothing else, with or without the blank that servers write.
std::optional<std::uint64_t> parse_usual_ack(std::string_view body) {
    if (!take_text(body, R"({"stream":")")) return std::nullopt;
    const auto quote = body.find('"');
    if (quote == std::string_view::npos) return std::nullopt;
    body.remove_prefix(quote + 1);
    if (!take_text(body, ",")) return std::nullopt;
    take_text(body, " ");
    std::uint64_t sequence = 0;
    if (!take_text(body, R"("seq":)") || !take_number(body, sequence)) return std::nullopt;
    if (body != "}" || sequence == 0) return std::nullopt;
    return sequence;
}

std::unexpected<Error> unreadable(std::string_view body) {
    return fail(ErrorKind::kAmbiguous,
                "the stream's answer cannot be read: " + std::string{body.substr(0, 200)});
}

Error error_in(const boost::json::object& error) {
    std::int64_t code = 0;
    if (const auto* found = error.if_contains("err_code"); found != nullptr && found->is_int64()) {
        code = found->get_int64();
    }
    std::string what = "the stream refused: JetStream error " + std::to_string(code);
    if (const auto* text = error.if_contains("description"); text != nullptr && text->is_string()) {
        what += ", " + std::string{std::string_view{text->get_string()}.substr(0, 200)};
    }
    return Error{kind_of_jetstream_error(code), std::move(what)};
}

Result<std::uint64_t> parse_other_ack(std::string_view body) {
    boost::system::error_code failed;
    const boost::json::value parsed =
        boost::json::parse(boost::json::string_view{body.data(), body.size()}, failed);
    const boost::json::object* object = failed ? nullptr : parsed.if_object();
    if (object == nullptr) return unreadable(body);
    if (const auto* error = object->if_contains("error"); error != nullptr && error->is_object()) {
        return fail(error_in(error->get_object()));
    }
    const auto* sequence = object->if_contains("seq");
    boost::system::error_code no_number;
    const auto number = sequence == nullptr ? 0 : sequence->to_number<std::uint64_t>(no_number);
    if (no_number || number == 0) return unreadable(body);
    return number;
}

}  // namespace

Result<std::uint64_t> parse_publish_ack(std::string_view body) {
    if (const auto sequence = parse_usual_ack(body)) return *sequence;
    return parse_other_ack(body);
}

ErrorKind kind_of_jetstream_error(std::int64_t error_code) {
    switch (error_code) {
        case 10071:  // Wrong last sequence.
        case 10164:  // The same, found while an earlier write is still being replicated.
            return ErrorKind::kConflict;
        case 10077:  // Store failed: maximum messages or bytes, in a stream that refuses then.
        case 10023:  // Insufficient resources.
        case 10028:  // Memory resources exceeded for the account.
        case 10047:  // Storage resources exceeded for the account.
            return ErrorKind::kFull;
        case 10054: return ErrorKind::kTooLarge;  // Message size exceeds the stream's maximum.
        case 10014:                               // Consumer not found.
        case 10037:                               // No message found.
        case 10059:                               // Stream not found.
            return ErrorKind::kNotFound;
        case 10003:  // Bad request.
        case 10025:  // Invalid JSON: also an unknown field, from strict servers.
        case 10052:  // A setting of the stream is refused.
            return ErrorKind::kInvalid;
        default: return ErrorKind::kUnavailable;
    }
}

std::optional<Delivery> parse_delivery(std::string_view reply) {
    constexpr std::string_view kPrefix = "$JS.ACK.";
    if (!take_text(reply, kPrefix)) return std::nullopt;
    // Tokens after the prefix: 7, or 9 and more with domain and account before the stream.
    std::array<std::string_view, 9> token;
    std::size_t count = 0;
    while (count < token.size()) {
        const auto dot = reply.find('.');
        token[count++] = reply.substr(0, dot);
        if (dot == std::string_view::npos) break;
        reply.remove_prefix(dot + 1);
    }
    if (count != 7 && count != 9) return std::nullopt;
    const std::size_t first = count == 7 ? 0 : 2;
    Delivery out{.stream = token[first], .consumer = token[first + 1]};
    const auto read = [&](std::size_t index, auto& number) {
        std::string_view text = token[first + index];
        return take_number(text, number) && text.empty();
    };
    if (!read(3, out.stream_sequence) || !read(4, out.consumer_sequence) ||
        !read(5, out.stored_at.ns) || !read(6, out.pending)) {
        return std::nullopt;
    }
    return out;
}

}  // namespace syncline::nats
