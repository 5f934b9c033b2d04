#include <algorithm>
#include <set>
#include <utility>

#include "agent/commands.h"

/// The part of Commands that puts several into one call of the platform. Each is journalled, told
/// and cleared up as if it had gone alone; nothing waits for others to come. What is due at the
/// moment of a call, and of the same sort, goes with it.
namespace syncline::agent {

/// The record that a look asks for; none: it is looked for by its marker.
std::optional<RecordId> Commands::fetched_by(const Job& job) {
    if (job.phase == Phase::kLook) return job.made;
    const bool by_marker = job.phase == Phase::kVerify && job.command.kind == CommandKind::kCreate;
    if (by_marker) return std::nullopt;
    return job.written ? job.written : job.command.record;
}

/// While it is not known whether the platform is well, one command at a time tries.
std::size_t Commands::together_max(const Job& job) const {
    if (job.alone || batch_max_ <= 1 || probes(now())) return 1;
    if (job.phase == Phase::kWrite) return p_.executor.write_max(job.command);
    const auto id = fetched_by(job);
    return id ? p_.executor.fetch_max(job.command.entity.object, *id) : 1;
}

bool Commands::go_together(const Job& one, const Job& other) {
    const bool writes = one.phase == Phase::kWrite;
    const bool alike = one.command.entity.object == other.command.entity.object &&
                       writes == (other.phase == Phase::kWrite) && !other.ending &&
                       other.command.kind != CommandKind::kForget;
    if (!alike || !writes) return alike;
    return other.intent && one.command.kind == other.command.kind &&
           one.command.origin == other.command.origin;
}

/// `job`, and what else is due and goes into the same call: taken from those that wait.
Commands::Jobs Commands::take_its_like(const JobPtr& job) {
    Jobs jobs{job};
    const std::size_t most = together_max(*job);
    std::set<RecordId> records;
    const auto is_another = [&](const Job& one) {
        const auto id = one.phase == Phase::kWrite ? one.command.record : fetched_by(one);
        return !id || records.insert(*id).second;
    };
    std::ignore = is_another(*job);  // The first is.
    const Duration at = now();
    for (auto it = due_.begin(); it != due_.end() && it->first <= at && jobs.size() < most;) {
        const Slot& slot = slots_.at(it->second);
        const JobPtr other = slot.running;
        const bool goes = go_together(*job, *other) && together_max(*other) > 1 &&
                          !is_overtaken(slot) && is_another(*other);
        if (!goes) {
            ++it;
            continue;
        }
        it = due_.erase(it);
        other->due = kNever;
        jobs.push_back(other);
    }
    return jobs;
}

void Commands::call_all(const Jobs& jobs) {
    const std::uint64_t lot = p_.environment.jitter.next();
    for (const JobPtr& job : jobs) job->lot = lot;
    if (jobs.front()->phase == Phase::kWrite) {
        write_all(jobs);
    } else {
        fetch_all(jobs);
    }
}

void Commands::write_all(const Jobs& jobs) {
    std::vector<Command> commands;
    for (const JobPtr& job : jobs) {
        guard(job);
        job->among_others = true;
        commands.push_back(job->command);
    }
    p_.environment.before("C3");
    p_.executor.write_all(commands, [this, jobs](const Executor::Answer<Each<Written>>& answer) {
        p_.environment.before("C4");
        on_all_answered<Written>(jobs, answer, &Commands::on_written);
        p_.environment.after("C4");
    });
    p_.environment.after("C3");
}

void Commands::fetch_all(const Jobs& jobs) {
    std::vector<RecordId> ids;
    for (const JobPtr& job : jobs) ids.push_back(*fetched_by(*job));
    using Found = std::optional<Record>;
    p_.executor.fetch_all(jobs.front()->command.entity.object, ids,
                          [this, jobs](const Executor::Answer<Each<Found>>& answer) {
                              on_all_answered<Found>(jobs, answer, &Commands::on_looked);
                          });
}

template <class T>
void Commands::on_all_answered(const Jobs& jobs, const Executor::Answer<Each<T>>& answer,
                               GoOn<T> go_on) {
    on_answer(jobs, answer.cost, answer.took);
    const auto told = [&](std::size_t i) -> Result<T> {
        if (!answer.result) return fail(answer.result.error());
        if (i < answer.result->results.size()) return answer.result->results[i];
        return fail(ErrorKind::kInternal, "nothing is told of this record");
    };
    const bool refused = !answer.result && answer.result.error().kind == ErrorKind::kUnsupported;
    if (refused) {  // A batch that is always refused costs more calls than none.
        last_error_ = answer.result.error().what;
        p_.environment.note(NoteLevel::kWarning, last_error_ + "; each goes by itself");
    }
    for (const std::string& note :
         answer.result ? answer.result->notes : std::vector<std::string>{}) {
        last_error_ = note;
        p_.environment.note(NoteLevel::kError, note);
    }
    // What failed goes first: the others then say that the platform is there.
    for (const bool succeeded : {false, true}) {
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            const Result<T> result = told(i);
            if (result.has_value() != succeeded) continue;
            if (!result && result.error().kind == ErrorKind::kUnsupported) {
                send_alone(jobs[i]);
            } else {
                (this->*go_on)(jobs[i], result, answer.pause);
            }
        }
    }
}

/// Was the platform's answer to a create given to the wrong one of those in its call?
bool Commands::is_anothers(const Job& job, const Record& record) {
    const Command& command = job.command;
    return job.among_others && command.kind == CommandKind::kCreate && record.marker &&
           *record.marker != command.entity.entity;
}

/// The platform has answered, and done nothing.
void Commands::send_alone(const JobPtr& job) {
    p_.gate.succeeded();
    p_.gate.breaker().succeeded();
    job->alone = true;
    if (job->phase != Phase::kWrite || job->doubt) return wait(job, now());
    retry(job, now());
}

}  // namespace syncline::agent
