#include "shared/policy/expression_lua.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include <lua.hpp>

#include "shared/policy/expression_operators.h"

namespace syncline::expression {
namespace {

struct Named {
    Operator operation;
    const char* name;  ///< Upper case: no field can be called so.
};
constexpr Named kNames[] = {
    {Operator::kEqual, "EQ"},     {Operator::kNotEqual, "NE"},  {Operator::kLess, "LT"},
    {Operator::kLessEqual, "LE"}, {Operator::kGreater, "GT"},   {Operator::kGreaterEqual, "GE"},
    {Operator::kConcat, "CAT"},   {Operator::kAdd, "ADD"},      {Operator::kSubtract, "SUB"},
    {Operator::kMultiply, "MUL"}, {Operator::kNegate, "NEG"},   {Operator::kLength, "LEN"},
    {Operator::kIndex, "AT"},     {Operator::kContains, "HAS"}, {Operator::kOneOf, "ONE"},
    {Operator::kEmpty, "EMPTY"},  {Operator::kUpper, "UPPER"},  {Operator::kLower, "LOWER"},
    {Operator::kSub, "PART"},     {Operator::kFind, "FIND"},
};

// ---- Writing Lua. ---------------------------------------------------------------------------

void append_text(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' || c == '_') {
            out += c;
        } else {  // Always three digits, so that a digit may follow.
            const std::string code = std::to_string(static_cast<unsigned char>(c));
            out += "\\" + std::string(3 - code.size(), '0') + code;
        }
    }
    out += '"';
}

class Writer {
public:
    Chunk chunk;

    void write(const Node& node) {
        switch (node.kind) {
            case Node::Kind::kField: chunk.source += node.field; return;
            case Node::Kind::kLiteral: literal(node.literal); return;
            case Node::Kind::kOperation: break;
        }
        switch (node.operation) {
            case Operator::kOr: list("(", " or ", node); return;
            case Operator::kAnd: list("(", " and ", node); return;
            case Operator::kNot: list("(not ", "", node); return;
            default: break;
        }
        const auto* named = std::ranges::find(kNames, node.operation, &Named::operation);
        list(std::string{named->name} + "(", ", ", node);
    }

private:
    void literal(const Value& value) {
        if (value.is_null()) {
            chunk.source += "nil";
        } else if (const bool* truth = value.get<bool>()) {
            chunk.source += *truth ? "true" : "false";
        } else if (const std::string* text = value.get<std::string>()) {
            append_text(chunk.source, *text);
        } else {
            chunk.numbers.push_back(*value.get<Decimal>());
            chunk.source += "K" + std::to_string(chunk.numbers.size());
        }
    }

    void list(const std::string& opening, const char* separator, const Node& node) {
        chunk.source += opening;
        for (const Node& operand : node.operands) {
            if (&operand != &node.operands.front()) chunk.source += separator;
            write(operand);
        }
        chunk.source += ")";
    }
};

// ---- Running Lua. ---------------------------------------------------------------------------

/// One thread's interpreter. It opens no library of Lua; its only globals are the operators, and
/// the fields of the evaluation under way, read when they are named.
///
/// Lua is C and reports errors by longjmp, which runs no destructors. So the callbacks that Lua
/// calls keep nothing on their stack that has one; the work is done by member functions that never
/// raise errors and leave texts in `error_` and `scratch_`.
class Interpreter {
public:
    Interpreter();
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;
    ~Interpreter() { lua_close(lua_); }

    Result<Value> run(const Chunk& chunk, const Fields& fields);
    Result<void> compile(const Chunk& chunk);

private:
    static void* allocate(void* self, void* block, std::size_t old_size, std::size_t new_size);
    static int on_field(lua_State* lua);
    static int on_operator(lua_State* lua);
    static void on_steps(lua_State* lua, lua_Debug*);
    static Interpreter& of(lua_State* lua) {
        return **static_cast<Interpreter**>(lua_getextraspace(lua));
    }

    bool push_chunk(const Chunk& chunk);
    Result<Value> refused(int status);
    bool calculate(lua_State* lua, Operator operation);
    template <class T>
    bool take(const Result<T>& result);
    bool joined(lua_State* lua);
    bool handled(lua_State* lua, Operator operation);
    bool say(std::string what) {
        error_ = std::move(what);
        return false;
    }

