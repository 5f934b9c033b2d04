#include "hub/ctl/session.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <random>

#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/nats/jetstream_api.h"

namespace syncline::ctl {
namespace {

using namespace std::chrono_literals;
using nats::Link;

volatile std::sig_atomic_t interrupt_seen = 0;
std::atomic<nats::EventLoop*> loop_to_wake{nullptr};
std::atomic<bool> signals_wanted{false};
thread_local const std::function<bool()>* wish_to_end = nullptr;

void on_signal(int) {
    interrupt_seen = 1;
    if (auto* loop = loop_to_wake.load()) loop->wake();
}

/// A URL without what stands before the @.
std::string without_userinfo(const std::string& url) {
    const auto scheme = url.find("://");
    const auto start = scheme == std::string::npos ? 0 : scheme + 3;
    const auto at = url.rfind('@');
    return at == std::string::npos || at < start ? url : url.substr(0, start) + url.substr(at + 1);
}

/// Everything before the verb in the subjects of JetStream's API, which is spelled elsewhere.
std::string api_prefix() {
    const std::string sample = nats::api::stream_info("X").subject;
    return sample.substr(0, sample.find("STREAM.INFO"));
}

/// How long the server keeps a consumer that was made to be told how much it would deliver.
constexpr Duration kCounted = 2s;
constexpr Duration kReportWait = 50ms;

struct Reader final : nats::MessageSink {
    explicit Reader(const std::function<Session::More(const nats::InMessage&)>& given)
        : take(given) {}
    void on_message(const nats::InMessage& message) override {
        if (done) return;
        progress = true;
        subscription->processed(1);
        done = take(message) == Session::More::kEnough || message.pending == 0;
    }
    const std::function<Session::More(const nats::InMessage&)>& take;
    std::unique_ptr<nats::Subscription> subscription;
    bool progress = false;
    bool done = false;
};

}  // namespace

bool interrupted() { return interrupt_seen != 0 || (wish_to_end != nullptr && (*wish_to_end)()); }

void interrupt_by(const std::function<bool()>* wish) { wish_to_end = wish; }

void catch_signals() {
    signals_wanted = true;
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // A second Ctrl-C ends it in any case.
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

Session::Session(nats::NatsOptions options, Duration timeout)
    : timeout_(timeout), inbox_prefix_(options.inbox_prefix) {
    for (std::string& url : options.urls) {
        urls_ += (urls_.empty() ? "" : ", ") + printable(without_userinfo(url));
    }
    std::random_device random;
    run_ = std::to_string(random()) + std::to_string(random());
    options.on_status = [reports = reports_](const nats::LinkStatus& status) {
        reports->push_back(status.error.what);
    };
    // Whoever has an account of his own may not: he could delete anybody's.
    may_delete_ = options.jetstream_prefix == nats::NatsOptions{}.jetstream_prefix;
    link_ = std::make_unique<nats::NatsLink>(loop_, std::move(options));
    if (signals_wanted) loop_to_wake = &loop_;
}

Session::~Session() {
    if (signals_wanted) loop_to_wake = nullptr;
}

Result<std::unique_ptr<Session>> Session::open(nats::NatsOptions options, Duration timeout) {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout);
    options.connect_timeout = std::min(options.connect_timeout, milliseconds);
    options.answer_timeout = milliseconds;
    options.io_buffer_bytes = 64U << 10;
    std::unique_ptr<Session> session{new Session{std::move(options), timeout}};
    nats::NatsLink& link = *session->link_;
    const auto settled = [&] {
        return link.connected() || link.status().state == nats::LinkStatus::State::kRefused;
    };
    if (session->until(settled, timeout) && link.connected()) return session;
    const Error why =
        link.last_error().value_or(Error{ErrorKind::kUnavailable, "no answer in time"});
    return fail(why.kind, "NATS at " + session->urls_ + " cannot be used: " + why.what +
                              ". Check --server (or SYNCLINE_NATS_URL), the credentials, and "
                              "that the server runs");
}

bool Session::until(const std::function<bool()>& condition, Duration most) {
    const Duration end = clock_.steady() + most;
    while (!condition()) {
        const Duration left = end - clock_.steady();
        if (left.count() <= 0 || interrupted()) return false;
        loop_.poll(std::min<Duration>(left, 50ms));
    }
    return true;
}

template <class T>
Result<T> Session::wait(const std::function<void(Link::Done<T>)>& ask, std::string_view what) {
    std::optional<Result<T>> answer;
    const auto alive = std::make_shared<bool>(true);
    ask([&answer, alive](Result<T> told) {
        if (*alive) answer.emplace(std::move(told));
    });
    const bool answered = until([&] { return answer.has_value(); }, timeout_ + 1s);
    *alive = false;
    if (!answered) {
        return fail(ErrorKind::kAmbiguous, std::string{what} + ": no answer from " + urls_);
    }
    if (!*answer) return fail(answer->error(), std::string{what});
    return std::move(*answer);
}

Result<std::optional<nats::StoredMessage>> Session::get_last(std::string_view stream,
                                                             std::string_view subject) {
    return wait<std::optional<nats::StoredMessage>>(
        [&](auto done) { link_->get_last(stream, subject, std::move(done)); },
        "reading " + std::string{subject});
}

Result<nats::StreamInfo> Session::stream_info(std::string_view stream) {
    return wait<nats::StreamInfo>([&](auto done) { link_->stream_info(stream, std::move(done)); },
                                  "looking at stream " + std::string{stream});
}

std::string Session::new_name() { return "sync-ctl-" + run_ + "-" + std::to_string(++names_); }

void Session::drop_consumer(std::string_view stream, const std::string& name) {
    // Unanswered it would go by itself half a minute later.
    const nats::api::Request request = nats::api::consumer_delete(stream, name);
    link_->request(request.subject, request.body, [](const Result<std::string_view>&) {});
}

Result<std::vector<std::uint64_t>> Session::count(const std::vector<nats::ConsumeSpec>& specs) {
    struct Asked {
        std::vector<std::uint64_t> counts;
        std::size_t open = 0;
        std::optional<Error> error;
    };
    const auto asked = std::make_shared<Asked>();
    asked->counts.resize(specs.size());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        const nats::ConsumeSpec& spec = specs[i];
        names.push_back(new_name());
        const auto request = nats::api::consumer_create(spec, names.back(),
                                                        {.last_per_subject = spec.last_per_subject,
                                                         .sequence = spec.start_sequence,
                                                         .gone_after = kCounted});
        ++asked->open;
        link_->request(
            request.subject, request.body, [asked, i](const Result<std::string_view>& answer) {
                --asked->open;
                const auto info = answer ? nats::api::parse_consumer_info(*answer)
                                         : Result<nats::api::ConsumerInfo>{fail(answer.error())};
                if (info) {
                    asked->counts[i] = info->pending;
                } else {
                    asked->error = info.error();
                }
            });
    }
    if (!until([&] { return asked->open == 0; }, timeout_ + 1s)) {
        return fail(ErrorKind::kAmbiguous, "counting messages: no answer from " + urls_);
    }
    for (std::size_t i = 0; may_delete_ && i < specs.size(); ++i) {
        drop_consumer(specs[i].stream, names[i]);
    }
    if (asked->error) return fail(*asked->error, "counting messages");
    return asked->counts;
}

