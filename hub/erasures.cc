#include "hub/erasures.h"

#include <algorithm>
#include <charconv>

#include "hub/core/decide.h"
#include "hub/core/identity.h"
#include "hub/core/input_name.h"
#include "hub/core/state_codec.h"
#include "shared/nats/jetstream_api.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// How long a server gets to remove what it was asked to before it is looked again.
constexpr Duration kSettle = std::chrono::milliseconds{50};
/// What was there when a read began and is gone since is waited for in vain: another hub erases,
/// too.
constexpr Duration kSilentMost = std::chrono::seconds{5};
constexpr Duration kLateLook = std::chrono::minutes{1};
/// So many are asked for at once.
constexpr std::size_t kFoundMost = 1'000;

std::vector<RecordKey> records_of(const EntityState& state) {
    std::vector<RecordKey> all;
    for (const RecordState& record : state.records) {
        if (record.record) all.push_back({record.platform, state.key.object, *record.record});
        for (const OtherRecord& other : record.others) {
            all.push_back({record.platform, state.key.object, other.record});
        }
    }
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

/// The match keys that the canonical values have made in the end of the entry.
void add_keys(const ObjectSpec& object, const Fields& canonical,
              std::map<std::string, Claim>& keys) {
    for (const MatchRule& rule : object.matches) {
        if (const auto text = match_text(rule, canonical)) {
            keys.try_emplace(subjects::match_key(object.name, rule.name, *text),
                             Claim{object.name, rule.name, *text});
        }
    }
}

}  // namespace

void Erasures::start(const EntityState& state, std::uint64_t sequence, Queued then) {
    const auto known = std::ranges::find_if(jobs_, [&](const Job& job) {
        return job.state.key == state.key && job.state.forgotten == state.forgotten;
    });
    if (known != jobs_.end()) {
        known->then.push_back(std::move(then));
        return;
    }
    Job job{.state = state, .sequence = sequence};
    job.records = records_of(state);
    job.then.push_back(std::move(then));
    jobs_.push_back(std::move(job));
}

void Erasures::forget_all() {
    reader_.reset();
    found_.clear();
    jobs_.clear();
    late_looks_.clear();
}

std::string_view Erasures::stream_of(Pass pass) {
    switch (pass) {
        case Pass::kInputs: return subjects::kStreamIn;
        case Pass::kCommands: return subjects::kStreamCommands;
        case Pass::kExceptions: return subjects::kStreamExceptions;
        case Pass::kEvents: return subjects::kStreamEvents;
        case Pass::kKeys: return subjects::kStreamState;
        case Pass::kLook:
        case Pass::kLog:
        case Pass::kEnd: break;
    }
    return subjects::kStreamLog;
}

std::vector<std::string> Erasures::filters_of(const Job& job) const {
    const EntityKey& entity = job.state.key;
    std::vector<std::string> filters;
    switch (job.pass) {
        case Pass::kInputs:
            filters = {subjects::outcomes_of(entity),
                       subjects::operations_of(entity_partition(entity, options_.partitions))};
            for (const RecordKey& record : job.records) {
                filters.push_back(subjects::changes_of(record));
            }
            break;
        case Pass::kCommands: filters = {subjects::commands_of(entity)}; break;
        case Pass::kExceptions:
            filters = {subjects::exceptions_of(entity)};
            // Where one was kept before it had an entity. It may have founded this one.
            for (const RecordKey& record : job.records) {
                const EntityKey founded{entity.object, founded_entity(record)};
                if (founded != entity) filters.push_back(subjects::exceptions_of(founded));
            }
            break;
        case Pass::kEvents: filters = {subjects::events_of(entity)}; break;
        case Pass::kKeys:
            for (const auto& [subject, key] : job.keys) filters.push_back(subject);
            break;
        case Pass::kLook:
        case Pass::kLog:
        case Pass::kEnd: filters = {subjects::log(entity)};
    }
    return filters;
}

void Erasures::tick() {
    if (!link_.connected()) return;
    look_late();
    if (jobs_.empty()) return;
    Job& job = jobs_.front();
    if (reader_) {
        if (reader_->caught_up() || found_.size() >= kFoundMost) return pass_read(job);
        if (clock_.steady() - heard_ > kSilentMost) read(job);
        return;
    }
    if (clock_.steady() >= due_) read(job);
}

