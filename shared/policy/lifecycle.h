#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shared/policy/policy.h"

namespace syncline {

/// May `platform` move an entity, whose canonical fields are given, on to the stage `to`? Yes if
/// the lifecycle lets that follow, or lets it follow by way of stages from each of which the
/// platform may write the next one: nobody looks at a platform all the time, so what it does
/// meanwhile comes as one change. Also yes if the object has no lifecycle, or one that does not
/// know the stage that the entity is in.
[[nodiscard]] bool may_move(const ObjectSpec& object, const Fields& entity,
                            const PlatformId& platform, const Value& to);

/// Where the stages of a lifecycle lead, for proofs. Stages are known by their index among the
/// enum's values; names that are none of these are left out.
class StageGraph {
public:
    using Path = std::vector<std::size_t>;

    /// Both must outlive the graph.
    StageGraph(const Lifecycle& lifecycle, const FieldSpec& field);

    [[nodiscard]] std::size_t size() const { return names_.size(); }
    [[nodiscard]] const std::string& name(std::size_t stage) const { return names_[stage]; }
    [[nodiscard]] const Path& initial() const { return initial_; }
    [[nodiscard]] const Path& next(std::size_t stage) const { return next_[stage]; }
    /// By stage: is it one of `from`, or do these lead to it?
    [[nodiscard]] std::vector<bool> reached_from(const Path& from) const;
    /// The shortest way from one of `from`, both ends included; empty if there is none.
    [[nodiscard]] Path path(const Path& from, std::size_t to) const;
    /// "draft -> confirmed -> shipped".
    [[nodiscard]] std::string text_of(const Path& path) const;

private:
    [[nodiscard]] Path indices_of(const std::vector<std::string>& stages) const;

    const std::vector<std::string>& names_;
    Path initial_;
    std::vector<Path> next_;
};

/// The stages that no initial one leads to; none if the object has no lifecycle over an enum.
[[nodiscard]] std::vector<std::string> unreached_stages(const ObjectSpec& object);

}  // namespace syncline
