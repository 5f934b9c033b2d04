// synclinectl as a child process against a real server that holds what hubs and agents write.
#include "tests/integration/synclinectl_test.h"

namespace syncline::test {
namespace {

// ---- Usage and reaching NATS. -----------------------------------------------------------------

TEST(SynclinectlAlone, WrongUsageIsTwo) {
    EXPECT_EQ(run({}).exit, 2);
    EXPECT_EQ(run({"nonsense"}).exit, 2);
    EXPECT_EQ(run({"exceptions", "accept", "customer"}).exit, 2);
    EXPECT_EQ(run({"--server", "http://localhost", "status"}).exit, 2);
    EXPECT_EQ(run({"--server", "nats://u:geheim@127.0.0.1:1", "status"}).says("geheim"), false);
    EXPECT_EQ(run({"replay"}).exit, 2);
    EXPECT_EQ(run({"tap", "--kind", "everything"}).exit, 2);
    const Ran json = run({"--json", "nonsense"});
    EXPECT_EQ(json.exit, 2);
    EXPECT_EQ(json.json().at("ok"), Value{false});
}

TEST(SynclinectlAlone, HelpAndVersionNeedNoServer) {
    const Ran help = run({"--help"});
    EXPECT_EQ(help.exit, 0);
    EXPECT_TRUE(help.says("Exit codes: 0 fine; 1"));
    const Ran version = run({"version", "--json"});
    EXPECT_EQ(version.exit, 0);
    EXPECT_EQ(version.json().at("command"), Value{"version"});
}

TEST(SynclinectlAlone, AServerThatIsDownIsThree) {
    const NatsServer down{{.start = NatsServer::Options::Start::kLater}};
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"status"}, {"entity", "show", "customer", "x"}, {"doctor"}, {"tap"}}) {
        auto all = words;
        all.insert(all.begin(), {"--server", down.url(), "--timeout", "0.5", "--json"});
        const Ran ran = run(all);
        EXPECT_EQ(ran.exit, 3) << ran;
        const auto error = map_in(ran.json().at("error"));
        EXPECT_EQ(error.at("kind"), Value{"unavailable"});
        EXPECT_NE(error.at("message").get<std::string>()->find("SYNCLINE_NATS_URL"),
                  std::string::npos);
    }
}

TEST(SynclinectlAlone, PoliciesAreCheckedWithoutAServer) {
    const std::string good = SYNCLINE_SOURCE_DIR "/configs/policy";
    const Ran fine = run({"policy", "check", good, "--json"});
    EXPECT_EQ(fine.exit, 0) << fine;
    EXPECT_EQ(map_in(fine.json().at("data")).at("errors"), Value{0});
    EXPECT_EQ(run({"policy", "check", "/nowhere/at/all"}).exit, 2);

    const std::filesystem::path folder = testing::TempDir() + "synclinectl_policy";
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "policy.toml"} << "[policy]\nname = \"t\"\n[platforms.crm]\n"
                                             "[objects.customer.fields]\nname = \"sting\"\n";
    const Ran syntax = run({"policy", "check", folder.string(), "--json"});
    EXPECT_EQ(syntax.exit, 1) << syntax;
    const auto envelope = syntax.json();
    const auto& findings = *envelope.at("findings").get<Value::List>();
    ASSERT_FALSE(findings.empty());
    EXPECT_NE(map_in(findings[0]).at("where").get<std::string>()->find("policy.toml:5:"),
              std::string::npos)
        << syntax;
    std::ofstream{folder / "policy.toml"}
        << "[policy]\nname = \"t\"\n[platforms.crm]\n[objects.customer.fields]\n"
           "name = \"string\"\n[[objects.customer.own]]\nfields = [\"nmae\"]\nowner = \"crm\"\n"
           "[objects.customer.on.crm]\nfields = [\"*\"]\nfounds = true\n";
    const Ran meaning = run({"policy", "check", folder.string()});
    EXPECT_EQ(meaning.exit, 1);
    EXPECT_TRUE(meaning.says("[policy.unknown_field]")) << meaning;
    EXPECT_TRUE(meaning.says("policy.toml:6:")) << meaning;
    std::filesystem::remove_all(folder);
}

// ---- Status and doctor. -----------------------------------------------------------------------

