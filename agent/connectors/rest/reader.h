#pragma once

#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/rest/cursor.h"
#include "agent/connectors/rest/door.h"
#include "agent/core/mapping.h"

namespace syncline::agent::rest {

/// A path within a reply, in which `{native}` and `{singular}` stand for the object's names.
[[nodiscard]] std::string named_path(std::string path, const ObjectMapping& object);

/// Does the record say that it is deleted?
[[nodiscard]] bool says_deleted(const ReadSpec& spec, const Value::Map& row);

/// What the configuration says about an object, for templates.
[[nodiscard]] Variables object_variables(const Profile& profile, const ObjectMapping& object);

/// Everything that a platform's lists have to tell, object by object, page by page: passes over
/// half-open windows of the platform's own clock, in order of (stamp, id), each beginning a little
/// before the last one ended. See README.md, "How reading works".
class Reader {
public:
    /// `door` must outlive the reader.
    explicit Reader(Door& door);

    /// As Connector::read().
    Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop);

private:
    /// One list that is read: the records of an object, or its deletions.
    struct Stream {
        std::string name;
        const ReadSpec* spec;
        ObjectMapping mapping;
        ObjectMapping place;  ///< The same without fields: reads only (stamp, id).
        Variables variables;
        bool deletions;
    };
    /// One page, as it came.
    struct Page {
        Value::List rows;
        std::string next;    ///< URL or token of the next page.
        std::string resume;  ///< The same of the next pass.
        bool is_last = false;
    };

    Result<bool> turn_of(const Stream& stream, ReadState& state, std::size_t max, Batch& batch,
                         std::stop_token stop);
    Result<bool> begin_pass(const Stream& stream, Position& position, std::stop_token stop);
    Result<Page> fetch_page(const Stream& stream, Position& position, std::size_t limit,
                            std::stop_token stop);
    Result<Variables> page_variables(const Stream& stream, const Position& position,
                                     std::size_t limit) const;
    Result<Page> take_page(const Stream& stream, Door::Reply reply) const;
    Result<void> take_rows(const Stream& stream, const Value::List& rows, Position& position,
                           Batch& batch) const;
    void take_row(const Stream& stream, const Value::Map& row, Batch& batch) const;

    Door& door_;
    std::vector<Stream> streams_;
};

}  // namespace syncline::agent::rest
