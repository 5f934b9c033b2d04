#include "agent/init/init_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>
#include <sstream>

#include "agent/connectors/registry.h"
#include "agent/connectors/rest/rest.h"
#include "agent/init/draft.h"
#include "agent/init/interview.h"
#include "agent/probe_command.h"
#include "shared/base/clock.h"
#include "shared/base/nearest_name.h"

namespace syncline::agent {
namespace {

namespace fs = std::filesystem;
using init::Answers;
using init::Interview;

constexpr const char* kShipped = "/usr/share/syncline/profiles";

int refuse(const std::string& text, int code = 2) {
    std::fprintf(stderr, "syncline-agent: %s\n", text.c_str());
    return code;
}

std::vector<std::string> profile_names(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator{folder, none}) {
        if (entry.path().extension() == ".toml") names.push_back(entry.path().stem());
    }
    std::ranges::sort(names);
    return names;
}

const ConnectorKind* kind_of(std::string_view name) {
    const auto kinds = connector_kinds();
    const auto at = std::ranges::find(kinds, name, &ConnectorKind::name);
    return at == kinds.end() ? nullptr : &*at;
}

void print_choices(const fs::path& folder) {
    std::printf("Profiles of platforms, in %s:\n", folder.c_str());
    for (const std::string& name : profile_names(folder)) {
        const auto profile = rest::load_profile(folder / (name + ".toml"));
        std::printf("  %-18s %s\n", name.c_str(),
                    profile ? profile->summary.c_str() : profile.error().what.c_str());
    }
    if (profile_names(folder).empty()) {
        std::puts("  none; --profiles DIR says where they are");
    }
    std::puts("Connectors:");
    for (const ConnectorKind& kind : connector_kinds()) {
        std::printf("  %-18s %s\n", std::string{kind.name}.c_str(),
                    std::string{kind.summary}.c_str());
    }
}

/// What is being begun: a connector, and its profile if it has one.
struct Platform {
    const ConnectorKind* kind = nullptr;
    std::string profile;  ///< As it will stand in the file.
    std::string name;     ///< What the platform is called unless told otherwise.
};

/// A name stands as a name if the agent will look where we look; else the file's path.
std::string profile_setting(const std::string& profile, const fs::path& folder,
                            const fs::path& looked_in, const fs::path& agent_looks_in) {
    const bool is_path = fs::path{profile}.extension() == ".toml";
    if (!is_path && looked_in == agent_looks_in) return profile;
    const fs::path file =
        fs::absolute(is_path ? fs::path{profile} : looked_in / (profile + ".toml"))
            .lexically_normal();
    const fs::path near = file.lexically_relative(folder);
    return !near.empty() && *near.begin() != ".." ? near.string() : file.string();
}

class InitCommand {
public:
    explicit InitCommand(const InitOptions& options)
        : o_(options),
          interview_(options.settings.empty() ? Interview::Mode::kAsk : Interview::Mode::kTake,
                     answers_, std::cin) {
        folder_ = (fs::current_path() / options.output).lexically_normal().parent_path();
        const fs::path near = folder_ / "profiles";
        agent_looks_in_ = fs::exists(near) ? near : fs::path{kShipped};
        profiles_ = options.profiles.empty() ? agent_looks_in_
                                             : fs::absolute(options.profiles).lexically_normal();
    }

    int run() {
        if (o_.list) {
            print_choices(profiles_);
            return 0;
        }
        if (is_in_the_way(o_.output)) return 2;
        std::string wrong;
        for (const std::string& setting : o_.settings) {
            const auto taken = init::take_setting(answers_, setting);
            if (!taken) wrong += (wrong.empty() ? "" : "\n") + taken.error().what;
        }
        if (!wrong.empty()) return refuse(wrong);
        auto done = collect();
        if (!done) return refuse(done.error().what);
        if (!interview_.problems().empty()) return refuse(interview_.problems() + unknown_keys());
        return write();
    }

private:
    /// Says so if the file is there.
    [[nodiscard]] bool is_in_the_way(const fs::path& file) const {
        if (o_.force || file.empty() || !fs::exists(file)) return false;
        refuse(file.string() + " is there already; --force replaces it, --output names another");
        return true;
    }