TEST_F(SynclinectlTest, AnEmptyServerIsToldAsSuch) {
    const Ran status = ctl_json({"status"});
    EXPECT_EQ(status.exit, 1) << status;
    EXPECT_TRUE(has_code(status.json(), "status.stream_missing"));
    const Ran doctor = ctl({"doctor"});
    EXPECT_EQ(doctor.exit, 1);
    EXPECT_TRUE(doctor.says("no stream of Syncline is there")) << doctor;
    EXPECT_FALSE(doctor.says("does not exist")) << "once is enough\n" << doctor;
    EXPECT_EQ(ctl({"entity", "show", "customer", "x"}).exit, 4);
    EXPECT_EQ(ctl({"exceptions", "list"}).exit, 0);
}

TEST_F(SynclinectlTest, AHealthyInstallationIsFine) {
    install();
    const std::uint64_t last = put_change(change(1, "a@x"));
    for (std::uint16_t i = 0; i < kPartitions; ++i) put_mark(i, last, "h1");
    put_presence();
    const Ran status = ctl_json({"status"});
    EXPECT_EQ(status.exit, 0) << status;
    const auto data = map_in(status.json().at("data"));
    EXPECT_EQ(data.at("partitions").get<Value::List>()->size(), kPartitions);
    EXPECT_EQ(map_in(data.at("agents").get<Value::List>()->at(0)).at("platform"), Value{"crm"});
    const Ran text = ctl({"status"});
    EXPECT_TRUE(text.says("4 of 4 held, 0 inputs wait")) << text;
    EXPECT_EQ(text.out.find('\x1b'), std::string::npos);
    const Ran doctor = ctl({"doctor"});
    EXPECT_EQ(doctor.exit, 0) << doctor;
    EXPECT_TRUE(doctor.says("[doctor.marks]"));
}

TEST_F(SynclinectlTest, StatusCountsOnlyThePartitionsOwnInputs) {
    install();
    const Change first = change(1, "a@x");
    const std::uint16_t home = first.number.partition.value;
    const auto other = static_cast<std::uint16_t>((home + 1) % kPartitions);
    const std::uint64_t floor = put_change(first);
    put_change(change(2, "b@x"));
    put_change(change(3, "c@x"));
    put_mark(home, floor, "h1");
    put_mark(other, floor, "gone");
    put_presence();
    const Ran status = ctl_json({"status"});
    EXPECT_EQ(status.exit, 1);
    EXPECT_TRUE(has_code(status.json(), "status.partition_unheld"));
    const auto data = map_in(status.json().at("data"));
    const auto& partitions = *data.at("partitions").get<Value::List>();
    EXPECT_EQ(map_in(partitions.at(home)).at("lag"), Value{2});
    EXPECT_EQ(map_in(partitions.at(home)).at("held"), Value{true});
    EXPECT_EQ(map_in(partitions.at(other)).at("lag"), Value{0});
    EXPECT_EQ(map_in(partitions.at(other)).at("held"), Value{false});
}

TEST_F(SynclinectlTest, DamagedMarksAndStrangeStreamsAreFound) {
    nats::StreamConfig state = nats::stream_configs({.partitions = kPartitions})[1];
    state.max_messages_per_subject = -1;
    ensure(state);
    for (const auto& config : nats::stream_configs({.partitions = kPartitions})) {
        if (config.name != state.name) ensure(config);
    }
    put(subjects::mark(Partition{1}), "damaged");
    put_presence();
    const Ran status = ctl_json({"status"});
    EXPECT_EQ(status.exit, 1);
    EXPECT_TRUE(has_code(status.json(), "status.mark_damaged")) << status;
    const Ran doctor = ctl_json({"doctor"});
    EXPECT_EQ(doctor.exit, 1);
    EXPECT_TRUE(has_code(doctor.json(), "doctor.stream_config")) << doctor;
    EXPECT_TRUE(has_code(doctor.json(), "doctor.marks"));
}

TEST_F(SynclinectlTest, WatchingEndsWithCtrlC) {
    install();
    Child child{words({"--json", "status", "--watch", "--interval", "1s"})};
    ASSERT_TRUE(until([&] { return child.out().find('\n') != std::string::npos; }));
    child.interrupt();
    EXPECT_EQ(child.wait().exit, 0);
}

