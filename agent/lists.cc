#include "agent/lists.h"

#include <algorithm>
#include <utility>

#include "shared/wire/list_codec.h"

namespace syncline::agent {
namespace {

/// What parts one message carries, about.
constexpr std::size_t kMessageBytes = 192u << 10;
/// How long to wait before looking again whether the spool has room.
constexpr Duration kListRoomPause{std::chrono::milliseconds{200}};

std::string key_of(std::string_view what, const ListName& list) {
    return std::string{what} + list.text;
}
std::string key_of_seen(const ListName& list) { return key_of("list_seen.", list); }
std::string key_of_sent(const ListName& list) { return key_of("list_sent.", list); }
std::string key_of_has(const ListName& list) { return key_of("list_has.", list); }

}  // namespace

Result<void> Lists::start() {
    if (p_.executor == nullptr) return {};
    return p_.store.transaction([&](Transaction& transaction) {
        for (const ListName& list : p_.lists) {
            const std::string seen = transaction.text(key_of_seen(list));
            if (!seen.empty()) sources_[list].wanted = sources_[list].seen = seen;
            const auto has = parse_list_take(transaction.text(key_of_has(list)));
            if (has) targets_[list].wanted = targets_[list].has = *has;
        }
    });
}

void Lists::wish(const subjects::ListWishSubject& subject, std::string_view body, Seen seen) {
    const ListName& list = subject.list;
    const bool known = std::ranges::find(p_.lists, list) != p_.lists.end();
    if (subject.wish == subjects::ListWish::kRead) {
        const auto request = parse_list_request(body);
        Source& source = sources_[list];
        if (!request || source.wanted == body) return;
        source.wanted = std::string{body};
        source.attempt.at = now();
        source.attempt.failures = 0;
        source.attempt.told.clear();
        if (!known) cannot_read(list, source.wanted, {ErrorKind::kInvalid, "is not mapped there"});
        return;
    }
    const auto take = parse_list_take(body);
    if (!take) return;
    Target& target = targets_[list];
    if (target.wanted == *take && seen == Seen::kFound) return;
    target.answers = target.answers || target.wanted == *take;
    target.wanted = *take;
    target.attempt.at = now();
    target.attempt.failures = 0;
    target.attempt.told.clear();
    if (!known) cannot_take(list, {ErrorKind::kInvalid, "is not mapped there"});
}

/// Level, not edge: whoever was away when the hub asked finds the request when it is back.
void Lists::look() {
    for (const ListName& list : p_.lists) {
        for (const auto wish_ : {subjects::ListWish::kRead, subjects::ListWish::kTake}) {
            p_.link.get_last(subjects::kStreamCommands,
                             subjects::list_wish(p_.store.platform(), wish_, list),
                             [this, list, wish_, alive = std::weak_ptr<int>(alive_)](auto found) {
                                 if (alive.expired() || !found || !*found) return;
                                 if ((*found)->deleted) return;
                                 wish({wish_, list}, (*found)->body, Seen::kFound);
                             });
        }
    }
}

void Lists::pump() {
    if (p_.executor == nullptr || p_.store.partitions() == 0 || p_.commits.blocked()) return;
    for (auto& [list, source] : sources_) {
        const bool due =
            !source.attempt.busy && source.wanted != source.seen && now() >= source.attempt.at;
        const bool known = std::ranges::find(p_.lists, list) != p_.lists.end();
        if (due && known) read(list, source);
    }
    for (auto& [list, target] : targets_) {
        if (target.attempt.busy || now() < target.attempt.at) continue;
        const bool known = std::ranges::find(p_.lists, list) != p_.lists.end();
        if (target.wanted == target.has) {
            if (target.answers) confirm(list, target);
        } else if (known && p_.link.connected()) {
            take(list, target);
        }
    }
}

Duration Lists::next_deadline() const {
    if (p_.executor == nullptr || p_.store.partitions() == 0 || p_.commits.blocked()) return kNever;
    Duration next = kNever;
    for (const auto& [list, source] : sources_) {
        if (source.attempt.busy || source.wanted == source.seen) continue;
        if (std::ranges::find(p_.lists, list) == p_.lists.end()) continue;
        next = std::min(next, source.attempt.at);
    }
    for (const auto& [list, target] : targets_) {
        if (target.attempt.busy) continue;
        const bool known = std::ranges::find(p_.lists, list) != p_.lists.end();
        const bool idle =
            target.wanted == target.has ? !target.answers : !known || !p_.link.connected();
        if (!idle) next = std::min(next, target.attempt.at);
    }
    return next;
}

void Lists::failed(const ListName& list, Attempt& attempt, const std::string& why) {
    ++attempt.failures;
    attempt.busy = false;
    attempt.at = now() + half_jitter(p_.settings.reading.retry, attempt.failures,
                                     p_.environment.jitter.next());
    if (attempt.told != why) {
        p_.environment.note(NoteLevel::kWarning, "list " + list.text + ": " + why);
    }
}

ListNews Lists::news_of(const ListName& list, ListNews::Kind kind) const {
    return {.platform = p_.store.platform(),
            .list = list,
            .kind = kind,
            .at = p_.environment.clock.now()};
}

void Lists::append(Transaction& transaction, ListNews news) {
    const Partition home = entity_partition(list_entity(news.list), p_.store.partitions());
    news.number = transaction.next_number(home);
    transaction.append(home,
                       subjects::list_news(news.platform, home, news.list, name_of(news.kind)),
                       wire::encode(news), p_.environment.clock.now());
}

bool Lists::has_room(std::uint64_t bytes) const {
    return p_.store.waiting_bytes() + p_.store.withheld_bytes() + bytes <= p_.settings.spool.bytes;
}

// ---- A source's list. -------------------------------------------------------------------------

void Lists::read(const ListName& list, Source& source) {
    source.attempt.busy = true;
    p_.executor->read(
        list, [this, list, request = source.wanted, began = p_.environment.clock.now()](
                  Result<ListRows> rows) { on_read(list, request, began, std::move(rows)); });
}

void Lists::on_read(const ListName& list, const std::string& request, Timestamp began,
                    Result<ListRows> rows) {
    if (!rows) return cannot_read(list, request, rows.error());
    auto held = std::make_shared<ListRows>(*std::move(rows));
    // What was sent last is needed before it is known what is to be sent.
    auto sent = std::make_shared<std::string>();
    p_.commits.add(
        [list, sent](Transaction& transaction) { *sent = transaction.text(key_of_sent(list)); },
        [this, list, request, began, held, sent] {
            const auto before = wire::decode_list_manifest(*sent);
            auto cut = wire::cut_list(std::move(*held), before ? before->parts.size() : 0);
            if (!cut) return cannot_read(list, request, cut.error());
            const auto asked = parse_list_request(request);
            const bool whole = !before || asked->mode == ListRequest::Mode::kWhole;
            send(list, request, began, *std::move(cut), whole ? ListManifest{} : *before);
        });
}

void Lists::send(const ListName& list, const std::string& request, Timestamp began,
                 wire::CutList cut, const ListManifest& sent) {
    const std::string manifest = wire::encode(cut.manifest);
    std::vector<ListNews> news;
    std::uint64_t bytes = 0;
    std::size_t in_last = kMessageBytes;
    const std::set<std::string> had{sent.parts.begin(), sent.parts.end()};
    for (auto& [digest, body] : cut.bodies) {
        if (had.contains(digest)) continue;
        if (in_last + body.size() > kMessageBytes) {
            news.push_back(news_of(list, ListNews::Kind::kParts));
            in_last = 0;
        }
        in_last += body.size();
        bytes += body.size();
        news.back().bodies.push_back(std::move(body));
    }
    ListNews read = news_of(list, ListNews::Kind::kRead);
    read.request = *parse_list_request(request);
    read.take.digest = wire::list_digest(manifest);
    read.at = began;
    read.manifest.rows = cut.manifest.rows;
    if (cut.manifest != sent) read.manifest = std::move(cut.manifest);
    news.push_back(std::move(read));
    Source& source = sources_[list];
    bytes += manifest.size();
    if (bytes > p_.settings.spool.bytes) {
        return cannot_read(list, request,
                           {ErrorKind::kTooLarge, "is larger than spool.bytes allows"});
    }
    if (!has_room(bytes)) {  // What is there waits for receipts; then it is read again.
        source.attempt.busy = false;
        source.attempt.at = now() + kListRoomPause;
        return;
    }
    auto told = std::make_shared<std::vector<ListNews>>(std::move(news));
    p_.commits.add(
        [this, list, request, manifest, told](Transaction& transaction) {
            for (const ListNews& one : *told) append(transaction, one);
            transaction.set_text(key_of_sent(list), manifest);
            transaction.set_text(key_of_seen(list), request);
        },
        [this, list, request] {
            Source& sent_of = sources_[list];
            sent_of.seen = request;
            sent_of.attempt = {};
            sent_of.attempt.at = now();
        });
}

void Lists::cannot_read(const ListName& list, const std::string& request, const Error& error) {
    Source& source = sources_[list];
    const std::string why = error.what.substr(0, kWhyMost);
    failed(list, source.attempt, why);
    if (source.attempt.told == why || p_.store.partitions() == 0) return;
    source.attempt.told = why;
    ListNews news = news_of(list, ListNews::Kind::kUnreadable);
    news.request = *parse_list_request(request);
    news.why = why;
    p_.commits.add([this, news](Transaction& transaction) { append(transaction, news); });
}

}  // namespace syncline::agent