Result<void> Session::read_each(nats::ConsumeSpec spec,
                                const std::function<More(const nats::InMessage&)>& take) {
    // A subscription waits for a stream that is not there; asking does not.
    const auto info = stream_info(spec.stream);
    if (!info) return fail(info.error());
    const std::string what = "reading " + spec.stream;
    spec.brief = may_delete_;
    Reader reader{take};
    reader.subscription = link_->consume(spec, &reader);
    const auto is_over = [&] { return reader.done || reader.subscription->caught_up(); };
    while (!is_over()) {
        reader.progress = false;
        const bool any = until([&] { return is_over() || reader.progress; }, timeout_);
        if (interrupted()) return fail(ErrorKind::kAmbiguous, what + ": interrupted");
        if (any) continue;
        // What was to come may be gone by now: presence ends by age. Or reading is refused.
        const auto left = count({spec});
        if (!left) return fail(left.error());
        if (left->front() == 0) return {};
        return fail(ErrorKind::kAmbiguous,
                    what + ": nothing came from " + urls_ + " within " + duration_text(timeout_));
    }
    return {};
}

Result<std::vector<nats::StoredMessage>> Session::read_all(nats::ConsumeSpec spec) {
    std::vector<nats::StoredMessage> out;
    const auto read = read_each(std::move(spec), [&](const nats::InMessage& message) {
        out.push_back({.subject = std::string{message.subject},
                       .body = std::string{message.body},
                       .sequence = message.sequence,
                       .stored_at = message.stored_at,
                       .deleted = message.deleted});
        return More::kWanted;
    });
    if (!read) return fail(read.error());
    return out;
}

std::optional<std::string> Session::denied(std::string_view subject) const {
    const std::string ending = std::string{subject} + "\"";  // Perhaps below a prefix.
    const auto found = std::ranges::find_if(*reports_, [&](const std::string& report) {
        return report.find(ending) != std::string::npos;
    });
    return found == reports_->end() ? std::nullopt : std::optional{*found};
}

Result<std::uint64_t> Session::publish(const nats::OutMessage& message) {
    ack_.told.reset();
    reports_->clear();
    link_->publish(message, &ack_, ++ack_.wanted);
    const std::string what = "publishing to " + std::string{message.subject};
    // The server does not answer what it drops, but reports it beside.
    const auto over = [&] { return ack_.told.has_value() || denied(message.subject); };
    const bool told = until(over, timeout_ + 1s);
    if (const auto text = denied(message.subject)) {
        return fail(ErrorKind::kDenied, what + ": " + *text);
    }
    if (!told) {
        return fail(ErrorKind::kAmbiguous, what + ": no answer from " + urls_);
    }
    if (!*ack_.told) return fail(ack_.told->error(), what);
    return *ack_.told;
}

