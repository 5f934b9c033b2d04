#include "hub/lists.h"

#include <algorithm>

#include "hub/list_state_codec.h"
#include "shared/base/log.h"
#include "shared/nats/purge.h"
#include "shared/wire/list_codec.h"
#include "shared/wire/list_parts.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// Parts that are asked for at a time.
constexpr std::size_t kFetches = 64;
/// Between two requests for all parts of a list.
constexpr Duration kWholeEvery = std::chrono::seconds{10};

}  // namespace

Partition Lists::home_of(const ListName& list) const {
    return entity_partition(list_entity(list), options_.partitions);
}

const ListSpec* Lists::spec_of(const ListName& list) const { return policies_.newest().list(list); }

Lists::Home* Lists::home(const ListName& list) {
    const auto at = homes_.find(list);
    return at == homes_.end() ? nullptr : &at->second;
}

std::vector<const ListState*> Lists::states() const {
    std::vector<const ListState*> out;
    for (const auto& [list, home] : homes_) {
        if (home.sequence != 0 && holds(home_of(list))) out.push_back(&home.state);
    }
    return out;
}

std::size_t Lists::busy() const {
    std::size_t jobs = 0;
    for (const auto& [list, home] : homes_) jobs += home.jobs.size();
    return jobs;
}

void Lists::forget_all() {
    homes_.clear();
    waiting_.clear();
}

void Lists::forget_seen() {
    for (auto& [list, home] : homes_) {
        home.told.clear();
        home.raised.clear();
    }
}

void Lists::submit(ListNews news, const WorkId& work) {
    const ListName list = news.list;
    add(list, {std::move(news), work});
}

bool Lists::takes(const Operation& operation) {
    const bool answers =
        operation.kind == OperationKind::kAccept || operation.kind == OperationKind::kDiscard;
    return answers &&
           operation.entity.object == list_entity(ListName{operation.entity.entity.text}).object &&
           operation.exception.starts_with(std::string_view{exceptions::kListShrunk});
}

void Lists::submit(Operation operation, const WorkId& work) {
    const ListName list{operation.entity.entity.text};
    add(list, {std::move(operation), work});
}

void Lists::add(const ListName& list, Job job) {
    Home& home = homes_[list];
    home.jobs.push_back(std::move(job));
    if (home.jobs.size() == 1) start(list, home);
}

// ---- One job at a time. -----------------------------------------------------------------------

std::uint64_t Lists::token(std::function<void(const Result<std::uint64_t>&)> then) {
    waiting_.emplace(++tokens_, std::move(then));
    return tokens_;
}

void Lists::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    auto waiting = waiting_.extract(token);
    if (!waiting.empty()) waiting.mapped()(sequence);
}

void Lists::get(const ListName& list, Home& home, std::string_view stream,
                const std::string& subject, std::function<void(Home&, const Found&)> take) {
    link_.get_last(stream, subject,
                   [this, list, attempt = home.attempt, take = std::move(take),
                    alive = std::weak_ptr<int>{alive_}](const Found& found) {
                       if (alive.expired()) return;
                       Home* asked = this->home(list);
                       if (asked != nullptr && asked->attempt == attempt) take(*asked, found);
                   });
}

void Lists::start(const ListName& list, Home& home) {
    home.attempt = ++attempts_;
    home.again_at = Duration{0};
    home.run.reset();
    if (home.jobs.empty()) return;
    if (!home.loaded) return load(list, home);
    const Job& job = home.jobs.front();
    if (std::holds_alternative<Upkeep>(job.what)) return keep_up(list, home);
    if (const auto* operation = std::get_if<Operation>(&job.what)) {
        return take_answer(list, home, *operation);
    }
    const auto& news = std::get<ListNews>(job.what);
    const ListSpec* spec = spec_of(list);
    const bool of_target =
        news.kind == ListNews::Kind::kApplied || news.kind == ListNews::Kind::kNotApplied;
    const bool may =
        spec != nullptr && (of_target ? std::ranges::find(spec->to, news.platform) != spec->to.end()
                                      : spec->from == news.platform);
    if (!may) {  // The policy has changed, or an agent has another in mind.
        log::warning("what is told of a list is not used: the policy does not have it so",
                     {{"list", list.text}, {"platform", news.platform.text}});
        return finish(list, home);
    }
    if (of_target) return take_target(list, home, news);
    if (news.kind == ListNews::Kind::kParts) return take_parts(list, home, news);
    if (news.kind == ListNews::Kind::kRead) return take_read(list, home, news);
    ListState next = home.state;
    next.answered = std::max(next.answered, news.request.asked_at);
    next.trouble = news.why;
    store(list, home, std::move(next));
}

