#include "shared/policy/check_parts.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

class ListCheck : Findings {
public:
    ListCheck(const Policy& policy, const ListSpec& list, Findings findings)
        : Findings(findings), policy_(policy), list_(list) {}

    void run() {
        check_platform(list_.from, "`from`");
        for (const PlatformId& platform : list_.to) {
            if (platform == list_.from) {
                error(codes::kListToSource, list_.place,
                      "`to` names " + tick(platform) + ", whose list it is",
                      "leave it out: nobody is given its own list");
            } else {
                check_platform(platform, "`to`");
            }
        }
        for (const FieldSpec& field : list_.fields) {
            if (field.type != FieldType::kList && field.type != FieldType::kMap) continue;
            error(codes::kListType, field.place,
                  tick(field.name) + " is a " + name_of(field.type) + "; rows of lists are flat",
                  "make a field of each part");
        }
        if (list_.every > list_.stale_after) {
            error(codes::kListStaleTooSoon, list_.place,
                  "`stale_after_s` is less than `every_s`: " + tick(list_.name) +
                      " would be stale before it is read again",
                  "allow for at least one reading that fails");
        }
    }

private:
    void check_platform(const PlatformId& platform, const std::string& where) {
        const auto clearance = policy_.clearances.find(platform);
        if (clearance == policy_.clearances.end()) {
            std::vector<std::string> names;
            for (const PlatformId& known : policy_.platforms) names.push_back(known.text);
            return error(
                codes::kUnknownPlatform, list_.place,
                where + " names " + tick(platform) + ", which is no platform of this policy",
                hint_of(platform.text, names));
        }
        std::vector<const FieldSpec*> above;
        Classification level = clearance->second;
        for (const FieldSpec& field : list_.fields) {
            if (field.classification <= clearance->second) continue;
            above.push_back(&field);
            level = std::max(level, field.classification);
        }
        if (above.empty()) return;
        error(codes::kNotCleared, list_.place,
              few(above) + (above.size() == 1 ? " is " : " are ") + name_of(level) +
                  " and would flow to " + tick(platform) + ", which is cleared for " +
                  name_of(clearance->second) + " at most",
              std::string{"write clearance = \""} + name_of(level) + "\" under [platforms." +
                  platform.text + "], or leave the platform out");
    }

    const Policy& policy_;
    const ListSpec& list_;
};

}  // namespace

void check_lists(const Policy& policy, Findings findings) {
    for (const ListSpec& list : policy.lists) ListCheck{policy, list, findings}.run();
}

}  // namespace syncline::checking
