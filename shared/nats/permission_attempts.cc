#include <algorithm>

#include "shared/nats/jetstream_api.h"
#include "shared/nats/permissions.h"
#include "shared/wire/standby_subjects.h"
#include "shared/wire/subjects.h"

namespace syncline::nats {
namespace {

namespace names = subjects;
using Way = Attempt::Way;
enum class Expect : std::uint8_t { kRefused, kAllowed };

/// Of what does not exist, so that nothing real is touched if it is taken.
const EntityKey kNobody{ObjectName{"security"}, EntityId{"check"}};
constexpr const char* kConsumer = "security-check";

/// Collects what one member tries.
class Attempts {
public:
    explicit Attempts(const Member& member) : grants_(grants_of(member)) {}

    void store(Expect expect, std::string what, std::string subject) {
        add({Way::kPublish, std::move(what), std::move(subject), {}, true}, expect);
    }
    void ask(Expect expect, std::string what, std::string subject, std::string body = {}) {
        add({Way::kPublish, std::move(what), std::move(subject), std::move(body)}, expect);
    }
    /// A request to JetStream, as the member would have to send it.
    void api(Expect expect, std::string what, std::string_view verb, std::string_view rest,
             std::string body = {}) {
        const std::string prefix =
            grants_.fenced ? std::string{kFencedJetStream} + "." : std::string{api::kPrefix};
        ask(expect, std::move(what), prefix + std::string{verb} + "." + std::string{rest},
            std::move(body));
    }
    void hear(Expect expect, std::string what, std::string subject) {
        add({Way::kSubscribe, std::move(what), std::move(subject), {}}, expect);
    }
    void answered(std::string text) { out_.back().answered = std::move(text); }
    [[nodiscard]] std::vector<Attempt> take() { return std::move(out_); }

private:
    void add(Attempt attempt, Expect expect) {
        attempt.allowed = expect == Expect::kAllowed;
        out_.push_back(std::move(attempt));
    }
    Grants grants_;
    std::vector<Attempt> out_;
};

std::string create_body(std::string_view stream, const std::string& filter) {
    return R"({"stream_name":")" + std::string{stream} +
           R"(","action":"create","config":{"name":")" + kConsumer +
           R"(","ack_policy":"none","deliver_policy":"all","filter_subject":")" + filter +
           R"(","mem_storage":true,"inactive_threshold":1000000000}})";
}

RecordKey record_of(const PlatformId& platform) {
    return {platform, kNobody.object, RecordId{"check"}};
}

/// What nobody but hubs writes.
void add_states(Attempts& out) {
    using enum Expect;
    out.store(kRefused, "write a state", names::entity(kNobody, {}));
    out.store(kRefused, "link a record", names::link(record_of(PlatformId{"check"})));
    out.store(kRefused, "write into the log", names::log(kNobody));
    out.store(kRefused, "write an exception", names::exception(kNobody, "check"));
    out.store(kRefused, "tell a business event", names::event(kNobody, "check", "1", "1"));
    out.store(kRefused, "say where a policy comes into force", names::policy_start(1));
    out.store(kRefused, "be a hub", names::hub_presence(HubId{"security-check"}));
}

/// Bodies that the server refuses by themselves: nothing is deleted where it may be.
void add_streams(Attempts& out, Expect of_hubs) {
    using enum Expect;
    for (const std::string_view stream :
         {names::kStreamIn, names::kStreamState, names::kStreamCommands, names::kStreamLog,
          names::kStreamPolicy}) {
        const std::string name{stream};
        out.api(kRefused, "delete " + name, "STREAM.DELETE", stream, "-");
        out.api(kRefused, "change " + name, "STREAM.UPDATE", stream, "-");
    }
    out.api(kRefused, "empty SYNC_LOG", "STREAM.PURGE", names::kStreamLog,
            R"({"filter":"security.check"})");
    out.api(kRefused, "make a stream", "STREAM.CREATE", "SECURITY_CHECK", "-");
    out.api(of_hubs, "erase a message of SYNC_IN", "STREAM.MSG.DELETE", names::kStreamIn, "-");
    out.api(of_hubs, "empty SYNC_STATE", "STREAM.PURGE", names::kStreamState,
            R"({"filter":"security.check"})");
}