Result<void> Session::send(std::string_view subject, std::string_view body) {
    link_->send(subject, body);
    // The answer to anything asked later on this connection proves that the server has it.
    const auto after = jetstream("INFO", "", Value::Map{});
    const std::string what = "sending to " + std::string{subject};
    if (!after) return fail(after.error(), what);
    // A report comes on a thread of nats.c, perhaps a moment later than the answer.
    if (!until([&] { return denied(subject).has_value(); }, kReportWait)) return {};
    return fail(ErrorKind::kDenied, what + ": " + *denied(subject));
}

Result<std::string> Session::request(std::string_view subject, std::string_view body) {
    return wait<std::string>(
        [&](Link::Done<std::string> done) {
            link_->request(subject, body, [done](const Result<std::string_view>& told) {
                done(told ? Result<std::string>{std::string{*told}} : fail(told.error()));
            });
        },
        "asking " + std::string{subject});
}

Result<std::vector<std::string>> Session::ask_all(std::string_view subject, std::string_view body,
                                                  Duration quiet) {
    class Answers final : public nats::MessageSink {
    public:
        void on_message(const nats::InMessage& message) override {
            bodies.emplace_back(message.body);
        }
        std::vector<std::string> bodies;
    };
    Answers answers;
    const auto subscription = link_->ask_all(subject, body, &answers);
    std::size_t heard = 0;
    do {
        heard = answers.bodies.size();
    } while (until([&] { return answers.bodies.size() > heard; }, quiet));
    if (!link_->connected()) {
        return fail(ErrorKind::kUnavailable, "the connection to " + server_text() + " is lost");
    }
    return std::move(answers.bodies);
}

Result<Value> Session::jetstream(std::string_view verb, std::string_view tail, const Value& body) {
    std::string subject = api_prefix() + std::string{verb};
    if (!tail.empty()) subject += "." + std::string{tail};
    const auto* map = body.get<Value::Map>();
    const std::string text = map != nullptr && map->empty() ? "" : to_json(body);
    std::optional<Result<Value>> parsed;
    auto answer = wait<std::string>(
        [&](Link::Done<std::string> done) {
            link_->request(subject, text, [done](const Result<std::string_view>& told) {
                done(told ? Result<std::string>{std::string{*told}} : fail(told.error()));
            });
        },
        "asking JetStream for " + std::string{verb});
    if (!answer) return fail(answer.error());
    auto value = parse_json(*answer);
    if (!value) return fail(ErrorKind::kUnavailable, value.error().what);
    const auto* fields = value->get<Value::Map>();
    if (fields == nullptr) return fail(ErrorKind::kUnavailable, "the answer is no JSON object");
    if (const auto error = fields->find("error"); error != fields->end()) {
        const auto* told = error->second.get<Value::Map>();
        const auto code =
            told == nullptr ? Value{} : Value{told->contains("code") ? told->at("code") : Value{}};
        const bool absent = code == Value{404};
        return fail(absent ? ErrorKind::kNotFound : ErrorKind::kUnavailable,
                    std::string{verb} + ": " + display(error->second));
    }
    return *std::move(value);
}

Result<std::optional<nats::StoredMessage>> Session::first_from(std::string_view stream,
                                                               std::uint64_t sequence) {
    return next_from(stream, sequence, ">");
}

Result<std::optional<nats::StoredMessage>> Session::next_from(std::string_view stream,
                                                              std::uint64_t sequence,
                                                              std::string_view filter) {
    const Value body = Value::Map{{"seq", static_cast<std::int64_t>(sequence)},
                                  {"next_by_subj", std::string{filter}}};
    return wait<std::optional<nats::StoredMessage>>(
        [&](Link::Done<std::optional<nats::StoredMessage>> done) {
            link_->request(api_prefix() + "STREAM.MSG.GET." + std::string{stream}, to_json(body),
                           [done](const Result<std::string_view>& told) {
                               if (!told) return done(fail(told.error()));
                               done(nats::api::parse_stored_message(*told));
                           });
        },
        "reading " + std::string{stream});
}

Result<std::uint64_t> Session::sequence_at(std::string_view stream, Timestamp time) {
    const auto info = stream_info(stream);
    if (!info) return fail(info.error());
    std::uint64_t low = std::max<std::uint64_t>(info->first_sequence, 1);
    std::uint64_t high = info->last_sequence + 1;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        const auto found = first_from(stream, middle);
        if (!found) return fail(found.error());
        if (!*found || (*found)->stored_at >= time) {
            high = middle;
        } else {
            low = (*found)->sequence + 1;
        }
    }
    return low;
}

std::string Session::server_text() const {
    const nats::LinkStatus& status = link_->status();
    return status.server.empty() ? urls_ : status.server;
}

}  // namespace syncline::ctl
