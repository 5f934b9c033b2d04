#include "hub/agent_reports.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/core/state_codec.h"
#include "shared/base/log.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

using Counted = ExceptionEvent::What;

struct Named {
    std::string kind;
    PlatformId platform;
};

/// `kind@platform`.
Named named(std::string_view token) {
    const auto split = token.find('@');
    if (split == std::string_view::npos) return {std::string{token}, {}};
    return {std::string{token.substr(0, split)}, PlatformId{token.substr(split + 1)}};
}

}  // namespace

void AgentReports::submit(HoldNotice notice, const WorkId& work) {
    Entry& entry = open_.emplace_back();
    const std::string kind{kind_of(notice.lane.direction)};
    entry.subject =
        subjects::exception(lane_entity(notice.lane.object), kind + "@" + notice.platform.text);
    entry.notice = std::move(notice);
    entry.work = work;
    start(entry);
}

void AgentReports::submit(Trouble trouble, const WorkId& work) {
    Entry& entry = open_.emplace_back();
    const std::string kind{kind_of(trouble.kind)};
    entry.subject =
        subjects::exception(lane_entity(trouble.object), kind + "@" + trouble.platform.text);
    entry.trouble = std::move(trouble);
    entry.work = work;
    start(entry);
}

bool AgentReports::takes(const Operation& operation) {
    const bool answers =
        operation.kind == OperationKind::kAccept || operation.kind == OperationKind::kDiscard;
    return answers && lane_of(named(operation.exception).kind, operation.entity.object);
}

void AgentReports::submit(Operation operation, const WorkId& work) {
    Entry& entry = open_.emplace_back();
    entry.subject = subjects::exception(operation.entity, operation.exception);
    entry.operation = std::move(operation);
    entry.work = work;
    start(entry);
}

AgentReports::Entry* AgentReports::find(std::uint64_t id) {
    const auto at = std::ranges::find(open_, id, &Entry::id);
    return at == open_.end() ? nullptr : &*at;
}

void AgentReports::start(Entry& entry) {
    entry.id = ++ids_;  // What an earlier attempt asked for is no longer waited for.
    entry.retry_at = Duration{0};
    // Of one exception one at a time, in their order.
    const auto first = std::ranges::find(open_, entry.subject, &Entry::subject);
    if (&*first != &entry) return;
    link_.get_last(subjects::kStreamExceptions, entry.subject, [this, id = entry.id](auto stored) {
        if (Entry* asked = find(id)) found(*asked, stored);
    });
}

void AgentReports::found(Entry& entry, const Result<std::optional<nats::StoredMessage>>& stored) {
    if (!stored) {
        entry.retry_at = clock_.steady() + options_.retry_wait;
        return;
    }
    std::optional<ExceptionRecord> exception;
    std::uint64_t sequence = 0;
    if (*stored) {
        sequence = (*stored)->sequence;
        if (auto decoded = decode_exception((*stored)->body)) exception = *std::move(decoded);
    }
    if (entry.notice) return take_notice(entry, std::move(exception), sequence);
    if (entry.trouble) return take_trouble(entry, std::move(exception), sequence);
    take_answer(entry, std::move(exception), sequence);
}

void AgentReports::take_notice(Entry& entry, std::optional<ExceptionRecord> exception,
                               std::uint64_t sequence) {
    const ReportNews news = take(exception, *entry.notice, clock_.now());
    if (news == ReportNews::kNothing) {
        const auto later = outnumbers(exception, *entry.notice);
        if (!later || entry.told == later) return finish(entry.id);
        return tell(entry, entry.notice->platform, entry.notice->lane, *later);
    }
    if (news == ReportNews::kOpened) {
        log::warning("an agent holds a lane",
                     {{"platform", entry.notice->platform.text}, {"why", exception->reason}});
    }
    take_news(entry, news, *exception, sequence);
}

void AgentReports::take_trouble(Entry& entry, std::optional<ExceptionRecord> exception,
                                std::uint64_t sequence) {
    const ReportNews news = take(exception, *entry.trouble, clock_.now());
    if (news == ReportNews::kNothing) return finish(entry.id);
    if (news == ReportNews::kOpened) {
        log::warning("an agent has trouble with what its platform tells",
                     {{"platform", entry.trouble->platform.text}, {"why", exception->reason}});
    }
    take_news(entry, news, *exception, sequence);
}

void AgentReports::take_news(Entry& entry, ReportNews news, ExceptionRecord& exception,
                             std::uint64_t sequence) {
    if (news == ReportNews::kOpened) apply_rules(exception);
    entry.counts = news != ReportNews::kUpdated;
    entry.event.what = news == ReportNews::kOpened   ? Counted::kOpened
                       : exception.closed_by.empty() ? Counted::kClosed
                                                     : Counted::kSettled;
    store(entry, exception, sequence);
}

/// The agent is told first: whoever dies between the two does it again, which is harmless.
void AgentReports::take_answer(Entry& entry, std::optional<ExceptionRecord> exception,
                               std::uint64_t sequence) {
    if (!exception) return finish(entry.id);
    const auto verdict = answer(*exception, *entry.operation, clock_.now());
    if (!verdict) return finish(entry.id);
    if (entry.told == verdict) return store(entry, *exception, sequence);
    const Named about = named(entry.operation->exception);
    const auto lane = lane_of(about.kind, entry.operation->entity.object);
    tell(entry, about.platform, *lane, *verdict);
}

void AgentReports::tell(Entry& entry, const PlatformId& platform, const Lane& lane,
                        const HoldAnswer& answer) {
    entry.told = answer;
    effects_.publish_last(subjects::hold_answer(platform, lane), to_text(answer), this, entry.id);
}

void AgentReports::on_delivered(std::uint64_t token) {
    if (Entry* entry = find(token)) start(*entry);
}

void AgentReports::store(Entry& entry, const ExceptionRecord& exception, std::uint64_t sequence) {
    entry.event.kind = exception.kind;
    entry.event.severity = exception.care.severity;
    link_.publish({entry.subject, encode(exception), {}, sequence}, this, entry.id);
}

void AgentReports::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    Entry* entry = find(token);
    if (entry == nullptr) return;
    if (sequence) {
        if (entry->counts) {
            counters_.count(entry->event.kind, entry->event.severity, entry->event.what);
        }
        if (entry->counts && entry->event.what == Counted::kOpened) ++counters_.exceptions;
        return finish(token);
    }
    if (sequence.error().kind == ErrorKind::kTooLarge) return finish(token);
    // Somebody else was first, or nobody knows: what there is now shows when it is read again.
    entry->retry_at = clock_.steady() + options_.retry_wait;
}

void AgentReports::finish(std::uint64_t id) {
    const auto entry = std::ranges::find(open_, id, &Entry::id);
    const WorkId work = entry->work;
    const std::string subject = std::move(entry->subject);
    open_.erase(entry);
    const auto next = std::ranges::find(open_, subject, &Entry::subject);
    if (next != open_.end()) start(*next);
    on_done(work);
}

void AgentReports::tick() {
    const Duration now = clock_.steady();
    std::vector<std::uint64_t> due;
    for (const Entry& entry : open_) {
        if (entry.retry_at != Duration{0} && entry.retry_at <= now) due.push_back(entry.id);
    }
    for (const std::uint64_t id : due) {
        if (Entry* entry = find(id)) start(*entry);
    }
}

}  // namespace syncline::hub
