#include "hub/webhooks/webhooks.h"

#include <algorithm>
#include <set>

#include "hub/webhooks/mails.h"
#include "shared/base/log.h"
#include "shared/http/standard_webhooks.h"
#include "shared/wire/subjects.h"

namespace syncline::hub::webhooks {
namespace {

constexpr std::size_t kWindow = 64;  ///< Events read ahead.
constexpr Backoff::Limits kRetry{std::chrono::seconds{1}, std::chrono::minutes{5}};
constexpr Duration kTellAfter = std::chrono::minutes{5};
constexpr Duration kStoreEvery = std::chrono::seconds{1};
constexpr Duration kLongest = std::chrono::seconds{1};  ///< Until tick() is wanted again.
/// An event that is refused so often is gone by.
constexpr std::uint64_t kRefusalsMost = 5;

/// What its reader asks the stream for: no two that have events in common.
std::vector<std::string> filters_of(const WebhookSpec& webhook) {
    const std::set<std::string> patterns(webhook.events.begin(), webhook.events.end());
    if (patterns.contains("*")) return {subjects::events_wildcard()};
    std::vector<std::string> filters;
    for (const std::string& pattern : patterns) {
        const auto dot = pattern.find('.');
        const std::string object = pattern.substr(0, dot);
        const std::string name = dot == std::string::npos ? "*" : pattern.substr(dot + 1);
        if (name != "*" && patterns.contains(object + ".*")) continue;
        filters.push_back(subjects::events_of(ObjectName{object}, name == "*" ? "" : name));
    }
    return filters;
}

bool is_same(const WebhookSpec& a, const WebhookSpec& b) {
    return a.url == b.url && a.mail_to == b.mail_to && a.links == b.links && a.events == b.events &&
           a.timeout == b.timeout && a.disable_after == b.disable_after &&
           a.secret.source_text() == b.secret.source_text();
}

}  // namespace

// ---- One webhook. ------------------------------------------------------------------------------

class Webhooks::Hook final : nats::MessageSink {
public:
    Hook(Webhooks& owner, WebhookSpec spec)
        : owner_(owner),
          p_(owner.p_),
          spec_(std::move(spec)),
          token_(++owner.tokens_),
          client_(spec_.is_mail() ? nullptr : p_.make_client()),
          sender_(p_.wake),
          backoff_(kRetry) {}

    [[nodiscard]] const WebhookSpec& spec() const { return spec_; }

    /// What another one has stored, or what this hub finds.
    void adopt(const Stored& stored) {
        if (known_ && stored.sequence <= sequence_) return;
        const bool ours = storing_ && stored.progress == progress_stored_;
        sequence_ = stored.sequence;
        if (ours) return;
        progress_ = stored.progress;
        known_ = true;
        dirty_ = false;
        start_over();
    }

    /// Nobody has heard of it: what is told from now on goes there.
    void begin() {
        if (known_ || asking_) return;
        asking_ = true;
        p_.link.stream_info(subjects::kStreamEvents,
                            [this, alive = std::weak_ptr<int>{alive_}](const auto& info) {
                                if (alive.expired()) return;
                                asking_ = false;
                                if (!info || known_) return;
                                progress_.position = info->last_sequence;
                                progress_.position_at = p_.clock.now();
                                known_ = true;
                                store_soon(Duration{0});
                            });
    }

    void tick() {
        if (const auto verdict = sender_.take()) on_verdict(*verdict);
        if (known_ && progress_.disabled.empty()) {
            if (!reader_ && !asking_) read();
            send_next();
        } else {
            stop_reading();
        }
        if (is_to_store() && p_.clock.steady() >= store_due_) store();
    }

    [[nodiscard]] Duration next_wait() const {
        const Duration now = p_.clock.steady();
        Duration due = now + kLongest;
        if (!waiting_.empty() && !sending_) due = std::min(due, due_);
        if (is_to_store()) due = std::min(due, store_due_);
        return std::max(due - now, Duration{0});
    }

