// Writes the samples into a folder, a file each: what tests/regress/wire/golden is made by.
#include <cstdio>
#include <fstream>

#include "tests/regress/wire/samples.h"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: write_golden FOLDER\n", stderr);
        return 2;
    }
    for (const auto& samples : {syncline::test::spoken_samples(), syncline::test::kept_samples(),
                                syncline::test::workflow_samples()}) {
        for (const syncline::test::Sample& one : samples) {
            std::ofstream file{std::string{argv[1]} + "/" + one.kind, std::ios::binary};
            file << one.body;
            if (!file.flush()) return 1;
        }
    }
    return 0;
}
