"""Stands between an agent and a program that speaks the `exec` protocol, and does what is told by a
file: one word, the fault that the next request meets. Usage: exec_faults.py FAULT_FILE COMMAND..."""
import json
import os
import signal
import subprocess
import sys

fault_file, command = sys.argv[1], sys.argv[2:]
program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def fault():
    try:
        with open(fault_file, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def say(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def ask(line):
    program.stdin.write(line)
    program.stdin.flush()
    return program.stdout.readline()


for line in sys.stdin.buffer:
    request = json.loads(line)
    word = fault() if request["call"] != "hello" else ""
    name, _, after = word.partition("@")
    answer = ask(line) if not word or after == "committed" else b""
    if not name:
        say(answer)
    elif name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "exit":
        sys.exit(3)
    elif name == "hang":
        signal.pause()
    elif name == "plain_text":
        say(b"Traceback (most recent call last):\n")
    elif name == "wrong_id":
        say(json.dumps({"id": request["id"] - 1, "result": {}}).encode() + b"\n")
    elif name == "not_utf8":
        say(b'{"id": "\xff"}\n')
    elif name == "too_long":
        say(b"x" * 70_000 + b"\n")
    elif name == "half_a_line":
        say(answer[: len(answer) // 2])
        sys.exit(0)
    else:
        say(json.dumps({"id": request["id"], "error": {"class": name, "text": "as told"}}).encode()
            + b"\n")
