#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace syncline::hub::workflow {

/// Chance that is the same for a seed on every machine.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }
    /// 0 .. `count` - 1.
    std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
    bool percent(std::size_t chance) { return below(100) < chance; }
    template <class T>
    const T& of(const std::vector<T>& list) {
        return list[below(list.size())];
    }

private:
    std::uint64_t state_;
};

/// A workflow without errors of check(), as TOML.
class RandomWorkflow {
public:
    explicit RandomWorkflow(Dice& dice) : dice_(dice) {}

    std::string text() {
        std::string out = "[workflows.w]\nowner = 'a'\n";
        if (dice_.percent(30)) {
            out += "deadline_s = 5000\non_deadline = " + one_of({"'pause'", "'compensate'"}) + "\n";
        }
        out +=
            "[workflows.w.context]\nf0 = 'string'\nf1 = 'string'\nf2 = 'string'\nyes = 'bool'\n"
            "amount = 'integer'\nitems = 'list'\n[[workflows.w.triggers]]\non = 'api'\n";
        steps("steps", 0, Place::kMain);
        out += text_;
        out +=
            "[[workflows.w.blocks.over]]\nname = 'over1'\nend = " + one_of({"'done'", "'failed'"}) +
            "\n";
        return out +
               "[workflows.v]\nowner = 'a'\n[workflows.v.context]\nx = 'string'\n"
               "[[workflows.v.steps]]\nname = 's'\nend = 'done'\n";
    }

private:
    enum class Place : std::uint8_t { kMain, kLoop, kParallel };

    std::string one_of(const std::vector<std::string>& list) { return dice_.of(list); }
    std::string field() { return one_of({"f0", "f1", "f2"}); }
    std::string value() { return one_of({"f0", "f1", "f2", "'k1'", "f0 .. 'x'", "upper('k2')"}); }
    static std::string quoted(std::string text) {
        for (char& c : text) {
            if (c == '\'') c = '"';
        }
        return "'" + text + "'";
    }

    void steps(const std::string& where, int depth, Place place) {
        const std::size_t count = 1 + dice_.below(depth == 0 ? 5 : 3);
        std::vector<std::string> blocks;  // Written behind, as tables do not nest.
        for (std::size_t i = 0; i < count; ++i) {
            text_ += "[[workflows.w." + where + "]]\nname = 's" + std::to_string(++names_) + "'\n";
            if (dice_.percent(15)) {
                text_ +=
                    "when = " + quoted(one_of({"yes", "not yes", "f0 == 'k1'", "amount > 5"})) +
                    "\n";
            }
            text_ += step(depth, place, blocks);
        }
        for (const std::string& block : blocks) {
            const Place inner =
                block[0] == 'p' || place == Place::kParallel ? Place::kParallel : Place::kLoop;
            steps("blocks." + block, depth + 1, inner);
        }
    }

    std::string block(std::vector<std::string>& blocks, char kind) {
        blocks.push_back(kind + std::to_string(++names_));
        return "'" + blocks.back() + "'";
    }

    std::string step(int depth, Place place, std::vector<std::string>& blocks) {
        const std::size_t kind = dice_.below(depth < 2 ? 14 : 10);
        switch (kind) {
            case 0: return "ask = 'erp.check'\n" + request() + into() + "deadline_s = 20\n";
            case 1:
            case 2:
            case 3: return "operation = 'erp.make'\n" + request() + into() + undo();
            case 4:
                return "set = { object = 'case', key = '\"C1\"', fields = { status = '\"shut\"' } "
                       "}\nretry = { attempts = 2 }\n" +
                       undo();
            case 5:
                return "let = { " + field() + " = " +
                       quoted(one_of({"'k1'", "f1 .. f2", "upper('k2')"})) +
                       ", yes = 'amount == 7' }\n";
            case 6: return wait();
            case 7: return approve();
            case 8: return "emit = { event = 'case.told', fields = { x = 'f0' } }\n";
            case 9:
                if (dice_.percent(50)) {
                    return "call = { workflow = 'v', with = { x = '\"k\"' }, into = { f1 = 'x' } "
                           "}\n";
                }
                return place == Place::kParallel ? "emit = { event = 'case.seen' }\n" : end();
            case 10:
            case 11:
                return "choose = [{ when = 'yes', do = " + block(blocks, 'c') +
                       " }, { do = " + block(blocks, 'c') + " }]\n";
            case 12: {
                const std::string first = block(blocks, 'p');
                return "parallel = [" + first + ", " + block(blocks, 'p') + "]\n";
            }
            default:
                return "for_each = { of = 'items', as = 'i" + std::to_string(names_) +
                       "', do = " + block(blocks, 'l') + ", most = 3 }\n";
        }
    }

    /// Only sometimes, so that what follows is reached.
    std::string end() { return "choose = [{ when = 'amount == 3', do = 'over' }]\n"; }

    std::string request() {
        std::string text = "with = { a = " + quoted(value()) +
                           " }\nretry = { attempts = 2, "
                           "first_ms = 1000, most_ms = 5000 }\n";
        if (dice_.percent(40)) {
            text +=
                "on_error = { permanent = " + one_of({"'compensate'", "'continue'", "'pause'"}) +
                " }\n";
        }
        return text;
    }
    std::string into() { return dice_.percent(70) ? "into = { " + field() + " = 'r' }\n" : ""; }
    std::string undo() {
        if (dice_.percent(20)) return "compensate = 'none'\nbecause = 'it stays'\n";
        return "compensate = { operation = 'erp.undo', with = { n = '\"n\"' } }\n";
    }
    std::string wait() {
        if (dice_.percent(50)) return "wait = { for_s = 50 }\n";
        return "wait = { event = 'e', key = '\"k1\"' }\ninto = { f2 = 'r' }\ndeadline_s = 100\n"
               "on_deadline = " +
               one_of({"'pause'", "'continue'", "'compensate'"}) + "\n";
    }
    std::string approve() {
        const std::string late =
            one_of({"'reject'", "'approve'", "'escalate', escalate_to = 'boss'"});
        return "approve = { amount = 'amount', chain = [{ role = 'lead' }, { role = 'boss', from = "
               "'5' }], quorum = 1, deadline_s = 200, remind_s = 60, on_deadline = " +
               late + ", on_reject = " + one_of({"'compensate'", "'continue'"}) +
               ", into = 'yes' }\n";
    }

    Dice& dice_;
    std::string text_;
    int names_ = 0;
};

}  // namespace syncline::hub::workflow
