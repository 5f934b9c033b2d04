#include "shared/nats/microservice.h"

#include <array>

#include "shared/base/json.h"

namespace syncline::nats {
namespace {

constexpr std::string_view kQueue = "q";  ///< What NATS's own libraries take.
constexpr std::string_view kErrorCode = "Nats-Service-Error-Code";
constexpr std::string_view kError = "Nats-Service-Error";
constexpr std::array<std::string_view, 3> kVerbs{"PING", "INFO", "STATS"};

Value number(std::uint64_t count) { return Value{static_cast<std::int64_t>(count)}; }

Value map_of(const std::vector<std::pair<std::string, std::string>>& entries) {
    Value::Map map;
    for (const auto& [name, value] : entries) map.emplace(name, value);
    return map;
}

/// A header is one line.
std::string one_line(std::string text) {
    for (char& c : text) {
        if (c == '\r' || c == '\n' || c == '\0') c = ' ';
    }
    return text;
}

}  // namespace

class Microservice::Verb final : public MessageSink {
public:
    Verb(Microservice& service, std::string_view verb) : service_(service), verb_(verb) {}
    void on_message(const InMessage& message) override { service_.answer_verb(verb_, message); }

private:
    Microservice& service_;
    std::string_view verb_;
};

class Microservice::Served final : public MessageSink {
public:
    Served(Microservice& service, std::size_t endpoint) : service_(service), endpoint_(endpoint) {}
    void on_message(const InMessage& message) override { service_.on_request(endpoint_, message); }

private:
    Microservice& service_;
    std::size_t endpoint_;
};

Microservice::Microservice(Services& services, const Clock& clock, Description description,
                           Handler handler)
    : services_(services),
      clock_(clock),
      description_(std::move(description)),
      handler_(std::move(handler)),
      started_(clock.now()),
      stats_(description_.endpoints.size()) {
    for (const std::string_view verb : kVerbs) {
        Verb* sink = verbs_.emplace_back(std::make_unique<Verb>(*this, verb)).get();
        std::string subject = "$SRV." + std::string{verb};
        for (const std::string& token : {std::string{}, description_.name, description_.id}) {
            if (!token.empty()) subject += "." + token;
            subscriptions_.push_back(services_.serve(subject, {}, sink));
        }
    }
    for (std::size_t i = 0; i < description_.endpoints.size(); ++i) {
        Served* sink = served_.emplace_back(std::make_unique<Served>(*this, i)).get();
        subscriptions_.push_back(services_.serve(description_.endpoints[i].subject, kQueue, sink));
    }
}

Microservice::~Microservice() = default;

const Microservice::Stats& Microservice::stats(std::size_t endpoint) const {
    return stats_[endpoint];
}

Value::Map Microservice::head(std::string_view type) const {
    return {{"type", "io.nats.micro.v1." + std::string{type} + "_response"},
            {"name", description_.name},
            {"id", description_.id},
            {"version", description_.version},
            {"metadata", Value::Map{}}};
}

Value Microservice::info() const {
    Value::Map out = head("info");
    out.emplace("description", description_.description);
    Value::List endpoints;
    for (const Endpoint& endpoint : description_.endpoints) {
        endpoints.emplace_back(Value::Map{{"name", endpoint.name},
                                          {"subject", endpoint.subject},
                                          {"queue_group", kQueue},
                                          {"metadata", map_of(endpoint.metadata)}});
    }
    out.emplace("endpoints", std::move(endpoints));
    return out;
}

Value Microservice::told_stats() const {
    Value::Map out = head("stats");
    out.emplace("started", to_string(started_));
    Value::List endpoints;
    for (std::size_t i = 0; i < stats_.size(); ++i) {
        const Endpoint& endpoint = description_.endpoints[i];
        const Stats& stats = stats_[i];
        const auto average = stats.requests == 0 ? 0
                                                 : stats.processing.count() /
                                                       static_cast<std::int64_t>(stats.requests);
        endpoints.emplace_back(Value::Map{{"name", endpoint.name},
                                          {"subject", endpoint.subject},
                                          {"queue_group", kQueue},
                                          {"num_requests", number(stats.requests)},
                                          {"num_errors", number(stats.errors)},
                                          {"last_error", stats.last_error},
                                          {"processing_time", stats.processing.count()},
                                          {"average_processing_time", average}});
    }
    out.emplace("endpoints", std::move(endpoints));
    return out;
}

void Microservice::answer_verb(std::string_view verb, const InMessage& request) {
    Value answer;
    if (verb == "PING") {
        answer = head("ping");
    } else {
        answer = verb == "INFO" ? info() : told_stats();
    }
    services_.reply(request.reply, to_json(answer), {});
}

void Microservice::on_request(std::size_t endpoint, const InMessage& request) {
    handler_(endpoint, request,
             [this, endpoint, to = std::string{request.reply}, began = clock_.steady(),
              alive = std::weak_ptr<int>{alive_}](const Reply& reply) {
                 if (!alive.expired()) finish(endpoint, to, began, reply);
             });
}

void Microservice::finish(std::size_t endpoint, const std::string& to, Duration began,
                          const Reply& reply) {
    Stats& stats = stats_[endpoint];
    ++stats.requests;
    stats.processing += clock_.steady() - began;
    if (reply.error == 0) return services_.reply(to, reply.body, {});
    ++stats.errors;
    const std::string code = std::to_string(reply.error);
    const std::string text = one_line(reply.text);
    stats.last_error = code + ":" + text;
    const Header headers[] = {{kErrorCode, code}, {kError, text}};
    services_.reply(to, reply.body, headers);
}

}  // namespace syncline::nats
