#include "hub/policies.h"

#include <algorithm>
#include <set>

#include "shared/base/log.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// Between two attempts to store the first version.
constexpr Duration kSeedAgain = std::chrono::seconds{2};
/// A version that others know is heard of much sooner, unless it is lost.
constexpr Duration kMissedLong = std::chrono::seconds{10};

}  // namespace

Policies::Policies(nats::Link& link, const Clock& clock, BrokerWatch& watch,
                   ReliablePublisher& effects, Duration retry_wait, std::vector<PolicyFile> seed)
    : link_(link),
      clock_(clock),
      watch_(watch),
      effects_(effects),
      retry_wait_(retry_wait),
      seed_(std::move(seed)) {}

Policies::~Policies() = default;

void Policies::start() {
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamPolicy;
    spec.filters = {subjects::all_policy_versions(), subjects::all_policy_starts()};
    spec.last_per_subject = true;
    reader_ = link_.consume(std::move(spec), this);
    spec = {};
    spec.stream = subjects::kStreamIn;
    spec.filters = {subjects::policy_activation()};
    activations_ = link_.consume(std::move(spec), this);
}

void Policies::settle() {
    const bool pending = std::ranges::any_of(
        known_, [](const auto& entry) { return entry.second.activation.has_value(); });
    const std::uint64_t number = number_at(UINT64_MAX);
    const bool settled = !pending && later_.empty() && newest_ != nullptr &&
                         newest_->version == number && expected_ <= number;
    settled_from_ = settled ? newest_start() + 1 : UINT64_MAX;
}

void Policies::on_message(const nats::InMessage& message) {
    settled_from_ = UINT64_MAX;
    if (message.subject == subjects::policy_activation()) {
        activations_->processed(1);
        return activate(message);
    }
    reader_->processed(1);
    watch_.seen(subjects::kStreamPolicy, message.sequence);
    // What somebody stored after a loss may have brought the bucket to where it ended before.
    if (message.sequence <= std::exchange(read_to_, message.sequence)) restore();
    const auto entry = subjects::parse_policy_entry(message.subject);
    if (!entry || message.deleted) return;
    Known& known = known_[entry->number];
    Result<void> taken;
    if (entry->kind == subjects::PolicyEntry::Kind::kVersion) {
        auto version = parse_policy_version(message.body);
        if (!version) taken = fail(version.error());
        if (version && !known.version) known.version = *std::move(version);
    } else {
        auto start = parse_policy_start(message.body);
        if (!start) taken = fail(start.error());
        // An earlier place is that of another hub, which noticed a loss; see move_lost_places().
        const bool news = start && (!known.start || start->sequence < known.start->sequence);
        if (news) known.start = *std::move(start);
        known.activation.reset();  // Another hub has judged it.
    }
    if (!taken) {
        log::error("an entry of the policy's bucket cannot be read",
                   {{"subject", message.subject}, {"error", taken.error()}});
    }
    if (!read_) return;
    choose_newest();
    judge();
}

void Policies::tick() {
    if (reader_ == nullptr || !link_.connected()) return;
    const Duration now = clock_.steady();
    if (!read_ && reader_->caught_up()) {
        read_ = true;
        move_lost_places();
        choose_newest();
        judge();
        if (known_.empty() && seed_.empty()) {
            log::warning("there is no policy yet: synclinectl policy apply DIR");
        }
    }
    const bool none = std::ranges::none_of(
        known_, [](const auto& entry) { return entry.second.version.has_value(); });
    if (read_) move_lost_places();
    if (read_ && none && !seed_.empty() && now >= seed_due_) {
        seed_due_ = now + kSeedAgain;
        seed();
    }
    if (missed_since_ != Duration{0} && now - missed_since_ > kMissedLong) {
        missed_since_ = Duration{0};
        if (number_at(UINT64_MAX) < expected_) log::error(trouble());
    }
    for (auto& [number, known] : known_) {
        if (known.retry_at == Duration{0} || known.retry_at > now) continue;
        known.retry_at = Duration{0};
        load(number, known);
    }
    settle();
}

/// The first version: whoever stores it first has made it.
void Policies::seed() {
    const auto parsed = parse_policy(seed_);
    if (!parsed) return;  // Its owner has checked it.
    PolicyVersion version = version_of(1, parsed->name, seed_);
    version.author = "syncline-hub";
    version.reason = "the policy that the first hub was started with";
    version.at = clock_.now();
    for (std::size_t i = 0; i < seed_.size(); ++i) {
        effects_.publish(subjects::policy_file(version.files[i].hash), seed_[i].text, nullptr, 0);
    }
    link_.publish({subjects::policy_version(1), to_text(version), {}, 0}, this, 0);
}

