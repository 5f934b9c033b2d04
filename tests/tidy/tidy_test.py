#!/usr/bin/env python3
"""Plants one violation of each rule of tidy.py, and what only looks like one."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import tidy  # noqa: E402  (the path has to be set first)


def found(files: dict[str, str], built: set[str] | None = None) -> list[tuple[str, int, str]]:
    """(file, line, rule) of all findings in a tree of these files; all are built by default."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        findings = tidy.check(root, set(files) if built is None else built)
        return [(f.file, f.line, f.rule) for f in findings]


class Rules(unittest.TestCase):
    def test_unbuilt_source(self):
        files = {"agent/a.cc": "int a;\n", "agent/b.cc": "int b;\n", "agent/c.h": ""}
        self.assertEqual(found(files, {"agent/a.cc"}), [("agent/b.cc", 1, "unbuilt")])

    def test_core_includes(self):
        for header in ("<iostream>", "<thread>", "<nats/nats.h>", "<sqlite3.h>", "<random>",
                       "<spdlog/spdlog.h>", '"shared/nats/link.h"', '"shared/base/log.h"',
                       '"shared/base/clock.h"', '"agent/core/diff.h"', '"hub/hub.h"'):
            files = {"hub/core/decide.cc": f"#include <map>\n#include {header}\n"}
            self.assertEqual(found(files), [("hub/core/decide.cc", 2, "core")], header)

    def test_core_may_include(self):
        for header in ("<map>", "<cstdint>", "<chrono>", '"hub/core/state.h"',
                       '"shared/model/value.h"', '"shared/policy/policy.h"',
                       '"shared/base/result.h"', '"shared/base/timestamp.h"'):
            self.assertEqual(found({"hub/core/decide.cc": f"#include {header}\n"}), [], header)
        # Only real includes count, and only in core/.
        self.assertEqual(found({"hub/core/decide.cc": "// #include <thread>\n"}), [])
        self.assertEqual(found({"hub/hub.cc": "#include <thread>\n"}), [])

    def test_clock_readings(self):
        for call in ("std::chrono::steady_clock::now()", "system_clock :: now()", "time(nullptr)",
                     "std::time(nullptr)", "clock_gettime(CLOCK_REALTIME, &t)", "Clock::now()"):
            text = f"auto f() {{\n    return {call};\n}}\n"
            self.assertEqual(found({"hub/hub.cc": text}), [("hub/hub.cc", 2, "clock")], call)
            self.assertEqual(found({"shared/base/clock.cc": text}), [])
        for call in ("clock.now()", "clock_->now()", "uptime(nullptr)", '"steady_clock::now()"',
                     "1;  // steady_clock::now()", "message.time(0)"):
            self.assertEqual(found({"hub/hub.cc": f"auto x = {call};\n"}), [], call)

    def test_spelled_subjects(self):
        for literal in ('"sync.in.crm"', '"$KV.sync_lease.x"', '"$JS.API.INFO"'):
            text = f"auto s = {literal};\n"
            self.assertEqual(found({"hub/hub.cc": text}), [("hub/hub.cc", 1, "subject")], literal)
            for place in ("shared/wire/subjects.cc", "shared/nats/link.cc", "tests/unit/x.cc"):
                self.assertEqual(found({place: text}), [], place)
        self.assertEqual(found({"hub/hub.cc": '// "sync.in"\nauto s = "syncline.org";\n'}), [])

    def test_long_functions(self):
        def function(head: str, lines: int) -> str:
            return f"{head} {{\n" + "    g();\n" * (lines - 2) + "}\n"

        limit = tidy.FUNCTION_LINES_MAX
        for head in ("void f()", "int C::f(int a) const noexcept", "auto f() -> int",
                     "C::C(int a) : a_(a)", "Result<T> parse(std::string_view text) try",
                     "TEST(Suite, Case)"):
            self.assertEqual(found({"hub/a.cc": function(head, limit)}), [], head)
            text = "int x;\n" + function(head, limit + 1)
            self.assertEqual(found({"hub/a.cc": text}), [("hub/a.cc", 2, "function")], head)
        # A long block that is no function, and short functions in it.
        for head in ("namespace syncline", "class C", "struct S : Base<int>", "enum class E",
                     "constexpr std::array kAll", "const Table kTable = "):
            text = f"{head} {{\n" + "void f() { if (a) { b(); } }\n" * (limit + 20) + "};\n"
            self.assertEqual(found({"hub/a.cc": text}), [], head)
        # Inside a class or a namespace it is found all the same; braces in literals do not count.
        text = "namespace a {\nclass C {\n" + function('int f(char c = \'{\', S s = "{{")', 80)
        self.assertEqual(found({"hub/a.cc": text + "};\n}\n"}), [("hub/a.cc", 3, "function")])

    def test_long_lines_and_files(self):
        self.assertEqual(found({"hub/a.h": "x" * 100 + "\n"}), [])
        self.assertEqual(found({"hub/a.h": "\n" + "x" * 101 + "\n"}), [("hub/a.h", 2, "column")])
        self.assertEqual(found({"hub/a.h": "// ä\n" * 600}), [])
        self.assertEqual(found({"hub/a.h": "\n" * 601}), [("hub/a.h", 600, "file")])

    def test_literals_and_comments_are_told_apart(self):
        text = "auto a = 1'000'000; auto b = \"//\"; auto c = R\"(\"steady_clock::now()\")\";\n"
        self.assertEqual(found({"hub/a.cc": text + "int d; /* \" */ int e;\n"}), [])


if __name__ == "__main__":
    unittest.main()
