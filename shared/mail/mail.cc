#include "shared/mail/mail.h"

#include <fmt/chrono.h>

#include <algorithm>

#include "shared/base/base64.h"

namespace syncline {
namespace {

constexpr std::size_t kLine = 76;          ///< RFC 2045, 6.8.
constexpr std::size_t kEncodedBytes = 42;  ///< Of an encoded word, which has 75 letters at most.
constexpr std::string_view kEnd = "\r\n";

bool is_plain(std::string_view text) {
    return text.size() <= kLine - 9 && !text.contains("=?") &&
           std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string without_controls(std::string_view text) {
    std::string out{text};
    std::ranges::replace_if(
        out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return out;
}

/// The text in encoded words (RFC 2047), none of which ends within a character.
std::string header_text(std::string_view text) {
    if (is_plain(text)) return std::string{text};
    std::string out;
    while (!text.empty()) {
        std::size_t size = std::min(kEncodedBytes, text.size());
        const auto follows = [&](std::size_t at) {
            return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
        };
        while (size > 1 && follows(size)) --size;
        if (!out.empty()) out += "\r\n ";
        out += "=?utf-8?B?" + base64(text.substr(0, size)) + "?=";
        text.remove_prefix(size);
    }
    return out;
}

std::string lines_of(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += kLine) {
        out += std::string{text.substr(i, kLine)} + std::string{kEnd};
    }
    return out;
}

}  // namespace

std::string message_of(const Mail& mail, Timestamp date) {
    const std::string domain = mail.from.substr(mail.from.find('@') + 1);
    const auto seconds = static_cast<std::time_t>(date.ns / 1'000'000'000);
    std::string out;
    const auto header = [&](std::string_view name, std::string_view value) {
        out += std::string{name} + ": " + std::string{value} + std::string{kEnd};
    };
    header("From", "Syncline <" + mail.from + ">");
    header("To", "<" + mail.to + ">");
    header("Subject", header_text(without_controls(mail.subject)));
    header("Date", fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000", fmt::gmtime(seconds)));
    header("Message-ID", "<" + mail.id + "@" + domain + ">");
    header("Auto-Submitted", "auto-generated");  // RFC 3834: no answers of absent people.
    header("MIME-Version", "1.0");
    header("Content-Type", "text/plain; charset=utf-8");
    header("Content-Transfer-Encoding", "base64");
    return out + std::string{kEnd} + lines_of(base64(mail.text));
}

}  // namespace syncline
