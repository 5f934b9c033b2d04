// Subjects: one subject means one thing, and is spelled in one way.
#include "shared/wire/subjects.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

void check_token(std::string_view text) {
    const auto decoded = subjects::decode_token(text);
    if (taken(decoded)) must(subjects::encode_token(*decoded) == text);
    const std::string token = subjects::encode_token(text);
    must(subjects::decode_token(token) == std::string{text});
    must(!token.empty() && token.find_first_of(".*> \t\r\n\0") == std::string::npos);
}

std::string subject_of(const subjects::InputSubject& input) {
    const ObjectName object{input.object};
    switch (input.kind) {
        case subjects::InputKind::kChange:
            return subjects::change({input.platform, object, RecordId{input.key}}, input.partition);
        case subjects::InputKind::kOutcome:
            return subjects::outcome(input.platform, {object, EntityId{input.key}},
                                     input.partition);
        case subjects::InputKind::kInventory:
            return subjects::inventory(input.platform, input.partition, input.key);
        case subjects::InputKind::kHold: {
            const bool in = input.key == name_of(Direction::kIn);
            return subjects::hold(input.platform, input.partition,
                                  {object, in ? Direction::kIn : Direction::kOut});
        }
        case subjects::InputKind::kTrouble: {
            const bool fields = input.key == name_of(TroubleKind::kFields);
            return subjects::trouble(input.platform, input.partition, object,
                                     fields ? TroubleKind::kFields : TroubleKind::kRecords);
        }
        case subjects::InputKind::kList:
            return subjects::list_news(input.platform, input.partition, ListName{input.object},
                                       input.key);
        case subjects::InputKind::kOperationResult:
            // The subject leaves out the workflow, with which a key begins.
            return subjects::operation_result(input.platform, input.partition,
                                              "w/" + input.object + "/" + input.key);
        case subjects::InputKind::kInstance:
            return subjects::instance_input(input.partition, input.key);
        case subjects::InputKind::kOperation: break;
    }
    return subjects::operation(input.partition, input.object, input.key);
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline;
    const std::string_view text = fuzz::text_of(data, size);
    fuzz::check_token(text);
    const auto input = subjects::parse_input(text);
    // An instance with a slash is in no key: it would say where it ends.
    const bool in_no_key = input && input->kind == subjects::InputKind::kOperationResult &&
                           input->object.find('/') != std::string::npos;
    if (fuzz::taken(input) && !in_no_key) fuzz::must(fuzz::subject_of(*input) == text);
    const auto link = subjects::parse_link(text);
    if (link) fuzz::must(subjects::parse_link(subjects::link(*link)) == *link);
    const auto entity = subjects::parse_entity(text);
    if (fuzz::taken(entity)) {
        const std::string again = subjects::entity(*entity, Partition{7});
        fuzz::must(subjects::parse_entity(again) == *entity);
    }
    const auto answer = subjects::parse_hold_answer(text);
    if (answer) {
        const std::string again = subjects::hold_answer(PlatformId{"crm"}, *answer);
        fuzz::must(subjects::parse_hold_answer(again) == *answer);
    }
    static_cast<void>(fuzz::taken(subjects::last_token(text)));
    return 0;
}