// Stored or not, by us or by another: the bucket tells.
void Policies::on_published(std::uint64_t, const Result<std::uint64_t>&) {}

void Policies::restore() {
    for (const auto& [number, known] : known_) {
        if (!known.version) continue;
        // Its files are perhaps not all here; that it was in force must be known all the same.
        for (std::size_t i = 0; known.policy && i < known.files.size(); ++i) {
            effects_.publish(subjects::policy_file(known.version->files[i].hash),
                             known.files[i].text, nullptr, 0);
        }
        effects_.publish(subjects::policy_version(number), to_text(*known.version), nullptr, 0);
        if (!known.start) continue;
        effects_.publish(subjects::policy_start(number), to_text(*known.start), nullptr, 0);
    }
}

/// A version ruled from a place that SYNC_IN has lost: whatever comes there now is its, too. Else
/// the version before would rule again, and no other could come into force.
void Policies::move_lost_places() {
    const nats::StreamInfo* inputs = watch_.info(subjects::kStreamIn);
    if (inputs == nullptr) return;
    for (auto& [number, known] : known_) {
        if (!known.start || known.start->inputs_created != inputs->created) continue;
        const bool lost =
            known.start->sequence > inputs->last_sequence && known.start->at < inputs->asked;
        if (!lost) continue;
        log::warning("where a version of the policy came into force is lost; it rules what comes",
                     {{"version", number},
                      {"sequence", known.start->sequence},
                      {"from", inputs->last_sequence}});
        known.start->sequence = inputs->last_sequence;
        settled_from_ = UINT64_MAX;
        effects_.publish(subjects::policy_start(number), to_text(*known.start), nullptr, 0);
    }
}

// ---- Which version rules what. ----------------------------------------------------------------

/// Version 1 rules from the beginning, and so does what a lost SYNC_IN began with.
std::optional<std::uint64_t> Policies::start_of(std::uint64_t number, const Known& known) const {
    if (!known.start) return number == 1 && known.version ? std::optional{0ULL} : std::nullopt;
    const nats::StreamInfo* inputs = watch_.info(subjects::kStreamIn);
    if (inputs == nullptr || inputs->created != known.start->inputs_created) return 0;
    return known.start->sequence;
}

std::uint64_t Policies::number_at(std::uint64_t sequence) const {
    std::uint64_t found = 0;
    for (const auto& [number, known] : known_) {
        const auto start = start_of(number, known);
        if (start && *start < sequence) found = number;
    }
    return found;
}

std::uint64_t Policies::newest_start_seen() const {
    const std::uint64_t number = number_at(UINT64_MAX);
    return number == 0 ? 0 : start_of(number, known_.at(number)).value_or(0);
}

std::uint64_t Policies::newest_start() const {
    return start_of(newest_->version, known_.at(newest_->version)).value_or(0);
}

const Policy* Policies::at(std::uint64_t sequence) {
    if (sequence >= settled_from_) return newest_;
    for (const auto& [number, known] : known_) {
        if (known.activation && known.activated.sequence < sequence) return nullptr;
    }
    const std::uint64_t number = number_at(sequence);
    if (number_at(UINT64_MAX) < expected_) return nullptr;
    for (auto at = known_.lower_bound(number); at != known_.end(); ++at) {
        auto& [candidate, known] = *at;
        if (!start_of(candidate, known)) continue;
        if (known.policy) return known.policy.get();
        load(candidate, known);
        // What this hub cannot read, or is lost, is passed over for a later one.
        if (!known.broken && known.missing.empty()) return nullptr;
    }
    return nullptr;
}

const Policy* Policies::find(std::uint64_t version) const {
    const auto at = known_.find(version);
    return at == known_.end() ? nullptr : at->second.policy.get();
}

const Policy* Policies::need(std::uint64_t version) {
    const auto at = known_.find(version);
    if (at == known_.end()) return nullptr;
    if (!at->second.policy) load(version, at->second);
    return at->second.policy.get();
}

void Policies::expect(std::uint64_t version) {
    if (version <= expected_) return;
    settled_from_ = UINT64_MAX;
    expected_ = version;
    if (number_at(UINT64_MAX) < expected_) missed_since_ = clock_.steady();
}

std::string Policies::trouble() const {
    const std::uint64_t number = number_at(UINT64_MAX);
    if (const auto at = known_.find(number); at != known_.end() && !at->second.missing.empty()) {
        return "version " + std::to_string(number) + ": " + at->second.missing;
    }
    if (number >= expected_) return broken_;
    return "version " + std::to_string(expected_) +
           " was in force and is not stored any more; nothing is decided until somebody applies it "
           "again";
}