void Erasures::read(Job& job) {
    found_.clear();
    if (job.pass == Pass::kLook) {
        job.log.clear();
        job.unsure.clear();
        job.forgotten_at.reset();
        job.canonical.clear();
    }
    heard_ = clock_.steady();
    nats::ConsumeSpec spec;
    spec.stream = stream_of(job.pass);
    spec.filters = filters_of(job);
    reader_ = link_.consume(std::move(spec), this);
}

void Erasures::on_message(const nats::InMessage& message) {
    reader_->processed(1);
    heard_ = clock_.steady();
    Job& job = jobs_.front();
    if (job.pass == Pass::kLook) return look_at(job, message);
    if (found_.size() < kFoundMost && is_of(job, message)) found_.push_back(message.sequence);
}

/// The log of before says which match keys it has had.
void Erasures::look_at(Job& job, const nats::InMessage& message) const {
    const auto entry = decode_log_entry(message.body);
    if (!entry) return;
    const Forgotten& forgotten = *job.state.forgotten;
    const bool forgets = entry->version == forgotten.version &&
                         std::ranges::count(entry->inputs, name_of(Operation{.id = forgotten.id}));
    if (forgets) {
        if (job.forgotten_at) return;
        job.forgotten_at = message.stored_at;
        for (const auto& [sequence, stored_at] : job.unsure) job.log.push_back(sequence);
        return;
    }
    if (entry->version < forgotten.version) {
        job.log.push_back(message.sequence);
    } else if (job.forgotten_at) {
        return;
    } else {
        job.unsure.emplace_back(message.sequence, message.stored_at);
    }
    const ObjectSpec* object = policies_.newest().object(job.state.key.object);
    if (object == nullptr) return;
    for (const FieldDecision& decision : entry->decisions) {
        if (decision.verdict == Verdict::kAccepted)
            job.canonical.set(decision.field, decision.value);
    }
    add_keys(*object, job.canonical, job.keys);
}

void Erasures::log_looked_through(Job& job) {
    if (!job.forgotten_at) {  // That entry is lost.
        job.forgotten_at = job.state.forgotten->at - kHubClockOff;
        for (const auto& [sequence, stored_at] : job.unsure) {
            if (stored_at < *job.forgotten_at) job.log.push_back(sequence);
        }
    }
    std::ranges::sort(job.log);
}

bool Erasures::is_of(const Job& job, const nats::InMessage& message) const {
    switch (job.pass) {
        case Pass::kInputs: return is_told_of(job, message);
        case Pass::kCommands: {
            const auto command = wire::decode_command(message.body);
            return !command || is_of_before(job, *command);
        }
        case Pass::kEvents: {
            // It may live again by now, and what is told of that stays.
            const std::string_view token = message.subject.substr(message.subject.rfind('.') + 1);
            std::uint64_t version = 0;
            std::from_chars(token.data(), token.data() + token.size(), version);
            return version < job.state.forgotten->version || is_older(job, message);
        }
        case Pass::kKeys: return is_former_key(job, message);
        case Pass::kLog: {
            const auto& log = job.state.forgotten->log;
            return std::ranges::binary_search(log, message.sequence);
        }
        case Pass::kExceptions: {
            const auto exception = decode_exception(message.body);
            if (!exception) return true;
            if (exception->entity != job.state.key) {  // What its records once founded may live.
                const RecordKey record{exception->platform, exception->entity.object,
                                       RecordId{exception->record}};
                return !is_held(exception->kind) && std::ranges::binary_search(job.records, record);
            }
            if (is_older(job, message)) return true;
            // It may live again by now, and have others, open or closed: without the word that one
            // is closed it would be open again. What forgetting closed has the version of that.
            const std::uint64_t first = job.state.forgotten->version;
            const bool is_open = exception->status == ExceptionStatus::kOpen;
            return is_open ? exception->version < first : exception->version <= first;
        }
        case Pass::kLook:
        case Pass::kEnd: break;
    }
    return false;
}

