#include "hub/ctl/policy_store.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

#include "hub/core/identity.h"
#include "hub/core/state_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

Result<void> take(PolicyHistory& history, const nats::StoredMessage& message) {
    const auto entry = subjects::parse_policy_entry(message.subject);
    if (!entry || message.deleted) return {};
    StoredVersion& stored = history.versions[entry->number];
    const auto keep = [&](auto parsed, auto store) -> Result<void> {
        if (!parsed) return fail(ErrorKind::kCorrupt, message.subject + ": " + parsed.error().what);
        store(*std::move(parsed));
        return {};
    };
    using Kind = subjects::PolicyEntry::Kind;
    switch (entry->kind) {
        case Kind::kVersion:
            return keep(parse_policy_version(message.body),
                        [&](PolicyVersion version) { stored.version = std::move(version); });
        case Kind::kStart:
            return keep(parse_policy_start(message.body),
                        [&](PolicyStart start) { stored.start = std::move(start); });
        case Kind::kApproval: break;
    }
    return keep(parse_policy_approval(message.body),
                [&](PolicyApproval approval) { stored.approvals.push_back(std::move(approval)); });
}

Result<void> read_refusals(Session& session, PolicyHistory& history) {
    const EntityKey any{ObjectName{"_policy"}, EntityId{"0"}};
    std::string filter = subjects::exception(any, exceptions::kPolicyRefused);
    filter.replace(filter.find(".0."), 3, ".*.");
    return session.read_each(
        {.stream = std::string{subjects::kStreamExceptions},
         .filters = {filter},
         .last_per_subject = true},
        [&](const nats::InMessage& message) {
            const auto exception = hub::decode_exception(message.body);
            if (exception && exception->status == hub::ExceptionStatus::kOpen) {
                for (auto& [number, stored] : history.versions) {
                    if (std::to_string(number) == exception->entity.entity.text) {
                        stored.refused = exception->reason;
                    }
                }
            }
            return Session::More::kWanted;
        });
}

}  // namespace

std::size_t StoredVersion::wanted_by() const {
    std::set<std::string_view> people{account_of(version.author)};
    for (const PolicyApproval& approval : approvals) {
        if (approval.hash == version.hash) people.insert(account_of(approval.actor));
    }
    return people.size();
}

const StoredVersion* PolicyHistory::active() const {
    const StoredVersion* found = nullptr;
    for (const auto& [number, stored] : versions) {
        if (stored.was_in_force()) found = &stored;
    }
    return found;
}

const StoredVersion* PolicyHistory::before_active() const {
    const StoredVersion* found = nullptr;
    const StoredVersion* newest = active();
    for (const auto& [number, stored] : versions) {
        if (stored.was_in_force() && &stored != newest) found = &stored;
    }
    return found;
}

std::uint64_t PolicyHistory::next_number() const {
    return std::max(relied_on, versions.empty() ? 0 : versions.rbegin()->first) + 1;
}

Result<PolicyHistory> read_history(Session& session) {
    PolicyHistory history;
    const auto entries = session.read_all(
        {.stream = std::string{subjects::kStreamPolicy},
         .filters = {subjects::all_policy_versions(), subjects::all_policy_starts(),
                     subjects::all_policy_approvals()},
         .last_per_subject = true});
    if (!entries && entries.error().kind == ErrorKind::kNotFound) {
        return fail(ErrorKind::kNotFound,
                    "there is no bucket sync_policy: no hub has ever run here");
    }
    if (!entries) return fail(entries.error());
    for (const nats::StoredMessage& message : *entries) {
        if (auto taken = take(history, message); !taken) return fail(std::move(taken.error()));
    }
    // A start or an approval alone is what was lost with its version.
    std::erase_if(history.versions, [&](const auto& entry) {
        if (entry.second.version.number != 0) return false;
        history.relied_on = std::max(history.relied_on, entry.first);
        return true;
    });
    if (auto read = read_refusals(session, history); !read) return fail(std::move(read.error()));
    return history;
}

Result<void> read_relied_on(Session& session, PolicyHistory& history) {
    return session.read_each(
        {.stream = std::string{subjects::kStreamState},
         .filters = {subjects::all_marks()},
         .last_per_subject = true},
        [&](const nats::InMessage& message) {
            if (const auto mark = hub::decode_mark(message.body)) {
                history.relied_on = std::max({history.relied_on, mark->policy, mark->reconsidered});
            }
            return Session::More::kWanted;
        });
}

Result<std::vector<PolicyFile>> read_files(Session& session, const PolicyVersion& version) {
    std::vector<PolicyFile> files;
    for (const PolicyVersion::File& file : version.files) {
        auto stored = session.get_last(subjects::kStreamPolicy, subjects::policy_file(file.hash));
        if (!stored) return fail(stored.error());
        if (!*stored || (*stored)->deleted) {
            return fail(ErrorKind::kCorrupt, file.name + " of version " +
                                                 std::to_string(version.number) +
                                                 " is missing in the bucket sync_policy");
        }
        files.push_back({file.name, std::move((*stored)->body)});
    }
    return files;
}

Result<Policy> read_policy(Session& session, const PolicyVersion& version) {
    const auto files = read_files(session, version);
    if (!files) return fail(files.error());
    auto policy = parse_policy(*files);
    if (!policy) {
        return fail(
            ErrorKind::kUnsupported,
            "version " + std::to_string(version.number) +
                " of the policy cannot be read by this synclinectl: " + policy.error().what);
    }
    policy->version = version.number;
    return policy;
}

Result<void> store_files(Session& session, const std::vector<PolicyFile>& files) {
    for (const PolicyFile& file : files) {
        const auto stored = session.publish({.subject = subjects::policy_file(policy_hash({file})),
                                             .body = file.text,
                                             .headers = {},
                                             .expected_sequence = 0});
        if (stored || stored.error().kind == ErrorKind::kConflict) continue;  // It is there.
        if (stored.error().kind != ErrorKind::kTooLarge) return fail(stored.error());
        return fail(ErrorKind::kTooLarge,
                    file.name + " is " + std::to_string(file.text.size()) +
                        " bytes, more than one message holds; split it into several files: all "
                        "*.toml of the directory are one policy");
    }
    return {};
}

Result<void> write_files(const std::string& directory, const std::vector<PolicyFile>& files) {
    std::error_code error;
    const bool made = std::filesystem::create_directory(directory, error);
    if (error) return fail(ErrorKind::kDenied, directory + ": " + error.message());
    if (!made && !std::filesystem::is_empty(directory, error)) {
        return fail(ErrorKind::kConflict,
                    directory + " is not empty; what is there stays as it is");
    }
    for (const PolicyFile& file : files) {
        // A name of ours has no folder in it; one of somebody else's might.
        const std::filesystem::path path =
            std::filesystem::path{directory} / std::filesystem::path{file.name}.filename();
        std::ofstream out{path, std::ios::binary | std::ios::trunc};
        out << file.text;
        out.close();
        if (!out) return fail(ErrorKind::kDenied, path.string() + " cannot be written");
    }
    return {};
}

}  // namespace syncline::ctl
