#include "tests/simulation/planted.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <tuple>

namespace syncline::sim {
namespace {

using enum Planted;
constexpr std::array kBugs{
    PlantedBug{kDropCas, "drop_cas", "hubs store states without compare-and-set", 40,
               "hub.pause hub.crash net.partition"},
    PlantedBug{kDropKeyCas, "drop_key_cas", "match keys are claimed without compare-and-set", 60,
               "net.slow"},
    PlantedBug{kStateNotStored, "state_not_stored",
               "a state write is acknowledged that was never stored", 20, ""},
    PlantedBug{kExceptionLost, "exception_lost", "exceptions are not published", 40, ""},
    PlantedBug{kIgnoreAmnesia, "ignore_amnesia", "nobody notices that the broker lost messages", 40,
               "broker.power broker.delete_commands broker.delete_input"},
    PlantedBug{kNoResend, "no_resend", "hubs never ask for what is missing", 40,
               "broker.power agent.wipe agent.crash_point"},
    PlantedBug{kReceiptBeforeMark, "receipt_before_mark",
               "hubs give receipts for what they have not stored", 10, ""},
    PlantedBug{kTrimOnAck, "trim_on_ack", "agents take the broker's acknowledgement for a receipt",
               10, ""},
    PlantedBug{kCommandLost, "command_lost", "agents lose a command between stream and ledger", 20,
               ""},
    PlantedBug{kAnyGeneration, "any_generation", "agents carry out outdated commands", 40,
               "net.late_store net.slow hub.pause hub.crash"},
    PlantedBug{kEchoForgotten, "echo_forgotten", "outcomes do not say what the record holds now",
               20, ""},
    PlantedBug{kBlindRetry, "blind_retry", "a write without answer is simply sent again", 40,
               "platform.ambiguous"},
    PlantedBug{kAmbiguousIsFailure, "ambiguous_is_failure", "no answer is taken for no effect", 40,
               "platform.ambiguous"},
    PlantedBug{kAmbiguousIsSuccess, "ambiguous_is_success", "no answer is taken for success", 40,
               "platform.lost_write"},
    PlantedBug{kFindMisses, "find_misses", "nobody looks for a record before making it again", 40,
               "platform.ambiguous agent.crash_point"},
    PlantedBug{kNoOverlap, "no_overlap", "reads do not go back for late commits", 40,
               "platform.late_commit"},
    PlantedBug{kCursorAhead, "cursor_ahead", "the cursor moves beyond what was read", 20, ""},
    PlantedBug{kDeleteIgnored, "delete_ignored", "agents do not see that a record was deleted", 40,
               ""},
    PlantedBug{kLyingSync, "lying_sync", "the store's syncs do nothing", 20, "agent.power"},
    PlantedBug{kNonOwnerAccepted, "non_owner_accepted",
               "hubs take a value from a platform that does not own the field", 20, ""},
};

/// Answers reads and writes as the planted bug wants it.
class PlantedExecutor final : public SimExecutor {
public:
    PlantedExecutor(Planted bug, World& world, Platform& platform, Ticket ticket)
        : SimExecutor(world, platform, ticket), bug_(bug) {}

    void read(const agent::Cursor& from, std::size_t max, Done<agent::Batch> done) override {
        SimExecutor::read(from, max, [this, done = std::move(done)](Answer<agent::Batch> answer) {
            if (answer.result) spoil(*answer.result);
            done(std::move(answer));
        });
    }

    void find(const ObjectName& object, const EntityId& entity,
              Done<std::optional<agent::Record>> done) override {
        SimExecutor::find(
            object, entity,
            [this, done = std::move(done)](Answer<std::optional<agent::Record>> answer) {
                if (bug_ == kFindMisses && answer.result) answer.result->reset();
                done(std::move(answer));
            });
    }

    /// One by one: what is planted is in write().
    [[nodiscard]] std::size_t write_max(const Command&) const override { return 1; }
    void write(const Command& told, Done<agent::Written> done) override {
        Command command = told;
        if (const auto truth = undisguise(told.trace)) {
            std::tie(command.generation, command.fence) = *truth;
        }
        SimExecutor::write(
            command, [this, command, done = std::move(done)](Answer<agent::Written> answer) {
                const bool doubt =
                    !answer.result && answer.result.error().kind == ErrorKind::kAmbiguous;
                if (doubt && bug_ == kBlindRetry) return write(command, done);
                if (doubt && bug_ == kAmbiguousIsFailure) {
                    answer.result = fail(ErrorKind::kUnavailable, "no answer");
                }
                if (doubt && bug_ == kAmbiguousIsSuccess && command.record) {
                    agent::Record record{.object = command.entity.object, .id = *command.record};
                    record.fields = command.fields;
                    answer.result = agent::Written{*command.record, true, record};
                }
                done(std::move(answer));
            });
    }

private:
    void spoil(agent::Batch& batch) {
        if (bug_ == kDeleteIgnored) {
            std::erase_if(batch.records, [](const agent::Record& one) { return one.deleted; });
        }
        if (bug_ == kCursorAhead && batch.more) {
            batch.more = false;
            batch.next.text = "L;" + std::to_string(world().now().count()) + ";;;";
        }
    }

    Planted bug_;
};

}  // namespace

std::string disguise(std::uint64_t generation, std::uint64_t fence) {
    return "planted " + std::to_string(generation) + " " + std::to_string(fence);
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> undisguise(const std::string& trace) {
    std::uint64_t generation = 0;
    std::uint64_t fence = 0;
    std::istringstream in{trace};
    std::string word;
    if (!(in >> word >> generation >> fence) || word != "planted") return std::nullopt;
    return std::pair{generation, fence};
}

std::span<const PlantedBug> planted_bugs() { return kBugs; }

const PlantedBug* find_planted(std::string_view name) {
    const auto at = std::ranges::find(kBugs, name, &PlantedBug::name);
    return at == kBugs.end() ? nullptr : &*at;
}

const PlantedBug* find_planted(Planted bug) {
    const auto at = std::ranges::find(kBugs, bug, &PlantedBug::bug);
    return at == kBugs.end() ? nullptr : &*at;
}

std::unique_ptr<SimExecutor> plant_executor(Planted bug, World& world, Platform& platform,
                                            Ticket ticket) {
    if (bug == kNone) return std::make_unique<SimExecutor>(world, platform, ticket);
    return std::make_unique<PlantedExecutor>(bug, world, platform, ticket);
}

std::string plant_policy(Planted bug, std::string text) {
    if (bug != kNonOwnerAccepted) return text;
    static constexpr std::string_view kRight = "\"revert\"";
    for (auto at = text.find(kRight); at != std::string::npos; at = text.find(kRight, at)) {
        text.replace(at, kRight.size(), "\"accept\"");
    }
    return text;
}

}  // namespace syncline::sim