void add_platforms(Attempts& out, const std::vector<PlatformId>& platforms) {
    using enum Expect;
    for (const PlatformId& platform : platforms) {
        const std::string& name = platform.text;
        out.store(kRefused, "tell a change as " + name, names::change(record_of(platform), {}));
        out.store(kRefused, "tell an outcome as " + name,
                  names::outcome(platform, kNobody, Partition{}));
        out.store(kRefused, "be the agent of " + name, names::agent_presence(platform));
        out.store(kRefused, "take the lease of " + name, names::agent_lease(platform));
        out.store(kRefused, "stand by for " + name, names::agent_standby(platform, "check"));
    }
}

void add_agent(Attempts& out, const Member& member, const std::vector<PlatformId>& others) {
    using enum Expect;
    const PlatformId& own = member.platform;
    add_states(out);
    add_platforms(out, others);
    add_streams(out, kRefused);
    out.store(kRefused, "command itself", names::command(own, kNobody));
    out.store(kRefused, "act as an operator", names::operation(Partition{}, "accept", "check"));
    out.store(kRefused, "put a policy into force", names::policy_activation());
    out.store(kRefused, "write a policy", names::policy_version(1));
    out.store(kRefused, "approve of a policy", names::policy_approval(1, member.name));
    for (const PlatformId& other : others) {
        const std::string& name = other.text;
        out.store(kRefused, "command " + name, names::command(other, kNobody));
        out.ask(kRefused, "give " + name + " a receipt", names::receipts_of(other));
        out.ask(kRefused, "ask " + name, names::ask(other, "check"), "{}");
        out.api(
            kRefused, "read the commands of " + name, "CONSUMER.CREATE",
            std::string{names::kStreamCommands} + "." + kConsumer + "." + names::commands_of(other),
            create_body(names::kStreamCommands, names::commands_of(other)));
        out.api(
            kAllowed, "read the commands of " + name + " under its own filter", "CONSUMER.CREATE",
            std::string{names::kStreamCommands} + "." + kConsumer + "." + names::commands_of(own),
            create_body(names::kStreamCommands, names::commands_of(other)));
        out.answered("10131");
        out.api(kRefused, "look at a command of " + name, "DIRECT.GET",
                std::string{names::kStreamCommands} + "." + names::command(other, kNobody));
        out.api(kRefused, "look at the lease of " + name, "DIRECT.GET",
                std::string{names::kStreamLease} + "." + names::agent_lease(other));
        out.hear(kRefused, "listen to the commands of " + name, names::commands_of(other));
        out.hear(kRefused, "answer for " + name, names::ask(other, "check"));
        out.hear(kRefused, "hear the receipts of " + name, names::receipts_of(other));
        out.hear(kRefused, "hear the answers to " + name, "_INBOX.agent-" + name + ".>");
    }
    for (const std::string_view stream :
         {names::kStreamIn, names::kStreamState, names::kStreamCommands, names::kStreamLog,
          names::kStreamExceptions, names::kStreamPolicy}) {
        const std::string name{stream};
        out.api(kRefused, "read any message of " + name, "STREAM.MSG.GET", stream, R"({"seq":1})");
        out.api(kRefused, "read any message of " + name + " directly", "DIRECT.GET", stream,
                R"({"seq":1})");
        out.api(kRefused, "read all of " + name, "CONSUMER.CREATE", name + "." + kConsumer,
                create_body(stream, ">"));
    }
    out.api(kRefused, "list the keys of all records", "STREAM.INFO", names::kStreamState,
            R"({"subjects_filter":">"})");
    out.api(kRefused, "list consumers", "CONSUMER.LIST", names::kStreamCommands);
    out.hear(kRefused, "listen to everything", ">");
    out.hear(kRefused, "hear everybody's answers", "_INBOX.>");
    out.store(kAllowed, "tell a change of its own", names::change(record_of(own), {}));
    out.store(kAllowed, "say that it is there", names::agent_presence(own));
    out.store(kAllowed, "take its own lease", names::agent_lease(own));
    out.store(kAllowed, "stand by", names::agent_standby(own, "check"));
    // There is none unless an agent has a stand-by: then the stream says that it has no message.
    out.api(kAllowed, "look at its own lease", "DIRECT.GET",
            std::string{names::kStreamLease} + "." + names::agent_lease(own));
    out.api(kAllowed, "look at SYNC_IN", "STREAM.INFO", names::kStreamIn);
    out.hear(kAllowed, "answer questions", names::ask(own, "check"));
    out.hear(kAllowed, "hear its receipts", names::receipts_of(own));
}