TEST_F(SynclinectlTest, TopTellsHowFastItGoes) {
    install();
    put_presence();
    Child child{words({"--json", "top", "--interval", "1s"})};
    ASSERT_TRUE(until([&] { return child.out().find('\n') != std::string::npos; }));
    EXPECT_NE(child.out().find(R"("inputs_per_second":null)"), std::string::npos) << child.out();
    put(subjects::hub_presence(HubId{"h1"}), R"({"hub":"h1","counts":{"inputs":1000012}})");
    EXPECT_TRUE(until([&] {
        const std::string said = child.out();
        const auto at = said.rfind(R"("inputs_per_second":)");
        return at != std::string::npos && std::strtod(said.c_str() + at + 20, nullptr) > 1'000;
    })) << child.out();
    child.interrupt();
    EXPECT_EQ(child.wait().exit, 0);
    const Ran once = run(words({"top", "--times", "1"}));
    EXPECT_EQ(once.exit, 0) << once;
    EXPECT_TRUE(once.says("PLATFORM") && once.says("crm") && once.says("h1")) << once;
    EXPECT_EQ(run(words({"top", "--interval", "0s"})).exit, 2);
}

// ---- Entities and their log. ------------------------------------------------------------------

TEST_F(SynclinectlTest, AnEntityIsFoundByIdRecordAndKey) {
    install();
    put_ada();
    const std::vector<std::string> keys{ada().entity.text, "crm:003", "ada@example.com",
                                        " ADA@Example.com"};
    for (const std::string& key : keys) {
        const Ran ran = ctl_json({"entity", "show", "customer", key});
        EXPECT_EQ(ran.exit, 0) << key << ran;
        const auto entity = map_in(map_in(ran.json().at("data")).at("entity"));
        EXPECT_EQ(entity.at("entity"), Value{ada().entity.text}) << key;
        EXPECT_EQ(entity.at("version"), Value{7});
    }
    const Ran text = ctl({"entity", "show", "customer", "crm:003"});
    EXPECT_TRUE(text.says("crm 1/2")) << text;                 // Provenance.
    EXPECT_TRUE(text.says("! \"+44 \\u001b[31m9\"")) << text;  // Differs; harmless.
    EXPECT_EQ(text.out.find('\x1b'), std::string::npos);
    EXPECT_TRUE(text.says("phone: \"+44 9\" -> \"+44 1\"")) << text;
    EXPECT_TRUE(text.says("command.rejected")) << text;
}

TEST_F(SynclinectlTest, SecretFieldsAreHiddenByThePolicy) {
    install();
    put_ada();
    const std::filesystem::path folder = testing::TempDir() + "synclinectl_secrets";
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "policy.toml"}
        << "[policy]\nname = \"t\"\n[platforms.crm]\n[platforms.erp]\n[objects.customer.fields]\n"
           "email = { type = \"string\", classification = \"secret\" }\nphone = \"string\"\n"
           "[[objects.customer.own]]\nfields = [\"*\"]\nowner = \"crm\"\n"
           "[objects.customer.on.crm]\nfields = [\"*\"]\nfounds = true\n";
    for (const char* format : {"--json", "--no-color"}) {
        const Ran ran =
            ctl({format, "--policy", folder.string(), "entity", "show", "customer", "crm:003"});
        EXPECT_EQ(ran.exit, 0) << ran;
        EXPECT_FALSE(ran.says("ada@example.com")) << ran;
        EXPECT_TRUE(ran.says("(secret)"));
    }
    std::filesystem::remove_all(folder);
}

TEST_F(SynclinectlTest, UnknownEntitiesAreFourAndAmbiguousKeysTwo) {
    install();
    put_ada();
    const Ran unknown = ctl_json({"entity", "show", "customer", "nobody@example.com"});
    EXPECT_EQ(unknown.exit, 4) << unknown;
    EXPECT_EQ(map_in(unknown.json().at("error")).at("kind"), Value{"not_found"});
    EXPECT_EQ(ctl({"entity", "show", "order", ada().entity.text}).exit, 4);
    EXPECT_EQ(ctl({"log", "customer", "nobody"}).exit, 4);
    EXPECT_EQ(ctl({"exceptions", "show", "customer", "nobody"}).exit, 4);
    put(subjects::match_key(kCustomer, "other", "ada@example.com"),
        wire::encode_reference(EntityId{"OTHER"}));
    const Ran several = ctl({"entity", "show", "customer", "ada@example.com"});
    EXPECT_EQ(several.exit, 2) << several;
    EXPECT_TRUE(several.says("OTHER (by other)")) << several;
}

