#include <map>
#include <tuple>
#include <utility>

#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/memory_broker.h"
#include "tests/simulation/planted.h"

/// The planted bugs that sit between a program and the broker.
namespace syncline::sim {
namespace {

using enum Planted;

bool is_entity(std::string_view subject) {
    return subject_matches(subjects::all_entities(), subject);
}
bool is_state(std::string_view subject) {
    return subject_matches(subjects::state_wildcard(), subject);
}

/// The number in an input's body; nothing for operations and what cannot be read.
std::optional<Numbering> number_of(std::string_view subject, std::string_view body) {
    const auto parsed = subjects::parse_input(subject);
    if (!parsed || parsed->kind == subjects::InputKind::kOperation) return std::nullopt;
    if (parsed->kind == subjects::InputKind::kChange) {
        const auto change = wire::decode_change(body);
        return change ? std::optional{change->number} : std::nullopt;
    }
    const auto outcome = wire::decode_outcome(body);
    return outcome ? std::optional{outcome->number} : std::nullopt;
}

Receipt receipt_for(std::string_view subject, const Numbering& number) {
    Receipt receipt;
    receipt.platform = subjects::parse_input(subject)->platform;
    receipt.marks.push_back({number.partition, number.seq.epoch, number.seq.n});
    return receipt;
}

constexpr std::uint64_t kGreatFence = 1'000'000;

class PlantedLink final : public nats::Link, nats::PublishSink {
public:
    PlantedLink(Planted bug, Role role, World& world, nats::Link& inner)
        : bug_(bug), role_(role), world_(world), inner_(inner) {}

    void publish(const nats::OutMessage& message, nats::PublishSink* sink,
                 std::uint64_t token) override;
    void send(std::string_view subject, std::string_view body) override;
    void get_last(std::string_view stream, std::string_view subject,
                  Done<std::optional<nats::StoredMessage>> done) override {
        inner_.get_last(stream, subject, std::move(done));
    }
    void stream_info(std::string_view stream, Done<nats::StreamInfo> done) override {
        inner_.stream_info(stream, forgetful(stream, std::move(done)));
    }
    void ensure_stream(const nats::StreamConfig& config, Done<nats::StreamInfo> done) override {
        inner_.ensure_stream(config, forgetful(config.name, std::move(done)));
    }
    [[nodiscard]] std::unique_ptr<nats::Subscription> consume(nats::ConsumeSpec spec,
                                                              nats::MessageSink* sink) override;
    [[nodiscard]] std::unique_ptr<nats::Subscription> subscribe(std::string_view subject,
                                                                nats::MessageSink* sink) override {
        receipts_ = sink;
        return inner_.subscribe(subject, sink);
    }
    [[nodiscard]] bool connected() const override { return inner_.connected(); }

private:
    struct Published {
        nats::PublishSink* sink;
        std::uint64_t token;
        std::string subject;
        std::string body;
    };
    /// Passes on what is read, changed as the bug wants it.
    class Tap;

    [[nodiscard]] std::string spoiled(const nats::OutMessage& message) const;
    bool swallow(const nats::OutMessage& message, nats::PublishSink* sink, std::uint64_t token);
    [[nodiscard]] Done<nats::StreamInfo> forgetful(std::string_view stream,
                                                   Done<nats::StreamInfo> done);
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;

    Planted bug_;
    Role role_;
    World& world_;
    nats::Link& inner_;
    nats::MessageSink* receipts_ = nullptr;
    std::map<std::uint64_t, Published> open_;
    std::uint64_t tokens_ = 0;
    std::map<std::string, nats::StreamInfo, std::less<>> first_seen_;
};

class PlantedLink::Tap final : public nats::Subscription, nats::MessageSink {
public:
    Tap(PlantedLink& link, nats::ConsumeSpec spec, nats::MessageSink* sink)
        : link_(link), sink_(sink) {
        inner_ = link.inner_.consume(std::move(spec), this);
    }
    void processed(std::size_t count) override { inner_->processed(count); }
    [[nodiscard]] bool caught_up() const override { return inner_->caught_up(); }

private:
    void on_message(const nats::InMessage& message) override {
        if (link_.bug_ == kReceiptBeforeMark) {
            if (const auto number = number_of(message.subject, message.body)) {
                const Receipt receipt = receipt_for(message.subject, *number);
                link_.inner_.send(subjects::receipts_of(receipt.platform), wire::encode(receipt));
            }
        }
        if (link_.role_ == Role::kAgent && link_.bug_ == kCommandLost &&
            link_.world_.random().one_in(8)) {
            inner_->processed(1);
            return;
        }
        if (link_.role_ == Role::kAgent && link_.bug_ == kAnyGeneration) return renumber(message);
        sink_->on_message(message);
    }

