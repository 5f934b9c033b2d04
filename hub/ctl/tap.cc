#include <algorithm>
#include <array>
#include <memory>

#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct TapOptions {
    std::string platform;
    std::string object;
    std::vector<std::string> kinds;
    std::uint64_t count = 0;
};

struct Tapped {
    std::string kind;
    std::string platform;  ///< Empty: about none in particular.
    std::string object;
    Value value;
    std::string line;
    std::string error;  ///< Why it does not decode.
};

void about(Tapped& tapped, const InputBody& input) {
    if (const auto* change = std::get_if<Change>(&input)) {
        tapped.platform = change->key.platform.text;
        tapped.object = change->key.object.text;
    } else if (const auto* outcome = std::get_if<Outcome>(&input)) {
        tapped.platform = outcome->platform.text;
        tapped.object = outcome->entity.object.text;
    } else if (const auto* operation = std::get_if<hub::Operation>(&input)) {
        tapped.object = operation->entity.object.text;
    }
}

template <class T>
void take(Tapped& tapped, const Result<T>& decoded, const Secrets& secrets) {
    if (!decoded) {
        tapped.error = decoded.error().what;
        return;
    }
    tapped.value = value_of(*decoded, secrets);
    tapped.line = line_of(*decoded, secrets);
    tapped.object = decoded->entity.object.text;
    if constexpr (requires { decoded->platform; }) tapped.platform = decoded->platform.text;
}

Tapped decode(const std::string& kind, std::string_view subject, std::string_view body,
              const Secrets& secrets) {
    Tapped tapped{.kind = kind, .platform = {}, .object = {}, .value = {}, .line = {}, .error = {}};
    if (kind == "in") {
        const DecodedInput input = decode_input(subject, body);
        tapped.error = input.error;
        if (!input.error.empty()) return tapped;
        about(tapped, input.body);
        tapped.value = value_of(input.body, secrets);
        tapped.line = line_of(input.body, secrets);
    } else if (kind == "cmd") {
        take(tapped, wire::decode_command(body), secrets);
    } else if (kind == "log") {
        take(tapped, hub::decode_log_entry(body), secrets);
    } else {
        take(tapped, hub::decode_exception(body), secrets);
    }
    return tapped;
}

class Tap final : nats::MessageSink {
public:
    Tap(Output& out, const TapOptions& options, const Secrets& secrets, std::uint64_t& shown)
        : out_(out), options_(options), secrets_(secrets), shown_(shown) {}

    void start(Session& session, std::string kind, nats::ConsumeSpec spec) {
        kind_ = std::move(kind);
        subscription_ = session.link().consume(std::move(spec), this);
    }

private:
    void on_message(const nats::InMessage& message) override {
        subscription_->processed(1);
        const bool enough = options_.count > 0 && shown_ >= options_.count;
        if (enough || message.deleted) return;
        const Tapped tapped = decode(kind_, message.subject, message.body, secrets_);
        // What does not decode is shown whatever is asked for: nobody can tell what it is about.
        if (tapped.error.empty()) {
            const bool other_platform = !options_.platform.empty() &&
                                        tapped.platform != options_.platform && kind_ != "log";
            const bool other_object = !options_.object.empty() && tapped.object != options_.object;
            if (other_platform || other_object) return;
        }
        ++shown_;
        show(tapped, message);
        out_.flush();
    }

    void show(const Tapped& tapped, const nats::InMessage& message) {
        if (out_.json()) {
            Value::Map map{{"kind", tapped.kind},
                           {"subject", message.subject},
                           {"sequence", number(message.sequence)},
                           {"stored_at", message.stored_at},
                           {"message", tapped.value}};
            if (!tapped.error.empty()) map.emplace("error", tapped.error);
            return out_.json_line(map);
        }
        const std::string line = tapped.error.empty() ? tapped.line
                                                      : std::string{message.subject} +
                                                            " does not decode: " + tapped.error;
        out_.line({Cell{time_text(message.stored_at), Style::kDim}, Cell{" "},
                   Cell{tapped.kind + std::string(4 - tapped.kind.size(), ' '), Style::kCyan},
                   Cell{line, tapped.error.empty() ? Style::kPlain : Style::kRed}});
    }

    Output& out_;
    const TapOptions& options_;
    const Secrets& secrets_;
    std::uint64_t& shown_;
    std::string kind_;
    std::unique_ptr<nats::Subscription> subscription_;
};

Result<Exit> tap(Program& program, const TapOptions& options) {
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    struct Source {
        const char* kind;
        std::string_view stream;
        std::string filter;
    };
    const std::array<Source, 4> sources{
        {{"in", subjects::kStreamIn, subjects::all_inputs()},
         {"cmd", subjects::kStreamCommands, subjects::commands_wildcard()},
         {"log", subjects::kStreamLog, subjects::all_logs()},
         {"exc", subjects::kStreamExceptions, subjects::all_exceptions()}}};
    Output& out = program.out();
    std::uint64_t shown = 0;
    std::vector<std::unique_ptr<Tap>> taps;
    for (const auto& [kind, stream, filter] : sources) {
        const bool wanted =
            options.kinds.empty() || std::ranges::find(options.kinds, kind) != options.kinds.end();
        if (!wanted) continue;
        const auto info = (*session)->stream_info(stream);
        if (!info) return fail(info.error());
        taps.push_back(std::make_unique<Tap>(out, options, *secrets, shown));
        taps.back()->start(**session, kind,
                           {.stream = std::string{stream},
                            .filters = {filter},
                            .start_sequence = info->last_sequence + 1});
    }
    const auto over = [&] {
        return interrupted() || out.broken() || (options.count > 0 && shown >= options.count);
    };
    while (!(*session)->until(over, std::chrono::seconds{1}) && !over()) {
    }
    taps.clear();
    if (out.json()) program.already_told();  // Lines of its own; no envelope after them.
    return Exit::kFine;
}

}  // namespace

void add_tap(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "tap", "Follow what passes, decoded, one line each, until Ctrl-C or --count");
    const auto options = std::make_shared<TapOptions>();
    command->add_option("--platform", options->platform, "Only about this platform (not for log)");
    command->add_option("--object", options->object, "Only about this object");
    command->add_option("--kind", options->kinds, "in, cmd, log or exc; may be given several times")
        ->check(CLI::IsMember({"in", "cmd", "log", "exc"}))
        ->delimiter(',');
    command->add_option("--count", options->count, "End after N lines");
    command->callback([&program, options] {
        program.choose("tap", [options](Program& p) { return tap(p, *options); });
    });
}

}  // namespace syncline::ctl