/// Does it hold anything that was told of the entity? What only says that a record is gone, or that
/// a command is done, stays: it may not be done itself.
bool Erasures::is_told_of(const Job& job, const nats::InMessage& message) const {
    const bool lives = !job.state.deleted && !job.state.is_merged();
    if (lives && message.stored_at > job.state.forgotten->at) return false;
    const auto about = subjects::parse_input(message.subject);
    if (!about) return false;
    if (about->kind == subjects::InputKind::kChange) {
        const auto change = wire::decode_change(message.body);
        return !change || !change->fields.empty();
    }
    if (about->kind == subjects::InputKind::kOutcome) {
        const auto outcome = wire::decode_outcome(message.body);
        return !outcome || !outcome->fields.empty() || !outcome->reason.empty();
    }
    const auto operation = decode_operation(message.body);
    if (!operation || operation->kind == OperationKind::kForget) return false;
    const RecordKey record{operation->platform, operation->entity.object, operation->record};
    return operation->entity == job.state.key || std::ranges::binary_search(job.records, record);
}

/// Does it say what the entity was? It may live again by now, and what is commanded since comes
/// after the word to forget, which every agent has got.
bool Erasures::is_of_before(const Job& job, const Command& command) const {
    if (command.fields.empty() && command.expected.empty()) return false;
    const ObjectSpec* object = policies_.newest().object(job.state.key.object);
    const bool told = object != nullptr && object->binding(command.platform) != nullptr;
    const RecordState* record = told ? job.state.record(command.platform) : nullptr;
    return record == nullptr || command.generation < record->generation;
}

/// Is the match key nobody's but its former holder's? It may live again and have claimed it anew.
bool Erasures::is_former_key(const Job& job, const nats::InMessage& message) const {
    const auto holder = wire::decode_reference(message.body);
    const auto waiting = wire::decode_waiting(message.body);
    if (!holder || !waiting) return false;
    const ObjectSpec* object = policies_.newest().object(job.state.key.object);
    const auto key = job.keys.find(std::string{message.subject});
    if (!holder->empty() &&
        (object == nullptr || *holder != job.state.key.entity || key == job.keys.end() ||
         message.sequence > job.sequence || has_key(*object, job.state, key->second))) {
        return false;
    }
    return std::ranges::all_of(*waiting, [&](const RecordKey& one) {
        return std::ranges::binary_search(job.records, one);
    });
}

void Erasures::pass_read(Job& job) {
    reader_.reset();
    const std::vector<std::uint64_t> found = std::exchange(found_, {});
    for (const std::uint64_t sequence : found) {
        const auto request = nats::api::erase_message(stream_of(job.pass), sequence);
        link_.send(request.subject, request.body);
        job.erased.emplace(job.pass, sequence);
    }
    due_ = clock_.steady();
    if (!found.empty()) {
        due_ += kSettle;
        return;
    }
    if (job.pass == Pass::kLook) log_looked_through(job);
    if (job.is_late_look) return late_looked();
    job.pass = static_cast<Pass>(static_cast<int>(job.pass) + 1);
    if (job.pass == Pass::kKeys && job.keys.empty()) job.pass = Pass::kLog;
    const bool log_too = job.state.forgotten->phase == Forgotten::Phase::kLog;
    if (job.pass == Pass::kEnd || (job.pass == Pass::kLog && !log_too)) finish();
}

void Erasures::finish() {
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    const Forgotten& forgotten = *job.state.forgotten;
    Erased erased{forgotten.id, forgotten.phase, job.erased.size(), {}};
    if (forgotten.phase == Forgotten::Phase::kStreams) erased.log = std::move(job.log);
    if (erased.log.empty()) late_looks_.push_back({clock_.steady() + kLateLook, job.state});
    for (Queued& then : job.then) {
        then.input = erased;
        host_.on_erased(job.state.key, std::move(then));
    }
}

void Erasures::look_late() {
    if (!jobs_.empty() || late_looks_.empty() || late_looks_.front().due > clock_.steady()) return;
    jobs_.push_back({.state = std::move(late_looks_.front().state), .is_late_look = true});
    late_looks_.pop_front();
}

void Erasures::late_looked() {
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    if (job.log.empty()) return;
    const EntityKey& entity = job.state.key;
    host_.on_erased(entity,
                    {.input = Erased{job.state.forgotten->id, Forgotten::Phase::kDone, 0, job.log},
                     .work = {entity_partition(entity, options_.partitions), 0, 0}});
}

}  // namespace syncline::hub