    [[nodiscard]] bool is_to_store() const {
        return known_ && dirty_ && !storing_ && p_.link.connected();
    }
    void store() {
        if (!is_to_store()) return;
        dirty_ = false;
        storing_ = true;
        progress_stored_ = progress_;
        const std::string body = encode(progress_);
        p_.link.publish({subjects::webhook(spec_.name), body, {}, sequence_}, &owner_, token_);
    }
    [[nodiscard]] std::uint64_t token() const { return token_; }
    void on_published(const Result<std::uint64_t>& sequence) {
        storing_ = false;
        if (sequence) {
            sequence_ = std::max(sequence_, *sequence);
        } else {
            // Somebody has acted on it, which comes by the other way; or it is tried again.
            store_soon(kStoreEvery);
        }
    }

private:
    struct Waiting {
        std::uint64_t sequence = 0;
        Timestamp stored_at;
        std::string subject;
        Result<Delivery> delivery;
        std::optional<std::vector<Mail>> mails = {};  ///< That are left to be sent.
    };

    void start_over() {
        stop_reading();
        ++run_;
        next_at_once();
    }

    void stop_reading() {
        reader_.reset();
        waiting_.clear();
    }

    /// From behind what is done with; a person hears of what the stream has not kept so long.
    void read() {
        asking_ = true;
        p_.link.stream_info(subjects::kStreamEvents,
                            [this, alive = std::weak_ptr<int>{alive_}](const auto& info) {
                                if (alive.expired()) return;
                                asking_ = false;
                                if (!info || reader_) return;
                                const bool lost = info->first_sequence > progress_.position + 1 &&
                                                  info->last_sequence > progress_.position;
                                if (lost) tell_of_lost(info->first_sequence);
                                nats::ConsumeSpec spec;
                                spec.stream = subjects::kStreamEvents;
                                spec.filters = filters_of(spec_);
                                spec.start_sequence = progress_.position + 1;
                                spec.read_until = progress_.position_at;
                                spec.window = kWindow;
                                reader_ = p_.link.consume(std::move(spec), this);
                            });
    }

    void on_message(const nats::InMessage& message) override {
        waiting_.push_back(
            {message.sequence, message.stored_at, std::string{message.subject},
             delivery_of(*owner_.policy_, message.subject, message.body, message.header)});
    }

    void send_next() {
        if (sending_ || waiting_.empty() || p_.clock.steady() < due_) return;
        const Waiting& next = waiting_.front();
        if (!next.delivery) return give_up(next.delivery.error().what);
        if (spec_.is_mail()) return send_mail();
        send_request();
    }

    [[nodiscard]] Links links() const {
        if (!spec_.links) return {};
        return links_for(*owner_.policy_, *waiting_.front().delivery, p_.links, p_.clock.now());
    }

    void send_request() {
        if (auto loaded = spec_.secret.load(); !loaded) return failed(loaded.error().what, {});
        const auto key = standard_webhooks::key_in(spec_.secret.reveal());
        if (!key) {
            return failed("the secret from " + spec_.secret.source_text() +
                              " is not whsec_ and base64 of 24 to 64 bytes",
                          {});
        }
        start(
            [client = client_,
             request = request_of(spec_, *waiting_.front().delivery, links(), *key, p_.clock.now()),
             &clock = p_.clock](const std::stop_token& stop) {
                return judge(client->send(request, stop), clock.now());
            });
    }

    /// One mail; one whom nobody is to have is done with.
    void send_mail() {
        Waiting& next = waiting_.front();
        if (p_.mail.server.empty()) {
            return failed("this hub has no `[mail]` in its configuration", {});
        }
        if (!next.mails) {
            next.mails = mails_of(spec_, *owner_.policy_, *next.delivery, links(), p_.mail.from,
                                  p_.clock.now());
        }
        if (next.mails->empty()) return go_on();
        start([settings = p_.mail, mail = next.mails->back(), timeout = spec_.timeout,
               &clock = p_.clock](const std::stop_token& stop) {
            return judge_mail(syncline::send_mail(settings, mail, clock.now(), timeout, stop));
        });
    }

    void start(Sender::Job job) {
        sending_ = true;
        sent_run_ = run_;
        sender_.start(std::move(job));
    }

