#include "shared/nats/session.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>
#include <utility>

#include "shared/nats/received.h"
#include "shared/nats/replies.h"
#include "shared/nats/server_check.h"

namespace syncline::nats {
namespace {

constexpr std::string_view kExpectedSequence = "Nats-Expected-Last-Subject-Sequence";
constexpr std::size_t kHeaderFrame = std::string_view{"NATS/1.0\r\n\r\n"}.size();
constexpr std::size_t kHeaderSeparators = std::string_view{": \r\n"}.size();
constexpr std::size_t kNumberDigits = 20;

std::uint64_t seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

/// Blanks and control characters would end the subject early and start another protocol line.
bool is_subject(std::string_view subject) {
    if (subject.empty()) return false;
    for (const char c : subject) {
        if (static_cast<unsigned char>(c) <= ' ' || c == '\x7F') return false;
    }
    return true;
}

bool is_header(const Header& header) {
    constexpr std::string_view kLineEnds{"\r\n\0", 3};
    return !header.name.empty() && header.name.find_first_of(": \t") == std::string_view::npos &&
           header.name.find_first_of(kLineEnds) == std::string_view::npos &&
           header.value.find_first_of(kLineEnds) == std::string_view::npos;
}

}  // namespace

Session::Session(EventLoop& loop, NatsOptions options)
    : options_(std::move(options)), random_(seed()), connection_(loop, options_) {
    status_.error = connection_.error();  // What is reported is what differs from this.
}

// ---- Publishing. ----------------------------------------------------------------------------

void Session::publish(const OutMessage& message, PublishSink* sink, std::uint64_t token) {
    const ReplyTable::Entry entry{sink, token};
    if (!ready_) return refuse(entry, ErrorKind::kUnavailable, "not connected to NATS");
    if (replies_.full()) {
        return refuse(entry, ErrorKind::kUnavailable, "too many publishes are not answered yet");
    }
    if (const auto fits = check_size(message); !fits) {
        return refuse(entry, fits.error().kind, fits.error().what);
    }
    const auto ticket = replies_.add(entry, now() + options_.answer_timeout);
    const natsStatus status = transmit(message, reply_subject(ticket));
    if (status == NATS_OK) return;
    std::ignore = replies_.take({ticket.data(), ticket.size()});
    refuse(entry, status == NATS_MAX_PAYLOAD ? ErrorKind::kTooLarge : ErrorKind::kUnavailable,
           natsStatus_GetText(status));
}

Result<void> Session::check_size(const OutMessage& message) const {
    if (!is_subject(message.subject)) {
        return fail(ErrorKind::kInvalid, "not a subject: '" + std::string{message.subject} + "'");
    }
    std::size_t size = message.body.size();
    if (!message.headers.empty() || message.expected_sequence) size += kHeaderFrame;
    if (message.expected_sequence) {
        size += kExpectedSequence.size() + kHeaderSeparators + kNumberDigits;
    }
    for (const Header& header : message.headers) {
        if (!is_header(header)) {
            return fail(ErrorKind::kInvalid, "not a header: '" + std::string{header.name} + "'");
        }
        size += header.name.size() + header.value.size() + kHeaderSeparators;
    }
    if (size <= max_payload_) return {};
    return fail(ErrorKind::kTooLarge, "the message to " + std::string{message.subject} + " has " +
                                          std::to_string(size) + " bytes, the server takes " +
                                          std::to_string(max_payload_) +
                                          "; send less or raise max_payload there");
}

natsStatus Session::transmit(const OutMessage& message, const char* reply) {
    if (message.subject.starts_with('$')) {
        subject_ = on_wire(message.subject);
    } else {
        subject_.assign(message.subject);
    }
    if (!message.headers.empty() || message.expected_sequence) {
        return transmit_with_headers(message, reply);
    }
    if (reply == nullptr) {
        return natsConnection_Publish(connection_.get(), subject_.c_str(), message.body.data(),
                                      static_cast<int>(message.body.size()));
    }
    return natsConnection_PublishRequest(connection_.get(), subject_.c_str(), reply,
                                         message.body.data(),
                                         static_cast<int>(message.body.size()));
}

natsStatus Session::transmit_with_headers(const OutMessage& message, const char* reply) {
    natsMsg* raw = nullptr;
    natsStatus status = natsMsg_Create(&raw, subject_.c_str(), reply, message.body.data(),
                                       static_cast<int>(message.body.size()));
    sent_.emplace_back(raw);
    if (status == NATS_OK && message.expected_sequence) {
        std::array<char, kNumberDigits + 1> digits;
        *std::to_chars(digits.data(), digits.data() + kNumberDigits, *message.expected_sequence)
             .ptr = '\0';
        status = natsMsgHeader_Set(raw, kExpectedSequence.data(), digits.data());
    }
    std::string name;
    for (const Header& header : message.headers) {
        if (status != NATS_OK) return status;
        name.assign(header.name);
        value_.assign(header.value);
        status = natsMsgHeader_Set(raw, name.c_str(), value_.c_str());
    }
    return status == NATS_OK ? natsConnection_PublishMsg(connection_.get(), raw) : status;
}

const char* Session::reply_subject(const ReplyTable::Ticket& ticket) {
    std::copy(ticket.begin(), ticket.end(), reply_.end() - ReplyTable::kTicketSize);
    return reply_.c_str();
}

void Session::refuse(const ReplyTable::Entry& entry, ErrorKind kind, std::string_view what) {
    refusals_.push_back({entry, {kind, std::string{what}}});
}

void Session::send(std::string_view subject, std::string_view body, std::string_view reply,
                   std::span<const Header> headers) {
    const OutMessage message{subject, body, headers, {}};
    if (!ready_ || !check_size(message)) return;
    // Without store and without answer: what is lost here is lost.
    std::ignore = transmit(message, reply.empty() ? nullptr : std::string{reply}.c_str());
}

// ---- Requests. ------------------------------------------------------------------------------

std::string Session::on_wire(std::string_view subject) const {
    return api::under(options_.jetstream_prefix, subject);
}

void Session::request(const api::Request& request, Answer done, std::span<const Header> headers) {
    request_message(
        request,
        [done = std::move(done)](const Result<InMessage>& answer) {
            if (!answer) return done(fail(answer.error()));
            done(answer->body);
        },
        headers);
}

void Session::request_message(const api::Request& request, MessageAnswer done,
                              std::span<const Header> headers) {
    if (ready_) return send_request(request, std::move(done), headers);
    const std::uint64_t id = next_request_++;
    requests_.emplace(id, Request{request.subject, std::move(done)});
    refuse({nullptr, id}, ErrorKind::kUnavailable, "not connected to NATS");
}

void Session::send_request(const api::Request& request, MessageAnswer done,
                           std::span<const Header> headers) {
    const std::uint64_t id = next_request_++;
    Request& kept =
        requests_.emplace(id, Request{on_wire(request.subject), std::move(done)}).first->second;
    const OutMessage message{request.subject, request.body, headers, {}};
    if (replies_.full() || !check_size(message)) {
        return refuse({nullptr, id}, ErrorKind::kInvalid, "cannot be sent: " + request.subject);
    }
    const auto ticket = replies_.add({nullptr, id}, now() + options_.answer_timeout);
    kept.ticket = ticket;
    const natsStatus status = transmit(message, reply_subject(ticket));
    if (status == NATS_OK) return;
    std::ignore = replies_.take({ticket.data(), ticket.size()});
    refuse({nullptr, id}, ErrorKind::kUnavailable, natsStatus_GetText(status));
}

Result<handle::Subscription> Session::subscribe(const std::string& subject,
                                                const std::string& queue) {
    natsSubscription* raw = nullptr;
    natsStatus status = queue.empty()
                            ? natsConnection_SubscribeSync(&raw, connection_.get(), subject.c_str())
                            : natsConnection_QueueSubscribeSync(&raw, connection_.get(),
                                                                subject.c_str(), queue.c_str());
    handle::Subscription made{raw};
    // Its default is to drop what a slow reader has not taken; ours is bounded by pull credit.
    if (status == NATS_OK) status = natsSubscription_SetPendingLimits(raw, -1, -1);
    if (status == NATS_OK) return made;
    return fail(ErrorKind::kUnavailable,
                "cannot subscribe to " + subject + ": " + natsStatus_GetText(status));
}

std::string Session::new_inbox() {
    constexpr std::string_view kAlphabet =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    std::string out = options_.inbox_prefix + ".";
    for (int word = 0; word < 2; ++word) {
        std::uint64_t bits = random_();
        for (int i = 0; i < 10; ++i, bits >>= 6) out += kAlphabet[bits & 63];
    }
    return out;
}

// ---- The turn. ------------------------------------------------------------------------------

Duration Session::before_wait() {
    connection_.flush();
    sent_.clear();
    if (!refusals_.empty()) return Duration::zero();
    const Duration moment = now();
    Duration wait = connection_.next_step(moment);
    if (const auto due = replies_.next_deadline()) wait = std::min(wait, *due - moment);
    return wait;
}

void Session::after_wait() {
    // Answers first: those that came before a connection broke are still good.
    if (answers_ != nullptr) take_answers();
    switch (connection_.step(now(), random())) {
        case Connection::Change::kUp: on_up(); break;
        case Connection::Change::kDown: on_down(); break;
        case Connection::Change::kNone: break;
    }
    take_reports();
    expire();
    deliver_refusals();
    report();
}

void Session::on_up() {
    ++epoch_;
    no_responders_ = 0;
    no_responders_trusted_ = Duration::zero();
    reply_ = new_inbox() + ".";
    const std::string prefix = reply_;
    reply_.append(ReplyTable::kTicketSize, '0');
    max_payload_ = static_cast<std::size_t>(
        std::max<std::int64_t>(natsConnection_GetMaxPayload(connection_.get()), 0));
    auto answers = subscribe(prefix + "*");
    if (!answers) return connection_.reject(std::move(answers.error()), now(), random());
    answers_ = *std::move(answers);
    status_.server_version.clear();
    send_request({std::string{api::kUserInfoSubject}, {}},
                 [this](const Result<InMessage>& answer) { on_version(answer); });
}

void Session::on_version(const Result<InMessage>& answer) {
    if (connection_.get() == nullptr) return;  // Lost while it was asked.
    Result<void> good{};
    if (answer) {
        status_.server_version = api::parse_server_version(answer->body);
        good = check_server(status_.server_version);
    } else if (answer.error().kind == ErrorKind::kUnavailable) {
        good = check_server({});  // Nobody answers before 2.10.
    } else if (answer.error().kind != ErrorKind::kDenied) {
        good = fail(ErrorKind::kUnavailable, "the NATS server accepts us but does not answer");
    }
    if (!good) {
        answers_.reset();
        connection_.reject(std::move(good.error()), now(), random());
        return;
    }
    connection_.accept();
    ready_ = true;
    ++counters_.connects;
}

void Session::on_down() {
    ready_ = false;
    answers_.reset();
    while (const auto entry = replies_.take_any()) {
        tell(*entry, {ErrorKind::kAmbiguous,
                      "the connection to NATS broke before the answer; it may have been done"});
    }
}

void Session::take_answers() {
    int queued = 0;
    if (natsSubscription_GetPending(answers_.get(), &queued, nullptr) != NATS_OK) return;
    handle::Spent spent;
    for (; queued > 0 && answers_ != nullptr; --queued) {
        natsMsg* raw = nullptr;
        const natsStatus status = natsSubscription_NextMsg(&raw, answers_.get(), 0);
        if (status == NATS_NO_RESPONDERS) {
            on_no_responders();
        } else if (status != NATS_OK) {
            return;
        } else {
            spent.emplace_back(raw);
            on_answer(raw);
        }
        if (no_responders_ > 0) settle_no_responders();
    }
}

void Session::on_no_responders() {
    // nats.c says that somebody's request found nobody, but throws away whose. So they are counted:
    // as soon as nothing else is open, these are the ones. It is not so after an entry's time was
    // up, when this may be its late answer; the others then end as kAmbiguous, which is safe.
    if (now() >= no_responders_trusted_) ++no_responders_;
}

void Session::settle_no_responders() {
    if (no_responders_ != replies_.size()) return;
    // Callbacks may publish more; those come after the ones that are settled here.
    for (; no_responders_ > 0; --no_responders_) {
        const auto entry = replies_.take_any();
        if (!entry) break;
        tell(*entry, {ErrorKind::kUnavailable, "no stream or service listens there"});
    }
    no_responders_ = 0;
}

void Session::on_answer(natsMsg* message) {
    std::string_view subject = natsMsg_GetSubject(message);
    subject.remove_prefix(std::min(subject.size(), reply_.size() - ReplyTable::kTicketSize));
    const auto entry = replies_.take(subject);
    if (!entry) {
        ++counters_.late_answers;
        return;
    }
    if (entry->sink == nullptr) return answer_request(entry->token, received::view(message));
    tell(*entry, parse_publish_ack(received::body(message)));
}

void Session::tell(const ReplyTable::Entry& entry, const Result<std::uint64_t>& sequence) {
    if (sequence) {
        ++counters_.published;
    } else if (sequence.error().kind == ErrorKind::kConflict) {
        ++counters_.conflicts;
    } else if (sequence.error().kind == ErrorKind::kAmbiguous) {
        ++counters_.ambiguous;
    } else {
        ++counters_.refused;
    }
    entry.sink->on_published(entry.token, sequence);
}

void Session::tell(const ReplyTable::Entry& entry, Error error) {
    if (entry.sink == nullptr) return answer_request(entry.token, fail(std::move(error)));
    tell(entry, Result<std::uint64_t>{fail(std::move(error))});
}

void Session::answer_request(std::uint64_t id, const Result<InMessage>& answer) {
    auto found = requests_.extract(id);
    if (!found.empty()) found.mapped().done(answer);
}

void Session::expire() {
    const Duration moment = now();
    while (const auto entry = replies_.take_due(moment)) {
        // A connection on which nothing comes for longer than this is given up.
        no_responders_trusted_ = moment + 4 * options_.ping_interval;
        no_responders_ = 0;
        tell(*entry, {ErrorKind::kAmbiguous, "no answer from NATS in " +
                                                 std::to_string(options_.answer_timeout.count()) +
                                                 " ms; it may have been done"});
    }
}

void Session::take_reports() {
    for (const std::string& text : connection_.take_reports()) {
        std::vector<std::uint64_t> denied;
        for (const auto& [id, request] : requests_) {
            if (text.find("\"" + request.subject + "\"") != std::string::npos) denied.push_back(id);
        }
        for (const std::uint64_t id : denied) {
            const ReplyTable::Ticket& ticket = requests_.at(id).ticket;
            std::ignore = replies_.take({ticket.data(), ticket.size()});
            answer_request(id, fail(ErrorKind::kDenied, "the NATS server says: " + text));
        }
        if (denied.empty() && options_.on_status && ready_ && is_news(text)) {
            LinkStatus told = status_;
            told.error = {ErrorKind::kDenied, "the NATS server says: " + text};
            options_.on_status(told);
        }
    }
}

bool Session::is_news(const std::string& report) {
    constexpr Duration kOnceIn = std::chrono::minutes{1};
    constexpr std::size_t kKept = 100;
    const Duration moment = now();
    if (reported_.size() >= kKept) reported_.clear();
    const auto [entry, added] = reported_.try_emplace(report, moment);
    if (!added && moment - entry->second < kOnceIn) return false;
    entry->second = moment;
    return true;
}

void Session::deliver_refusals() {
    // What is refused from within these callbacks waits for the next turn.
    for (Refusal& refusal : std::exchange(refusals_, {})) {
        tell(refusal.entry, std::move(refusal.error));
    }
}

void Session::report() {
    using State = LinkStatus::State;
    State state = State::kConnecting;
    Error error;
    if (ready_) {
        state = State::kConnected;
    } else {
        error = connection_.error();
        if (!error.what.empty()) state = State::kWaiting;
        if (connection_.refused()) state = State::kRefused;
    }
    const bool same = state == status_.state && error.kind == status_.error.kind &&
                      (state != State::kRefused || error.what == status_.error.what);
    if (same) return;
    status_.state = state;
    status_.error = std::move(error);
    status_.server = connection_.server();
    if (options_.on_status) options_.on_status(status_);
}

}  // namespace syncline::nats
