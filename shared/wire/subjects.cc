#include "shared/wire/subjects.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace syncline::subjects {
namespace {

constexpr std::array<bool, 256> make_plain() {
    std::array<bool, 256> plain{};
    for (const char c : std::string_view{"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789-_"}) {
        plain[static_cast<unsigned char>(c)] = true;
    }
    return plain;
}
constexpr auto kPlain = make_plain();

bool stands_for_itself(char c) { return kPlain[static_cast<unsigned char>(c)]; }
bool stands_for_itself(std::string_view text) {
    for (const char c : text) {
        if (!stands_for_itself(c)) return false;
    }
    return !text.empty();
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

void append_token(std::string& out, std::string_view text) {
    constexpr char kHex[] = "0123456789ABCDEF";
    if (stands_for_itself(text)) {  // Nearly always.
        out += text;
        return;
    }
    if (text.empty()) out += '=';
    for (const char c : text) {
        if (stands_for_itself(c)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '=';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
}

void append_tokens(std::string& out, std::initializer_list<std::string_view> tokens) {
    for (const std::string_view token : tokens) {
        out += '.';
        append_token(out, token);
    }
}

/// `root` followed by the tokens, each encoded.
std::string join(std::string_view root, std::initializer_list<std::string_view> tokens) {
    std::string out;
    out.reserve(root.size() + 64);
    out += root;
    append_tokens(out, tokens);
    return out;
}

std::string text_of(Partition partition) { return std::to_string(partition.value); }

/// The tokens of a subject. No subject that is taken apart here has more than there is room for.
class Tokens {
public:
    explicit Tokens(std::string_view subject) {
        while (count_ < tokens_.size()) {
            const auto dot = subject.find('.');
            tokens_[count_++] = subject.substr(0, dot);
            if (dot == std::string_view::npos) break;
            subject.remove_prefix(dot + 1);
        }
    }
    [[nodiscard]] std::size_t size() const { return count_; }
    std::string_view operator[](std::size_t index) const { return tokens_[index]; }

private:
    std::array<std::string_view, 8> tokens_;
    std::size_t count_ = 0;
};

constexpr std::string_view kInstanceInput = "wf";

/// `workflow/instance/step`, in its three parts; the last may have slashes.
std::array<std::string_view, 3> split_key(std::string_view key) {
    std::array<std::string_view, 3> parts;
    for (std::size_t i = 0; i < 2; ++i) {
        const auto slash = std::min(key.find('/'), key.size());
        parts[i] = key.substr(0, slash);
        key.remove_prefix(std::min(slash + 1, key.size()));
    }
    parts[2] = key;
    return parts;
}

bool read_partition(std::string_view token, Partition& partition) {
    if (token.size() > 1 && token[0] == '0') return false;  // Spelled in one way only.
    const auto [end, error] =
        std::from_chars(token.data(), token.data() + token.size(), partition.value);
    return error == std::errc{} && end == token.data() + token.size();
}

}  // namespace

std::string_view stream_of(std::string_view subject) {
    static constexpr std::pair<std::string_view, std::string_view> kStreams[] = {
        {"sync.in.", kStreamIn},
        {"sync.st.", kStreamState},
        {"sync.cmd.", kStreamCommands},
        {"sync.log.", kStreamLog},
        {"sync.exc.", kStreamExceptions},
        {"sync.evt.", kStreamEvents},
        {"$KV.sync_policy.", kStreamPolicy},
    };
    for (const auto& [root, stream] : kStreams) {
        if (subject.starts_with(root)) return stream;
    }
    return {};
}

std::string encode_token(std::string_view text) {
    std::string out;
    append_token(out, text);
    return out;
}

Result<std::string> decode_token(std::string_view token) {
    const auto bad = [&] {
        return fail(ErrorKind::kInvalid, "'" + std::string{token} + "' is not a subject token");
    };
    if (token == "=") return std::string{};
    if (token.empty()) return bad();
    if (stands_for_itself(token)) return std::string{token};
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (stands_for_itself(token[i])) {
            out += token[i];
            continue;
        }
        if (token[i] != '=' || i + 2 >= token.size()) return bad();
        const int high = hex_digit(token[i + 1]);
        const int low = hex_digit(token[i + 2]);
        if (high < 0 || low < 0 || stands_for_itself(static_cast<char>(high * 16 + low))) {
            return bad();  // One text has one token, or two subjects could mean one record.
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::string change(const RecordKey& record, Partition partition) {
    std::string root = join("sync.in", {record.platform.text}) + "." + text_of(partition) + ".chg";
    return join(root, {record.object.text, record.record.text});
}

std::string outcome(const PlatformId& platform, const EntityKey& entity, Partition partition) {
    std::string root = join("sync.in", {platform.text}) + "." + text_of(partition) + ".out";
    return join(root, {entity.object.text, entity.entity.text});
}

std::string changes_of(const RecordKey& record) {
    return join(join("sync.in", {record.platform.text}) + ".*.chg",
                {record.object.text, record.record.text});
}

std::string outcomes_of(const EntityKey& entity) {
    return join("sync.in.*.*.out", {entity.object.text, entity.entity.text});
}

std::string operations_of(Partition partition) {
    return "sync.in._op." + text_of(partition) + ".*.*";
}

std::string inventory(const PlatformId& platform, Partition partition, std::string_view run) {
    std::string root = join("sync.in", {platform.text}) + "." + text_of(partition) + ".inv.all";
    return join(root, {run});
}

std::string hold(const PlatformId& platform, Partition partition, const Lane& lane) {
    std::string root = join("sync.in", {platform.text}) + "." + text_of(partition) + ".hold";
    return join(root, {lane.object.text, name_of(lane.direction)});
}

std::string trouble(const PlatformId& platform, Partition partition, const ObjectName& object,
                    TroubleKind kind) {
    std::string root = join("sync.in", {platform.text}) + "." + text_of(partition) + ".trouble";
    return join(root, {object.text, name_of(kind)});
}

std::string list_news(const PlatformId& platform, Partition partition, const ListName& list,
                      std::string_view id) {
    std::string root = join("sync.in", {platform.text}) + "." + text_of(partition) + ".list";
    return join(root, {list.text, id});
}

std::string operation(Partition partition, std::string_view kind, std::string_view id) {
    return join("sync.in._op." + text_of(partition), {kind, id});
}

std::string operation_result(const PlatformId& platform, Partition partition,
                             std::string_view key) {
    const auto [workflow, instance, step] = split_key(key);
    std::string root = join("sync.in", {platform.text}) + "." + text_of(partition) + ".op";
    return join(root, {instance, step});
}

std::string instance_input(Partition partition, std::string_view instance) {
    return operation(partition, kInstanceInput, instance);
}

std::string all_operations() { return "sync.in._op.>"; }

std::string policy_activation() { return "sync.in._policy.activate"; }

std::string inputs_of(Partition partition) { return "sync.in.*." + text_of(partition) + ".>"; }
std::string inputs_from(const PlatformId& platform) {
    return join("sync.in", {platform.text}) + ".>";
}
std::string all_inputs() { return "sync.in.>"; }

Result<InputSubject> parse_input(std::string_view subject) {
    const auto bad = [&] {
        return fail(ErrorKind::kInvalid, "'" + std::string{subject} + "' is not an input subject");
    };
    const Tokens tokens{subject};
    if (tokens.size() < 6 || tokens[0] != kPrefix || tokens[1] != "in") return bad();
    InputSubject out;
    if (!read_partition(tokens[3], out.partition)) return bad();
    const bool operation = tokens[2] == "_op";
    if (tokens.size() != (operation ? 6U : 7U)) return bad();
    auto object = decode_token(tokens[operation ? 4 : 5]);
    auto key = decode_token(tokens[operation ? 5 : 6]);
    auto platform = decode_token(tokens[2]);
    if (!object || !key || !platform) return bad();
    out.object = std::move(*object);
    out.key = std::move(*key);
    if (operation) {
        const bool instance = out.object == kInstanceInput;
        out.kind = instance ? InputKind::kInstance : InputKind::kOperation;
        return out;
    }
    static constexpr std::pair<std::string_view, InputKind> kKinds[] = {
        {"chg", InputKind::kChange},     {"out", InputKind::kOutcome},
        {"inv", InputKind::kInventory},  {"hold", InputKind::kHold},
        {"list", InputKind::kList},      {"op", InputKind::kOperationResult},
        {"trouble", InputKind::kTrouble}};
    const auto* kind = std::ranges::find(kKinds, tokens[4], [](const auto& k) { return k.first; });
    if (kind == std::end(kKinds)) return bad();
    out.kind = kind->second;
    if (out.kind == InputKind::kInventory && out.object != "all") return bad();
    if (out.kind == InputKind::kHold && out.key != "in" && out.key != "out") return bad();
    const bool knows =
        out.key == name_of(TroubleKind::kFields) || out.key == name_of(TroubleKind::kRecords);
    if (out.kind == InputKind::kTrouble && !knows) return bad();
    out.platform = PlatformId{std::move(*platform)};
    return out;
}

std::string entity(const EntityKey& key, Partition partition) {
    return join("sync.st.entity." + text_of(partition), {key.object.text, key.entity.text});
}
std::string entities_of(Partition partition) {
    return "sync.st.entity." + text_of(partition) + ".>";
}
std::string entities_of(const ObjectName& object) {
    return "sync.st.entity.*." + encode_token(object.text) + ".*";
}
std::string all_entities() { return "sync.st.entity.>"; }

std::string link(const RecordKey& record) {
    return join("sync.st.link", {record.platform.text, record.object.text, record.record.text});
}

std::string links_of(const PlatformId& platform) {
    return join("sync.st.link", {platform.text}) + ".>";
}

std::string match_key(const ObjectName& object, std::string_view rule,
                      std::string_view normalised) {
    return join("sync.st.key", {object.text, rule, normalised});
}

std::string mark(Partition partition) { return "sync.st.mark." + text_of(partition); }
std::string all_marks() { return "sync.st.mark.*"; }
std::string reconciliation(const PlatformId& platform, Partition partition) {
    return join("sync.st.reconciliation." + text_of(partition), {platform.text});
}
std::string reconciliations_of(Partition partition) {
    return "sync.st.reconciliation." + text_of(partition) + ".*";
}
std::string all_reconciliations() { return "sync.st.reconciliation.>"; }
std::string list_state(const ListName& list) { return join("sync.st.list", {list.text}); }
std::string all_list_states() { return "sync.st.list.*"; }
std::string list_part(const ListName& list, std::string_view digest) {
    return join("sync.st.listpart", {list.text, digest});
}
std::string list_parts_of(const ListName& list) {
    return join("sync.st.listpart", {list.text}) + ".*";
}
std::string instance(std::string_view id, Partition partition) {
    return join("sync.st.wf." + text_of(partition), {id});
}
std::string instances_of(Partition partition) { return "sync.st.wf." + text_of(partition) + ".*"; }
std::string all_instances() { return "sync.st.wf.>"; }
std::string approval(std::string_view key) {
    const auto [workflow, instance, step] = split_key(key);
    return join("sync.st.approval", {workflow, instance, step});
}
std::string approvals_of(std::string_view instance) {
    return "sync.st.approval.*." + encode_token(instance) + ".*";
}
std::string all_approvals() { return "sync.st.approval.>"; }
std::string webhook(std::string_view name) { return join("sync.st.webhook", {name}); }
std::string all_webhooks() { return "sync.st.webhook.*"; }
std::string indicator(std::string_view name) { return join("sync.st.indicator", {name}); }
std::string all_indicators() { return "sync.st.indicator.*"; }
std::string alert(std::string_view name) { return join("sync.st.alert", {name}); }
std::string all_alerts() { return "sync.st.alert.*"; }
std::string loss() { return "sync.st.loss"; }

Result<EntityKey> parse_entity(std::string_view subject) {
    const Tokens tokens{subject};
    if (tokens.size() == 6 && tokens[0] == kPrefix && tokens[1] == "st" && tokens[2] == "entity") {
        auto object = decode_token(tokens[4]);
        auto id = decode_token(tokens[5]);
        if (object && id)
            return EntityKey{ObjectName{*std::move(object)}, EntityId{*std::move(id)}};
    }
    return fail(ErrorKind::kInvalid, "'" + std::string{subject} + "' is not an entity subject");
}

Result<RecordKey> parse_link(std::string_view subject) {
    const Tokens tokens{subject};
    if (tokens.size() == 6 && tokens[0] == kPrefix && tokens[1] == "st" && tokens[2] == "link") {
        auto platform = decode_token(tokens[3]);
        auto object = decode_token(tokens[4]);
        auto record = decode_token(tokens[5]);
        if (platform && object && record) {
            return RecordKey{PlatformId{*std::move(platform)}, ObjectName{*std::move(object)},
                             RecordId{*std::move(record)}};
        }
    }
    return fail(ErrorKind::kInvalid, "'" + std::string{subject} + "' is not a link's subject");
}

std::string command(const PlatformId& platform, const EntityKey& entity) {
    std::string out = join("sync.cmd", {platform.text});
    out += ".set";
    append_tokens(out, {entity.object.text, entity.entity.text});
    return out;
}
std::string commands_of(const EntityKey& entity) {
    return join("sync.cmd.*.set", {entity.object.text, entity.entity.text});
}

std::string commands_of(const PlatformId& platform) {
    return join("sync.cmd", {platform.text}) + ".>";
}

std::string operation_call(const PlatformId& platform, std::string_view key) {
    const auto [workflow, instance, step] = split_key(key);
    std::string root = join("sync.cmd", {platform.text}) + ".op";
    return join(root, {workflow, instance, step});
}
std::string operation_calls_of(std::string_view instance) {
    return "sync.cmd.*.op.*." + encode_token(instance) + ".*";
}
bool is_operation_call(std::string_view subject) {
    const Tokens tokens{subject};
    return tokens.size() == 7 && tokens[1] == "cmd" && tokens[3] == "op";
}

std::string again(const PlatformId& platform, Again what) {
    static constexpr const char* kWhat[] = {"commands", "records", "reconcile", "backfill"};
    return join("sync.cmd", {platform.text}) + ".again." + kWhat[static_cast<std::size_t>(what)];
}
std::string retell(const PlatformId& platform, Partition partition) {
    return join("sync.cmd", {platform.text}) + ".again.retell-" + text_of(partition);
}
std::string hold_answer(const PlatformId& platform, const Lane& lane) {
    return join("sync.cmd", {platform.text}) + ".again.hold-" + name_of(lane.direction) + "-" +
           encode_token(lane.object.text);
}
std::string wishes_of(const PlatformId& platform) {
    return join("sync.cmd", {platform.text}) + ".again.*";
}
std::string all_wishes() { return "sync.cmd.*.again.*"; }
std::optional<Lane> parse_hold_answer(std::string_view subject) {
    if (!is_again(subject)) return std::nullopt;
    const std::string_view token = Tokens{subject}[4];
    for (const Direction direction : {Direction::kIn, Direction::kOut}) {
        const std::string start = std::string{"hold-"} + name_of(direction) + "-";
        if (!token.starts_with(start)) continue;
        auto object = decode_token(token.substr(start.size()));
        if (object) return Lane{ObjectName{*std::move(object)}, direction};
    }
    return std::nullopt;
}
std::string list_wish(const PlatformId& platform, ListWish wish, const ListName& list) {
    return join("sync.cmd", {platform.text}) + ".again.list-" +
           (wish == ListWish::kRead ? "read-" : "take-") + encode_token(list.text);
}
std::optional<ListWishSubject> parse_list_wish(std::string_view subject) {
    if (!is_again(subject)) return std::nullopt;
    const std::string_view token = Tokens{subject}[4];
    for (const auto& [start, wish] :
         {std::pair<std::string_view, ListWish>{"list-read-", ListWish::kRead},
          std::pair<std::string_view, ListWish>{"list-take-", ListWish::kTake}}) {
        if (!token.starts_with(start)) continue;
        auto list = decode_token(token.substr(start.size()));
        if (list) return ListWishSubject{wish, ListName{*std::move(list)}};
    }
    return std::nullopt;
}
bool is_retell(std::string_view subject) {
    const Tokens tokens{subject};
    return is_again(subject) && tokens[4].starts_with("retell-");
}
bool is_again(std::string_view subject) {
    const Tokens tokens{subject};
    return tokens.size() == 5 && tokens[3] == "again";
}

std::string exception(const EntityKey& entity, std::string_view kind) {
    return join("sync.exc", {entity.object.text, entity.entity.text, kind});
}
std::string exceptions_of(const EntityKey& entity) {
    return join("sync.exc", {entity.object.text, entity.entity.text}) + ".*";
}
std::string all_exceptions() { return "sync.exc.>"; }

std::string log(const EntityKey& entity) {
    return join("sync.log", {entity.object.text, entity.entity.text});
}
std::string all_logs() { return "sync.log.>"; }

std::string event(const EntityKey& entity, std::string_view name, std::string_view key,
                  std::string_view generation) {
    return join("sync.evt", {entity.object.text, name, key, entity.entity.text, generation});
}
std::string events_of(const EntityKey& entity) {
    return join("sync.evt", {entity.object.text}) + ".*.*." + encode_token(entity.entity.text) +
           ".*";
}
std::string events_of(const ObjectName& object, std::string_view name, std::string_view key) {
    return join("sync.evt", {object.text, name, key}) + ".>";
}
std::string events_of(const ObjectName& object, std::string_view name) {
    if (object.empty()) return events_wildcard();
    const std::string prefix = join("sync.evt", {object.text});
    return name.empty() ? prefix + ".>" : prefix + "." + encode_token(name) + ".>";
}

Result<EventSubject> parse_event(std::string_view subject) {
    const Tokens tokens{subject};
    if (tokens.size() == 7 && tokens[0] == kPrefix && tokens[1] == "evt") {
        auto object = decode_token(tokens[2]);
        auto name = decode_token(tokens[3]);
        auto key = decode_token(tokens[4]);
        auto entity = decode_token(tokens[5]);
        if (object && name && key && entity) {
            return EventSubject{{ObjectName{*std::move(object)}, EntityId{*std::move(entity)}},
                                *std::move(name),
                                *std::move(key)};
        }
    }
    return fail(ErrorKind::kInvalid, "'" + std::string{subject} + "' is not an event's subject");
}

std::string all_receipts() { return "sync.rcv.*"; }
std::string receipts_of(const PlatformId& platform) { return join("sync.rcv", {platform.text}); }

std::string ask(const PlatformId& platform, std::string_view name) {
    return join("sync.ask", {platform.text, name});
}
std::string ask_hubs(std::string_view name) { return "sync.ask._hub." + encode_token(name); }

std::string asks_of(const PlatformId& platform) { return join("sync.ask", {platform.text}) + ".*"; }
std::string asks_of_hubs() { return "sync.ask._hub.*"; }
std::string all_asks() { return "sync.ask.*.*"; }
std::string service_of(const PlatformId& platform) { return "sync-" + platform.text; }
std::string service_verbs(std::string_view service) { return "$SRV.*." + std::string{service}; }
std::string service_info(std::string_view service) {
    std::string out = "$SRV.INFO";
    if (!service.empty()) out.append(".").append(service);
    return out;
}
std::string all_service_verbs() { return "$SRV.>"; }

std::string all_told() { return "sync.told.*"; }
std::string told(std::string_view asker) { return "sync.told." + encode_token(asker); }

std::string hub_presence(const HubId& hub) { return join("$KV.sync_lease.hub", {hub.text}); }
std::string all_hub_presence() { return "$KV.sync_lease.hub.*"; }
std::string agent_presence(const PlatformId& platform) {
    return join("$KV.sync_agent", {platform.text});
}
std::string all_agent_presence() { return "$KV.sync_agent.*"; }
std::string agent_lease(const PlatformId& platform) {
    return join("$KV.sync_lease.agent", {platform.text});
}
std::string all_agent_leases() { return "$KV.sync_lease.agent.*"; }
std::string agent_standby(const PlatformId& platform, std::string_view store) {
    return join("$KV.sync_agent.standby", {platform.text, store});
}
std::string standbys_of(const PlatformId& platform) {
    return join("$KV.sync_agent.standby", {platform.text}) + ".*";
}
std::string all_agent_standbys() { return "$KV.sync_agent.standby.*.*"; }

std::string policy_version(std::uint64_t number) {
    return "$KV.sync_policy.version." + std::to_string(number);
}
std::string all_policy_versions() { return "$KV.sync_policy.version.*"; }
std::string policy_start(std::uint64_t number) {
    return "$KV.sync_policy.start." + std::to_string(number);
}
std::string all_policy_starts() { return "$KV.sync_policy.start.*"; }
std::string policy_file(std::string_view hash) { return join("$KV.sync_policy.file", {hash}); }
std::string policy_approval(std::uint64_t number, std::string_view actor) {
    return join("$KV.sync_policy.approval." + std::to_string(number), {actor});
}
std::string all_policy_files() { return "$KV.sync_policy.file.*"; }
std::string policy_approvals_by(std::string_view actor) {
    return join("$KV.sync_policy.approval.*", {actor});
}
std::string all_policy_approvals() { return "$KV.sync_policy.approval.>"; }

Result<PolicyEntry> parse_policy_entry(std::string_view subject) {
    using Kind = PolicyEntry::Kind;
    static constexpr std::pair<std::string_view, Kind> kKinds[] = {
        {"version", Kind::kVersion}, {"start", Kind::kStart}, {"approval", Kind::kApproval}};
    const Tokens tokens{subject};
    PolicyEntry entry;
    const auto* kind = std::ranges::find(kKinds, tokens.size() < 4 ? "" : tokens[2],
                                         &std::pair<std::string_view, Kind>::first);
    if (kind != std::end(kKinds) && tokens[0] == "$KV" && tokens[1] == "sync_policy") {
        entry.kind = kind->second;
        const std::string_view text = tokens[3];
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), entry.number);
        const bool whole = error == std::errc{} && end == text.data() + text.size();
        if (whole && entry.number > 0) return entry;
    }
    return fail(ErrorKind::kInvalid,
                "'" + std::string{subject} + "' is no entry about a version of the policy");
}

Result<std::string> last_token(std::string_view subject) {
    return decode_token(subject.substr(subject.rfind('.') + 1));
}

std::string events_wildcard() { return "sync.evt.>"; }
std::string state_wildcard() { return "sync.st.>"; }
std::string commands_wildcard() { return "sync.cmd.>"; }

}  // namespace syncline::subjects