void Policies::choose_newest() {
    const std::uint64_t number = number_at(UINT64_MAX);
    if (number == 0 || (newest_ != nullptr && newest_->version >= number)) return;
    Known& known = known_.at(number);
    broken_ = known.broken ? known.failed : std::string{};
    if (!known.policy) return load(number, known);
    newest_ = known.policy.get();
    log::info(
        "a version of the policy is in force",
        {{"policy", newest_->name}, {"version", number}, {"hash", newest_->hash.substr(0, 12)}});
    if (!ready_) {
        ready_ = true;
        compare_seed();
        return on_ready();
    }
    on_activated();
}

void Policies::compare_seed() const {
    if (seed_.empty() || policy_hash(seed_) == newest_->hash) return;
    log::warning(
        "the policy's directory differs from the version in force, which counts; to change it: "
        "synclinectl policy plan DIR, then policy apply DIR",
        {{"version", newest_->version}});
}

// ---- Coming into force. -----------------------------------------------------------------------

void Policies::activate(const nats::InMessage& message) {
    settled_from_ = UINT64_MAX;
    auto activation = parse_policy_activation(message.body);
    if (!activation || activation->version == 0) {
        log::error("an activation of a policy cannot be read",
                   {{"sequence", message.sequence},
                    {"error", activation ? Error{ErrorKind::kInvalid, "it names no version"}
                                         : activation.error()}});
        return;
    }
    const PolicyStart place{.version = activation->version,
                            .hash = activation->hash,
                            .sequence = message.sequence,
                            .inputs_created = watch_.info(subjects::kStreamIn)->created,
                            .at = message.stored_at,
                            .actor = activation->actor};
    take(*std::move(activation), place);
}

void Policies::take(PolicyActivation activation, const PolicyStart& place) {
    // Read before, by us or by another: in force, or refused.
    if (place.sequence <= std::max(judged_, newest_start_seen())) return;
    Known& known = known_[place.version];
    if (start_of(place.version, known)) return;
    if (known.activation) {  // That one first.
        if (place.sequence > known.activated.sequence)
            later_.emplace(place.sequence, Later{std::move(activation), place});
        return;
    }
    known.activated = place;
    known.activation = std::move(activation);
    load(place.version, known);
    judge();
}

bool Policies::is_lost(const Known& known) const {
    return !known.policy && known.missing_since != Duration{0} &&
           clock_.steady() - known.missing_since > kMissedLong;
}

/// Are the oldest activation's conditions met? A hub that was away judges it again, and comes to
/// the same: what it looks at is never altered.
void Policies::judge() {
    if (!read_) return;  // What is in force may not be known yet.
    auto pending = known_.end();
    for (auto at = known_.begin(); at != known_.end(); ++at) {
        if (!at->second.activation) continue;
        const bool first = pending == known_.end() ||
                           at->second.activated.sequence < pending->second.activated.sequence;
        if (first) pending = at;
    }
    if (pending == known_.end()) return;
    auto& [number, known] = *pending;
    if (known.broken) return refuse(number, known, known.failed);
    // None was: all that were are lost.
    const std::uint64_t before = number_at(known.activated.sequence);
    const auto ruling = known_.find(before);
    const bool lost = ruling != known_.end() && is_lost(ruling->second);
    if (ruling != known_.end() && !ruling->second.policy && !lost) {
        return load(ruling->first, ruling->second);
    }
    if (!known.policy) return;
    if (known.version->base != before) {
        return refuse(number, known,
                      "it was made on version " + std::to_string(known.version->base) + ", and " +
                          std::to_string(before) + " was in force");
    }
    if (known.activation->hash != known.version->hash) {
        return refuse(number, known, "it is another than was meant: its hash differs");
    }
    std::set<std::string_view> wanted_by{account_of(known.version->author)};
    for (const std::string& actor : known.approved_by) wanted_by.insert(account_of(actor));
    // How many people a lost one asked for nobody knows: as many as the new one does.
    std::uint32_t needed = ruling == known_.end() ? 1 : known.policy->approvals;
    if (ruling != known_.end() && !lost) needed = ruling->second.policy->approvals;
    if (wanted_by.size() < needed) {
        return refuse(number, known,
                      "it needs " + std::to_string(needed) + " people, and has " +
                          std::to_string(wanted_by.size()));
    }
    known.activation.reset();
    known.start = known.activated;
    judged_ = std::max(judged_, known.activated.sequence);
    effects_.publish(subjects::policy_start(number), to_text(*known.start), nullptr, 0);
    choose_newest();
    judge_later();
}

void Policies::judge_later() {
    for (auto& [sequence, later] : std::exchange(later_, {})) {
        take(std::move(later.activation), later.place);
    }
    judge();
}

