#include "hub/ctl/instances.h"

#include <tuple>

#include "hub/ctl/actor.h"
#include "hub/ctl/lookup.h"
#include "hub/workflow/instance_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {

using hub::workflow::Instance;
using hub::workflow::Told;

namespace {

Result<void> each_instance(Session& session, const auto& take) {
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamState;
    spec.filters = {subjects::all_instances()};
    spec.last_per_subject = true;
    return session.read_each(std::move(spec), [&](const nats::InMessage& message) {
        if (message.deleted) return Session::More::kWanted;
        auto instance = hub::workflow::decode_instance(message.body);
        if (instance) take(*std::move(instance));
        return Session::More::kWanted;
    });
}

/// Hears what an instance says.
struct Ear final : nats::MessageSink {
    std::string id;
    std::optional<Told> told;

    void on_message(const nats::InMessage& message) override {
        auto heard = hub::workflow::decode_told(message.body);
        if (heard && heard->to == id) told = *std::move(heard);
    }
};

}  // namespace

Result<std::vector<Instance>> read_instances(Session& session) {
    std::vector<Instance> all;
    auto read = each_instance(session, [&](Instance one) { all.push_back(std::move(one)); });
    if (!read) return fail(read.error());
    return all;
}

Result<Instance> find_instance(Session& session, const std::string& id) {
    std::vector<Instance> found;
    auto read = each_instance(session, [&](Instance one) {
        if (one.id.starts_with(id)) found.push_back(std::move(one));
    });
    if (!read) return fail(read.error());
    if (found.empty()) {
        return fail(ErrorKind::kNotFound,
                    "there is no instance " + id + "; `synclinectl workflows list` shows them");
    }
    if (found.size() > 1) {
        return fail(ErrorKind::kInvalid, "`" + id + "` begins the ids of " +
                                             std::to_string(found.size()) +
                                             " instances; write more of it");
    }
    return std::move(found.front());
}

Result<Told> tell_instance(Program& program, std::string instance, hub::workflow::Input input) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto partitions = partition_count(**session);
    if (!partitions) return fail(partitions.error());
    Ear ear;
    ear.id = input.id = unique_id(program.clock());
    const auto subscription = (*session)->link().subscribe(subjects::told(ear.id), &ear);
    // The server must know who listens before a hub can answer: a turn of the loop tells it.
    std::ignore = (*session)->until([] { return false; }, std::chrono::milliseconds{1});
    const Partition home = hub::workflow::home_of(instance, *partitions);
    const std::string subject = subjects::instance_input(home, instance);
    const std::string body =
        encode(hub::workflow::Message{std::move(instance), ear.id, std::move(input)});
    auto published = (*session)->publish({.subject = subject, .body = body});
    if (!published) return fail(published.error());
    const bool heard =
        (*session)->until([&] { return ear.told.has_value(); }, (*session)->timeout());
    if (!heard) {
        return fail(ErrorKind::kUnavailable,
                    "it is stored, and no hub has decided it yet: synclinectl status");
    }
    if (ear.told->what == Told::What::kRefused) {
        return fail(ErrorKind::kConflict, ear.told->text);
    }
    return *std::move(ear.told);
}

}  // namespace syncline::ctl