    /// What is misspelled is told beside what is missing: often they are one mistake. Keys that
    /// were set, and no others: a wrong answer may look like one, and be a secret.
    [[nodiscard]] std::string unknown_keys() const {
        const auto sound = init::check_draft(init::draft_of(answers_), context());
        std::string text;
        std::istringstream problems{sound ? std::string{} : sound.error().what};
        for (std::string line; std::getline(problems, line);) {
            for (const init::Answer& answer : answers_.all()) {
                if (!line.starts_with("unknown key `" + answer.key + "`")) continue;
                text += "\n--set: " + line;
            }
        }
        return text;
    }

    Result<void> collect() {
        const auto platform = choose();
        if (!platform) return fail(platform.error());
        const ConnectorKind& kind = *platform->kind;
        if (auto asked = interview_.ask(init::platform_question(platform->name)); !asked) {
            return asked;
        }
        const std::string name = answers_.value("platform");
        if (auto asked = interview_.ask(init::agent_questions(name)); !asked) return asked;
        answers_.set({"connector.kind", std::string{kind.name}, init::AnswerKind::kText, ""});
        std::optional<rest::Profile> profile;
        if (!platform->profile.empty()) {
            answers_.set({"connector.profile", platform->profile, init::AnswerKind::kText,
                          "What the platform is; a name, or the path of a .toml file"});
            auto loaded = load_named_profile(platform->profile, context());
            if (!loaded) return fail(loaded.error());
            profile = *std::move(loaded);
        }
        if (auto asked = interview_.ask(init::connector_questions(kind.name)); !asked) {
            return asked;
        }
        if (profile) {
            if (auto asked = ask_credentials(*profile); !asked) return asked;
        }
        const rest::Profile* const known = profile ? &*profile : nullptr;
        if (auto asked = interview_.ask_objects(kind, known, context()); !asked) return asked;
        if (kind.name == "webhook" && answers_.find("connector.route.object") == nullptr) {
            answers_.set({"connector.route.object", answers_.names_below("objects").front(),
                          init::AnswerKind::kText, "What is pushed there"});
        }
        return {};
    }

    Result<void> ask_credentials(const rest::Profile& profile) {
        const init::Question way = init::auth_question(profile.auth.kind);
        if (auto asked = interview_.ask(way); !asked) return asked;
        std::string kind = answers_.value(way.key);
        if (kind.empty()) kind = way.fallback;
        return interview_.ask(init::credential_questions(kind, profile));
    }

    /// From the options, or asked for.
    Result<Platform> choose() {
        if (!o_.profile.empty() && !o_.connector.empty() && o_.connector != "rest") {
            return fail(ErrorKind::kInvalid, "--profile is for the connector rest alone");
        }
        if (!o_.profile.empty()) return by_profile(o_.profile);
        if (!o_.connector.empty()) return by_kind(o_.connector);
        if (!interview_.asks()) {
            return fail(ErrorKind::kInvalid,
                        "--profile NAME or --connector KIND is missing; --list says which there "
                        "are");
        }
        print_choices(profiles_);
        std::vector<std::string> all = profile_names(profiles_);
        for (const ConnectorKind& kind : connector_kinds()) {
            if (kind.name != "rest") all.emplace_back(kind.name);
        }
        Answers chosen;
        Interview interview{Interview::Mode::kAsk, chosen, std::cin};
        auto asked =
            interview.ask({.key = "what", .text = "What is the platform?", .choices = all});
        if (!asked) return fail(asked.error());
        const std::string what = chosen.value("what");
        return kind_of(what) == nullptr ? by_profile(what) : by_kind(what);
    }

