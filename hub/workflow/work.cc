#include "hub/workflow/work.h"

#include <algorithm>

#include "shared/base/sha256.h"
#include "shared/wire/codec.h"

namespace syncline::hub::workflow {
namespace {

const StepSpec* find_step(const Steps* steps, std::string_view name) {
    if (steps == nullptr) return nullptr;
    const auto at = std::ranges::find(*steps, name, &StepSpec::name);
    return at == steps->end() ? nullptr : &*at;
}

std::size_t bytes_of_fields(const Fields& fields) {
    std::string bytes;
    wire::append_fields(bytes, fields);
    return bytes.size();
}

}  // namespace

// ---- What is where. -------------------------------------------------------------------------

const StepSpec* Work::spec_of(const Frame& frame) const {
    if (frame.step.empty()) return nullptr;
    return find_step(workflow.block(frame.block, state.variant), frame.step);
}

const StepSpec* Work::spec_of(std::string_view path) const {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    if (const StepSpec* own = find_step(workflow.block("", state.variant), name)) return own;
    for (const auto& [block, steps] : workflow.blocks) {
        if (const StepSpec* step = find_step(&steps, name)) return step;
    }
    return nullptr;
}

std::string Work::key_of(std::string_view path, std::uint32_t run) const {
    std::string key = state.workflow.text + "/" + state.id + "/";
    key += path;
    if (run > 1) key += "~" + std::to_string(run);
    return key;
}

std::string Work::key_of(const Frame& frame) const { return key_of(path_of(frame), state.run); }

Frame Work::frame_of(const std::string& block) const {
    Frame frame;
    frame.block = block;
    const Steps* steps = workflow.block(block, state.variant);
    if (steps != nullptr && !steps->empty()) frame.step = steps->front().name;
    return frame;
}

Inside::Inside(Work& work, const Frame& frame, const StepSpec& spec)
    : work_(work), prefix_(work.prefix.size()) {
    work_.prefix += frame.step;
    const auto* loop = std::get_if<ForEachStep>(&spec.action);
    if (loop != nullptr && frame.index < frame.items.size()) {
        work_.prefix += "." + std::to_string(frame.index + 1);
        work_.items.emplace_back(loop->as, frame.items[frame.index]);
        item_ = true;
    }
    work_.prefix += "/";
    ++work_.depth;
}

Inside::~Inside() {
    work_.prefix.resize(prefix_);
    if (item_) work_.items.pop_back();
    --work_.depth;
}

// ---- Values. --------------------------------------------------------------------------------

Fields Work::scope() const {
    Fields all = state.context;
    for (const auto& [name, item] : items) all.set(name, item);
    return all;
}

Result<Value> Work::evaluate(const Expression& expression) const {
    return items.empty() ? expression.evaluate(state.context) : expression.evaluate(scope());
}

Result<bool> Work::holds(const Expression& expression) const {
    return items.empty() ? expression.holds(state.context) : expression.holds(scope());
}

Result<Fields> Work::evaluate(const Assignments& all) const {
    Fields values;
    for (const Assignment& one : all) {
        auto value = evaluate(one.value);
        if (!value) return fail(value.error(), "`" + one.field.text + "`");
        values.set(one.field, *std::move(value));
    }
    return values;
}

Result<void> Work::assign(const Fields& values) {
    if (values.empty()) return {};
    Fields next_context = state.context;
    for (const auto& [name, value] : values) {
        const FieldSpec* field = workflow.field(name.text);
        if (field == nullptr) {
            return fail(ErrorKind::kInvalid, "`" + name.text + "` is no field of the context");
        }
        auto fitting = conform(*field, value);
        if (!fitting) return fail(fitting.error());
        next_context.set(name, *std::move(fitting));
    }
    if (bytes_of_fields(next_context) > limits::kContextBytes) {
        return fail(ErrorKind::kTooLarge, "the context would have more than " +
                                              std::to_string(limits::kContextBytes) + " bytes");
    }
    if (state.context != next_context) {
        state.context = std::move(next_context);
        changed = true;
    }
    return {};
}

// ---- What is told. --------------------------------------------------------------------------

void Work::note(std::string what) {
    changed = true;
    constexpr std::size_t kNotesMost = 100;
    if (decided.size() < kNotesMost) decided.push_back(cut(std::move(what)));
}

void Work::refuse(std::string why, const Input& input) {
    publish(Told{.what = Told::What::kRefused,
                 .to = input.id,
                 .status = state.status,
                 .text = cut(std::move(why))});
}

void Work::open_exception(std::string_view code, const std::string& step, std::string reason) {
    reason = cut(std::move(reason));
    const auto at = std::ranges::find_if(state.exceptions, [&](const OpenException& open) {
        return open.code == code && open.step == step;
    });
    if (at != state.exceptions.end()) {
        if (at->reason == reason) return;
        at->reason = reason;
    } else {
        state.exceptions.push_back({std::string{code}, step, reason});
    }
    note("exception " + std::string{code} + (step.empty() ? "" : " of " + step) + ": " + reason);
    publish(ExceptionNews{ExceptionNews::What::kOpened, std::string{code}, step, reason});
}

void Work::close_exceptions(const std::string& step) {
    std::erase_if(state.exceptions, [&](const OpenException& open) {
        if (open.step != step) return false;
        changed = true;
        publish(ExceptionNews{ExceptionNews::What::kClosed, open.code, open.step, {}});
        return true;
    });
}

std::string cut(std::string text) {
    if (text.size() <= limits::kReasonBytes) return text;
    std::size_t end = limits::kReasonBytes;
    // Not in the middle of a character.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    return text;
}

std::uint64_t id_hash(std::string_view id) { return stable_hash(id); }

}  // namespace syncline::hub::workflow
