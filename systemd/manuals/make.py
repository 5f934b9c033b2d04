#!/usr/bin/env python3
"""Makes the man page and the completions of a program from what it says of its command line.

    make.py PROGRAM VERSION MAN_PAGE BASH_COMPLETION ZSH_COMPLETION

All are made of `PROGRAM --describe-command-line`, so that none can differ from what the program
takes. The page's section FILES is the only part that is written here.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

FILES = {
    "syncline-agent": [
        ("/etc/syncline/agents/NAME.toml", "What the service syncline-agent@NAME reads."),
        ("/etc/syncline/credentials/NAME/", "Its secrets, a file each; root's alone."),
        ("/var/lib/syncline/agents/NAME/", "Its state. What was not acknowledged yet is here."),
        ("/usr/share/syncline/profiles/", "Profiles of products, for the connector rest."),
        ("/usr/share/doc/syncline-agent/examples/", "agent.toml with every setting; examples."),
    ],
    "syncline-hub": [
        ("/etc/syncline/hub.toml", "What the service syncline-hub reads."),
        ("/etc/syncline/policy/", "The policy that becomes version 1 if there is none yet."),
        ("/etc/syncline/credentials/hub/", "Its secrets, a file each; root's alone."),
        ("/usr/share/doc/syncline-hub/examples/", "hub.toml with every setting; a policy."),
    ],
    "synclinectl": [
        ("/etc/syncline/ctl/", "For credentials of people: the group syncline may read it."),
        ("/usr/share/doc/syncline-ctl/README.md", "Each command, with what it prints."),
    ],
}
PROGRAMS = sorted(FILES)
FOOTER_SECTIONS = {
    "Exit codes": "EXIT STATUS", "Signals": "SIGNALS", "Environment": "ENVIRONMENT",
}


def commands_of(command, path=()):
    """Yields (path, command) of the program and of all below it, in the order of the help."""
    yield path, command
    for inner in command["commands"]:
        yield from commands_of(inner, (*path, inner["name"]))


def value_word(option):
    """FILE of "TEXT:FILE", FORMAT of one whose values are listed: what stands for the value."""
    kind, _, check = option["value"].partition(":")
    return check if check in ("FILE", "DIR") else kind


def listed_values(option):
    found = re.search(r"\{([^}]*)\}", option["value"])
    return found.group(1).split(",") if found else []


# ---- The man page. --------------------------------------------------------------------------


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\n".join("\\&" + line if line.startswith(".") else line for line in text.split("\n"))


def roff_option(option):
    names = option["names"]
    if option["positional"]:
        head = f"\\fI{roff(names[-1])}\\fR" + (" ..." if option["repeats"] else "")
    else:
        head = ", ".join(f"\\fB{roff(name)}\\fR" for name in names)
        if option["value"]:
            head += f" \\fI{roff(value_word(option))}\\fR" + (" ..." if option["repeats"] else "")
    notes = []
    if option["required"] and not option["positional"]:
        notes.append("Required.")
    if listed_values(option):
        notes.append("One of " + ", ".join(listed_values(option)) + ".")
    limits = re.search(r" in \[(\S+) - (\S+)\]", option["value"])
    if limits:
        notes.append(f"From {limits.group(1)} to {limits.group(2)}.")
    if option["default"]:
        notes.append(f"Default: {option['default'].strip('[]')}.")
    if option["environment"]:
        notes.append(f"Also by {option['environment']} of the environment.")
    text = option["text"] + ("" if option["text"].endswith((".", "?")) else ".")
    return ".TP\n" + head + "\n" + roff(" ".join([text, *notes])) + "\n"


def roff_options(command):
    """Positionals first, then group by group as the help has them."""
    positionals = [one for one in command["options"] if one["positional"]]
    groups = {}
    for option in command["options"]:
        if not option["positional"]:
            groups.setdefault(option["group"], []).append(option)
    text = "".join(map(roff_option, positionals))
    for name, options in groups.items():
        if name != "Options":
            text += f".PP\n{roff(name)}:\n"
        text += "".join(map(roff_option, options))
    return text


def usage(program, path, command):
    words = [program, *path]
    for option in command["options"]:
        if option["positional"]:
            word = option["names"][-1] + ("..." if option["repeats"] else "")
            words.append(word if option["required"] else f"[{word}]")
    if command["commands"]:
        words.append("COMMAND" if command["needs_command"] else "[COMMAND]")
    return " ".join([*words, "[OPTIONS]"])


def footer_sections(footer):
    text = " ".join(footer.split())
    pieces = re.split(r"(?:^|(?<=[.;] ))(" + "|".join(FOOTER_SECTIONS) + "): ", text)
    if pieces[0].strip():
        yield "NOTES", pieces[0].strip()
    for label, body in zip(pieces[1::2], pieces[2::2]):
        yield FOOTER_SECTIONS[label], body.strip()[:1].upper() + body.strip()[1:]


def man_page(root, version):
    program = root["name"]
    first, _, rest = root["text"].partition("\n")
    summary = first.removeprefix(program + ": ").rstrip(".")
    page = (
        f'.TH "{program.upper()}" 1 "" "Syncline {version}" "Syncline"\n'
        f".nh\n.ad l\n"  # No name of an option is to be broken.
        f".SH NAME\n{program} \\- {roff(summary)}\n"
        f".SH SYNOPSIS\n.B {roff(usage(program, (), root))}\n"
        f".SH DESCRIPTION\n{roff(rest or first)}\n"
        f".SH OPTIONS\n{roff_options(root)}"
    )
    inner = [(path, one) for path, one in commands_of(root) if path]
    if inner:
        page += ".SH COMMANDS\n"
        if root["takes_options_of_parent"]:
            page += "Each takes the options above, too.\n"
    for path, command in inner:
        page += f'.SS "{roff(usage(program, path, command))}"\n{roff(command["text"])}\n'
        options = [one for one in command["options"] if "--help" not in one["names"]]
        page += roff_options({**command, "options": options})
        if command["footer"] and command["footer"] != root["footer"]:
            page += f".PP\n{roff(command['footer'])}\n"
    for heading, body in footer_sections(root["footer"]):
        page += f".SH {heading}\n{roff(body)}\n"
    page += ".SH FILES\n"
    for name, text in FILES[program]:
        page += f".TP\n.I {roff(name)}\n{roff(text)}\n"
    others = [f".BR {roff(one)} (1)" for one in PROGRAMS if one != program]
    return page + ".SH SEE ALSO\n" + ",\n".join(others) + "\n"


# ---- The completions. -----------------------------------------------------------------------

BASH = """\
# bash completion of {program}, made from the program itself. Where nothing is offered, readline
# completes names of files.
_{function}() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" command="" previous="" word
    local commands options with_value values
    local -i i
    for ((i = 1; i <= COMP_CWORD; ++i)); do
        _{function}_at "$command"
        word="${{COMP_WORDS[i]}}"
        if [[ "$word" == "=" ]] && ((i == COMP_CWORD)); then current=""; fi
        if [[ "$word" == "=" ]]; then continue; fi  # readline breaks --option=value in three.
        if ((i == COMP_CWORD)); then break; fi
        if [[ -n "$previous" ]]; then
            previous=""  # The value of the option before.
        elif [[ " $with_value " == *" $word "* ]]; then
            previous="$word"
        elif [[ " $commands " == *" $word "* ]]; then
            command="${{command:+$command }}$word"
        fi
    done
    COMPREPLY=()
    if [[ -n "$previous" ]]; then
        _{function}_values "$command" "$previous"
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
    elif [[ "$current" == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif [[ -n "$commands" ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    fi
}}

# What may stand after a command.
_{function}_at() {{
    case "$1" in
{at}    esac
}}

# What may stand after an option of a command, where that is known.
_{function}_values() {{
    values=""
    case "$1 $2" in
{values}    esac
}}

complete -o default -F _{function} {program}
"""

ZSH = """\
#compdef {program}
# zsh completion of {program}, made from the program itself. Where nothing is offered, names of
# files are.
_{function}() {{
    local command previous word
    local -a commands options with_value values
    local -i i
    for ((i = 2; i <= CURRENT; ++i)); do
        _{function}_at "$command"
        if ((i == CURRENT)); then break; fi
        word="${{words[i]}}"
        if [[ -n "$previous" ]]; then
            previous=""  # The value of the option before.
        elif ((${{with_value[(Ie)$word]}})); then
            previous="$word"
        elif ((${{commands[(I)$word:*]}})); then
            command="${{command:+$command }}$word"
        fi
    done
    if [[ -z "$previous" && "$PREFIX" == -*=* ]]; then
        previous="${{PREFIX%%=*}}"
        compset -P '*='
    fi
    if [[ -n "$previous" ]]; then
        _{function}_values "$command" "$previous"
        if ((${{#values}})); then compadd -a values; else _files; fi
    elif [[ "$PREFIX" == -* ]]; then
        _describe option options
    elif ((${{#commands}})); then
        _describe command commands
    else
        _files
    fi
}}

# What may stand after a command, and what it means.
_{function}_at() {{
    case "$1" in
{at}    esac
}}

# What may stand after an option of a command, where that is known.
_{function}_values() {{
    values=()
    case "$1 $2" in
{values}    esac
}}

_{function} "$@"
"""


def option_names(options, only_with_value=False):
    return [
        name
        for option in options
        if not option["positional"] and (option["value"] or not only_with_value)
        for name in option["names"]
    ]


def options_at(root, path, command):
    """The options that may stand after a command, those of the program included where it takes them."""
    options = list(command["options"])
    if path and command["takes_options_of_parent"]:
        known = set(option_names(options))
        options += [one for one in root["options"] if not known & set(option_names([one]))]
    return options


def known_values(options):
    """(name, words) of each option whose values are listed."""
    for option in options:
        for name in option["names"] if listed_values(option) else []:
            yield name, " ".join(listed_values(option))


def bash_completion(root):
    at = values = ""
    for path, command in commands_of(root):
        options = options_at(root, path, command)
        key = " ".join(path)
        at += (
            f'        "{key}")\n'
            f'            commands="{" ".join(one["name"] for one in command["commands"])}"\n'
            f'            options="{" ".join(option_names(options))}"\n'
            f'            with_value="{" ".join(option_names(options, only_with_value=True))}"\n'
            "            ;;\n"
        )
        for name, words in known_values(options):
            values += f'        "{key} {name}") values="{words}" ;;\n'
    function = root["name"].replace("-", "_")
    return BASH.format(program=root["name"], function=function, at=at, values=values)


def described(name, text):
    """A word and what it means, as zsh's _describe takes it."""
    line = text.partition("\n")[0].replace("'", "'\\''")
    return f"'{name}:{line}'"


def zsh_completion(root):
    at = values = ""
    for path, command in commands_of(root):
        options = options_at(root, path, command)
        key = " ".join(path)
        words = [described(one["name"], one["text"]) for one in command["commands"]]
        names = [described(name, one["text"]) for one in options for name in option_names([one])]
        at += (
            f'        "{key}")\n'
            f'            commands=({" ".join(words)})\n'
            f'            options=({" ".join(names)})\n'
            f'            with_value=({" ".join(option_names(options, only_with_value=True))})\n'
            "            ;;\n"
        )
        for name, listed in known_values(options):
            values += f'        "{key} {name}") values=({listed}) ;;\n'
    function = root["name"]
    return ZSH.format(program=root["name"], function=function, at=at, values=values)


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    program, version, page, bash, zsh = sys.argv[1:]
    asked = [program, "--describe-command-line"]
    root = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    made = {
        page: man_page(root, version), bash: bash_completion(root), zsh: zsh_completion(root),
    }
    for file, text in made.items():
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
