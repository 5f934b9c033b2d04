// What it costs that a hub is started, or dies, under traffic: nobody is asked to read again what
// no stream has lost.
#include <thread>

#include "tests/integration/databases_system.h"

namespace syncline::test {
namespace {

class Scaling : public DatabasesSystem {};

TEST_F(Scaling, AsksForNothingAgainWhenHubsComeAndGo) {
    std::string settings = read("hub.toml");
    const std::string often = "watch_interval_ms = 200\n";
    settings.erase(settings.find(often), often.size());  // As seldom as it is by default.
    write("hub.toml", settings);
    start_programs();
    begin_traffic(std::chrono::milliseconds{20});
    for (int i = 0; i < 3; ++i) {
        const std::unique_ptr<Program> second = start_hub();
        ASSERT_TRUE(until([&] { return second->says("hub is ready"); }));
        std::this_thread::sleep_for(std::chrono::seconds{2});
        second->kill9();
        std::this_thread::sleep_for(std::chrono::seconds{2});
    }
    end_traffic();
    EXPECT_TRUE(agree(static_cast<std::size_t>(count_)));
    for (const Program* agent : {shop.get(), books.get()}) {
        EXPECT_FALSE(agent->says("asks to read all"));
    }
    EXPECT_EQ(done_wrong(), "");
}

}  // namespace
}  // namespace syncline::test