void Lists::load(const ListName& list, Home& home) {
    get(list, home, subjects::kStreamState, subjects::list_state(list),
        [this, list](Home& asked, const Found& found) {
            if (!found) return again_later(asked);
            asked.state = {};
            asked.sequence = 0;
            if (*found) {
                asked.sequence = (*found)->sequence;
                auto state = decode_list_state((*found)->body);
                if (state) asked.state = *std::move(state);
            }
            asked.state.list = list;
            if (asked.state.since.ns == 0) asked.state.since = clock_.now();
            asked.loaded = true;
            start(list, asked);
        });
}

void Lists::again_later(Home& home) {
    home.attempt = ++attempts_;
    home.again_at = clock_.steady() + options_.retry_wait;
}

void Lists::finish(const ListName& list, Home& home) {
    const std::optional<WorkId> work = home.jobs.front().work;
    home.jobs.pop_front();
    home.run.reset();
    home.attempt = ++attempts_;
    if (work) on_done(*work);
    // The home may be another one by now.
    Home* left = this->home(list);
    if (left != nullptr) start(list, *left);
}

/// The job is done once the state is stored; if it is as it was, at once.
void Lists::store(const ListName& list, Home& home, ListState next) {
    if (home.sequence != 0 && next == home.state) return finish(list, home);
    home.next = std::move(next);
    const auto done = [this, list, attempt = home.attempt](const Result<std::uint64_t>& sequence) {
        Home* asked = this->home(list);
        if (asked == nullptr || asked->attempt != attempt) return;
        if (!sequence) {  // Another hub was first, or nobody knows: read what there is.
            asked->loaded = false;
            return again_later(*asked);
        }
        asked->state = std::move(asked->next);
        asked->sequence = *sequence;
        asked->look_at = Duration{0};
        finish(list, *asked);
    };
    link_.publish({subjects::list_state(list), encode(home.next), {}, home.sequence}, this,
                  token(done));
}

// ---- What the source tells. -------------------------------------------------------------------

void Lists::take_parts(const ListName& list, Home& home, const ListNews& news) {
    home.run.emplace().waiting = news.bodies.size();
    if (news.bodies.empty()) return finish(list, home);
    for (const std::string& body : news.bodies) {
        const auto done = [this, list, attempt = home.attempt](const Result<std::uint64_t>&) {
            Home* asked = this->home(list);
            if (asked == nullptr || asked->attempt != attempt) return;
            if (--asked->run->waiting == 0) finish(list, *asked);
        };
        effects_.publish(subjects::list_part(list, wire::list_digest(body)), body, this,
                         token(done));
    }
}

void Lists::take_read(const ListName& list, Home& home, const ListNews& news) {
    if (news.manifest.parts.empty()) return settle_read(list, home, news);
    const std::string manifest = wire::encode(news.manifest);
    if (wire::list_digest(manifest) != news.take.digest) {
        ask_whole(list, home, news.request.actor);
        return finish(list, home);
    }
    effects_.publish_last(subjects::list_part(list, news.take.digest), manifest, this,
                          token([this, list, attempt = home.attempt](const Result<std::uint64_t>&) {
                              Home* asked = this->home(list);
                              if (asked == nullptr || asked->attempt != attempt) return;
                              settle_read(list, *asked,
                                          std::get<ListNews>(asked->jobs.front().what));
                          }));
}

