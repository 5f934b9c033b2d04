// Cursors as they stand in an agent's store: one of a connector's own reads back as itself, all
// else is refused, so that a store from elsewhere cannot send a connector to a place of its own.
#include "agent/connectors/file/cursor.h"
#include "agent/connectors/postgres/cursor.h"
#include "agent/connectors/rest/cursor.h"
#include "agent/connectors/sql/position.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent;

bool same(const rest::Position& a, const rest::Position& b) {
    // An id means something beside its row's stamp only, and is not written without.
    return a.watermark == b.watermark && a.until == b.until && a.from == b.from &&
           a.stamp == b.stamp && (!a.stamp || a.id == b.id) && a.page == b.page &&
           a.round_done == b.round_done;
}

void check_rest(std::string_view text) {
    const auto state = rest::ReadState::decode(text);
    if (!taken(state)) return;
    const auto again = rest::ReadState::decode(state->encode());
    must(again && again->turn == state->turn && again->streams.size() == state->streams.size());
    for (const auto& [name, position] : state->streams) {
        const auto found = again->streams.find(name);
        must(found != again->streams.end() && same(position, found->second));
    }
}

void check_file(std::string_view text) {
    const auto position = file::Position::decode(text);
    if (!taken(position)) return;
    must(position->file.find('/') == std::string::npos && position->file != "..");
    const auto again = file::Position::decode(position->encode());
    must(again && again->file == position->file && again->identity == position->identity);
    must(again->place.offset == position->place.offset &&
         again->place.line == position->place.line && again->finished == position->finished);
}

void check_postgres(std::string_view text) {
    const auto position = postgres::parse_position({std::string{text}});
    if (!taken(position)) return;
    must(postgres::parse_position(postgres::to_cursor(*position)) == *position);
}

void check_sql(std::string_view text) {
    const auto position = sql::parse_position({std::string{text}});
    if (!taken(position)) return;
    must(sql::parse_position(sql::to_cursor(*position)) == *position);
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = syncline::fuzz::text_of(data, size);
    syncline::fuzz::check_rest(text);
    syncline::fuzz::check_file(text);
    syncline::fuzz::check_postgres(text);
    syncline::fuzz::check_sql(text);
    return 0;
}