    void on_verdict(Verdict verdict) {
        sending_ = false;
        if (sent_run_ != run_ || waiting_.empty() || !progress_.disabled.empty()) return;
        switch (verdict.what) {
            case Verdict::What::kTaken: return taken();
            case Verdict::What::kRefused:
                p_.count(spec_.name, "refused");
                if (++refusals_ >= kRefusalsMost) return give_up(verdict.why);
                due_ = p_.clock.steady() + backoff_.next(owner_.random_());
                return;
            case Verdict::What::kGone: return disable(verdict.why + ": nothing is wanted any more");
            case Verdict::What::kAgain: return failed(std::move(verdict.why), verdict.pause);
            case Verdict::What::kBarred:
                failed(verdict.why, verdict.pause);
                // It does not get well by itself.
                if (progress_.disabled.empty()) {
                    show_failing(ExceptionStatus::kOpen, verdict.why);
                }
                return;
        }
    }

    void taken() {
        p_.count(spec_.name, "taken");
        ++progress_.taken;
        progress_.taken_at = p_.clock.now();
        if (progress_.failing_since != Timestamp{}) {
            if (progress_.told) show_failing(ExceptionStatus::kResolved, "");
            progress_.failing_since = {};
            progress_.failures = 0;
            progress_.why.clear();
        }
        one_done();
    }

    /// It is kept, and the next one has its turn.
    void give_up(const std::string& why) {
        const Waiting& one = waiting_.front();
        ++progress_.refused;
        p_.show({.kind = std::string{exceptions::kWebhookRefused},
                 .entity = about(),
                 .record = one.delivery ? one.delivery->id : "",
                 .reason = one.subject + " sequence " + std::to_string(one.sequence) + ": " + why +
                           "; mend that, then: synclinectl webhooks replay " + spec_.name +
                           " --sequence " + std::to_string(one.sequence),
                 .raw = one.delivery ? body_of(*one.delivery, {}) : ""});
        one_done();
    }

    /// The request, or one of the mails.
    void one_done() {
        auto& mails = waiting_.front().mails;
        if (!mails || mails->size() <= 1) return go_on();
        mails->pop_back();
        next_at_once();
    }

    void next_at_once() {
        refusals_ = 0;
        due_ = Duration{0};
        backoff_.reset();
    }

    void go_on() {
        progress_.position = waiting_.front().sequence;
        progress_.position_at = waiting_.front().stored_at;
        waiting_.pop_front();
        reader_->processed(1);
        next_at_once();
        store_soon(kStoreEvery);
    }

    void failed(std::string why, std::optional<Duration> pause) {
        p_.count(spec_.name, "failed");
        const Timestamp now = p_.clock.now();
        if (progress_.failing_since == Timestamp{}) {
            progress_.failing_since = now;
            log::warning("a webhook fails; it is tried again",
                         {{"webhook", spec_.name}, {"why", why}});
        }
        ++progress_.failures;
        progress_.why = std::move(why);
        due_ = p_.clock.steady() +
               std::max(backoff_.next(owner_.random_()), pause.value_or(Duration{0}));
        store_soon(kStoreEvery);
        if (now - progress_.failing_since >= spec_.disable_after) {
            return disable("nothing was taken since " + to_string(progress_.failing_since) + ": " +
                           progress_.why);
        }
        if (now - progress_.failing_since >= kTellAfter) {
            show_failing(ExceptionStatus::kOpen, progress_.why);
        }
    }

    void disable(const std::string& why) {
        progress_.disabled = why;
        if (progress_.failing_since == Timestamp{}) progress_.failing_since = p_.clock.now();
        log::error("a webhook is disabled", {{"webhook", spec_.name}, {"why", why}});
        show_failing(ExceptionStatus::kOpen, "it is disabled: " + why);
        store_soon(Duration{0});
    }

    /// Once for each text, however often it fails.
    void show_failing(ExceptionStatus status, const std::string& why) {
        const bool open = status == ExceptionStatus::kOpen;
        if (open && progress_.told && why == told_why_) return;
        progress_.told = open;
        told_why_ = why;
        p_.show({.kind = std::string{exceptions::kWebhookFailing},
                 .entity = about(),
                 .status = status,
                 .reason = open ? target() + " since " + to_string(progress_.failing_since) + ", " +
                                      std::to_string(progress_.failures) + " requests: " + why
                                : ""});
    }

    void tell_of_lost(std::uint64_t first) {
        p_.show({.kind = std::string{exceptions::kWebhookRefused},
                 .entity = about(),
                 .reason = "events " + std::to_string(progress_.position + 1) + " to " +
                           std::to_string(first - 1) +
                           " are gone from the stream (keep_events_days); those that were for " +
                           target() + " were not sent"});
        progress_.position = first - 1;
        store_soon(Duration{0});
    }

