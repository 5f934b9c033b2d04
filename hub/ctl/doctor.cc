#include "hub/ctl/doctor.h"

#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/nats/streams.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

Style health_style(Health health) {
    switch (health) {
        case Health::kOk: return Style::kGreen;
        case Health::kWarn: return Style::kYellow;
        case Health::kFail: break;
    }
    return Style::kRed;
}

class Doctor {
public:
    explicit Doctor(Program& program) : out_(program.out()), program_(program) {}

    Result<Exit> run() {
        const auto session = program_.connect();
        if (!session) {
            tell({Health::kFail, "doctor.nats", "NATS cannot be used",
                  "Everything else needs it first"});
            finish();
            return fail(session.error());
        }
        session_ = *session;
        tell({Health::kOk, "doctor.nats", "connected to " + session_->server_text(), {}});
        if (!jetstream_works()) return finish();
        const auto cluster = read_cluster(*session_);
        if (!cluster) return fail(cluster.error());
        if (!cluster->installed()) {
            tell({Health::kFail, "doctor.not_installed", "no stream of Syncline is there",
                  "The first hub makes them: start one; if one runs, is this its server, and its "
                  "account?"});
            tell(check_server_version(cluster->server_version, 1));
            return finish();
        }
        int replicas = 1;
        if (auto looked = look_at_streams(*cluster, replicas); !looked) return fail(looked.error());
        tell(check_server_version(cluster->server_version, replicas));
        for (Check& check : check_replicas(*cluster)) tell(std::move(check));
        tell(check_clock(cluster->clock_ahead));
        tell(check_hubs(*cluster));
        for (Check& check : check_agents(*cluster)) tell(std::move(check));
        for (Check& check : check_marks(*cluster)) tell(std::move(check));
        return finish();
    }

private:
    void tell(Check check) {
        out_.line({Cell{std::string(4 - std::string_view{name_of(check.health)}.size(), ' ') +
                            name_of(check.health) + "  ",
                        health_style(check.health)},
                   Cell{check.message}, Cell{" [" + check.code + "]", Style::kDim}});
        if (!check.hint.empty()) out_.line("      " + check.hint, Style::kCyan);
        list_.push_back(Value::Map{{"health", name_of(check.health)},
                                   {"code", check.code},
                                   {"message", check.message},
                                   {"hint", check.hint}});
        worst_ = std::max(worst_, check.health);
        // In text each check is a line already; findings would say it twice.
        if (!out_.json() || check.health == Health::kOk) return;
        out_.add({check.health == Health::kFail ? Level::kError : Level::kWarning,
                  check.code,
                  check.message,
                  check.hint,
                  {}});
    }

    bool jetstream_works() {
        const auto account = session_->jetstream("INFO", "", Value::Map{});
        if (account) {
            tell({Health::kOk, "doctor.jetstream", "JetStream is on", {}});
            return true;
        }
        tell({Health::kFail, "doctor.jetstream",
              "JetStream does not answer: " + account.error().what,
              "Is it switched on for the server (jetstream {...}) and the account, and may this "
              "user ask it?"});
        return false;
    }

    Result<StreamDetail> detail_of(const std::string& name) {
        const auto info = session_->jetstream("STREAM.INFO", name, Value::Map{});
        if (!info) return fail(info.error());
        StreamDetail detail{.name = name,
                            .config = Announced{*info->get<Value::Map>()}.inner("config"),
                            .consumers = {}};
        // The first page is plenty: ours are few, and a flood of others is told by its number.
        const auto answer = session_->jetstream("CONSUMER.LIST", name, Value::Map{});
        if (!answer) return fail(answer.error());
        const Announced page{*answer->get<Value::Map>()};
        detail.consumers_total = page.count("total");
        const Value* list = page.find("consumers");
        const auto* consumers = list == nullptr ? nullptr : list->get<Value::List>();
        if (consumers == nullptr) return detail;
        for (const Value& consumer : *consumers) {
            const auto* map = consumer.get<Value::Map>();
            if (map == nullptr) continue;
            const Announced one{*map};
            detail.consumers.push_back(
                {.name = one.text("name"),
                 .durable = !one.inner("config").text("durable_name").empty(),
                 .pending = one.count("num_pending")});
        }
        return detail;
    }

    Result<void> look_at_streams(const Cluster& cluster, int& replicas) {
        std::vector<Check> consumers;
        for (const nats::StreamConfig& wanted : nats::stream_configs()) {
            const StreamView* view = cluster.stream(wanted.name);
            if (view == nullptr || !view->info) {
                tell({Health::kFail, "doctor.stream_missing", wanted.name + " does not exist",
                      "A hub makes it at its start; is this the right server and account?"});
                continue;
            }
            const auto detail = detail_of(wanted.name);
            if (!detail) return fail(detail.error());
            replicas = std::max(replicas, static_cast<int>(detail->config.count("num_replicas")));
            for (Check& check : check_stream(wanted, *detail)) tell(std::move(check));
            for (Check& check : check_consumers(*detail)) consumers.push_back(std::move(check));
        }
        if (consumers.empty()) tell({Health::kOk, "doctor.consumers", "no foreign consumers", {}});
        for (Check& check : consumers) tell(std::move(check));
        return {};
    }

    Exit finish() {
        out_.set("checks", std::move(list_));
        return worst_ == Health::kOk ? Exit::kFine : Exit::kFindings;
    }

    Output& out_;
    Program& program_;
    Session* session_ = nullptr;
    Value::List list_;
    Health worst_ = Health::kOk;
};

}  // namespace

void add_doctor(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand("doctor", "Checks NATS, the streams and who takes part");
    command->callback(
        [&program] { program.choose("doctor", [](Program& p) { return Doctor{p}.run(); }); });
}

}  // namespace syncline::ctl
