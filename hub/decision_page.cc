#include "hub/decision_page.h"

#include "shared/model/member.h"

namespace syncline::hub {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem}"
    "dt{opacity:.75}dd{margin:0;overflow-wrap:anywhere}"
    "textarea{width:100%;box-sizing:border-box;font:inherit}"
    "button{font:inherit;padding:.6rem 1.4rem;margin:1rem .8rem 0 0;border-radius:.4rem;"
    "border:2px solid;cursor:pointer}";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string page(std::string_view title, const std::string& body) {
    return "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width\"><title>" +
           escaped(title) + "</title><style>" + std::string{kStyle} +
           "</style></head><body><main><h1>" + escaped(title) + "</h1>" + body +
           "</main></body></html>\n";
}

std::string row(std::string_view name, std::string_view value) {
    return "<dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd>";
}

}  // namespace

std::string decision_page(const workflow::ApprovalNews& approval, std::string_view person) {
    std::string rows;
    for (const auto& [name, value] : approval.shown) rows += row(name.text, plain_text(value));
    if (!approval.requester.empty()) rows += row("asked for by", approval.requester);
    if (approval.until != Timestamp{}) {
        constexpr std::int64_t kSecond = 1'000'000'000;
        const Timestamp until{approval.until.ns / kSecond * kSecond};
        rows += row("to be answered by", to_string(until));
    }
    return page("Your approval is asked for",
                "<p>" + escaped(person) + ", as " + escaped(approval.role) + ": " +
                    escaped(approval.key) + "</p><dl>" + rows +
                    "</dl><form method=\"post\">"
                    "<input type=\"hidden\" name=\"seen\" value=\"" +
                    escaped(approval.seen) +
                    "\"><p><label for=\"comment\">Comment, kept with your answer</label><br>"
                    "<textarea id=\"comment\" name=\"comment\" rows=\"3\" maxlength=\"2000\">"
                    "</textarea></p>"
                    "<button name=\"verdict\" value=\"approve\">Approve</button>"
                    "<button name=\"verdict\" value=\"reject\">Reject</button></form>");
}

std::string message_page(std::string_view title, std::string_view text) {
    return page(title, "<p>" + escaped(text) + "</p>");
}

std::string message_page(std::string_view title, std::string_view text, const PageLink& link) {
    return page(title, "<p>" + escaped(text) + "</p><p><a href=\"" + escaped(link.url) + "\">" +
                           escaped(link.text) + "</a></p>");
}

}  // namespace syncline::hub
