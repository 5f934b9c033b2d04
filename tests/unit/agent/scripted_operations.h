#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/operation_executor.h"

namespace syncline::test {

/// What a platform does when it is asked for operations, in memory; answers come with deliver().
/// Each call takes the first of `scripts`, or works.
class ScriptedOperations final : public agent::OperationExecutor {
public:
    enum class Effect { kNone, kApplied };
    struct Script {
        Effect effect = Effect::kNone;
        ErrorKind error = ErrorKind::kUnavailable;
        Duration pause{0};
    };

    std::deque<Script> scripts;
    std::deque<ErrorKind> find_errors;  ///< Each look takes the first, or works.
    std::optional<Error> down;          ///< Every call and look fails with it.
    bool knows_keys = false;            ///< It does each key once.
    Value answer = Value::Map{{"number", "F-1"}};
    bool holds = false;                  ///< Answered by release().
    std::map<std::string, int> effects;  ///< How often each key was carried out.
    std::vector<agent::OperationRequest> calls;
    std::vector<agent::OperationRequest> looks;

    [[nodiscard]] bool has_events() const { return !events_.empty(); }
    bool deliver() {
        bool any = false;
        while (!events_.empty()) {
            auto event = std::move(events_.front());
            events_.pop_front();
            event();
            any = true;
        }
        return any;
    }
    void forget() {
        events_.clear();
        held_.clear();
    }
    void release() {
        holds = false;
        for (auto& event : held_) events_.push_back(std::move(event));
        held_.clear();
    }

    void operate(const agent::OperationRequest& request,
                 agent::Executor::Done<Value> done) override {
        calls.push_back(request);
        agent::Executor::Answer<Value> told{answer};
        std::optional<Script> script;
        if (!scripts.empty()) {
            script = scripts.front();
            scripts.pop_front();
        }
        if (down) {
            told.result = fail(*down);
        } else {
            if (!script || script->effect == Effect::kApplied) {
                int& times = effects[request.key];
                if (times == 0 || !knows_keys) ++times;
            }
            if (script) {
                told.result = fail(script->error, "scripted");
                told.pause = script->pause;
            }
        }
        (holds ? held_ : events_).push_back([done, told] { done(told); });
    }
    void find_operation(const agent::OperationRequest& request,
                        agent::Executor::Done<std::optional<Value>> done) override {
        looks.push_back(request);
        agent::Executor::Answer<std::optional<Value>> told{std::optional<Value>{}};
        if (effects.contains(request.key)) told.result = answer;
        if (!find_errors.empty()) {
            told.result = fail(find_errors.front(), "scripted");
            find_errors.pop_front();
        }
        if (down) told.result = fail(*down);
        events_.push_back([done, told] { done(told); });
    }

private:
    std::deque<std::function<void()>> events_;
    std::deque<std::function<void()>> held_;
};

}  // namespace syncline::test
