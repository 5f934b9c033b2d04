#include "tests/bench/large_policy.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <stdexcept>
#include <string>

namespace syncline::bench {
namespace {

constexpr int kGroup = 10;  // Fields that are owned alike.

constexpr const char* kHead = R"([policy]
name = "large"
[platforms.crm]
clearance = "pii"
[platforms.erp]
clearance = "pii"
[platforms.shop]
clearance = "pii"
[platforms.support]
clearance = "pii"
)";

// `{0}` is the object. Those who own something in a stage have a record by then.
constexpr const char* kFrame = R"(
[objects.{0}.stages]
field   = "stage"
initial = ["lead"]
[objects.{0}.stages.next]
lead     = ["offer", "closed"]
offer    = ["active", "closed"]
active   = ["paused", "closed"]
paused   = ["active", "closed"]
closed   = ["archived"]
archived = []

[[objects.{0}.own]]
fields = ["number", "region", "value"]
owner  = "crm"
[[objects.{0}.own]]
fields = ["stage"]
when   = 'stage == "lead"'
owner  = "crm"
[[objects.{0}.own]]
fields  = ["stage"]
when    = 'stage == "offer"'
resolve = "latest"
[[objects.{0}.own]]
fields = ["stage"]
owner  = "erp"

[[objects.{0}.match]]
name = "number"
on   = ["number:alnum"]

[objects.{0}.on.crm]
fields    = ["*"]
founds    = true
receives  = true
on_delete = "review"
[objects.{0}.on.shop]
fields    = ["*"]
founds    = true
receives  = true
on_delete = "unlink"
[objects.{0}.on.erp]
fields        = ["*"]
receives      = true
receives_when = 'stage ~= "lead"'
on_delete     = "restore"
[objects.{0}.on.support]
fields        = ["*"]
receives      = true
receives_when = 'one_of(stage, "active", "paused") or value ~= nil and value > 50000'
on_delete     = "unlink"

[objects.{0}.fields]
number = {{ type = "string", required = true, length_max = 20 }}
stage  = {{ type = "enum", required = true, values = ["lead", "offer", "active", "paused",
                                                    "closed", "archived"] }}
region = {{ type = "enum", values = ["EU", "US", "APAC"], required = true }}
value  = "decimal"
)";

constexpr std::array kTypes{"\"string\"",
                            "\"decimal\"",
                            "{ type = \"string\", classification = \"pii\", length_max = 120 }",
                            "\"date\"",
                            "\"integer\"",
                            "\"bool\"",
                            "{ type = \"enum\", values = [\"a\", \"b\", \"c\"] }"};

/// One rule for a group of fields.
std::string rule(const std::string& object, const std::string& fields, const std::string& when,
                 const char* more) {
    return fmt::format("[[objects.{}.own]]\nfields = [{}]\n{}{}\n", object, fields,
                       when.empty() ? "" : "when = '" + when + "'\n", more);
}

std::string rules(const std::string& object, const std::string& fields, int group) {
    const auto owner = [&](int step, const auto& of) {
        return of[static_cast<std::size_t>(group + step) % of.size()];
    };
    constexpr std::array kFirst{"owner = \"crm\"", "owner = \"shop\"\notherwise = \"review\""};
    constexpr std::array kLater{"owner = \"crm\"\notherwise = \"ignore\"", "owner = \"erp\"",
                                "owner = \"shop\"\notherwise = \"propose\"",
                                "owner = \"erp\"\notherwise = \"accept\"", "resolve = \"latest\""};
    return rule(object, fields,
                "stage == \"active\" and region == \"EU\" and value ~= nil and value > 1000",
                "owner = \"support\"\notherwise = \"review\"") +
           rule(object, fields, "stage == \"lead\"", owner(0, kFirst)) +
           rule(object, fields, "stage == \"offer\"", owner(1, kFirst)) +
           rule(object, fields, "stage == \"active\"", owner(0, kLater)) +
           rule(object, fields, "stage == \"paused\"", owner(1, kLater)) +
           rule(object, fields, "one_of(stage, \"closed\", \"archived\") and region == \"US\"",
                owner(2, kLater)) +
           rule(object, fields, "", "owner = \"erp\"");
}

void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream out{file};
    out << text;
    if (!out.flush()) throw std::runtime_error(file.string() + " cannot be written");
}

}  // namespace

void write_large_policy(const std::filesystem::path& folder, const PolicySize& size) {
    write(folder / "policy.toml", kHead);
    for (int number = 0; number < size.objects; ++number) {
        const std::string object = fmt::format("object_{}", number);
        std::string text = fmt::format(fmt::runtime(kFrame), object);
        std::string owned;
        std::string group;
        for (int field = 4; field < size.fields; ++field) {
            text += fmt::format("field_{} = {}\n", field,
                                kTypes[static_cast<std::size_t>(field) % kTypes.size()]);
            group += fmt::format("{}\"field_{}\"", group.empty() ? "" : ", ", field);
            if (field % kGroup != kGroup - 1 && field + 1 < size.fields) continue;
            owned += rules(object, group, number + field / kGroup);
            group.clear();
        }
        write(folder / (object + ".toml"), text + owned);
    }
}

}  // namespace syncline::bench
