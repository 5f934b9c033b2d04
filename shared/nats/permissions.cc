#include "shared/nats/permissions.h"

#include <algorithm>

#include "shared/nats/jetstream_api.h"
#include "shared/nats/streams.h"
#include "shared/wire/standby_subjects.h"
#include "shared/wire/subjects.h"

namespace syncline::nats {
namespace {

namespace s = subjects;
using api::direct_last;
using api::erase_message;
using api::last_message;
using api::stream_info;
using Kind = Door::Kind;

constexpr std::string_view kStreams[] = {s::kStreamIn,     s::kStreamState,      s::kStreamCommands,
                                         s::kStreamEvents, s::kStreamExceptions, s::kStreamLog,
                                         s::kStreamLease,  s::kStreamAgent,      s::kStreamPolicy};

std::string request_to(std::string_view verb, std::string_view rest = {}) {
    std::string out{api::kPrefix};
    out += verb;
    if (!rest.empty()) out.append(".").append(rest);
    return out;
}

std::string joined(std::string_view a, std::string_view b) {
    return std::string{a} + "." + std::string{b};
}

/// Where messages of whatever consumer of the stream are asked for.
std::string next_from(std::string_view stream) { return api::next_messages(stream, "*"); }

void let_in(Grants& grants, Kind kind, const std::string& subject) {
    grants.in.push_back({kind, subject, api::under(kFencedJetStream, subject)});
}

/// A consumer that delivers what `filter` matches, and no other: the filter stands in the subject,
/// and the server refuses a body that says something else.
void let_consume(Grants& grants, std::string_view stream, const std::string& filter) {
    let_in(grants, Kind::kAnswer, request_to("CONSUMER.CREATE", joined(stream, "*." + filter)));
    let_in(grants, Kind::kAnswers, next_from(stream));
}

Grants grants_of_agent(const Member& member) {
    const PlatformId& platform = member.platform;
    Grants out;
    let_in(out, Kind::kAnswer, s::inputs_from(platform));
    let_in(out, Kind::kAnswer, s::agent_presence(platform));
    // With a stand-by: who of the platform's agents is active, and who waits.
    let_in(out, Kind::kAnswer, s::agent_lease(platform));
    let_in(out, Kind::kAnswer, s::standbys_of(platform));
    let_in(out, Kind::kAnswer, direct_last(s::kStreamLease, s::agent_lease(platform)).subject);
    for (const std::string_view stream : {s::kStreamIn, s::kStreamCommands}) {
        let_in(out, Kind::kAnswer, stream_info(stream).subject);
    }
    let_consume(out, s::kStreamCommands, s::commands_of(platform));
    let_consume(out, s::kStreamState, s::links_of(platform));
    let_in(out, Kind::kAnswer, direct_last(s::kStreamCommands, s::wishes_of(platform)).subject);
    for (const ListName& list : member.lists) {
        let_in(out, Kind::kAnswer, direct_last(s::kStreamState, s::list_parts_of(list)).subject);
    }
    // A receipt too: what an operator sends passes two accounts as a request, not as a message.
    for (const std::string& subject : {s::asks_of(platform), s::receipts_of(platform)}) {
        out.out.push_back({Kind::kAnswer, subject, subject});
    }
    const std::string verbs = s::service_verbs(s::service_of(platform));
    for (const std::string& subject : {verbs, verbs + ".*"}) {
        out.out.push_back({Kind::kAnswers, subject, subject});
    }
    // Its own library's discovery listens to more than is let in.
    out.subscribe.push_back(s::all_service_verbs());
    return out;
}

/// What a program that looks sends: of every stream everything.
Grants grants_of_viewer() {
    Grants out;
    let_in(out, Kind::kAnswer, request_to("INFO"));
    for (const std::string_view stream : kStreams) {
        let_in(out, Kind::kAnswer, stream_info(stream).subject);
        let_in(out, Kind::kAnswer, last_message(stream, {}).subject);
        let_in(out, Kind::kAnswer, request_to("CONSUMER.CREATE", joined(stream, ">")));
        let_in(out, Kind::kAnswers, next_from(stream));
    }
    return out;
}

Grants grants_of_operator(const Member& member) {
    Grants out = grants_of_viewer();
    // A name is all that it takes to have somebody else's consumer deliver.
    for (const std::string_view stream : kStreams) {
        let_in(out, Kind::kAnswer, request_to("CONSUMER.LIST", stream));
    }
    for (const std::string& subject :
         {s::all_operations(), s::policy_activation(), s::all_wishes(), s::all_webhooks(),
          s::all_alerts(), s::all_policy_versions(), s::all_policy_files(),
          s::policy_approvals_by(member.actor), s::all_receipts(), s::all_asks()}) {
        let_in(out, Kind::kAnswer, subject);
    }
    let_in(out, Kind::kAnswers, s::all_service_verbs());
    let_in(out, Kind::kMessages, s::all_told());
    return out;
}

Grants grants_of_hub() {
    Grants out{.fenced = false, .in = {}, .out = {}, .publish = {}, .subscribe = {}};
    out.publish = {s::all_operations(), s::state_wildcard(), s::commands_wildcard(),
                   s::events_wildcard(), s::all_exceptions(), s::all_logs(), s::all_receipts(),
                   s::all_asks(), s::all_told(), s::all_hub_presence(), s::all_policy_versions(),
                   s::all_policy_starts(), s::all_policy_files(),
                   // Its API acts for people, by their roles there.
                   s::all_policy_approvals(), s::policy_activation(), s::all_service_verbs(),
                   request_to("INFO")};
    for (const std::string_view stream : kStreams) {
        out.publish.push_back(stream_info(stream).subject);
        out.publish.push_back(request_to("STREAM.CREATE", stream));
        out.publish.push_back(last_message(stream, {}).subject);
        out.publish.push_back(request_to("CONSUMER.CREATE", joined(stream, ">")));
        out.publish.push_back(next_from(stream));
        out.publish.push_back(request_to("CONSUMER.LIST", stream));
        out.publish.push_back(request_to("CONSUMER.DELETE", joined(stream, "*")));
    }
    for (const std::string_view stream : {s::kStreamIn, s::kStreamState, s::kStreamCommands,
                                          s::kStreamEvents, s::kStreamExceptions, s::kStreamLog}) {
        out.publish.push_back(erase_message(stream, 0).subject);  // `forget`.
    }
    for (const std::string_view stream : {s::kStreamState, s::kStreamCommands}) {
        out.publish.push_back(api::purge(stream, {}).subject);
    }
    out.publish.emplace_back("_INBOX.>");  // Answers to those who ask within the account.
    out.subscribe = {s::asks_of_hubs(), s::all_service_verbs(), s::all_told()};
    return out;
}

Grants grants_of_keeper() {
    Grants out{.fenced = false, .in = {}, .out = {}, .publish = {}, .subscribe = {}};
    out.publish = {s::loss(),
                   s::all_wishes(),
                   request_to("INFO"),
                   request_to("STREAM.CREATE", kRestoreProbe),
                   request_to("STREAM.DELETE", kRestoreProbe),
                   std::string{api::kSnapshotAcks},
                   std::string{api::kRestorePieces}};
    for (const std::string_view stream : kStreams) {
        out.publish.push_back(stream_info(stream).subject);
        out.publish.push_back(last_message(stream, {}).subject);
        out.publish.push_back(request_to("CONSUMER.CREATE", joined(stream, ">")));
        out.publish.push_back(next_from(stream));
        out.publish.push_back(request_to("CONSUMER.DELETE", joined(stream, "*")));
        for (const char* verb : {"STREAM.SNAPSHOT", "STREAM.RESTORE", "STREAM.DELETE"}) {
            out.publish.push_back(request_to(verb, stream));
        }
    }
    return out;
}

}  // namespace

const char* name_of(Role role) {
    switch (role) {
        case Role::kHub: return "hub";
        case Role::kAgent: return "agent";
        case Role::kOperator: return "operator";
        case Role::kViewer: return "viewer";
        case Role::kKeeper: return "keeper";
    }
    return "";
}

std::string inbox_of(const Member& member) { return "_INBOX." + member.name; }

Grants grants_of(const Member& member) {
    Grants out;
    switch (member.role) {
        case Role::kHub: out = grants_of_hub(); break;
        case Role::kAgent: out = grants_of_agent(member); break;
        case Role::kOperator: out = grants_of_operator(member); break;
        case Role::kViewer: out = grants_of_viewer(); break;
        case Role::kKeeper: out = grants_of_keeper(); break;
    }
    for (const Door& door : out.in) {
        (door.kind == Kind::kMessages ? out.subscribe : out.publish).push_back(door.as);
    }
    for (const Door& door : out.out) out.subscribe.push_back(door.as);
    if (!out.out.empty() || !out.fenced) {
        out.publish.emplace_back("_R_.>");  // What the server calls the way back between accounts.
    }
    out.publish.emplace_back(api::kUserInfoSubject);
    out.subscribe.push_back(inbox_of(member) + ".>");
    for (auto* list : {&out.publish, &out.subscribe}) {
        std::ranges::sort(*list);
        const auto rest = std::ranges::unique(*list);
        list->erase(rest.begin(), rest.end());
    }
    return out;
}

}  // namespace syncline::nats