/// Is it known already?
void Lists::settle_read(const ListName& list, Home& home, const ListNews& news) {
    ListState next = home.state;
    const std::string& digest = news.take.digest;
    const bool whole = news.request.mode == ListRequest::Mode::kWhole;
    if (whole && next.refused_digest == digest) next.refused_digest.clear();
    next.answered = std::max(next.answered, news.request.asked_at);
    // Who asks for all of it wants it written out again, too.
    const bool gives_again = whole && !news.request.actor.empty() &&
                             next.current.digest == digest &&
                             home.state.answered < news.request.asked_at;
    if (gives_again) ++next.current.number;
    if (note_read(next, digest, std::min(news.at, clock_.now()))) {
        // What was stored of it is needed by nobody.
        const auto wanted = next.wanted();
        const bool needless =
            !news.manifest.parts.empty() && std::ranges::find(wanted, digest) == wanted.end();
        if (needless) next.garbage.push_back(digest);
        return store(list, home, std::move(next));
    }
    if (news.manifest.parts.empty()) {
        ask_whole(list, home, news.request.actor);
        return finish(list, home);
    }
    home.run.emplace().digest = digest;
    read_before(list, home, news);
}

void Lists::read_before(const ListName& list, Home& home, const ListNews& news) {
    if (home.state.current.number == 0) return plan_parts(list, home, news);
    get(list, home, subjects::kStreamState, subjects::list_part(list, home.state.current.digest),
        [this, list](Home& asked, const Found& found) {
            if (!found) return again_later(asked);
            if (*found) {
                auto before = wire::decode_list_manifest((*found)->body);
                if (before) asked.run->before = *std::move(before);
            }
            plan_parts(list, asked, std::get<ListNews>(asked.jobs.front().what));
        });
}

/// All new parts are read: whether they are there is what must be known. Of the old ones those
/// that are no longer.
void Lists::plan_parts(const ListName& list, Home& home, const ListNews& news) {
    Run& run = *home.run;
    const auto& parts = news.manifest.parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (!parts[i].empty() && run.places.emplace(parts[i], i).second) {
            run.to_fetch.push_back(parts[i]);
        }
    }
    for (const std::string& part : run.before.parts) {
        if (!part.empty() && !run.places.contains(part)) run.to_fetch.push_back(part);
    }
    if (run.to_fetch.empty()) return judge(list, home);
    fetch_parts(list, home);
}

void Lists::fetch_parts(const ListName& list, Home& home) {
    Run& run = *home.run;
    while (run.waiting < kFetches && !run.to_fetch.empty()) {
        const std::string digest = std::move(run.to_fetch.front());
        run.to_fetch.pop_front();
        ++run.waiting;
        get(list, home, subjects::kStreamState, subjects::list_part(list, digest),
            [this, list, digest](Home& asked, const Found& found) {
                if (!found) return again_later(asked);
                take_part(list, asked, digest, *found);
                --asked.run->waiting;
                if (asked.run->to_fetch.empty() && asked.run->waiting == 0)
                    return judge(list, asked);
                fetch_parts(list, asked);
            });
    }
}

void Lists::take_part(const ListName& list, Home& home, const std::string& digest,
                      const std::optional<nats::StoredMessage>& found) {
    Run& run = *home.run;
    const auto place = run.places.find(digest);
    const bool is_new = place != run.places.end();
    const bool whole = found && wire::list_digest(found->body) == digest;
    auto rows = whole ? wire::decode_list_rows(found->body)
                      : Result<ListRows>{fail(ErrorKind::kNotFound, "it is not there")};
    if (!is_new) {
        if (rows) std::ranges::move(*rows, std::back_inserter(run.old_rows));
        return;
    }
    if (!whole) {
        run.lacks = true;
        return;
    }
    if (!rows) {
        run.problem = rows.error().what;
        return;
    }
    run.rows += rows->size();
    const auto& parts = std::get<ListNews>(home.jobs.front().what).manifest.parts;
    const ListSpec* spec = spec_of(list);
    if (spec != nullptr && run.problem.empty()) {
        run.problem = problem_of(*spec, *rows, place->second, parts.size());
    }
    const bool same = std::ranges::find(run.before.parts, digest) != run.before.parts.end();
    if (!same) std::ranges::move(*rows, std::back_inserter(run.new_rows));
}

