#include <algorithm>
#include <utility>

#include "agent/lists.h"
#include "shared/wire/list_codec.h"

namespace syncline::agent {
namespace {

/// Parts that are asked for at a time.
constexpr std::size_t kFetches = 64;
/// What may pass by itself is told to a person only if it does not.
constexpr std::uint32_t kFailuresQuiet = 3;

}  // namespace

void Lists::get_part(const ListName& list, Target& target, const std::string& digest,
                     std::function<void(const Found&)> then) {
    p_.link.get_last(subjects::kStreamState, subjects::list_part(list, digest),
                     [this, list, run = target.run, then = std::move(then),
                      alive = std::weak_ptr<int>(alive_)](const Found& found) {
                         if (!alive.expired() && targets_[list].run == run) then(found);
                     });
}

void Lists::take(const ListName& list, Target& target) {
    target.attempt.busy = true;
    target.run = ++ids_;
    target.taking = target.wanted;
    target.to_fetch.clear();
    target.fetched.clear();
    target.waiting = 0;
    get_part(list, target, target.taking.digest,
             [this, list](const Found& found) { on_manifest(list, found); });
}

void Lists::on_manifest(const ListName& list, const Found& found) {
    Target& target = targets_[list];
    if (!found) return cannot_take(list, found.error());
    const bool whole = *found && wire::list_digest((*found)->body) == target.taking.digest;
    auto manifest =
        whole
            ? wire::decode_list_manifest((*found)->body)
            : Result<ListManifest>{fail(ErrorKind::kNotFound, std::string{wire::kListPartMissing})};
    if (!manifest) return cannot_take(list, manifest.error());
    target.parts = std::move(manifest->parts);
    std::erase(target.parts, std::string{});
    auto missing = std::make_shared<std::vector<std::string>>();
    p_.commits.add(
        [list, missing, parts = target.parts](Transaction& transaction) {
            missing->clear();
            for (const std::string& digest : parts) {
                if (!transaction.list_part(list, digest)) missing->push_back(digest);
            }
        },
        [this, list, missing, run = target.run] {
            Target& taker = targets_[list];
            if (taker.run != run) return;
            taker.to_fetch.assign(missing->begin(), missing->end());
            fetch(list, taker);
        });
}

void Lists::fetch(const ListName& list, Target& target) {
    if (target.to_fetch.empty() && target.waiting == 0) return keep(list, target);
    while (target.waiting < kFetches && !target.to_fetch.empty()) {
        const std::string digest = std::move(target.to_fetch.front());
        target.to_fetch.pop_front();
        ++target.waiting;
        get_part(list, target, digest,
                 [this, list, digest](const Found& found) { on_part(list, digest, found); });
    }
}

void Lists::on_part(const ListName& list, const std::string& digest, const Found& found) {
    Target& target = targets_[list];
    if (!found) return cannot_take(list, found.error());
    if (!*found || wire::list_digest((*found)->body) != digest) {
        return cannot_take(list, {ErrorKind::kNotFound, std::string{wire::kListPartMissing}});
    }
    --target.waiting;
    target.fetched.insert_or_assign(digest, (*found)->body);
    fetch(list, target);
}

/// All of it is here: it is kept, so that the next generation needs what is different only.
void Lists::keep(const ListName& list, Target& target) {
    auto bodies = std::make_shared<std::vector<std::string>>();
    p_.commits.add(
        [list, bodies, parts = target.parts,
         fetched = std::exchange(target.fetched, {})](Transaction& transaction) {
            for (const auto& [digest, body] : fetched) {
                transaction.keep_list_part(list, digest, body);
            }
            bodies->clear();
            for (const std::string& digest : parts) {
                bodies->push_back(transaction.list_part(list, digest).value_or(""));
            }
        },
        [this, list, bodies, run = target.run] {
            if (targets_[list].run == run) replace(list, *bodies);
        });
}

void Lists::replace(const ListName& list, const std::vector<std::string>& bodies) {
    Target& target = targets_[list];
    if (target.wanted != target.taking) {  // There is a newer one by now.
        target.attempt.busy = false;
        return;
    }
    ListRows rows;
    for (const std::string& body : bodies) {
        auto part = wire::decode_list_rows(body);
        if (!part) return cannot_take(list, part.error());
        std::ranges::move(*part, std::back_inserter(rows));
    }
    std::ranges::sort(rows, {}, &ListRow::key);
    p_.executor->replace(list, std::move(rows),
                         [this, list](Result<void> done) { on_replaced(list, done); });
}

void Lists::on_replaced(const ListName& list, const Result<void>& done) {
    Target& target = targets_[list];
    if (!done) return cannot_take(list, done.error());
    target.has = target.taking;
    confirm(list, target);
}

/// Notes what the platform has, and tells it.
void Lists::confirm(const ListName& list, Target& target) {
    target.attempt.busy = true;
    target.answers = false;
    ListNews news = news_of(list, ListNews::Kind::kApplied);
    news.take = target.has;
    std::vector<std::string> parts = target.parts;
    std::ranges::sort(parts);
    p_.commits.add(
        [this, list, news, parts](Transaction& transaction) {
            transaction.set_text("list_has." + list.text, to_text(news.take));
            if (!parts.empty()) transaction.keep_only_list_parts(list, parts);
            append(transaction, news);
        },
        [this, list] {
            targets_[list].attempt = {};
            targets_[list].attempt.at = now();
        });
}

void Lists::cannot_take(const ListName& list, const Error& error) {
    Target& target = targets_[list];
    const std::string why = error.what.substr(0, kWhyMost);
    target.run = ++ids_;  // Answers that are still to come belong to what has failed.
    failed(list, target.attempt, why);
    const bool passes = error.kind == ErrorKind::kUnavailable ||
                        error.kind == ErrorKind::kAmbiguous ||
                        error.kind == ErrorKind::kThrottled || error.kind == ErrorKind::kConflict;
    const bool quiet = passes && target.attempt.failures < kFailuresQuiet;
    if (quiet || target.attempt.told == why || p_.store.partitions() == 0) return;
    target.attempt.told = why;
    ListNews news = news_of(list, ListNews::Kind::kNotApplied);
    news.take = target.wanted;
    news.why = why;
    p_.commits.add([this, news](Transaction& transaction) { append(transaction, news); });
}

}  // namespace syncline::agent