TEST_F(SynclinectlTest, ADamagedStateIsToldWithItsPlace) {
    install();
    put_ada();
    const auto sequence =
        put(subjects::entity(ada(), entity_partition(ada(), kPartitions)), "\xff\xff damaged");
    const Ran ran = ctl_json({"entity", "show", "customer", "crm:003"});
    EXPECT_EQ(ran.exit, 1) << ran;
    const auto error = map_in(ran.json().at("error"));
    EXPECT_EQ(error.at("kind"), Value{"corrupt"});
    EXPECT_NE(error.at("message").get<std::string>()->find("sequence " + std::to_string(sequence)),
              std::string::npos);
}

TEST_F(SynclinectlTest, TheLogIsOldestFirstAndEachVersionOnce) {
    install();
    put_ada();
    const Timestamp now = clock.now();
    put_log(1, now - 3h, "one@x");
    put_log(2, now - 1h, "two@x");
    put_log(2, now - 1h, "two@x");  // Told again after a crash.
    const Ran all = ctl({"log", "customer", "crm:003"});
    EXPECT_EQ(all.exit, 0) << all;
    EXPECT_LT(all.out.find("one@x"), all.out.find("two@x"));
    EXPECT_EQ(all.out.find("two@x"), all.out.rfind("two@x")) << all;
    EXPECT_TRUE(all.says("\"old@example.com\" -> \"one@x\"  accepted  crm  customer.toml:12"))
        << all;
    EXPECT_TRUE(all.says("command erp update generation 3: email")) << all;
    const Ran newest = ctl_json({"log", "customer", "crm:003", "--limit", "1"});
    const auto limited = map_in(newest.json().at("data"));
    ASSERT_EQ(limited.at("entries").get<Value::List>()->size(), 1U);
    EXPECT_EQ(limited.at("found"), Value{2});
    const Ran since = ctl_json({"log", "customer", "crm:003", "--since", "2h"});
    EXPECT_EQ(map_in(since.json().at("data")).at("entries").get<Value::List>()->size(), 1U);
    EXPECT_EQ(ctl({"log", "customer", "crm:003", "--since", "yesterday"}).exit, 2);
    put(subjects::log(ada()), "damaged");
    const Ran damaged = ctl_json({"log", "customer", "crm:003"});
    EXPECT_EQ(damaged.exit, 1);
    EXPECT_TRUE(has_code(damaged.json(), "log.damaged"));
}

// ---- Exceptions. ------------------------------------------------------------------------------

TEST_F(SynclinectlTest, ExceptionsAreListedAndShown) {
    install();
    put_ada();
    const EntityKey lost{kCustomer, EntityId{"rec 9"}};
    put_exception(lost, "input.undecodable", "crm", hub::ExceptionStatus::kOpen,
                  std::string{"\xc1raw\0bytes", 10});
    put_exception({kCustomer, EntityId{"E2"}}, "ownership.review", "crm",
                  hub::ExceptionStatus::kResolved);
    const Ran open = ctl_json({"exceptions", "list"});
    EXPECT_EQ(open.exit, 0) << open;
    const auto listed = map_in(open.json().at("data"));
    EXPECT_EQ(listed.at("exceptions").get<Value::List>()->size(), 2U);
    const auto count = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"exceptions", "list"});
        const auto data = map_in(ctl_json(more).json().at("data"));
        return data.at("exceptions").get<Value::List>()->size();
    };
    EXPECT_EQ(count({"--all"}), 3U);
    EXPECT_EQ(count({"--kind", "command.rejected"}), 1U);
    EXPECT_EQ(count({"--kind", "command.rejected@crm"}), 0U);
    EXPECT_EQ(count({"--platform", "crm"}), 1U);
    EXPECT_EQ(count({"--object", "order"}), 0U);

    const Ran raw = ctl({"exceptions", "show", "customer", "rec 9"});
    EXPECT_EQ(raw.exit, 0) << raw;
    EXPECT_TRUE(raw.says("|.raw.bytes|")) << raw;
    const Ran values = ctl({"exceptions", "show", "customer", "crm:003", "command.rejected"});
    EXPECT_EQ(values.exit, 0) << values;
    EXPECT_TRUE(values.says("\"ada@example.com\"  \"old@example.com\"")) << values;
    EXPECT_EQ(ctl({"exceptions", "show", "customer", "crm:003", "delete.review"}).exit, 4);

    Change sent = change(1, "a@x");
    put_exception({kCustomer, EntityId{"rec 10"}}, "input.unknown_object", "crm",
                  hub::ExceptionStatus::kOpen, wire::encode(sent));
    const Ran decoded = ctl({"exceptions", "show", "customer", "rec 10"});
    EXPECT_TRUE(decoded.says("crm change customer 003 upsert rev 1/1")) << decoded;
}