    static Operand operand_at(lua_State* lua, int at);
    static Result<std::int64_t> whole_at(lua_State* lua, int at, std::int64_t fallback);
    static void push(lua_State* lua, const Operand& operand);

    static constexpr std::size_t kChunksMax = 1024;

    lua_State* lua_ = nullptr;
    std::size_t used_ = 0;
    std::size_t limit_ = std::numeric_limits<std::size_t>::max();
    std::size_t base_ = 0;   ///< In use when nothing runs and all garbage is gone, if measured_.
    bool measured_ = false;  ///< No expression was compiled since base_ was taken.
    const Fields* fields_ = nullptr;
    Operand result_;
    std::string error_;
    std::string scratch_;  ///< Holds the text of result_ if that is a new one.
    std::unordered_map<std::uint64_t, int> chunks_;  ///< By id, where the registry keeps it.
};

Interpreter::Interpreter() {
    lua_ = lua_newstate(&Interpreter::allocate, this);
    if (lua_ == nullptr) std::abort();  // Out of memory at start.
    *static_cast<Interpreter**>(lua_getextraspace(lua_)) = this;
    lua_newtable(lua_);
    for (const Named& named : kNames) {
        lua_pushinteger(lua_, static_cast<lua_Integer>(named.operation));
        lua_pushcclosure(lua_, &Interpreter::on_operator, 1);
        lua_setfield(lua_, -2, named.name);
    }
    lua_newtable(lua_);
    lua_pushcfunction(lua_, &Interpreter::on_field);
    lua_setfield(lua_, -2, "__index");
    lua_setmetatable(lua_, -2);
    // A chunk's globals are what the registry says; the table that was there goes away.
    lua_rawseti(lua_, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

void* Interpreter::allocate(void* self, void* block, std::size_t old_size, std::size_t new_size) {
    auto& in = *static_cast<Interpreter*>(self);
    if (block == nullptr) old_size = 0;  // Then Lua passes a type here.
    if (new_size == 0) {
        std::free(block);
        in.used_ -= old_size;
        return nullptr;
    }
    if (new_size > old_size && in.used_ + (new_size - old_size) > in.limit_) return nullptr;
    void* fresh = std::realloc(block, new_size);
    if (fresh != nullptr) in.used_ += new_size - old_size;
    return fresh;
}

Operand Interpreter::operand_at(lua_State* lua, int at) {
    switch (lua_type(lua, at)) {
        case LUA_TBOOLEAN: return Operand::of(lua_toboolean(lua, at) != 0);
        case LUA_TSTRING: {
            std::size_t size = 0;
            const char* data = lua_tolstring(lua, at, &size);
            return Operand::of(std::string_view{data, size});
        }
        case LUA_TUSERDATA: {
            Operand operand;  // Lua aligns to eight bytes only, hence no pointer to it.
            std::memcpy(static_cast<void*>(&operand), lua_touserdata(lua, at), sizeof operand);
            return operand;
        }
        default: return {};
    }
}

Result<std::int64_t> Interpreter::whole_at(lua_State* lua, int at, std::int64_t fallback) {
    if (lua_gettop(lua) < at) return fallback;
    const Operand operand = operand_at(lua, at);
    if (operand.type == Operand::Type::kNumber) {
        if (auto whole = operand.number.to_int64()) return whole;
    }
    return fail(ErrorKind::kInvalid, "`sub` and `find` count in whole numbers");
}

void Interpreter::push(lua_State* lua, const Operand& operand) {
    if (operand.type == Operand::Type::kNil) return lua_pushnil(lua);
    if (operand.type == Operand::Type::kBool) return lua_pushboolean(lua, operand.boolean ? 1 : 0);
    void* block = lua_newuserdatauv(lua, sizeof operand, 0);
    std::memcpy(block, static_cast<const void*>(&operand), sizeof operand);
}

int Interpreter::on_field(lua_State* lua) {
    std::size_t size = 0;
    const char* name = lua_tolstring(lua, 2, &size);
    const Value* value = of(lua).fields_->find(std::string_view{name, size});
    push(lua, value == nullptr ? Operand{} : Operand::of(*value));
    return 1;
}

void Interpreter::on_steps(lua_State* lua, lua_Debug*) {
    of(lua).error_ = "over the limit of steps";
    lua_pushnil(lua);
    lua_error(lua);
}

int Interpreter::on_operator(lua_State* lua) {
    Interpreter& in = of(lua);
    const auto operation = static_cast<Operator>(lua_tointeger(lua, lua_upvalueindex(1)));
    if (!in.calculate(lua, operation)) {
        lua_pushnil(lua);  // The text is in error_.
        return lua_error(lua);
    }
    if (in.result_.text_data == in.scratch_.data()) {
        lua_pushlstring(lua, in.scratch_.data(), in.scratch_.size());
    } else {
        push(lua, in.result_);
    }
    return 1;
}

template <class T>
bool Interpreter::take(const Result<T>& result) {
    if (!result) return say(result.error().what);
    if constexpr (std::is_same_v<T, Operand>) {
        result_ = *result;
    } else {
        result_ = Operand::of(*result);
    }
    return true;
}

/// The texts of all arguments, put together.
bool Interpreter::joined(lua_State* lua) {
    scratch_.clear();
    for (int at = 1; at <= lua_gettop(lua); ++at) {
        auto text = text_of(operand_at(lua, at));
        if (!text) return say(text.error().what);
        if (scratch_.size() + text->size() > kMemoryMax) return say("over the limit of memory");
        scratch_ += *text;
    }
    result_ = Operand::of(std::string_view{scratch_});
    return true;
}

/// What upper, lower and sub leave of the first argument, or where find finds the second.
bool Interpreter::handled(lua_State* lua, Operator operation) {
    auto text = text_of(operand_at(lua, 1));
    if (!text) return say(text.error().what);
    if (operation == Operator::kFind) {
        const auto part = text_of(operand_at(lua, 2));
        const auto from = whole_at(lua, 3, 1);
        if (!part || !from) return say(!part ? part.error().what : from.error().what);
        const std::int64_t at = position_of(*text, *part, *from);
        result_ = at == 0 ? Operand{} : Operand::of(Decimal{at});
        return true;
    }
    if (operation == Operator::kSub) {
        const auto from = whole_at(lua, 2, 1);
        const auto to = whole_at(lua, 3, -1);
        if (!from || !to) return say(!from ? from.error().what : to.error().what);
        scratch_ = sub(*text, *from, *to);
    } else {
        scratch_ =
            operation == Operator::kUpper ? upper(std::move(*text)) : lower(std::move(*text));
    }
    result_ = Operand::of(std::string_view{scratch_});
    return true;
}

/// What comes of the operation in result_; false, with error_ said, if nothing does.
bool Interpreter::calculate(lua_State* lua, Operator operation) {
    const Operand a = operand_at(lua, 1);
    const Operand b = operand_at(lua, 2);
    switch (operation) {
        case Operator::kEqual: return take<bool>(equal(a, b));
        case Operator::kNotEqual: return take<bool>(!equal(a, b));
        case Operator::kEmpty: return take<bool>(is_empty(a));
        case Operator::kContains: return take(contains(a, b));
        case Operator::kIndex: return take(index(a, b));
        case Operator::kLength: return take(length(a));
        case Operator::kOneOf: {
            bool found = false;
            for (int at = 2; at <= lua_gettop(lua) && !found; ++at) {
                found = equal(a, operand_at(lua, at));
            }
            return take<bool>(found);
        }
        case Operator::kAdd:
        case Operator::kSubtract:
        case Operator::kMultiply: return take(arithmetic(operation, a, b));
        case Operator::kNegate:
            return take(arithmetic(Operator::kSubtract, Operand::of(Decimal{}), a));
        case Operator::kConcat: return joined(lua);
        case Operator::kUpper:
        case Operator::kLower:
        case Operator::kSub:
        case Operator::kFind: return handled(lua, operation);
        default: return take(ordered(operation, a, b));
    }
}

/// Puts the compiled function on the stack, compiling it first where this thread never has.
bool Interpreter::push_chunk(const Chunk& chunk) {
    if (const auto known = chunks_.find(chunk.id); known != chunks_.end()) {
        lua_rawgeti(lua_, LUA_REGISTRYINDEX, known->second);
        return true;
    }
    if (chunks_.size() >= kChunksMax) {  // Expressions come and go in tests; policies hold few.
        for (const auto& [id, reference] : chunks_) luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
        chunks_.clear();
    }
    const int status =
        luaL_loadbufferx(lua_, chunk.source.data(), chunk.source.size(), "=expression", "t");
    if (status == LUA_OK) {
        for (const Decimal& number : chunk.numbers) push(lua_, Operand::of(number));
        lua_call(lua_, static_cast<int>(chunk.numbers.size()), 1);
    } else {
        const char* text = lua_tostring(lua_, -1);
        error_ = text == nullptr ? "Lua refused it" : text;
        lua_pop(lua_, 1);
        return false;
    }
    lua_pushvalue(lua_, -1);
    chunks_.emplace(chunk.id, luaL_ref(lua_, LUA_REGISTRYINDEX));
    measured_ = false;
    return true;
}

Result<Value> Interpreter::refused(int status) {
    std::string what = status == LUA_ERRMEM ? "over the limit of memory" : std::move(error_);
    if (what.empty()) {  // An error of Lua's own, which no accepted expression should meet.
        const char* text = lua_tostring(lua_, -1);
        what = text == nullptr ? "failed" : text;
    }
    lua_settop(lua_, 0);
    return fail(ErrorKind::kInvalid, std::move(what));
}

Result<void> Interpreter::compile(const Chunk& chunk) {
    error_.clear();
    const bool compiled = lua_checkstack(lua_, 256) != 0 && push_chunk(chunk);
    lua_settop(lua_, 0);
    if (!compiled) return fail(ErrorKind::kInvalid, "too complicated for Lua: " + error_);
    return {};
}

Result<Value> Interpreter::run(const Chunk& chunk, const Fields& fields) {
    error_.clear();
    if (!lua_checkstack(lua_, 256) || !push_chunk(chunk)) {
        return fail(ErrorKind::kInvalid, error_.empty() ? "out of stack" : error_);
    }
    if (!measured_) {
        lua_gc(lua_, LUA_GCCOLLECT, 0);
        base_ = used_;
        measured_ = true;
    }
    fields_ = &fields;
    // Counted from the base and not from now: garbage left by others must not decide. When the
    // limit is met Lua collects all garbage before it gives up.
    limit_ = base_ + kMemoryMax;
    lua_sethook(lua_, &Interpreter::on_steps, LUA_MASKCOUNT, kStepsMax);
    const int status = lua_pcall(lua_, 0, 1, 0);
    lua_sethook(lua_, nullptr, 0, 0);
    limit_ = std::numeric_limits<std::size_t>::max();
    fields_ = nullptr;
    if (status != LUA_OK) return refused(status);
    Value value = value_of(operand_at(lua_, -1));
    lua_settop(lua_, 0);
    return value;
}

}  // namespace

Chunk chunk_of(const Node& node) {
    static std::atomic<std::uint64_t> next{1};
    Writer writer;
    writer.write(node);
    std::string parameters;
    for (std::size_t i = 1; i <= writer.chunk.numbers.size(); ++i) {
        parameters += (i == 1 ? "local K" : ", K") + std::to_string(i);
    }
    if (!parameters.empty()) parameters += " = ... ";
    writer.chunk.source = parameters + "return function() return (" + writer.chunk.source + ") end";
    writer.chunk.id = next.fetch_add(1, std::memory_order_relaxed);
    return std::move(writer.chunk);
}

namespace {

Interpreter& interpreter_of_this_thread() {
    thread_local Interpreter interpreter;
    return interpreter;
}

}  // namespace

Result<void> compile(const Chunk& chunk) { return interpreter_of_this_thread().compile(chunk); }

Result<Value> run(const Chunk& chunk, const Fields& fields) {
    return interpreter_of_this_thread().run(chunk, fields);
}

}  // namespace syncline::expression