void add_person(Attempts& out, const Member& member, const std::vector<PlatformId>& platforms) {
    using enum Expect;
    const Expect acts = member.role == Role::kOperator ? kAllowed : kRefused;
    add_states(out);
    add_platforms(out, platforms);
    add_streams(out, kRefused);
    out.store(acts, "act", names::operation(Partition{}, "accept", "check"));
    out.store(acts, "write a policy", names::policy_version(1));
    out.store(acts, "put a policy into force", names::policy_activation());
    out.store(kRefused, "approve of a policy as somebody else",
              names::policy_approval(1, "somebody-else"));
    if (!member.actor.empty()) {
        out.store(acts, "approve of a policy", names::policy_approval(1, member.actor));
    }
    for (const PlatformId& platform : platforms) {
        out.store(kRefused, "command " + platform.text, names::command(platform, kNobody));
        out.store(acts, "have " + platform.text + " read again",
                  names::again(platform, names::Again::kReconcile));
        if (acts == kRefused) {
            out.ask(kRefused, "ask " + platform.text, names::ask(platform, "check"), "{}");
            out.ask(kRefused, "give " + platform.text + " a receipt", names::receipts_of(platform));
        }
    }
    out.api(acts, "list consumers", "CONSUMER.LIST", names::kStreamCommands);
    out.hear(kRefused, "listen to everything", ">");
    out.hear(kRefused, "hear everybody's answers", "_INBOX.>");
    out.api(kAllowed, "look at SYNC_IN", "STREAM.INFO", names::kStreamIn);
    out.api(kAllowed, "read a message of SYNC_LOG", "STREAM.MSG.GET", names::kStreamLog,
            R"({"seq":1})");
}

void add_hub(Attempts& out, const std::vector<PlatformId>& platforms) {
    using enum Expect;
    add_platforms(out, platforms);
    add_streams(out, kAllowed);
    out.hear(kRefused, "listen to everything", ">");
    out.hear(kRefused, "hear everybody's answers", "_INBOX.>");
    out.store(kAllowed, "write a state", names::entity(kNobody, {}));
    out.store(kAllowed, "write into the log", names::log(kNobody));
    out.api(kAllowed, "look at SYNC_IN", "STREAM.INFO", names::kStreamIn);
}

/// What it may is tried with bodies that the server refuses by themselves.
void add_keeper(Attempts& out, const std::vector<PlatformId>& platforms) {
    using enum Expect;
    add_states(out);
    add_platforms(out, platforms);
    out.store(kRefused, "act", names::operation(Partition{}, "accept", "check"));
    out.store(kRefused, "write a policy", names::policy_version(1));
    out.store(kRefused, "put a policy into force", names::policy_activation());
    for (const PlatformId& platform : platforms) {
        out.store(kRefused, "command " + platform.text, names::command(platform, kNobody));
    }
    out.api(kRefused, "change SYNC_IN", "STREAM.UPDATE", names::kStreamIn, "-");
    out.api(kRefused, "make a stream", "STREAM.CREATE", "SECURITY_CHECK", "-");
    out.api(kRefused, "erase a message of SYNC_LOG", "STREAM.MSG.DELETE", names::kStreamLog, "-");
    out.hear(kRefused, "listen to everything", ">");
    out.hear(kRefused, "hear everybody's answers", "_INBOX.>");
    out.api(kAllowed, "back SYNC_STATE up", "STREAM.SNAPSHOT", names::kStreamState, "-");
    out.api(kAllowed, "restore SYNC_STATE", "STREAM.RESTORE", names::kStreamState, "-");
    out.api(kAllowed, "delete SYNC_STATE", "STREAM.DELETE", names::kStreamState, "-");
    out.store(kAllowed, "tell hubs of a restore", names::loss());
}

}  // namespace

std::vector<Attempt> attempts_of(const Member& member, const std::vector<PlatformId>& platforms) {
    Attempts out{member};
    std::vector<PlatformId> all = platforms;
    std::erase(all, member.platform);
    if (all.empty()) all.emplace_back("security-check");  // Somebody else is there in any case.
    switch (member.role) {
        case Role::kAgent: add_agent(out, member, all); break;
        case Role::kHub: add_hub(out, all); break;
        case Role::kOperator:
        case Role::kViewer: add_person(out, member, all); break;
        case Role::kKeeper: add_keeper(out, all); break;
    }
    return out.take();
}

}  // namespace syncline::nats
