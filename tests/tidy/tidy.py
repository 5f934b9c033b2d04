#!/usr/bin/env python3
"""The shape of the code, as a test: each rule is one function that yields findings.

    tidy.py [--root FOLDER] [--compile-commands FILE]

Prints `file:line: rule: what is wrong` for each finding and exits with 1 if there is one.
tidy_test.py plants a violation of each rule and checks that it is found.
"""

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

SOURCE_FOLDERS = ("shared", "agent", "hub", "tests")
SKIPPED_FOLDERS = {"node_modules", "build", "__pycache__", "corpus"}

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
COLUMNS_MAX = 100

CLOCK_FILE = "shared/base/clock.cc"
# The broker's own subjects may also be spelled where the broker is spoken to.
SUBJECT_PLACES = ("shared/wire/subjects.", "shared/nats/")

# What a file in a core/ folder may include of the project, beside its own core/ folder.
CORE_MAY_INCLUDE = (
    "shared/model/",
    "shared/policy/",
    "shared/wire/",  # Encoding is a function of its argument.
    "shared/base/result.h",
    "shared/base/sha256.h",
    "shared/base/timestamp.h",
    "shared/base/toml_reader.h",
    "agent/connectors/connector.h",  # Values and an interface.
)
CORE_MAY_INCLUDE_LIBRARIES = {"openssl/sha.h"}  # Digests.
# Standard headers that bring a clock, a thread, I/O or chance into what must be a pure function.
CORE_MAY_NOT_INCLUDE_STD = {
    "atomic", "barrier", "condition_variable", "ctime", "filesystem", "fstream",
    "future", "iostream", "istream", "latch", "mutex", "ostream", "random", "semaphore",
    "shared_mutex", "stop_token", "thread",
}

NOW_CALL = re.compile(
    r"\b\w*[Cc]lock(?:_t)?\s*::\s*now\s*\(|\bclock_gettime\s*\(|\bgettimeofday\s*\("
    r"|(?<![\w:.>])(?:std::|::)?time\s*\(\s*(?:nullptr|NULL|0)\s*\)"
)
SUBJECT_LITERAL = re.compile(r'"(?:sync\.|\$KV\.|\$JS\.)')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


@dataclass(frozen=True)
class Finding:
    file: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.what}"


@dataclass(frozen=True)
class Source:
    """One file: its text, and `bare`, the same text line for line without comments and literals."""

    path: str  # From the root, with forward slashes.
    text: str
    code: str  # Comments blanked, literals kept.
    bare: str  # Comments blanked, and what stands in literals too.

    @property
    def in_core(self) -> bool:
        return "core" in self.path.split("/")[:-1] and not self.path.startswith("tests/")

    @property
    def is_test(self) -> bool:
        return self.path.startswith("tests/")


