#include "shared/policy/policy_version.h"

#include <charconv>

#include "shared/base/json.h"

namespace syncline {
namespace {

constexpr std::size_t kPlanHash = 12;  ///< Characters of the proposed hash in a plan's name.

Value number(std::uint64_t value) { return Value{static_cast<std::int64_t>(value)}; }

/// The members of a JSON object that another version of Syncline may have written: what is missing
/// is empty, what is of another type is noted.
class Members {
public:
    Members(std::string_view text, const char* what) : what_(what) {
        auto value = parse_json(text);
        if (!value) {
            error_ = value.error().what;
        } else if (const auto* map = value->get<Value::Map>()) {
            map_ = *map;
        } else {
            error_ = "not an object";
        }
    }

    std::string text(const char* name) { return get<std::string>(name, "a text"); }
    std::uint64_t count(const char* name) {
        const auto value = get<std::int64_t>(name, "a number");
        if (value < 0) error_ = std::string{name} + " is negative";
        return value < 0 ? 0 : static_cast<std::uint64_t>(value);
    }
    Timestamp time(const char* name) {
        const auto at = parse_timestamp(text(name));
        if (!at && error_.empty()) error_ = std::string{name} + " is no time";
        return at ? *at : Timestamp{};
    }
    Value::List list(const char* name) { return get<Value::List>(name, "a list"); }
    std::vector<std::string> texts(const char* name) {
        std::vector<std::string> out;
        for (const Value& value : list(name)) {
            if (const auto* text = value.get<std::string>()) out.push_back(*text);
        }
        return out;
    }

    /// kInvalid: some member was wrong.
    [[nodiscard]] Result<void> finish() const {
        if (error_.empty()) return {};
        return fail(ErrorKind::kInvalid, std::string{what_} + " is damaged: " + error_);
    }

private:
    template <class T>
    T get(const char* name, const char* type) {
        const auto at = map_.find(name);
        if (at == map_.end()) return T{};
        if (const T* value = at->second.get<T>()) return *value;
        if (error_.empty()) error_ = std::string{name} + " is not " + type;
        return T{};
    }

    const char* what_;
    Value::Map map_;
    std::string error_;
};

Value::List list_of(const std::vector<std::string>& texts) {
    Value::List list;
    for (const std::string& text : texts) list.emplace_back(text);
    return list;
}

template <class T>
Result<T> finished(const Members& members, T value) {
    if (auto done = members.finish(); !done) return fail(std::move(done.error()));
    return value;
}

}  // namespace

PolicyVersion version_of(std::uint64_t number, std::string name,
                         const std::vector<PolicyFile>& files) {
    PolicyVersion version;
    version.number = number;
    version.name = std::move(name);
    version.hash = policy_hash(files);
    for (const PolicyFile& file : files) version.files.push_back({file.name, policy_hash({file})});
    return version;
}

std::string to_text(const PolicyVersion& version) {
    Value::List files;
    for (const PolicyVersion::File& file : version.files) {
        files.emplace_back(Value::Map{{"name", file.name}, {"hash", file.hash}});
    }
    Value::Map map{{"version", number(version.number)},
                   {"name", version.name},
                   {"hash", version.hash},
                   {"files", std::move(files)},
                   {"base", number(version.base)},
                   {"author", version.author},
                   {"reason", version.reason},
                   {"at", version.at}};
    if (!version.read_again.empty()) map["read_again"] = list_of(version.read_again);
    if (version.restores != 0) map["restores"] = number(version.restores);
    if (!version.plan.empty()) map["plan"] = version.plan;
    return to_json(Value{std::move(map)});
}

Result<PolicyVersion> parse_policy_version(std::string_view text) {
    Members in{text, "the version of the policy"};
    PolicyVersion out;
    out.number = in.count("version");
    out.name = in.text("name");
    out.hash = in.text("hash");
    out.base = in.count("base");
    out.restores = in.count("restores");
    out.read_again = in.texts("read_again");
    out.plan = in.text("plan");
    out.author = in.text("author");
    out.reason = in.text("reason");
    out.at = in.time("at");
    for (const Value& file : in.list("files")) {
        Members one{to_json(file), "a file of the policy"};
        out.files.push_back({one.text("name"), one.text("hash")});
        if (auto done = one.finish(); !done) return fail(std::move(done.error()));
    }
    return finished(in, std::move(out));
}

std::string to_text(const PolicyApproval& approval) {
    return to_json(Value::Map{{"actor", approval.actor},
                              {"hash", approval.hash},
                              {"reason", approval.reason},
                              {"at", approval.at}});
}

Result<PolicyApproval> parse_policy_approval(std::string_view text) {
    Members in{text, "an approval of the policy"};
    PolicyApproval out{in.text("actor"), in.text("hash"), in.text("reason"), in.time("at")};
    return finished(in, std::move(out));
}

std::string to_text(const PolicyActivation& activation) {
    return to_json(Value::Map{{"version", number(activation.version)},
                              {"hash", activation.hash},
                              {"approved_by", list_of(activation.approved_by)},
                              {"actor", activation.actor},
                              {"at", activation.at}});
}

Result<PolicyActivation> parse_policy_activation(std::string_view text) {
    Members in{text, "the activation of the policy"};
    PolicyActivation out;
    out.version = in.count("version");
    out.actor = in.text("actor");
    out.at = in.time("at");
    out.approved_by = in.texts("approved_by");
    out.hash = in.text("hash");
    return finished(in, std::move(out));
}

std::string to_text(const PolicyStart& start) {
    return to_json(Value::Map{{"version", number(start.version)},
                              {"hash", start.hash},
                              {"sequence", number(start.sequence)},
                              {"inputs_created", start.inputs_created},
                              {"at", start.at},
                              {"actor", start.actor}});
}

Result<PolicyStart> parse_policy_start(std::string_view text) {
    Members in{text, "where a version of the policy starts"};
    PolicyStart out;
    out.version = in.count("version");
    out.hash = in.text("hash");
    out.sequence = in.count("sequence");
    out.inputs_created = in.time("inputs_created");
    out.at = in.time("at");
    out.actor = in.text("actor");
    return finished(in, std::move(out));
}

std::string_view account_of(std::string_view actor) { return actor.substr(0, actor.find('@')); }

std::string plan_name(std::uint64_t base, std::string_view proposed_hash) {
    return std::to_string(base) + "-" + std::string{proposed_hash.substr(0, kPlanHash)};
}

Result<std::uint64_t> plan_base(std::string_view plan) {
    std::uint64_t base = 0;
    const auto [end, error] = std::from_chars(plan.data(), plan.data() + plan.size(), base);
    const bool whole = error == std::errc{} && end != plan.data() + plan.size() && *end == '-';
    if (whole) return base;
    return fail(ErrorKind::kInvalid,
                "'" + std::string{plan} + "' is no plan; synclinectl policy plan DIR names it");
}

}  // namespace syncline