    /// Whatever comes is the newest; what it really was goes along, for the log and the outcome.
    void renumber(const nats::InMessage& message) {
        auto command = wire::decode_command(message.body);
        if (!command) return sink_->on_message(message);
        command->trace = disguise(command->generation, command->fence);
        command->generation = static_cast<std::uint64_t>(link_.world_.now().count());
        command->fence = kGreatFence;
        const std::string body = wire::encode(*command);
        nats::InMessage out = message;
        out.body = body;
        sink_->on_message(out);
    }

    PlantedLink& link_;
    nats::MessageSink* sink_;
    std::unique_ptr<nats::Subscription> inner_;
};

bool PlantedLink::swallow(const nats::OutMessage& message, nats::PublishSink* sink,
                          std::uint64_t token) {
    const bool lost_state = bug_ == kStateNotStored && role_ == Role::kHub &&
                            is_entity(message.subject) && world_.random().one_in(12);
    const bool lost_exception =
        bug_ == kExceptionLost && subject_matches(subjects::all_exceptions(), message.subject);
    if (!lost_state && !lost_exception) return false;
    // Something else is asked instead, so that the answer comes when one would.
    inner_.stream_info(subjects::kStreamState, [sink, token](Result<nats::StreamInfo> info) {
        if (!info) return sink->on_published(token, fail(info.error()));
        sink->on_published(token, info->last_sequence + 1);
    });
    return true;
}

void PlantedLink::publish(const nats::OutMessage& message, nats::PublishSink* sink,
                          std::uint64_t token) {
    if (swallow(message, sink, token)) return;
    nats::OutMessage out = message;
    if (role_ == Role::kHub && is_state(message.subject)) {
        const bool entity = is_entity(message.subject);
        if (bug_ == kDropCas && entity) out.expected_sequence.reset();
        if (bug_ == kDropKeyCas && !entity &&
            !subject_matches(subjects::all_marks(), message.subject)) {
            out.expected_sequence.reset();
        }
    }
    const std::string body = spoiled(message);
    out.body = body;
    if (bug_ != kTrimOnAck || role_ != Role::kAgent) return inner_.publish(out, sink, token);
    open_.emplace(++tokens_, Published{sink, token, std::string{message.subject}, body});
    inner_.publish(out, this, tokens_);
}

/// An agent's outcome, changed as the bug wants it; anything else as it is.
std::string PlantedLink::spoiled(const nats::OutMessage& message) const {
    std::string body{message.body};
    const bool concerned = bug_ == kEchoForgotten || bug_ == kAnyGeneration;
    if (!concerned || role_ != Role::kAgent) return body;
    const auto parsed = subjects::parse_input(message.subject);
    if (!parsed || parsed->kind != subjects::InputKind::kOutcome) return body;
    auto outcome = wire::decode_outcome(body);
    if (!outcome) return body;
    if (bug_ == kEchoForgotten) outcome->fields.clear();
    if (const auto truth = undisguise(outcome->trace)) {
        outcome->generation = outcome->ledger_generation = truth->first;
    }
    return wire::encode(*outcome);
}

void PlantedLink::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    const Published published = std::move(open_.extract(token).mapped());
    published.sink->on_published(published.token, sequence);
    const auto number = number_of(published.subject, published.body);
    if (!sequence || !number || receipts_ == nullptr) return;
    const std::string body = wire::encode(receipt_for(published.subject, *number));
    nats::InMessage message;
    message.body = body;
    receipts_->on_message(message);
}

void PlantedLink::send(std::string_view subject, std::string_view body) {
    if (bug_ != kNoResend || role_ != Role::kHub) return inner_.send(subject, body);
    auto receipt = wire::decode_receipt(body);
    if (!receipt) return inner_.send(subject, body);
    receipt->resends.clear();
    inner_.send(subject, wire::encode(*receipt));
}

nats::Link::Done<nats::StreamInfo> PlantedLink::forgetful(std::string_view stream,
                                                          Done<nats::StreamInfo> done) {
    if (bug_ != kIgnoreAmnesia) return done;
    return
        [this, name = std::string{stream}, done = std::move(done)](Result<nats::StreamInfo> info) {
            if (info) {
                nats::StreamInfo& known = first_seen_.try_emplace(name, *info).first->second;
                known.last_sequence = std::max(known.last_sequence, info->last_sequence);
                info->created = known.created;
                info->last_sequence = known.last_sequence;
            }
            done(std::move(info));
        };
}

std::unique_ptr<nats::Subscription> PlantedLink::consume(nats::ConsumeSpec spec,
                                                         nats::MessageSink* sink) {
    return std::make_unique<Tap>(*this, std::move(spec), sink);
}

}  // namespace

std::unique_ptr<nats::Link> plant_link(Planted bug, Role role, World& world, nats::Link& inner) {
    if (bug == kNone) return nullptr;
    return std::make_unique<PlantedLink>(bug, role, world, inner);
}

}  // namespace syncline::sim
