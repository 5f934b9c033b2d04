#include "shared/model/backfill.h"

#include <algorithm>
#include <charconv>

namespace syncline {
namespace {

constexpr std::string_view kDryRun = "dry-run";
constexpr std::string_view kTell = "tell";

}  // namespace

std::string to_text(const BackfillRequest& request) {
    std::string text =
        std::to_string(request.asked_at.ns) + " " + std::string{request.dry_run ? kDryRun : kTell};
    for (const ObjectName& object : request.objects) text += " " + object.text;
    return text;
}

std::optional<BackfillRequest> parse_backfill_request(std::string_view text) {
    BackfillRequest request;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, request.asked_at.ns);
    if (error != std::errc{} || at == end || *at != ' ') return std::nullopt;
    std::string_view rest{at + 1, end};
    std::vector<std::string> words;
    for (;;) {
        const std::size_t space = std::min(rest.find(' '), rest.size());
        if (space == 0) return std::nullopt;
        words.emplace_back(rest.substr(0, space));
        if (space == rest.size()) break;
        rest.remove_prefix(space + 1);
    }
    if (words.front() != kDryRun && words.front() != kTell) return std::nullopt;
    request.dry_run = words.front() == kDryRun;
    for (std::size_t i = 1; i < words.size(); ++i) request.objects.emplace_back(words[i]);
    return request;
}

}  // namespace syncline