    [[nodiscard]] std::string target() const { return spec_.is_mail() ? "mail" : spec_.url; }
    [[nodiscard]] EntityKey about() const { return {ObjectName{"_webhook"}, EntityId{spec_.name}}; }

    void store_soon(Duration wait) {
        const Duration due = p_.clock.steady() + wait;
        store_due_ = dirty_ ? std::min(store_due_, due) : due;
        dirty_ = true;
    }

    Webhooks& owner_;
    Parts& p_;
    WebhookSpec spec_;
    const std::uint64_t token_;
    std::shared_ptr<HttpClient> client_;  ///< Null: mails.
    Sender sender_;
    Backoff backoff_;
    Progress progress_;
    Progress progress_stored_;
    std::uint64_t sequence_ = 0;  ///< Of what is stored of it.
    bool known_ = false;
    bool asking_ = false;
    bool dirty_ = false;
    bool storing_ = false;
    Duration store_due_{0};
    std::unique_ptr<nats::Subscription> reader_;
    std::deque<Waiting> waiting_;
    bool sending_ = false;
    std::uint64_t run_ = 0;  ///< One more whenever it starts over;
    std::uint64_t sent_run_ = 0;
    std::uint64_t refusals_ = 0;  ///< Of the first that waits.
    Duration due_{0};
    std::string told_why_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

// ---- All of them. ------------------------------------------------------------------------------

Webhooks::Webhooks(Parts parts) : p_(std::move(parts)), random_(std::random_device{}()) {}

Webhooks::~Webhooks() = default;

void Webhooks::follow(const Policy* policy, const std::vector<Partition>& held,
                      std::uint16_t partitions) {
    policy_ = policy;
    if (policy == nullptr || partitions == 0) return;
    if (policy->hash == policy_hash_ && held == held_ && partitions == partitions_) return;
    policy_hash_ = policy->hash;
    held_ = held;
    partitions_ = partitions;
    std::map<std::string, std::unique_ptr<Hook>> next;
    for (const WebhookSpec& spec : policy->webhooks) {
        if (!is_ours(spec.name, held)) continue;
        const auto known = hooks_.find(spec.name);
        const bool same = known != hooks_.end() && is_same(known->second->spec(), spec);
        if (known != hooks_.end()) known->second->store();
        next[spec.name] = same ? std::move(known->second) : std::make_unique<Hook>(*this, spec);
    }
    hooks_ = std::move(next);
    if (hooks_.empty()) {
        reader_.reset();
        stored_.clear();
    } else if (!reader_) {
        nats::ConsumeSpec spec;
        spec.stream = subjects::kStreamState;
        spec.filters = {subjects::all_webhooks()};
        spec.last_per_subject = true;
        reader_ = p_.link.consume(std::move(spec), this);
    }
}

bool Webhooks::is_ours(const std::string& name, const std::vector<Partition>& held) const {
    const Partition home = entity_partition({ObjectName{"_webhook"}, EntityId{name}}, partitions_);
    return std::ranges::find(held, home) != held.end();
}

void Webhooks::on_message(const nats::InMessage& message) {
    reader_->processed(1);
    const auto name = subjects::last_token(message.subject);
    const auto progress = decode_progress(message.body);
    if (!name || !progress) {
        log::error("what is kept of a webhook cannot be read", {{"subject", message.subject}});
        return;
    }
    stored_[*name] = {*progress, message.sequence};
}

void Webhooks::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    for (auto& [name, hook] : hooks_) {
        if (hook->token() == token) return hook->on_published(sequence);
    }
}

void Webhooks::tick() {
    if (!reader_ || policy_ == nullptr) return;
    for (auto& [name, hook] : hooks_) {
        if (const auto stored = stored_.find(name); stored != stored_.end()) {
            hook->adopt(stored->second);
        } else if (reader_->caught_up()) {
            hook->begin();
        }
        hook->tick();
    }
}

Duration Webhooks::next_wait() const {
    Duration wait = kLongest;
    for (const auto& [name, hook] : hooks_) wait = std::min(wait, hook->next_wait());
    return wait;
}

void Webhooks::stop() {
    for (auto& [name, hook] : hooks_) {
        hook->store();
    }
}

}  // namespace syncline::hub::webhooks
