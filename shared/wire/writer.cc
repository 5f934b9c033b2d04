#include "shared/wire/writer.h"

namespace syncline::wire {
namespace {

struct ValueWriter {
    Writer& out;

    void tag(int number, std::uint32_t items) const {
        out.array(items);
        out.signed64(number);
    }
    void operator()(std::monostate) const { out.nil(); }
    void operator()(bool value) const { out.boolean(value); }
    void operator()(std::int64_t value) const { out.signed64(value); }
    void operator()(const std::string& value) const { out.text(value); }
    void operator()(const Decimal& value) const {
        tag(1, 2);
        out.text(value.text());
    }
    void operator()(Date value) const {
        tag(2, 2);
        out.signed64(value.days);
    }
    void operator()(Timestamp value) const {
        tag(3, 2);
        out.signed64(value.ns);
    }
    void operator()(const Value::List& list) const {
        tag(4, static_cast<std::uint32_t>(list.size() + 1));
        for (const Value& item : list) out.value(item);
    }
    void operator()(const Value::Map& map) const {
        tag(5, 2);
        out.map(static_cast<std::uint32_t>(map.size()));
        for (const auto& [key, item] : map) {
            out.text(key);
            out.value(item);
        }
    }
};

}  // namespace

void Writer::Sink::grow(std::size_t size) {
    const std::size_t written = used();
    out_.resize(2 * written + size);
    at_ = out_.data() + written;
    end_ = out_.data() + out_.size();
}

void Writer::value(const Value& value) { std::visit(ValueWriter{*this}, value.data()); }

void Writer::fields(const Fields& fields) {
    map(static_cast<std::uint32_t>(fields.size()));
    for (const auto& [name, item] : fields) {
        text(name.text);
        value(item);
    }
}

}  // namespace syncline::wire
