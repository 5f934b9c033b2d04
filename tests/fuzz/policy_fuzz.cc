// A policy's file: understood and judged, or refused with every problem's place.
#include <algorithm>

#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"
#include "shared/policy/workflow_codes.h"
#include "tests/fuzz/must.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline;
    using fuzz::must;
    const std::vector<PolicyFile> files{{"fuzz.toml", std::string{fuzz::text_of(data, size)}}};
    const auto policy = parse_policy(files);
    if (!policy) {
        fuzz::must_name_places(policy.error(), "fuzz.toml");
        return 0;
    }
    must(policy->hash == policy_hash(files) && policy->hash.size() == 64);
    must(std::ranges::is_sorted(policy->platforms));
    must(std::ranges::is_sorted(policy->objects, {}, &ObjectSpec::name));
    const Fields none;
    for (const ObjectSpec& object : policy->objects) {
        must(is_policy_name(object.name.text) && policy->object(object.name) == &object);
        must(std::ranges::is_sorted(object.bindings, {}, &Binding::platform));
        for (const FieldSpec& field : object.fields) {
            must(is_policy_name(field.name.text));
            static_cast<void>(object.rule(field.name, none));
        }
    }
    const auto findings = check(*policy);
    for (const Finding& finding : findings) {
        must(!finding.message.empty());
        const auto is_one_of = [&](const auto& codes) {
            return std::ranges::find(codes, finding.code) != std::end(codes);
        };
        must(is_one_of(finding_codes::kAll) || is_one_of(finding_codes::kOfWorkflows));
    }
    must(check(*policy).size() == findings.size());
    return 0;
}