TEST_F(SynclinectlTest, AnActionIsPublishedAndItsResultAwaited) {
    install();
    put_ada();
    Inbox inbox;
    const auto operations = link.consume(
        {.stream = std::string{subjects::kStreamIn}, .filters = {subjects::all_inputs()}}, &inbox);
    Child child{words({"--json", "exceptions", "accept", "customer", "crm:003",
                       "command.rejected@erp", "--reason", "agreed by phone", "--wait", "20s"})};
    ASSERT_TRUE(until([&] { return !inbox.bodies.empty(); }));
    const auto operation = hub::decode_operation(inbox.bodies[0]);
    ASSERT_TRUE(operation);
    EXPECT_EQ(operation->kind, hub::OperationKind::kAccept);
    EXPECT_EQ(operation->entity, ada());
    EXPECT_EQ(operation->exception, "command.rejected@erp");
    EXPECT_EQ(operation->reason, "agreed by phone");
    EXPECT_NE(operation->actor.find('@'), std::string::npos);
    EXPECT_NE(operation->id, "");
    put_exception(ada(), "command.rejected", "erp", hub::ExceptionStatus::kResolved);
    const Ran ran = child.wait();
    EXPECT_EQ(ran.exit, 0) << ran;
    const auto data = map_in(ran.json().at("data"));
    EXPECT_EQ(map_in(data.at("exceptions").get<Value::List>()->at(0)).at("status"),
              Value{"resolved"});
}

TEST_F(SynclinectlTest, AnActionThatNoHubDecidesIsAFinding) {
    install();
    put_ada();
    const Ran ran = ctl_json(
        {"exceptions", "retry", "customer", "crm:003", "command.rejected", "--wait", "0s"});
    EXPECT_EQ(ran.exit, 1) << ran;
    EXPECT_TRUE(has_code(ran.json(), "exceptions.not_decided_yet"));
}

TEST_F(SynclinectlTest, SeveralAreListedBeforeAnythingIsDone) {
    install();
    put_ada();
    put_exception({kCustomer, EntityId{"rec 9"}}, "input.foreign_platform", "crm");
    Inbox inbox;
    const auto operations = link.consume(
        {.stream = std::string{subjects::kStreamIn}, .filters = {subjects::all_inputs()}}, &inbox);
    const Ran plan = ctl_json({"exceptions", "retry", "--severity", "warning"});
    EXPECT_EQ(plan.exit, 0) << plan;
    const auto planned = map_in(plan.json().at("data"));
    EXPECT_EQ(planned.at("dry_run"), Value{true});
    EXPECT_EQ(planned.at("left_out"),
              Value{std::int64_t{1}});  // No retry of what nobody should have told.
    EXPECT_EQ(planned.at("exceptions").get<Value::List>()->size(), 1U);

    EXPECT_EQ(ctl({"exceptions", "retry"}).exit, 2);
    EXPECT_EQ(ctl({"exceptions", "retry", "--kind", "nothing.like_it"}).exit, 2);
    EXPECT_EQ(ctl({"exceptions", "note", "--text", "x", "--platform", "erp", "customer"}).exit, 2);
    EXPECT_EQ(ctl({"exceptions", "discard", "--platform", "erp"}).exit, 2);  // Why?
    const Ran many =
        ctl({"exceptions", "assign", "--to", "ann", "--severity", "info", "--most", "1", "--yes"});
    EXPECT_EQ(many.exit, 5) << many;

    const Ran done =
        ctl_json({"exceptions", "retry", "--platform", "erp", "--yes", "--wait", "0s"});
    EXPECT_EQ(done.exit, 1) << done;
    EXPECT_TRUE(has_code(done.json(), "exceptions.not_decided_yet"));
    ASSERT_TRUE(until([&] { return !inbox.bodies.empty(); }));
    ASSERT_EQ(inbox.bodies.size(), 1U);  // Only of what was to be done.
    EXPECT_EQ(hub::decode_operation(inbox.bodies[0])->exception, "command.rejected@erp");
}

