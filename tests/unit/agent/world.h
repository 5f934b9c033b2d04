#pragma once

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"
#include "shared/wire/trouble_codec.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/agent/memory_link.h"
#include "tests/unit/agent/scripted_operations.h"
#include "tests/unit/agent/scripted_platform.h"

namespace syncline::test {

/// Ends the agent at a sync point, by an exception that nothing of the agent's catches.
struct Crash {};
class CrashPoints final : public agent::SyncPoints {
public:
    std::string point;  ///< Empty: none.
    Moment moment = Moment::kBefore;
    int hits = 0;  ///< To let pass first.
    std::set<std::string> seen;

    void reached(std::string_view name, Moment when) override {
        if (when == Moment::kAfter) seen.emplace(name);
        if (name != point || when != moment || hits-- > 0) return;
        point.clear();
        throw Crash{};
    }
};

inline Fields named(const char* name) { return {{FieldName{"name"}, name}}; }

/// An agent with everything around it in memory, except its store, which is a real file.
class World {
public:
    static constexpr const char* kEntity = "aaaaaaaaaaaaaaaaaaaaaaaa";

    World() {
        char name[] = "/tmp/syncline-agent-XXXXXX";
        if (mkdtemp(name) == nullptr) throw std::runtime_error("no temporary folder");
        folder = name;
        settings.platform = PlatformId{"crm"};
        link.now = [this] { return clock.now(); };
        settings.writing.breaker.failures_max = 3;
        declare_operation("make", agent::OnDoubt::kRepeat);
    }
    ~World() {
        agent.reset();
        store.reset();
        std::filesystem::remove_all(folder);
    }

    void start() {
        auto opened = agent::Store::open({.path = folder + "/store",
                                          .platform = settings.platform,
                                          .instance = "instance-1",
                                          .now = clock.now()});
        if (!opened) throw std::runtime_error(opened.error().what);
        store = std::move(*opened);
        agent = std::make_unique<agent::Agent>(agent::Agent::Parts{
            .settings = settings,
            .clock = clock,
            .store = *store,
            .link = link,
            .executor = platform,
            .points = points,
            .note = [this](agent::NoteLevel, std::string_view text) { notes.emplace_back(text); },
            .seed = 7,
            .operation_executor = &operations});
        if (auto started = agent->start(); !started) throw std::runtime_error(started.error().what);
    }
    /// The process ends here and now.
    void kill() {
        agent.reset();
        store.reset();
        link.forget();
        platform.forget();
        operations.forget();
    }
    void restart() {
        kill();
        start();
    }

