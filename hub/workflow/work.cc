#include "hub/workflow/work.h"

#include <algorithm>

#include "shared/base/sha256.h"
#include "shared/base/utf8.h"
#include "shared/wire/codec.h"
#include "shared/wire/limits.h"

namespace syncline::hub::workflow {
namespace {

const StepSpec* find_step(const Steps* steps, std::string_view name) {
    if (steps == nullptr) return nullptr;
    const auto at = std::ranges::find(*steps, name, &StepSpec::name);
    return at == steps->end() ? nullptr : &*at;
}

}  // namespace

// ---- What is where. -------------------------------------------------------------------------

const StepSpec* Work::spec_of(const Frame& frame) const {
    if (frame.step.empty()) return nullptr;
    const StepSpec* spec = find_step(workflow.block(frame.block, state.variant), frame.step);
    // What is kept is of the definition; whatever else was stored is left alone.
    const bool asks = frame.phase == Phase::kApproving || frame.remind != Timestamp{};
    const bool fits = spec == nullptr || !asks || std::holds_alternative<ApproveStep>(spec->action);
    return fits ? spec : nullptr;
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

std::string Work::key_of(const Frame& frame, const StepSpec& spec) const {
    const bool again = std::holds_alternative<CallStep>(spec.action) && frame.attempt > 1;
    return key_of(frame) + (again ? "+" + std::to_string(frame.attempt) : "");
}

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
        if (!is_flat_enough(value)) {
            return fail(ErrorKind::kTooLarge, "`" + name.text + "` is nested too deeply");
        }
        auto fitting = conform(*field, value);
        if (!fitting) return fail(fitting.error());
        next_context.set(name, *std::move(fitting));
    }
    if (size_in_bytes(next_context) > limits::kContextBytes) {
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
    if (decided.size() < limits::kNotesMost) decided.push_back(cut(std::move(what)));
}

void Work::refuse(std::string why, const Input& input) {
    answers.push_back(Told{.what = Told::What::kRefused,
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

void Work::publish(Effect effect) {
    if (const auto* request = std::get_if<Request>(&effect))
        published += size_in_bytes(request->fields);
    if (const auto* news = std::get_if<ApprovalNews>(&effect))
        published += size_in_bytes(news->shown);
    constexpr std::size_t kOthers = 100;  // Names and keys.
    published += kOthers;
    effects.push_back(std::move(effect));
}

std::size_t size_in_bytes(const Fields& fields) {
    std::string bytes;
    wire::append_fields(bytes, fields);
    return bytes.size();
}

bool is_flat_enough(const Value& value, std::size_t depth) {
    const auto fits = [&](const Value& item) { return is_flat_enough(item, depth - 1); };
    if (const auto* list = value.get<Value::List>()) {
        return depth > 0 && std::ranges::all_of(*list, fits);
    }
    if (const auto* map = value.get<Value::Map>()) {
        return depth > 0 &&
               std::ranges::all_of(*map, [&](const auto& item) { return fits(item.second); });
    }
    return true;
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= wire::kIdBytesMax &&
           std::ranges::none_of(
               text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string cut(std::string text) {
    text.resize(cut_utf8(text, limits::kReasonBytes).size());
    return text;
}

std::uint64_t id_hash(std::string_view id) { return stable_hash(id); }

}  // namespace syncline::hub::workflow