TEST_F(SynclinectlTest, WhatNoActionCanSettleIsRefusedWithAdvice) {
    install();
    put_ada();
    put_exception({kCustomer, EntityId{"rec 9"}}, "input.foreign_platform", "crm");
    const Ran input = ctl({"exceptions", "retry", "customer", "rec 9", "input.foreign_platform"});
    EXPECT_EQ(input.exit, 5) << input;
    EXPECT_TRUE(input.says("synclinectl replay --full-read crm")) << input;
    put_exception({kCustomer, EntityId{"E2"}}, "ownership.review", "crm",
                  hub::ExceptionStatus::kResolved);
    const Ran settled = ctl({"exceptions", "accept", "customer", "E2", "ownership.review"});
    EXPECT_EQ(settled.exit, 5) << settled;
    EXPECT_TRUE(settled.says("is resolved since")) << settled;
    EXPECT_EQ(ctl({"exceptions", "accept", "customer", "crm:003", "delete.review"}).exit, 4);
}

// crm owns all fields; erp's own phone number is for a person to decide.
constexpr const char* kReviewPolicy = R"([policy]
name = "review"
[platforms.crm]
[platforms.erp]
[objects.customer.fields]
email = { type = "string", required = true }
phone = "string"
[[objects.customer.own]]
fields = ["*"]
owner = "crm"
otherwise = "review"
[[objects.customer.match]]
name = "email"
on = ["email:lower"]
[objects.customer.on.crm]
fields = ["*"]
founds = true
on_delete = "review"
[objects.customer.on.erp]
fields = ["*"]
on_delete = "review"
)";

/// What `to-rule` tells, and as JSON: the one file that the rule changes, as it is with it.
void expect_rule(const Ran& rule, const Ran& shown, const std::string& text) {
    EXPECT_EQ(rule.exit, 0) << rule;
    EXPECT_TRUE(rule.says("otherwise = \"accept\"")) << rule;
    const auto changed = map_in(map_in(shown.json().at("data")).at("changed"));
    ASSERT_EQ(changed.size(), 1U) << shown;
    EXPECT_EQ(*changed.at("policy.toml").get<std::string>(), text);
}