    /// Lets everything happen for as long; nothing waits longer than it must.
    void run(Duration length) {
        const Duration until = clock.steady() + length;
        int idle_turns = 0;
        for (;;) {
            bool busy = platform.deliver();
            busy = operations.deliver() || busy;
            busy = link.deliver() || busy;
            if (auto turned = agent->on_timer(); !turned) {
                last_error = turned.error();
                return;
            }
            if (auto_receipts) busy = receipt_new() || busy;
            busy = busy || link.has_events() || platform.has_events() || operations.has_events();
            const Duration next = agent->next_deadline();
            if (busy || next <= clock.steady()) {
                if (++idle_turns > 10'000) throw std::runtime_error("the agent spins");
                continue;
            }
            idle_turns = 0;
            if (next >= until) break;
            clock.advance(next - clock.steady());
        }
        clock.advance(std::max(Duration{0}, until - clock.steady()));
    }
    void run_seconds(int seconds) { run(std::chrono::seconds{seconds}); }
    /// The same, in a process that may end on the way. True if it did.
    bool run_until_crash(int seconds) {
        try {
            run_seconds(seconds);
        } catch (const Crash&) {
            kill();
            return true;
        }
        return false;
    }

    /// The same, begun again after each crash.
    void live(int seconds) {
        while (run_until_crash(seconds)) {
            ++crashes;
            start();
        }
    }

    [[nodiscard]] std::vector<Change> changes() const {
        std::vector<Change> found;
        for (const auto& message : link.input.messages) {
            const auto subject = subjects::parse_input(message.subject);
            if (subject->kind != subjects::InputKind::kChange) continue;
            found.push_back(wire::decode_change(message.body).value());
        }
        return found;
    }
    [[nodiscard]] std::vector<Outcome> outcomes() const {
        std::vector<Outcome> found;
        for (const auto& message : link.input.messages) {
            const auto subject = subjects::parse_input(message.subject);
            if (subject->kind != subjects::InputKind::kOutcome) continue;
            found.push_back(wire::decode_outcome(message.body).value());
        }
        return found;
    }

    [[nodiscard]] std::vector<Inventory> inventories() const {
        std::vector<Inventory> found;
        for (const auto& message : link.input.messages) {
            const auto subject = subjects::parse_input(message.subject);
            if (subject->kind != subjects::InputKind::kInventory) continue;
            found.push_back(wire::decode_inventory(message.body).value());
        }
        return found;
    }

    [[nodiscard]] std::vector<HoldNotice> notices() const {
        std::vector<HoldNotice> found;
        for (const auto& message : link.input.messages) {
            const auto subject = subjects::parse_input(message.subject);
            if (subject->kind != subjects::InputKind::kHold) continue;
            found.push_back(wire::decode_hold(message.body).value());
        }
        return found;
    }

    [[nodiscard]] std::vector<Trouble> troubles() const {
        std::vector<Trouble> found;
        for (const auto& message : link.input.messages) {
            const auto subject = subjects::parse_input(message.subject);
            if (subject->kind != subjects::InputKind::kTrouble) continue;
            found.push_back(wire::decode_trouble(message.body).value());
        }
        return found;
    }

    [[nodiscard]] std::vector<OperationResult> results() const {
        std::vector<OperationResult> found;
        for (const auto& message : link.input.messages) {
            const auto subject = subjects::parse_input(message.subject);
            if (subject->kind != subjects::InputKind::kOperationResult) continue;
            found.push_back(wire::decode_operation_result(message.body).value());
        }
        return found;
    }

    void send_receipt(Receipt receipt) {
        receipt.platform = settings.platform;
        link.tell(wire::encode(receipt));
    }
    /// A receipt for everything that the input stream has.
    void receipt_all() {
        Receipt receipt;
        std::map<std::uint16_t, Receipt::Mark> marks;
        const auto note = [&](const Numbering& number) {
            Receipt::Mark& mark = marks[number.partition.value];
            if (number.seq.epoch != store->epoch()) return;
            mark = {number.partition, number.seq.epoch, std::max(mark.seq, number.seq.n)};
        };
        for (const Change& change : changes()) note(change.number);
        for (const Outcome& outcome : outcomes()) note(outcome.number);
        for (const Inventory& inventory : inventories()) note(inventory.number);
        for (const HoldNotice& notice : notices()) note(notice.number);
        for (const Trouble& trouble : troubles()) note(trouble.number);
        for (const OperationResult& result : results()) note(result.number);
        for (const auto& [part, mark] : marks) receipt.marks.push_back(mark);
        send_receipt(receipt);
    }
    void link_record(const char* id, const char* entity) {
        Receipt receipt;
        receipt.links.push_back({ObjectName{"customer"}, RecordId{id}, EntityId{entity}});
        send_receipt(receipt);
    }

    [[nodiscard]] Command command(std::uint64_t generation, Fields fields,
                                  const char* entity = kEntity) const {
        Command made;
        made.platform = settings.platform;
        made.entity = {ObjectName{"customer"}, EntityId{entity}};
        made.generation = generation;
        made.partition = entity_partition(made.entity, link.partitions);
        made.fence = 1;
        made.fields = std::move(fields);
        return made;
    }
    [[nodiscard]] Command update(std::uint64_t generation, const char* id, Fields fields,
                                 const char* entity = kEntity) const {
        Command made = command(generation, std::move(fields), entity);
        made.kind = CommandKind::kUpdate;
        made.record = RecordId{id};
        // What the hub believes: as it is now.
        if (const auto* record = platform.find_record(id)) {
            for (const auto& [name, value] : made.fields) {
                if (const Value* held = record->fields.find(name)) made.expected.set(name, *held);
            }
        }
        return made;
    }
    [[nodiscard]] Command create(std::uint64_t generation, Fields fields,
                                 const char* entity = kEntity) const {
        Command made = command(generation, std::move(fields), entity);
        made.kind = CommandKind::kCreate;
        return made;
    }
    void send(const Command& made) {
        link.put_command(subjects::command(made.platform, made.entity), wire::encode(made));
    }

    /// With a text `sku` as its input and a text `number` as its output.
    void declare_operation(const char* name, agent::OnDoubt on_doubt) {
        const auto field = [](const char* of) {
            FieldSpec spec;
            spec.name = FieldName{of};
            spec.required = true;
            return spec;
        };
        agent::OperationSettings made{.form = {.name = name}, .on_doubt = on_doubt};
        made.form.input = {field("sku")};
        made.form.output = {field("number")};
        settings.operating.operations.push_back(std::move(made));
    }
    [[nodiscard]] OperationCall call(const char* key, const char* operation = "make",
                                     std::uint32_t attempt = 1) const {
        return {.platform = settings.platform,
                .operation = operation,
                .key = key,
                .attempt = attempt,
                .partition = instance_partition(instance_of(key), link.partitions),
                .input = {{FieldName{"sku"}, "A-1"}},
                .decided_at = clock.now(),
                .trace = "t"};
    }
    void send(const OperationCall& made) {
        link.put_command(subjects::operation_call(made.platform, made.key), wire::encode(made));
    }

    std::string folder;
    ManualClock clock;
    agent::AgentSettings settings;
    MemoryLink link;
    ScriptedPlatform platform;
    ScriptedOperations operations;
    CrashPoints points;
    std::vector<std::string> notes;
    std::optional<Error> last_error;
    bool auto_receipts = false;
    int crashes = 0;  ///< Of live().
    std::unique_ptr<agent::Store> store;
    std::unique_ptr<agent::Agent> agent;

private:
    bool receipt_new() {
        if (link.input.messages.size() == receipted_) return false;
        receipted_ = link.input.messages.size();
        receipt_all();
        return true;
    }
    std::size_t receipted_ = 0;
};

}  // namespace syncline::test
