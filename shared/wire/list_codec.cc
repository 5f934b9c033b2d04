#include "shared/wire/list_codec.h"

#include <bit>

#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::wire {
namespace {

void write_parts(Writer& out, int key, const std::vector<std::string>& parts) {
    out.key(key);
    out.array(static_cast<std::uint32_t>(parts.size()));
    for (const std::string& part : parts) out.text(part);
}

std::vector<std::string> read_parts(Decoder& in, const Node& node) {
    std::vector<std::string> parts;
    in.array(node, [&](const Node& item) {
        parts.push_back(in.text(item, kIdBytesMax));
        if (!parts.back().empty() && !is_list_digest(parts.back())) {
            in.problem(item, "is no digest");
        }
    });
    if (in.good() && !parts.empty() && !std::has_single_bit(parts.size())) {
        in.problem(node, "must be as many as a power of two");
    }
    return parts;
}

ListRow read_row(Decoder& in, const Node& node) {
    ListRow row;
    in.map(node, key_bits(1, 2), [&](int key, const Node& value) {
        if (key == 1) row.key = in.id(value);
        if (key == 2) row.fields = in.fields(value);
    });
    return row;
}

}  // namespace

std::string encode(const ListNews& news) {
    Writer out{1024};
    out.map(14);
    out.field(0, kWireVersion);
    out.field(1, news.platform.text);
    out.field(2, std::uint64_t{news.number.partition.value});
    out.revision(3, news.number.seq);
    out.field(4, news.list.text);
    out.field(5, static_cast<std::uint64_t>(news.kind));
    out.key(6);
    out.array(static_cast<std::uint32_t>(news.bodies.size()));
    for (const std::string& body : news.bodies) out.bytes(body);
    out.field(7, news.manifest.rows);
    write_parts(out, 8, news.manifest.parts);
    out.field(9, to_text(news.request));
    out.field(10, news.take.generation);
    out.field(11, news.take.digest);
    out.field(12, news.at);
    out.field(13, news.why);
    return out.take();
}

Result<ListNews> decode_list_news(std::string_view body) {
    ListNews news;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: news.platform.text = in.id(node); break;
            case 2: news.number.partition = in.partition(node); break;
            case 3: news.number.seq = in.revision(node); break;
            case 4: news.list.text = in.id(node); break;
            case 5: news.kind = in.enumeration(node, ListNews::Kind::kNotApplied); break;
            case 6:
                in.array(node, [&](const Node& item) {
                    news.bodies.push_back(in.bytes(item, kListPartBytesMost));
                });
                break;
            case 7: news.manifest.rows = in.unsigned64(node); break;
            case 8: news.manifest.parts = read_parts(in, node); break;
            case 9: {
                auto request = parse_list_request(in.text(node, kIdBytesMax));
                if (!request) return in.problem(node, "is no request for a list");
                news.request = *std::move(request);
                break;
            }
            case 10: news.take.generation = in.unsigned64(node); break;
            case 11: news.take.digest = in.text(node, kIdBytesMax); break;
            case 12: news.at.ns = in.signed64(node); break;
            case 13: news.why = in.text(node, kIdBytesMax); break;
            default: break;  // A later version's key.
        }
    };
    auto done = decode_message(body, "list", key_bits(1, 2, 3, 4, 5), read);
    if (!done) return fail(std::move(done.error()));
    const bool names_one = news.kind == ListNews::Kind::kRead ||
                           news.kind == ListNews::Kind::kApplied ||
                           news.kind == ListNews::Kind::kNotApplied;
    if (names_one && !is_list_digest(news.take.digest)) {
        return fail(ErrorKind::kInvalid, "list: it names no generation");
    }
    return news;
}

std::string encode_list_rows(const ListRows& rows) {
    Writer out{rows.size() * 128 + 16};
    out.map(2);
    out.field(0, kWireVersion);
    out.key(1);
    out.array(static_cast<std::uint32_t>(rows.size()));
    for (const ListRow& row : rows) {
        out.map(2);
        out.field(1, row.key);
        out.field(2, row.fields);
    }
    return out.take();
}

Result<ListRows> decode_list_rows(std::string_view body) {
    ListRows rows;
    auto read = [&](Decoder& in, int key, const Node& node) {
        if (key != 1) return;  // A later version's key.
        in.array(node, [&](const Node& item) {
            rows.push_back(read_row(in, item));
            const std::size_t last = rows.size() - 1;
            if (last > 0 && rows[last].key <= rows[last - 1].key) {
                in.problem(item, "is not in order of its key");
            }
        });
    };
    auto done = decode_message(body, "part of a list", key_bits(1), read);
    if (!done) return fail(std::move(done.error()));
    return rows;
}

std::string encode(const ListManifest& manifest) {
    Writer out{manifest.parts.size() * 34 + 32};
    out.map(3);
    out.field(0, kWireVersion);
    out.field(1, manifest.rows);
    write_parts(out, 2, manifest.parts);
    return out.take();
}

Result<ListManifest> decode_list_manifest(std::string_view body) {
    ListManifest manifest;
    auto read = [&](Decoder& in, int key, const Node& node) {
        if (key == 1) manifest.rows = in.unsigned64(node);
        if (key == 2) manifest.parts = read_parts(in, node);
    };
    auto done = decode_message(body, "manifest of a list", key_bits(1, 2), read);
    if (!done) return fail(std::move(done.error()));
    if (manifest.parts.empty())
        return fail(ErrorKind::kInvalid, "manifest of a list: has no parts");
    return manifest;
}

}  // namespace syncline::wire