TEST_F(SynclinectlTest, ARealHubDecidesWhatIsAcceptedHere) {
    install();
    const std::filesystem::path folder = testing::TempDir() + "synclinectl_hub";
    std::filesystem::create_directories(folder / "policy");
    std::ofstream{folder / "policy/policy.toml"} << kReviewPolicy;
    std::ofstream{folder / "hub.toml"} << "policy = \"policy\"\n[nats]\nurls = [\"" << server.url()
                                       << "\"]\n";
    Child hub{{"--config", (folder / "hub.toml").string()}, "syncline-hub"};
    const auto say = [&](const char* platform, const char* record, const char* phone) {
        Change change;
        change.key = {PlatformId{platform}, kCustomer, RecordId{record}};
        change.number = {record_partition(change.key, kPartitions), {1, 1}};
        change.rev = {1, 1};
        change.fields = Fields{{FieldName{"email"}, Value{"ada@example.com"}},
                               {FieldName{"phone"}, Value{phone}}};
        change.seen_at = clock.now();
        put_change(change);
    };
    const auto eventually = [&](std::vector<std::string> words, std::string_view text) {
        return until([&] { return ctl(words).says(text); });
    };
    say("crm", "003", "+44 1");
    ASSERT_TRUE(eventually({"entity", "show", "customer", "crm:003"}, "\"+44 1\"")) << hub.err();
    say("erp", "C-17", "+44 2");
    ASSERT_TRUE(eventually({"exceptions", "list"}, "ownership.review")) << hub.err();
    const Ran assigned =
        ctl({"exceptions", "assign", "customer", "erp:C-17", "ownership.review", "--to", "ann"});
    EXPECT_EQ(assigned.exit, 0) << assigned << hub.err();
    EXPECT_EQ(ctl({"exceptions", "note", "--assignee", "ann", "--text", "asked", "--yes"}).exit, 0);
    const Ran seen = ctl({"exceptions", "show", "customer", "erp:C-17"});
    EXPECT_TRUE(seen.says("assignee    ann")) << seen;
    EXPECT_TRUE(seen.says(": asked")) << seen;
    const Ran accepted = ctl({"exceptions", "accept", "customer", "erp:C-17",
                              "ownership.review@erp", "--reason", "the ERP is right"});
    EXPECT_EQ(accepted.exit, 0) << accepted << hub.err();
    const Ran shown = ctl_json({"entity", "show", "customer", "ada@example.com"});
    const auto entity = map_in(map_in(shown.json().at("data")).at("entity"));
    const auto canonical = map_in(entity.at("canonical"));
    EXPECT_EQ(map_in(canonical.at("phone")).at("value"), Value{"+44 2"}) << shown;
    const Ran log = ctl({"log", "customer", "crm:003"});
    EXPECT_TRUE(log.says("ownership.review accepted by ")) << log;
    EXPECT_TRUE(log.says(": the ERP is right")) << log;
    const Ran blame = ctl({"blame", "customer", "crm:003", "phone"});
    EXPECT_TRUE(blame.says("by       operator") && blame.says("the ERP is right")) << blame;
    EXPECT_TRUE(blame.says("review")) << "how the ERP's word was judged before\n" << blame;
    // The same traffic by a policy whose ERP may write the phone.
    std::filesystem::create_directories(folder / "proposed");
    std::string proposed = kReviewPolicy;
    const std::string review = "otherwise = \"review\"";
    proposed.replace(proposed.find(review), review.size(), "otherwise = \"accept\"");
    std::ofstream{folder / "proposed/policy.toml"} << proposed;
    const Ran plan = ctl({"--policy", (folder / "policy").string(), "policy", "plan",
                          (folder / "proposed").string()});
    EXPECT_EQ(plan.exit, 0) << plan;
    EXPECT_TRUE(plan.says("1 decided otherwise")) << plan;
    EXPECT_TRUE(plan.says("phone of erp = \"+44 2\": review by")) << plan;
    EXPECT_TRUE(plan.says("- exception ownership.review@erp")) << plan;
    // And by the rule that the decision makes.
    const Ran rule = ctl(
        {"exceptions", "to-rule", "customer", "erp:C-17", "--write", (folder / "ruled").string()});
    expect_rule(rule, ctl_json({"exceptions", "to-rule", "customer", "erp:C-17"}),
                read_all(folder / "ruled/policy.toml"));
    const Ran ruled = ctl({"policy", "plan", (folder / "ruled").string()});
    EXPECT_TRUE(ruled.says("- exception ownership.review@erp")) << ruled;
    EXPECT_TRUE(eventually({"status"}, "4 of 4 held, 0 inputs wait"));
    EXPECT_TRUE(ctl({"doctor"}).says("all sane"));
    hub.interrupt();
    EXPECT_EQ(hub.wait().exit, 0);
    std::filesystem::remove_all(folder);
}

// ---- Replay. ----------------------------------------------------------------------------------