void Lists::judge(const ListName& list, Home& home) {
    Run& run = *home.run;
    const auto& news = std::get<ListNews>(home.jobs.front().what);
    ListState next = home.state;
    const ListSpec* spec = spec_of(list);
    if (run.lacks || spec == nullptr) {
        note_incomplete(next, run.digest);
        ask_whole(list, home, news.request.actor);
        return store(list, home, std::move(next));
    }
    next.trouble.clear();
    next.answered = std::max(next.answered, news.request.asked_at);
    if (run.problem.empty() && run.rows != news.manifest.rows) {
        run.problem = "it has " + std::to_string(run.rows) + " rows, and should have " +
                      std::to_string(news.manifest.rows);
    }
    if (!run.problem.empty()) {
        log::warning("a list does not fit", {{"list", list.text}, {"why", run.problem}});
        note_refused(next, run.digest, run.problem);
        return store(list, home, std::move(next));
    }
    ListGeneration read{
        .digest = run.digest,
        .rows = run.rows,
        .read_at = std::min(news.at, clock_.now()),
        .actor = news.request.actor,
        .changes = wire::difference(std::move(run.old_rows), std::move(run.new_rows))};
    note_generation(next, *spec, std::move(read), clock_.now());
    store(list, home, std::move(next));
}

void Lists::ask_whole(const ListName& list, Home& home, const std::string& actor) {
    const ListSpec* spec = spec_of(list);
    if (spec == nullptr || clock_.steady() < home.whole_at) return;
    home.whole_at = clock_.steady() + kWholeEvery;
    log::warning("parts of a list are missing; its source is asked for all of it",
                 {{"list", list.text}});
    const ListRequest request{clock_.now(), ListRequest::Mode::kWhole, actor};
    effects_.publish_last(subjects::list_wish(spec->from, subjects::ListWish::kRead, list),
                          to_text(request), nullptr, 0);
}

// ---- What others tell, and upkeep. ------------------------------------------------------------

void Lists::take_target(const ListName& list, Home& home, const ListNews& news) {
    ListState next = home.state;
    note_target(next, news);
    const bool lacks = news.kind == ListNews::Kind::kNotApplied &&
                       news.why == wire::kListPartMissing &&
                       news.take.digest == next.current.digest;
    if (lacks) ask_whole(list, home, {});
    store(list, home, std::move(next));
}

void Lists::take_answer(const ListName& list, Home& home, const Operation& operation) {
    ListState next = home.state;
    const auto given =
        operation.kind == OperationKind::kAccept ? ListAnswer::kAccept : ListAnswer::kDiscard;
    std::ignore = answer(next, given, operation.actor, operation.reason, clock_.now());
    store(list, home, std::move(next));
}

/// Deletes what no generation needs any more: parts first, then the note of it.
void Lists::keep_up(const ListName& list, Home& home) {
    if (home.state.garbage.empty()) return store(list, home, home.state);
    const auto wanted = home.state.wanted();
    Run& run = home.run.emplace();
    run.digest = home.state.garbage.front();
    run.waiting = wanted.size();
    if (wanted.empty()) return purge(list, home, run.digest);
    for (const std::string& digest : wanted) {
        get(list, home, subjects::kStreamState, subjects::list_part(list, digest),
            [this, list](Home& asked, const Found& found) {
                if (!found) return again_later(asked);
                auto manifest = *found ? wire::decode_list_manifest((*found)->body)
                                       : Result<ListManifest>{fail(ErrorKind::kNotFound, "")};
                if (manifest) {
                    asked.run->keep.insert(manifest->parts.begin(), manifest->parts.end());
                }
                if (--asked.run->waiting == 0) purge(list, asked, asked.run->digest);
            });
    }
}

void Lists::purge(const ListName& list, Home& home, const std::string& manifest) {
    get(list, home, subjects::kStreamState, subjects::list_part(list, manifest),
        [this, list, manifest](Home& asked, const Found& found) {
            if (!found) return again_later(asked);
            const auto delete_part = [&](const std::string& digest) {
                link_.send(nats::purge_subject(subjects::kStreamState),
                           "{\"filter\":\"" + subjects::list_part(list, digest) + "\"}");
            };
            auto parts = *found ? wire::decode_list_manifest((*found)->body)
                                : Result<ListManifest>{fail(ErrorKind::kNotFound, "")};
            if (parts && holds(home_of(list))) {
                for (const std::string& part : parts->parts) {
                    if (!part.empty() && !asked.run->keep.contains(part)) delete_part(part);
                }
                delete_part(manifest);
            }
            ListState next = asked.state;
            std::erase(next.garbage, manifest);
            store(list, asked, std::move(next));
        });
}

}  // namespace syncline::hub
