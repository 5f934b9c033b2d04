#include "shared/model/list.h"

#include <algorithm>
#include <charconv>

namespace syncline {
namespace {

constexpr std::string_view kWhole = "whole";
constexpr std::string_view kDifferent = "different";
constexpr std::size_t kActorMost = 128;
constexpr std::size_t kDigestDigits = 32;

/// The first word, which is cut off `text`.
std::string_view word(std::string_view& text) {
    const auto at = text.find(' ');
    const std::string_view first = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return first;
}

template <class T>
bool read_number(std::string_view text, T& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string to_text(const ListRequest& request) {
    const bool whole = request.mode == ListRequest::Mode::kWhole;
    std::string text =
        std::to_string(request.asked_at.ns) + " " + std::string{whole ? kWhole : kDifferent};
    if (!request.actor.empty()) text += " " + request.actor.substr(0, kActorMost);
    return text;
}

std::optional<ListRequest> parse_list_request(std::string_view text) {
    ListRequest request;
    if (!read_number(word(text), request.asked_at.ns)) return std::nullopt;
    const std::string_view mode = word(text);
    if (mode != kWhole && mode != kDifferent) return std::nullopt;
    if (mode == kWhole) request.mode = ListRequest::Mode::kWhole;
    if (text.size() > kActorMost) return std::nullopt;
    request.actor = std::string{text};
    return request;
}

std::string to_text(const ListTake& take) {
    return std::to_string(take.generation) + " " + take.digest;
}

std::optional<ListTake> parse_list_take(std::string_view text) {
    ListTake take;
    if (!read_number(word(text), take.generation) || !is_list_digest(text)) return std::nullopt;
    take.digest = std::string{text};
    return take;
}

bool is_list_digest(std::string_view text) {
    return text.size() == kDigestDigits && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

const char* name_of(ListNews::Kind kind) {
    switch (kind) {
        case ListNews::Kind::kParts: return "parts";
        case ListNews::Kind::kRead: return "read";
        case ListNews::Kind::kUnreadable: return "unreadable";
        case ListNews::Kind::kApplied: return "applied";
        case ListNews::Kind::kNotApplied: return "not applied";
    }
    return "?";
}

/// No object's name begins so.
EntityKey list_entity(const ListName& list) { return {ObjectName{"_list"}, EntityId{list.text}}; }

}  // namespace syncline