TEST_F(SynclinectlTest, ADryRunDecidesInMemoryAndPublishesNothing) {
    install();
    put_ada();
    const std::string policy = SYNCLINE_SOURCE_DIR "/configs/policy";
    const auto known = put_change(change(2, "ada@example.com"));
    const auto fresh = put_change(change(3, "new@example.com"));
    put_change(change(3, "new@example.com"));  // Sent again.
    const Ran ran = ctl_json({"replay", "--dry-run", "--policy", policy, "--platform", "crm"});
    EXPECT_EQ(ran.exit, 0) << ran;
    const auto data = map_in(ran.json().at("data"));
    EXPECT_EQ(data.at("changes"), Value{2});
    EXPECT_EQ(data.at("repeated_messages"), Value{1});
    const auto counts = map_in(data.at("counts").get<Value::List>()->at(0));
    EXPECT_EQ(counts.at("known"), Value{1});
    const auto& decisions = *data.at("decisions").get<Value::List>();
    ASSERT_EQ(decisions.size(), 1U) << ran;
    EXPECT_EQ(map_in(decisions[0]).at("sequence"), Value{static_cast<std::int64_t>(fresh)});
    const auto changes = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"replay", "--dry-run", "--policy", policy});
        const Ran limited = ctl_json(more);
        EXPECT_EQ(limited.exit, 0) << limited;
        return map_in(limited.json().at("data")).at("changes");
    };
    EXPECT_EQ(changes({"--from", std::to_string(fresh)}), Value{1});
    EXPECT_EQ(changes({"--to", std::to_string(known)}), Value{1});
    EXPECT_EQ(changes({"--from", "1h", "--to", "30m"}), Value{0});
    EXPECT_EQ(changes({"--record", "004"}), Value{0});
    EXPECT_EQ(changes({"--anew"}), Value{1});
    std::optional<Result<nats::StreamInfo>> info;
    link.stream_info(subjects::kStreamIn, [&](auto told) { info = told; });
    ASSERT_TRUE(until([&] { return info.has_value(); }));
    EXPECT_EQ((*info)->last_sequence, fresh + 1);
    EXPECT_EQ(ctl({"replay", "--dry-run"}).exit, 4);  // No policy is in force.
}

TEST_F(SynclinectlTest, AFullReadIsAskedOfTheAgentOnly) {
    install();
    EXPECT_EQ(ctl({"replay", "--full-read", "crm", "--yes"}).exit, 4);
    put_presence();
    Inbox inbox;
    const auto receipts = link.subscribe(subjects::receipts_of(PlatformId{"crm"}), &inbox);
    for (int i = 0; i < 5; ++i) loop.poll(10ms);
    EXPECT_EQ(ctl({"replay", "--full-read", "crm"}).exit, 2);  // Not confirmed.
    const Ran ran = ctl({"replay", "--full-read", "crm", "--yes"});
    EXPECT_EQ(ran.exit, 0) << ran;
    ASSERT_TRUE(until([&] { return !inbox.bodies.empty(); }));
    const auto receipt = wire::decode_receipt(inbox.bodies[0]);
    ASSERT_TRUE(receipt);
    EXPECT_TRUE(receipt->full_read);
    EXPECT_EQ(receipt->platform, PlatformId{"crm"});
    EXPECT_EQ(inbox.bodies.size(), 1U);
}

// ---- Tap. -------------------------------------------------------------------------------------

TEST_F(SynclinectlTest, TapFollowsWhatPasses) {
    install();
    put_change(change(1, "before@x"));  // Before the tap: not shown.
    Child child{words({"--json", "tap", "--count", "3", "--kind", "in,exc"})};
    std::uint64_t n = 2;
    // The tap says nothing when it is ready, so something is sent until it shows.
    ASSERT_TRUE(until([&] {
        put_change(change(n++, "tapped@x"));
        return !child.out().empty();
    }));
    put(subjects::change(record(), Partition{0}), "damaged");
    put_exception(ada(), "command.rejected", "erp");
    const Ran ran = child.wait();
    EXPECT_EQ(ran.exit, 0) << ran;
    EXPECT_EQ(std::ranges::count(ran.out, '\n'), 3);
    EXPECT_FALSE(ran.says("before@x"));
    const auto first = parse_json(ran.out.substr(0, ran.out.find('\n')));
    ASSERT_TRUE(first) << ran;
    EXPECT_EQ(map_in(*first).at("kind"), Value{"in"});
}

TEST_F(SynclinectlTest, TapEndsWithCtrlC) {
    install();
    Child child{words({"tap"})};
    ASSERT_TRUE(until([&] {
        put_change(change(1, "tapped@x"));
        return !child.out().empty();
    }));
    EXPECT_NE(child.out().find("crm change customer 003"), std::string::npos);
    child.interrupt();
    EXPECT_EQ(child.wait().exit, 0);
}

}  // namespace
}  // namespace syncline::test
