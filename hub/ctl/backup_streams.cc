#include "hub/ctl/backup_streams.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "hub/ctl/cluster.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"

namespace syncline::ctl {
namespace {

using namespace std::chrono_literals;

/// A piece fits into a message whatever the server's limit is.
constexpr std::int64_t kPieceBytes = 128 << 10;
/// Pieces on their way to the server: 4 MiB.
constexpr std::size_t kWindow = 32;
constexpr Duration kPlaceEvery = 50ms;
/// The server unpacks a stream, and has its replicas take it, after the last piece.
constexpr Duration kUnpackMost = 10min;

/// Numbers of pieces stand at the end of the subject that each is acknowledged at.
std::optional<std::uint64_t> number_of(std::string_view reply) {
    const std::string_view text = reply.substr(reply.rfind('.') + 1);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

class Pieces final : public nats::MessageSink {
public:
    Pieces(Session& session, const Take& take) : session_(session), take_(take) {}

    void on_message(const nats::InMessage& message) override {
        if (over) return;
        ++heard;
        if (message.body.empty()) return end(message.header("Status"));
        // What comes without a number is the rest, and the last.
        const auto number = message.reply.empty() ? next_ : number_of(message.reply);
        if (!number || *number != next_) {
            return fail_with(ErrorKind::kAmbiguous, "piece " + std::to_string(next_) + " was lost");
        }
        ++next_;
        if (auto taken = take_(message.body); !taken) {
            error = taken.error();
            over = true;
            return;
        }
        if (!message.reply.empty()) session_.link().send(message.reply, "");
    }

    bool over = false;
    std::optional<Error> error;
    std::uint64_t heard = 0;

private:
    void end(std::string_view status) {
        over = true;
        // 204: that was all; servers before 2.11 say nothing.
        if (status.empty() || status == "204") return;
        fail_with(ErrorKind::kAmbiguous, "the server gave up with status " + std::string{status});
    }
    void fail_with(ErrorKind kind, std::string what) {
        error = Error{kind, std::move(what)};
        over = true;
    }

    Session& session_;
    const Take& take_;
    std::uint64_t next_ = 1;
};

Value part_of(const Value& answer, std::string_view name) {
    const auto* map = answer.get<Value::Map>();
    if (map == nullptr) return {};
    const auto at = map->find(name);
    return at == map->end() ? Value{} : at->second;
}

/// Pieces on their way to the server. An answer is empty unless something is wrong.
class Sender {
public:
    Sender(Session& session, std::string subject)
        : session_(session), subject_(std::move(subject)) {}

    Result<void> put(std::string_view piece) {
        if (!is_first_) {
            send(piece);
            return wait_for(kWindow);
        }
        // The servers between may not have heard yet where that place is.
        const Duration end = session_.clock().steady() + session_.timeout();
        for (;;) {
            send(piece);
            auto taken = wait_for(0);
            is_first_ = !taken;
            if (taken || !state_->unheard || session_.clock().steady() > end) return taken;
            *state_ = {};
            std::ignore = session_.until([] { return false; }, kPlaceEvery);
        }
    }
    /// Until no more than `most` are open.
    Result<void> wait_for(std::size_t most) {
        while (state_->open >= std::max<std::size_t>(most, 1) && !state_->error) {
            const std::size_t before = state_->answered;
            const auto moved = [&] { return state_->answered != before || state_->error; };
            if (session_.until(moved, session_.timeout() + 1s)) continue;
            return fail(ErrorKind::kAmbiguous, interrupted() ? "interrupted" : "no answer in time");
        }
        if (state_->error) return fail(*state_->error);
        return {};
    }

private:
    void send(std::string_view piece) {
        ++state_->open;
        session_.link().request(
            subject_, piece, [state = state_](const Result<std::string_view>& answer) {
                --state->open;
                ++state->answered;
                if (!answer) {
                    state->error = answer.error();
                    state->unheard = answer.error().kind == ErrorKind::kUnavailable;
                }
                if (answer && !answer->empty()) {
                    state->error = Error{ErrorKind::kUnavailable, printable(*answer)};
                }
            });
    }

    struct State {
        std::size_t open = 0;
        std::size_t answered = 0;
        std::optional<Error> error;
        bool unheard = false;  ///< Nobody was there to take it.
    };
    Session& session_;
    std::string subject_;
    bool is_first_ = true;
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// The last word on a restore comes when the stream is there, which may take longer than anything
/// else that is asked of a server.
Result<void> finish(Session& session, const std::string& subject) {
    class Answer final : public nats::MessageSink {
    public:
        void on_message(const nats::InMessage& message) override { body = message.body; }
        std::optional<std::string> body;
    };
    Answer answer;
    const auto subscription = session.link().ask_all(subject, "", &answer);
    const auto over = [&] { return answer.body.has_value() || !session.link().connected(); };
    if (!session.until(over, kUnpackMost) || !answer.body) {
        return fail(ErrorKind::kAmbiguous, "the server does not say whether it has all of it");
    }
    const auto told = parse_json(*answer.body);
    if (!told) return fail(ErrorKind::kUnavailable, printable(*answer.body));
    const Value error = part_of(*told, "error");
    if (!error.get<Value::Map>()) return {};
    return fail(ErrorKind::kUnavailable, display(error));
}

}  // namespace

Result<StreamImage> read_image(Session& session, std::string_view stream, const Take& take) {
    const std::string what = "reading " + std::string{stream};
    Pieces pieces{session, take};
    const std::string inbox = session.new_inbox();
    const auto subscription = session.link().subscribe(inbox, &pieces);
    const auto begun = session.jetstream(
        "STREAM.SNAPSHOT", stream,
        Value::Map{
            {"deliver_subject", inbox}, {"no_consumers", false}, {"chunk_size", kPieceBytes}});
    if (!begun) return fail(begun.error(), what);
    while (!pieces.over) {
        const std::uint64_t before = pieces.heard;
        const auto moved = [&] { return pieces.over || pieces.heard != before; };
        if (session.until(moved, session.timeout() + 1s)) continue;
        return fail(ErrorKind::kAmbiguous,
                    what + (interrupted() ? ": interrupted" : ": no more of it came in time"));
    }
    if (pieces.error) return fail(*pieces.error, what);
    return StreamImage{part_of(*begun, "config"), part_of(*begun, "state")};
}

Result<void> write_image(Session& session, std::string_view stream, const StreamImage& image,
                         const std::function<Result<void>(const Take&)>& pieces) {
    const std::string what = "restoring " + std::string{stream};
    const auto begun = session.jetstream(
        "STREAM.RESTORE", stream, Value::Map{{"config", image.config}, {"state", image.state}});
    if (!begun) return fail(begun.error(), what);
    const Value to = part_of(*begun, "deliver_subject");
    const auto* subject = to.get<std::string>();
    if (subject == nullptr) return fail(ErrorKind::kUnavailable, what + ": no place to send it to");
    Sender sender{session, *subject};
    const auto sent = pieces([&](std::string_view piece) { return sender.put(piece); });
    // Without its last word the server drops what it has got.
    if (!sent) return fail(sent.error(), what);
    if (auto taken = sender.wait_for(0); !taken) return fail(taken.error(), what);
    if (auto done = finish(session, *subject); !done) return fail(done.error(), what);
    return {};
}

}  // namespace syncline::ctl
