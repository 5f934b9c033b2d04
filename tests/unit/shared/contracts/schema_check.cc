#include "tests/unit/shared/contracts/schema_check.h"

#include <boost/json.hpp>
#include <msgpack.hpp>
#include <stdexcept>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "shared/base/json.h"

namespace syncline::contracts {
namespace {

using Adapter = valijson::adapters::BoostJsonAdapter;

Value to_value(const msgpack::object& object) {
    switch (object.type) {
        case msgpack::type::NIL: return {};
        case msgpack::type::BOOLEAN: return object.via.boolean;
        case msgpack::type::POSITIVE_INTEGER:
        case msgpack::type::NEGATIVE_INTEGER: return object.as<std::int64_t>();
        case msgpack::type::STR: return object.as<std::string>();
        case msgpack::type::ARRAY: {
            Value::List list;
            for (const msgpack::object& item : object.via.array) list.push_back(to_value(item));
            return list;
        }
        case msgpack::type::MAP: {
            Value::Map map;
            for (const msgpack::object_kv& entry : object.via.map) {
                const bool numbered = entry.key.type == msgpack::type::POSITIVE_INTEGER;
                map[numbered ? std::to_string(entry.key.via.u64) : entry.key.as<std::string>()] =
                    to_value(entry.val);
            }
            return map;
        }
        default: throw std::runtime_error("nothing of ours is of this MessagePack type");
    }
}

}  // namespace

struct SchemaCheck::Parts {
    boost::json::value document;
    valijson::Schema schema;
};

SchemaCheck::SchemaCheck(const Value& document, std::string_view at)
    : parts_(std::make_unique<Parts>()) {
    Value::Map root = *document.get<Value::Map>();
    if (!at.empty())
        root = {{"$ref", at}, {"$defs", root["$defs"]}, {"components", root["components"]}};
    parts_->document = boost::json::parse(to_json(root));
    const Adapter adapter{parts_->document};
    valijson::SchemaParser{}.populateSchema(adapter, parts_->schema);
}

SchemaCheck::~SchemaCheck() = default;

std::string SchemaCheck::problems(const Value& instance) const {
    const boost::json::value json = boost::json::parse(to_json(instance));
    valijson::Validator validator;
    valijson::ValidationResults results;
    const Adapter adapter{json};
    if (validator.validate(parts_->schema, adapter, &results)) return {};
    std::string text;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
        for (const std::string& step : error.context) text += step;
        text += ": " + error.description + "\n";
    }
    return text.empty() ? "refused" : text;
}

Value from_msgpack(std::string_view body) {
    const msgpack::object_handle handle = msgpack::unpack(body.data(), body.size());
    return to_value(handle.get());
}

}  // namespace syncline::contracts
