#include "shared/policy/lifecycle.h"

#include <algorithm>
#include <map>
#include <set>

namespace syncline {

bool may_move(const ObjectSpec& object, const Fields& entity, const PlatformId& platform,
              const Value& to) {
    if (!object.lifecycle) return true;
    const Lifecycle& lifecycle = *object.lifecycle;
    const Value* canonical = entity.find(lifecycle.field);
    const std::string* from = canonical == nullptr ? nullptr : canonical->get<std::string>();
    const Lifecycle::Stage* now = from == nullptr ? nullptr : lifecycle.stage(*from);
    if (now == nullptr) return true;
    const std::string* wanted = to.get<std::string>();
    if (wanted == nullptr) return false;  // An entity is in some stage.
    std::set<std::string> passed{*from};
    std::vector<const Lifecycle::Stage*> open{now};
    Fields on_the_way = entity;
    while (!open.empty()) {
        const Lifecycle::Stage& stage = *open.back();
        open.pop_back();
        if (std::ranges::find(stage.next, *wanted) != stage.next.end()) return true;
        for (const std::string& name : stage.next) {
            const Lifecycle::Stage* next = lifecycle.stage(name);
            if (next == nullptr || !passed.insert(name).second) continue;
            on_the_way.set(lifecycle.field, name);
            const OwnershipRule* rule = object.rule(lifecycle.field, on_the_way);
            if (rule != nullptr && rule->lets_write(platform)) open.push_back(next);
        }
    }
    return false;
}

StageGraph::StageGraph(const Lifecycle& lifecycle, const FieldSpec& field)
    : names_(field.enum_values) {
    initial_ = indices_of(lifecycle.initial);
    for (const std::string& name : names_) {
        const Lifecycle::Stage* stage = lifecycle.stage(name);
        next_.push_back(stage == nullptr ? Path{} : indices_of(stage->next));
    }
}

StageGraph::Path StageGraph::indices_of(const std::vector<std::string>& stages) const {
    Path indices;
    for (const std::string& stage : stages) {
        const auto at = std::ranges::find(names_, stage);
        if (at == names_.end()) continue;
        indices.push_back(static_cast<std::size_t>(at - names_.begin()));
    }
    return indices;
}

std::vector<bool> StageGraph::reached_from(const Path& from) const {
    std::vector<bool> reached(size(), false);
    Path open = from;
    while (!open.empty()) {
        const std::size_t stage = open.back();
        open.pop_back();
        if (reached[stage]) continue;
        reached[stage] = true;
        open.insert(open.end(), next_[stage].begin(), next_[stage].end());
    }
    return reached;
}

StageGraph::Path StageGraph::path(const Path& from, std::size_t to) const {
    std::map<std::size_t, std::size_t> came_from;
    for (const std::size_t stage : from) came_from.emplace(stage, stage);
    Path open = from;
    for (std::size_t at = 0; at < open.size() && !came_from.contains(to); ++at) {
        const std::size_t stage = open[at];
        for (const std::size_t next : next_[stage]) {
            if (came_from.emplace(next, stage).second) open.push_back(next);
        }
    }
    if (!came_from.contains(to)) return {};
    Path path{to};
    while (came_from[path.back()] != path.back()) path.push_back(came_from[path.back()]);
    std::ranges::reverse(path);
    return path;
}

std::string StageGraph::text_of(const Path& path) const {
    std::string text;
    for (const std::size_t stage : path) text += (text.empty() ? "" : " -> ") + names_[stage];
    return text;
}

std::vector<std::string> unreached_stages(const ObjectSpec& object) {
    const FieldSpec* field = object.lifecycle ? object.field(object.lifecycle->field) : nullptr;
    if (field == nullptr) return {};
    const StageGraph graph{*object.lifecycle, *field};
    const std::vector<bool> reached = graph.reached_from(graph.initial());
    std::vector<std::string> unreached;
    for (std::size_t stage = 0; stage < graph.size(); ++stage) {
        if (!reached[stage]) unreached.push_back(graph.name(stage));
    }
    return unreached;
}

}  // namespace syncline