TOKEN = re.compile(
    r'//(?:[^\n\\]|\\.|\\\n)*'
    r"|/\*.*?\*/"
    r'|(?:u8|[uUL])?R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9A-Fa-f])'(?:[^'\\\n]|\\.)+'",
    re.DOTALL,
)


def blanked(text: str, literals: bool) -> str:
    """`text` with comments, and on request literals, replaced by spaces; lines stay lines."""

    def replace(match: re.Match) -> str:
        token = match.group(0)
        is_comment = token.startswith("/")
        if not is_comment and not literals:
            return token
        kept = "".join(c if c == "\n" else " " for c in token)
        return kept if is_comment else '"' + kept[1:-1] + '"'

    return TOKEN.sub(replace, text)


def load(root: Path) -> list[Source]:
    sources = []
    for top in SOURCE_FOLDERS:
        for folder, folders, files in os.walk(root / top):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
            for name in sorted(files):
                if not name.endswith((".h", ".cc")):
                    continue
                file = Path(folder) / name
                text = file.read_text(encoding="utf-8")
                path = file.relative_to(root).as_posix()
                sources.append(Source(path, text, blanked(text, False), blanked(text, True)))
    return sources


def matching_lines(source: Source, text: str, pattern: re.Pattern):
    for number, line in enumerate(text.split("\n"), start=1):
        match = pattern.search(line)
        if match:
            yield number, match


# ---- The rules. -----------------------------------------------------------------------------


def unbuilt_sources(sources, built):
    """A .cc that no target builds is not tested, or not a test."""
    for source in sources:
        if source.path.endswith(".cc") and source.path not in built:
            yield Finding(source.path, 1, "unbuilt", "no target builds this file")


def core_includes(sources):
    """core/ is pure: no clock, thread, I/O, logging; it knows the model and the policy only."""
    for source in sources:
        if not source.in_core:
            continue
        own_core = source.path[: source.path.rindex("core/") + len("core/")]
        for number, match in matching_lines(source, source.code, INCLUDE):
            bracket, header = match.groups()
            if bracket == '"':
                allowed = header.startswith(CORE_MAY_INCLUDE) or header.startswith(own_core)
            else:
                # Standard headers have neither a folder nor an ending; libraries do.
                is_std = re.fullmatch(r"[a-z_0-9]+", header) is not None
                allowed = (is_std and header not in CORE_MAY_NOT_INCLUDE_STD
                           or header in CORE_MAY_INCLUDE_LIBRARIES)
            if not allowed:
                yield Finding(source.path, number, "core", f"core/ may not include {header}")


def clock_readings(sources):
    """Time is read in one file, so that a test or the simulator can stand in for it."""
    for source in sources:
        if source.path == CLOCK_FILE or source.is_test:
            continue
        for number, match in matching_lines(source, source.bare, NOW_CALL):
            yield Finding(source.path, number, "clock",
                          f"`{match.group(0).strip()}` outside {CLOCK_FILE}; take a Clock")


def spelled_subjects(sources):
    """A subject has one spelling, in shared/wire/subjects.*."""
    for source in sources:
        if source.is_test or source.path.startswith(SUBJECT_PLACES):
            continue
        for number, match in matching_lines(source, source.code, SUBJECT_LITERAL):
            yield Finding(source.path, number, "subject",
                          f"{match.group(0)}... belongs in {SUBJECT_PLACES[0]}*")


def functions(bare: str):
    """(first line, last line) of each outermost function body: a block that opens after `)`.

    Namespaces, classes, enums and initialisers are blocks too; those are looked into instead.
    """
    text = "\n".join("" if line.lstrip().startswith("#") else line for line in bare.split("\n"))
    stack = []  # (is a function body, first line)
    line = 1
    statement = []  # Code since the last `;`, `{` or `}`.
    statement_line = 1
    for character in text:
        if character == "\n":
            line += 1
        if character == "{":
            head = "".join(statement)
            inside = any(is_function for is_function, _ in stack)
            is_function = not inside and looks_like_function(head)
            stack.append((is_function, statement_line))
            statement = []
        elif character == "}":
            if stack:
                is_function, first = stack.pop()
                if is_function:
                    yield first, line
            statement = []
        elif character == ";":
            statement = []
        else:
            if not statement and character.isspace():
                continue
            if not statement:
                statement_line = line
            statement.append(character)


def looks_like_function(head: str) -> bool:
    if re.search(r"\b(?:namespace|enum)\b", head) or re.match(r"\s*extern\b[^(]*$", head):
        return False
    if re.search(r"\b(?:class|struct|union)\b[^(]*$", head):
        return False
    # `f(...) const noexcept -> T` and constructors' `: a_(b)`; but not `x = {` or `T x{`.
    return re.search(r"\)[^=]*$", head) is not None or re.search(r"\btry\s*$", head) is not None


def long_functions(sources):
    for source in sources:
        for first, last in functions(source.bare):
            length = last - first + 1
            if length > FUNCTION_LINES_MAX:
                yield Finding(source.path, first, "function",
                              f"{length} lines; {FUNCTION_LINES_MAX} is the limit")


def long_lines(sources):
    for source in sources:
        for number, line in enumerate(source.text.split("\n"), start=1):
            if len(line) > COLUMNS_MAX:
                yield Finding(source.path, number, "column",
                              f"{len(line)} columns; {COLUMNS_MAX} is the limit")


def long_files(sources):
    for source in sources:
        length = source.text.count("\n")
        if length > FILE_LINES_MAX:
            yield Finding(source.path, FILE_LINES_MAX, "file",
                          f"{length} lines; {FILE_LINES_MAX} is the limit")


# ---- All of them. ---------------------------------------------------------------------------


def check(root: Path, built: set[str]) -> list[Finding]:
    sources = load(root)
    findings = list(unbuilt_sources(sources, built))
    for rule in (core_includes, clock_readings, spelled_subjects, long_functions, long_lines,
                 long_files):
        findings += rule(sources)
    return sorted(findings, key=lambda f: (f.file, f.line, f.rule))


def built_files(compile_commands: Path, root: Path) -> set[str]:
    built = set()
    for entry in json.loads(compile_commands.read_text(encoding="utf-8")):
        file = Path(os.path.normpath(os.path.join(entry["directory"], entry["file"])))
        files = [file]
        if file.parent.name == "Unity":  # SYNCLINE_UNITY: several in one.
            files = [Path(name) for name in re.findall(r'#include "(.+)"', file.read_text())]
        built |= {one.relative_to(root).as_posix() for one in files if one.is_relative_to(root)}
    return built


def main() -> int:
    here = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description="Checks the shape of the code.")
    parser.add_argument("--root", type=Path, default=here)
    parser.add_argument("--compile-commands", type=Path,
                        default=here / "build" / "dev" / "compile_commands.json")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    if not arguments.compile_commands.exists():
        print(f"{arguments.compile_commands} is missing; configure first: cmake --preset dev")
        return 2
    findings = check(root, built_files(arguments.compile_commands, root))
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
