#include "agent/connectors/rest/request.h"

namespace syncline::agent::rest {

Result<HttpRequest> render_request(const Profile& profile, const RequestSpec& spec,
                                   const Variables& variables) {
    HttpRequest request;
    request.method = spec.method;
    request.timeout = spec.timeout > Duration{0} ? spec.timeout : profile.timeout;
    const auto path = spec.path.render(variables, Context::kPath);
    if (!path) return fail(path.error());
    request.url = *path;
    bool first = true;
    for (const auto& [name, value] : spec.query) {
        const auto text = value.render(variables, Context::kQuery, profile.literal);
        if (!text) return fail(text.error(), name);
        if (text->empty()) continue;
        request.url += (first ? "?" : "&") + percent_encode(name) + "=" + percent_encode(*text);
        first = false;
    }
    for (const NamedTemplates* headers : {&profile.headers, &spec.headers}) {
        for (const auto& [name, value] : *headers) {
            const auto text = value.render(variables, Context::kHeader);
            if (!text) return fail(text.error(), name);
            request.headers.emplace_back(name, *text);
        }
    }
    if (!spec.body.empty()) {
        const auto body = spec.body.render(variables, Context::kJson,
                                           spec.body_query ? profile.literal : Literal::kNone);
        if (!body) return fail(body.error(), "body");
        request.body = *body;
    }
    return request;
}

}  // namespace syncline::agent::rest
