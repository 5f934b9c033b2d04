#include "hub/api/oidc/settings.h"

#include <algorithm>

#include "shared/base/local_url.h"

namespace syncline::hub::oidc {
namespace {

Grant read_grant(TomlReader& table) {
    Grant grant;
    grant.groups = table.texts("groups");
    grant.roles = read_roles(table);
    grant.objects = table.texts("objects", {});
    grant.regions = table.texts("regions", {});
    grant.sees_personal =
        table.boolean("personal", grant.roles.names() != Roles{Role::kViewer}.names());
    return grant;
}

/// Without a blank or what would end it in a header or a page.
bool is_plain(std::string_view text) {
    return std::ranges::all_of(
        text, [](unsigned char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '<'; });
}

}  // namespace

bool is_safe_url(std::string_view url) {
    const bool https = url.starts_with("https://") && url.size() > 8 && url[8] != '/';
    return (https || is_local_url(url, "http")) && is_plain(url) &&
           url.find_first_of("@#") == std::string_view::npos;
}

Settings read_settings(TomlReader table) {
    Settings settings;
    settings.issuer = table.text("issuer", "");
    settings.name = table.text("name", settings.name);
    settings.client_id = table.text("client_id", "");
    settings.client_secret = table.optional_secret("client_secret");
    settings.base = table.text("base", "");
    settings.scopes = table.texts("scopes", settings.scopes);
    settings.person_claim = table.texts("person_claim", settings.person_claim);
    settings.groups_claim = table.texts("groups_claim", settings.groups_claim);
    settings.ca_file = table.text("ca_file", "");
    for (TomlReader& one : table.tables("grants")) settings.grants.push_back(read_grant(one));
    if (!settings.enabled()) return settings;
    const char* const safe = "must be an https:// URL (http:// only on this machine)";
    if (!is_safe_url(settings.issuer)) table.problem("issuer", safe);
    if (settings.issuer.find('?') != std::string::npos) {
        table.problem("issuer", "has no query");
    }
    if (!is_safe_url(settings.base) || !settings.base.ends_with('/') ||
        settings.base.find_first_of("?;") != std::string::npos) {
        table.problem("base", std::string{safe} + " that ends with a slash, as browsers see it");
    }
    if (settings.client_id.empty()) table.problem("client_id", "is missing");
    if (settings.name.empty() || settings.name.size() > 60) {
        table.problem("name", "stands on a button: 1 to 60 bytes");
    }
    for (std::size_t i = 0; i < settings.scopes.size(); ++i) {
        if (!is_plain(settings.scopes[i])) table.problem("scopes", i, "is no scope");
    }
    if (std::ranges::find(settings.scopes, "openid") == settings.scopes.end()) {
        table.problem("scopes", "must hold `openid`");
    }
    if (settings.person_claim.empty()) table.problem("person_claim", "must name a claim");
    if (settings.groups_claim.empty()) table.problem("groups_claim", "must name a claim");
    if (settings.grants.empty()) {
        table.problem("grants", "are missing: without one nobody may do anything");
    }
    return settings;
}

}  // namespace syncline::hub::oidc