    Result<Platform> by_profile(const std::string& profile) const {
        const bool is_path = fs::path{profile}.extension() == ".toml";
        const fs::path file = is_path ? fs::path{profile} : profiles_ / (profile + ".toml");
        if (!fs::exists(file)) {
            return fail(ErrorKind::kInvalid,
                        "--profile " + profile + ": there is no " + file.string() +
                            did_you_mean(profile, profile_names(profiles_)) +
                            (is_path ? "" : "; --profiles DIR says where profiles are"));
        }
        return Platform{kind_of("rest"),
                        profile_setting(profile, folder_, profiles_, agent_looks_in_),
                        file.stem().string()};
    }

    static Result<Platform> by_kind(const std::string& name) {
        std::vector<std::string> names;
        for (const ConnectorKind& kind : connector_kinds()) names.emplace_back(kind.name);
        const ConnectorKind* const kind = kind_of(name);
        if (kind == nullptr) {
            return fail(ErrorKind::kInvalid, "--connector " + name + ": there is no such kind" +
                                                 did_you_mean(name, names) +
                                                 "; --list says which there are");
        }
        if (name == "rest") {
            return fail(ErrorKind::kInvalid, "--connector rest needs --profile NAME");
        }
        return Platform{kind, "", name};
    }

    int write() {
        const std::string draft = init::draft_of(answers_);
        if (const auto sound = init::check_draft(draft, context()); !sound) {
            return refuse("nothing is written, since an agent would refuse it:\n" +
                          sound.error().what);
        }
        fs::path file = o_.output;
        if (file.empty()) file = answers_.value("platform") + ".toml";
        if (is_in_the_way(file)) return 2;
        if (const std::string why = put(file, draft); !why.empty()) {
            return refuse(file.string() + " cannot be written: " + why, 1);
        }
        std::printf("\n%s is written; an agent would take it.\n", file.c_str());
        if (o_.probe) return run_probe_command(file, {}, false);
        say_next(file);
        return 0;
    }

    /// Whole or not at all, so that one that is replaced is never half there. Empty: it is done.
    [[nodiscard]] std::string put(const fs::path& file, const std::string& text) const {
        const fs::path part = file.string() + ".part";
        const int handle = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (handle < 0) return std::strerror(errno);
        const bool written =
            ::write(handle, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
            ::fsync(handle) == 0;
        std::string why = written ? "" : std::strerror(errno);
        ::close(handle);
        if (why.empty()) {
            // Without --force a file that came meanwhile stays: a link never takes its place.
            const int done = o_.force ? ::rename(part.c_str(), file.c_str())
                                      : ::link(part.c_str(), file.c_str());
            if (done != 0) why = std::strerror(errno);
        }
        ::unlink(part.c_str());
        return why;
    }

    void say_next(const fs::path& file) const {
        std::puts("Next:");
        for (const init::Answer& answer : answers_.all()) {
            const std::string begin = "credential:secret_";
            if (!answer.value.starts_with(begin)) continue;
            std::printf(
                "  put the secret into /etc/syncline/credentials/%s/%s (systemd/README.md)\n",
                answers_.value("platform").c_str(), answer.value.substr(begin.size()).c_str());
        }
        for (const std::string& object : answers_.names_below("objects")) {
            if (answers_.value("objects." + object + ".outbox") != "true") continue;
            std::printf("  syncline-agent triggers %s    what to run in the database\n",
                        file.c_str());
            break;
        }
        std::printf(
            "  syncline-agent probe %s    log in, and see which fields are not mapped\n"
            "  syncline-agent --config %s\n",
            file.c_str(), file.c_str());
    }

    [[nodiscard]] ConnectorContext context() const { return {clock_, folder_, agent_looks_in_}; }

    const InitOptions& o_;
    const SystemClock clock_;
    Answers answers_;
    Interview interview_;
    fs::path folder_;          ///< Of the file.
    fs::path agent_looks_in_;  ///< For profiles by name.
    fs::path profiles_;        ///< Where we look.
};

}  // namespace

int run_init_command(const InitOptions& options) { return InitCommand{options}.run(); }

}  // namespace syncline::agent