void Policies::refuse(std::uint64_t number, Known& known, const std::string& why) {
    log::error("an activation of a policy is refused",
               {{"version", number}, {"sequence", known.activated.sequence}, {"why", why}});
    on_refused(number, why);
    judged_ = std::max(judged_, known.activated.sequence);
    // It may be activated again, with more approvals.
    known.activation.reset();
    known.policy.reset();
    known.files.clear();
    known.broken = false;
    judge_later();
}

// ---- Reading the bucket. ----------------------------------------------------------------------

void Policies::get(std::uint64_t number, Known& known, const std::string& subject, auto take) {
    ++known.outstanding;
    link_.get_last(subjects::kStreamPolicy, subject,
                   [this, number, attempt = known.attempt, take](auto stored) {
                       Known& asked = known_.at(number);
                       if (asked.attempt != attempt) return;
                       --asked.outstanding;
                       if (!stored) {
                           asked.failed = stored.error().what;
                       } else {
                           const bool there = *stored && !(*stored)->deleted;
                           take(asked, there ? &(*stored)->body : nullptr);
                       }
                       if (asked.outstanding == 0) loaded(number, asked);
                   });
}

/// A file that the bucket lacks, or has lost, and that this hub was started with: stored again.
const PolicyFile* Policies::own_file(const std::string& subject) {
    const auto own = std::ranges::find_if(seed_, [&](const PolicyFile& file) {
        return subjects::policy_file(policy_hash({file})) == subject;
    });
    if (own == seed_.end()) return nullptr;
    effects_.publish(subject, own->text, nullptr, 0);
    return &*own;
}

void Policies::load(std::uint64_t number, Known& known) {
    if (known.policy || known.broken || known.outstanding > 0) return;
    if (known.retry_at != Duration{0}) return;  // It waits for its time.
    ++known.attempt;
    known.failed.clear();
    known.missing.clear();
    if (!known.version) {
        return get(number, known, subjects::policy_version(number),
                   [](Known& asked, const std::string* body) {
                       auto version = parse_policy_version(body == nullptr ? "" : *body);
                       if (version) asked.version = *std::move(version);
                       if (!version) asked.missing = "what it is made of is not stored";
                   });
    }
    known.broken = known.version->files.empty();
    if (known.broken) known.failed = "it has no files";
    known.files.assign(known.version->files.size(), {});
    known.approved_by.clear();
    for (std::size_t i = 0; i < known.files.size(); ++i) {
        known.files[i].name = known.version->files[i].name;
        const std::string subject = subjects::policy_file(known.version->files[i].hash);
        get(number, known, subject, [this, i, subject](Known& asked, const std::string* body) {
            // What does not have the hash that names it is as good as lost.
            const PolicyFile stored{asked.files[i].name, body == nullptr ? "" : *body};
            if (policy_hash({stored}) != asked.version->files[i].hash) body = nullptr;
            const PolicyFile* own = body == nullptr ? own_file(subject) : nullptr;
            if (own != nullptr) body = &own->text;
            if (body == nullptr) asked.missing = asked.files[i].name + " is not stored";
            if (body != nullptr) asked.files[i].text = *body;
        });
    }
    if (!known.activation) return;
    for (const std::string& actor : known.activation->approved_by) {
        get(number, known, subjects::policy_approval(number, actor),
            [actor](Known& asked, const std::string* body) {
                const auto approval = parse_policy_approval(body == nullptr ? "" : *body);
                if (approval && approval->hash == asked.version->hash) {
                    asked.approved_by.push_back(actor);
                }
            });
    }
}

void Policies::loaded(std::uint64_t number, Known& known) {
    if (known.failed.empty() && !known.missing.empty() && known.activation) {
        return refuse(number, known, known.missing);
    }
    // What is in force and got lost a hub may still have: it stores it again.
    if (known.missing.empty()) known.missing_since = Duration{0};
    if (!known.failed.empty() || !known.missing.empty()) {
        known.retry_at = clock_.steady() + retry_wait_;
        const bool since = known.missing_since != Duration{0};
        if (!known.missing.empty() && !since) known.missing_since = clock_.steady();
        if (is_lost(known)) judge();
        return;
    }
    if (known.files.empty()) return load(number, known);  // Only what it is made of is known yet.
    auto parsed = parse_policy(known.files);
    const bool is_started = !known.start || known.start->hash == known.version->hash;
    if (parsed && parsed->hash == known.version->hash && is_started) {
        known.policy = std::make_unique<Policy>(*std::move(parsed));
        known.policy->version = number;
    } else {
        known.broken = true;
        known.failed = !is_started ? "it is another than came into force"
                       : parsed    ? "its files are not those that it was made of"
                                   : "this hub cannot read it: " + parsed.error().what;
        log::error("a version of the policy cannot be used; what it rules waits",
                   {{"version", number}, {"why", known.failed}});
    }
    if (read_) choose_newest();
    judge();
}

}  // namespace syncline::hub
