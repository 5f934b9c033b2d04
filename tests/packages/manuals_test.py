#!/usr/bin/env python3
"""Do man pages and completions have everything that the programs' own --help has?

    manuals_test.py BIN_FOLDER MANUALS_FOLDER

What is asked for is read from the text of `PROGRAM COMMAND... --help`, for every command, and not
from what the pages are made of. Then one option is taken out of each page and each completion,
and that must be found.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = ("syncline-agent", "syncline-hub", "synclinectl")

# Sets the variables that readline sets, for each command line of stdin, and prints what is offered.
ASK_BASH = """
source "$1"
declare -F "$2" >/dev/null || { echo "no function $2"; exit 1; }
while IFS= read -r line; do
    IFS='|' read -ra COMP_WORDS <<<"$line|"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    "$2"
    echo "${COMPREPLY[*]}"
done
"""

# The same of zsh, whose own functions say here what they are given.
ASK_ZSH = """
fpath=("${1:h}" $fpath)
autoload -Uz "$2"
compadd() { offered=(${(P)2}) }
_describe() { offered=(${${(P)2}%%:*}) }
_files() { offered=() }
compset() { PREFIX="${PREFIX#*=}" }
while IFS= read -r line; do
    words=("${(@s:|:)line}")
    CURRENT=${#words} PREFIX="${words[-1]}" offered=()
    "$2"
    print -r -- ${(M)offered:#$PREFIX*}
done
"""


def help_of(binary, path):
    """(options, options with a value, positionals, commands) of one command, by its --help."""
    asked = [binary, *path, "--help"]
    text = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    assert "Usage:" in text, f"{binary} {path}: no usage in the help"
    options, with_value, positionals, commands = set(), set(), set(), []
    section = ""
    for line in text.split("\n"):
        heading = re.match(r"(\S.*):$", line)
        if heading:
            section = heading.group(1)
        entry = re.match(r"  (\S.*?)(?:  |$)", line)
        if not entry or line.startswith("   "):
            continue
        words = entry.group(1).split(" ")
        if section == "Subcommands":
            commands.append(words[0])
        elif section == "Positionals":
            positionals.add(words[0])
        elif words[0].startswith("-"):
            names = {name.partition("{")[0] for name in words[0].split(",")}  # --no-x{false}
            options |= names
            if len(words) > 1 and not words[1].startswith("(Env"):
                with_value |= names
    return options, with_value, positionals, commands


def all_commands(binary, path=()):
    found = help_of(binary, path)
    yield path, found
    for name in found[3]:
        yield from all_commands(binary, (*path, name))


def page_sections(page):
    """What the man page has for each command: {path: text}, as plain text."""
    text = re.sub(r"\\f[BIR]|\\&", "", page.read_text()).replace("\\-", "-").replace("\\(aq", "'")
    top, _, commands = text.partition(".SH COMMANDS\n")
    sections = {(): top.partition(".SH OPTIONS\n")[2]}
    for section in re.split(r'^\.SS "', commands, flags=re.M)[1:]:
        head, _, body = section.partition('"\n')
        words = [one for one in head.split(" ")[1:] if re.fullmatch(r"[a-z][a-z-]*", one)]
        sections[tuple(words)] = head + "\n" + body
    return sections


def missing_in_page(commands, page):
    sections = page_sections(page)
    for path, (options, _, positionals, _) in commands:
        section = next(
            # Positionals in small letters look like commands in a usage.
            (text for words, text in sections.items() if words[: len(path)] == path and
             all(word in positionals for word in words[len(path) :])), None)
        if section is None:
            yield f"{page.name}: no section for {path}"
            continue
        heads = " ".join(re.findall(r"^\.TP\n(.*)$", section, flags=re.M))
        heads = set(re.split("[ ,]+", heads))
        wanted = options if not path else options - {"-h", "--help"}
        for name in sorted((wanted | positionals) - heads):
            yield f"{page.name}: {' '.join(path) or 'the program'}: {name} is missing"


def ask(script, program, lines):
    is_zsh = script.name.startswith("_")
    if is_zsh:  # Which does not break --option=value in three.
        lines = [line.replace("|=|", "=").replace("|=", "=") for line in lines]
    function = "_" + (program if is_zsh else program.replace("-", "_"))
    shell = ["zsh", "-f", "-c", ASK_ZSH] if is_zsh else ["bash", "-c", ASK_BASH]
    asked = subprocess.run([*shell, "-", script, function], text=True,
                           input="".join(line + "\n" for line in lines), capture_output=True)
    if asked.returncode != 0 or asked.stderr:
        raise SystemExit(f"{script}: {asked.stdout}{asked.stderr}")
    answers = [set(line.split()) for line in asked.stdout.split("\n")[:-1]]
    assert len(answers) == len(lines), f"{script}: {len(answers)} answers to {len(lines)} lines"
    return answers


def missing_in_completion(commands, script, program):
    lines = []
    for path, _ in commands:
        lines += ["|".join((program, *path, "-")), "|".join((program, *path, ""))]
    offered = ask(script, program, lines)
    root = commands[0][1][0] if program == "synclinectl" else set()
    for (path, (options, _, _, inner)), names, words in zip(commands, offered[::2], offered[1::2]):
        where = f"{script.name}: {' '.join(path) or 'the program'}"
        if names != options | root:
            yield f"{where}: {sorted(names ^ (options | root))} offered or not, against the help"
        if words != set(inner):
            yield f"{where}: offers {sorted(words)}, the help has {sorted(inner)}"


def behaves(script):
    """Lines whose answer is known, of synclinectl."""
    cases = {
        "exceptions|li": {"list"},
        "--json|exceptions|li": {"list"},
        "--server|policy|exc": {"exceptions"},  # `policy` is the value of --server.
        "contracts|export|--format|": {"json-schema", "asyncapi"},
        "contracts|export|--format|=|as": {"asyncapi"},
        "contracts|export|--format|=": {"json-schema", "asyncapi"},
        "contracts|export|--format|asyncapi|--for": {"--format"},
        "tap|--kind|in|--kind|c": {"cmd"},
        "entity|show|": set(),  # Names of files, then, which is readline's.
        "no-such-command|--mask": {"--mask-pii"},
    }
    offered = ask(script, "synclinectl", ["synclinectl|" + line for line in cases])
    for (line, wanted), got in zip(cases.items(), offered):
        if got != wanted:
            yield f"{script.name}: {line}: offers {sorted(got)} instead of {sorted(wanted)}"


def warnings_of(page):
    if shutil.which("man") is None:
        print("man is not installed, so nobody looked for warnings")
        return
    shown = subprocess.run(["man", "--warnings", "--local-file", page], text=True,
                           capture_output=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    if shown.returncode != 0 or shown.stderr:
        yield f"{page.name}: {shown.stderr}"


def planted(commands, page, scripts, program, folder):
    """An option that is taken out must be missed, in each of them."""
    name = [one for _, (options, *_) in commands for one in sorted(options - {"-h", "--help"})][-1]
    worse_page = folder / page.name
    worse_page.write_text(page.read_text().replace(name.replace("-", "\\-"), ""))
    if not list(missing_in_page(commands, worse_page)):
        yield f"{program}: {name} was taken out of the man page, and nothing was found"
    for script in scripts:
        worse = folder / script.name
        without = re.sub(rf"(?<=[ \"'(]){re.escape(name)}(?=[ \":)])", "", script.read_text())
        worse.write_text(without)
        if not list(missing_in_completion(commands, worse, program)):
            yield f"{worse.name}: {name} was taken out of it, and nothing was found"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bin_folder, manuals = Path(sys.argv[1]), Path(sys.argv[2])
    completions = manuals / "completions"
    problems, looked_at = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for program in PROGRAMS:
            page = manuals / f"{program}.1"
            scripts = [completions / program, completions / f"_{program}"]
            commands = list(all_commands(bin_folder / program))
            looked_at += sum(len(found[0] | found[2]) for _, found in commands)
            problems += missing_in_page(commands, page)
            for script in scripts:
                problems += missing_in_completion(commands, script, program)
            problems += warnings_of(page)
            problems += planted(commands, page, scripts, program, Path(folder))
    for name in ("synclinectl", "_synclinectl"):
        problems += behaves(completions / name)
    print(*problems, sep="\n")
    print(f"{looked_at} options and arguments, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
