#include "tests/support/otlp_receiver.h"

#include <stdexcept>

#include "shared/base/json.h"
#include "shared/model/member.h"

namespace syncline::test {
namespace {

const Value::List& list_in(const Value& object, const char* name) {
    static const Value::List kNone;
    const Value* value = member(object, name);
    const auto* list = value == nullptr ? nullptr : value->get<Value::List>();
    return list == nullptr ? kNone : *list;
}

std::string service_of(const Value& resource) {
    for (const Value& attribute : list_in(resource, "attributes")) {
        if (text_member(attribute, "key") != "service.name") continue;
        const Value* value = member(attribute, "value");
        return value == nullptr ? std::string{} : text_member(*value, "stringValue");
    }
    return {};
}

}  // namespace

OtlpReceiver::OtlpReceiver() {
    HttpServer::Settings settings;
    settings.paths = {"/v1/traces"};
    settings.body_bytes_max = 16u << 20;
    auto server = HttpServer::start(
        settings, [this](const HttpServer::Request& request, const HttpServer::Answer& answer) {
            answer({.status = take(request), .text = "{}", .content_type = "application/json"});
        });
    if (!server) throw std::runtime_error(server.error().what);
    server_ = std::move(*server);
}

std::string OtlpReceiver::url() const {
    return "http://127.0.0.1:" + std::to_string(server_->port());
}

void OtlpReceiver::answer(std::vector<unsigned> statuses) {
    const std::lock_guard lock{mutex_};
    answers_ = std::move(statuses);
}

std::vector<OtlpReceiver::Span> OtlpReceiver::spans() const {
    const std::lock_guard lock{mutex_};
    return spans_;
}

std::size_t OtlpReceiver::requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
}

std::string OtlpReceiver::authorization() const {
    const std::lock_guard lock{mutex_};
    return authorization_;
}

unsigned OtlpReceiver::take(const HttpServer::Request& request) {
    const auto body = parse_json(request.body);
    const std::lock_guard lock{mutex_};
    ++requests_;
    authorization_ = request.header("Authorization");
    if (!body) return 400;
    if (!answers_.empty()) {
        const unsigned status = answers_.front();
        answers_.erase(answers_.begin());
        if (status != 200) return status;
    }
    for (const Value& resource : list_in(*body, "resourceSpans")) {
        const Value* about = member(resource, "resource");
        const std::string service = about == nullptr ? std::string{} : service_of(*about);
        for (const Value& scope : list_in(resource, "scopeSpans")) {
            for (const Value& span : list_in(scope, "spans")) {
                spans_.push_back({.service = service,
                                  .trace = text_member(span, "traceId"),
                                  .id = text_member(span, "spanId"),
                                  .parent = text_member(span, "parentSpanId"),
                                  .name = text_member(span, "name"),
                                  .failed = member(span, "status") != nullptr});
            }
        }
    }
    return 200;
}

}  // namespace syncline::test
