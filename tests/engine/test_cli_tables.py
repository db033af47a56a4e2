# SPDX-License-Identifier: Apache-2.0
"""hull has every command and every flag that the unmodified docker CLI shows in its help; what is generated from hull's
tables is current."""
import os
import pathlib
import re
import subprocess

import pytest

from conftest import BIN, docker_cli

ROOT = pathlib.Path(__file__).parent.parent.parent
# One machine, no engine plug-ins, no content trust: these say so.
LEFT_OUT = ("swarm", "service", "stack", "node", "secret", "config", "plugin", "trust")
# Values that these flags take; "a=b" fits all others that take a text.
VALUES = {
    "add-host": "a:1.2.3.4", "attach": "stdout", "blkio-weight-device": "/dev/null:10", "device": "/dev/null", "device-read-bps": "/dev/null:1", "device-read-iops": "/dev/null:1",
    "device-write-bps": "/dev/null:1", "device-write-iops": "/dev/null:1", "gpus": "all", "mount": "type=tmpfs,target=/a", "network": "a", "publish": "80", "restart": "always",
    "ulimit": "nofile=1", "memory-swap": "1m",
}
BY_TYPE = {"int": "1", "uint": "1", "uint16": "100", "bytes": "8m", "decimal": "1.5", "duration": "1s"}


def help_of(program, words):
    environment = {**os.environ, "DOCKER_CONFIG": "/nonexistent"}
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)


def docker_tables():
    """The commands with their flags: {("container", "ls"): {"all": None, "filter": "filter"}}."""
    tables = {}

    def read(words):
        text, section, below = help_of(docker_cli(), words).stdout, "", []
        flags = tables.setdefault(tuple(words), {})
        for line in text.splitlines():
            if re.match(r"^[A-Z][A-Za-z ]*:$", line):
                section = line
            elif section.endswith("Options:") and (found := re.match(r"^  (?:-(\w), |    )--([a-z0-9-]+)(?: (\S+))?(?:  |$)", line)):
                flags[found.group(2)] = (found.group(1), found.group(3))
            elif "Commands" in section and (found := re.match(r"^  ([a-z-]+)\*?\s", line)):
                if "*" not in line.split()[0]:  # not a plug-in
                    below.append(found.group(1))
        for name in below:
            if words or name not in LEFT_OUT:
                read([*words, name])

    read([])
    return tables


TABLES = docker_tables()


def test_the_tables_of_docker_were_read():
    assert len(TABLES) > 90 and len(TABLES[("run",)]) > 95 and TABLES[("ps",)]["filter"] == ("f", "filter")


@pytest.mark.parametrize("words", [words for words in TABLES if words], ids=" ".join)
def test_command(words):
    shown = help_of(BIN / "hull", words)
    assert shown.returncode == 0 and shown.stdout.startswith(f"Usage:  hull {' '.join(words)}"), shown.stdout + shown.stderr
    for flag, (letter, kind) in TABLES[words].items():
        if flag == "help":
            continue
        value = "" if kind is None else "=" + VALUES.get(flag, BY_TYPE.get(kind, "a=b"))
        for spelled in [f"--{flag}{value}", *([f"-{letter}{value}"] if letter else [])]:
            taken = help_of(BIN / "hull", [*words, spelled])
            assert taken.returncode == 0, f"hull {' '.join(words)} {spelled}: {taken.stderr}"
        if kind is not None:  # it needs a value
            assert subprocess.run([BIN / "hull", *words, f"--{flag}"], capture_output=True).returncode == 125


@pytest.mark.parametrize("flag", TABLES[()], ids=str)
def test_flag_before_the_command(flag):
    letter, kind = TABLES[()][flag]
    if flag == "version":
        assert subprocess.run([BIN / "hull", "-v"], capture_output=True, text=True).stdout.startswith("Hull version")
        return
    value = [] if kind is None else ["warn" if flag == "log-level" else "unix:///nowhere" if flag == "host" else "default"]
    for spelled in [f"--{flag}", *([f"-{letter}"] if letter else [])]:
        assert subprocess.run([BIN / "hull", spelled, *value, "ps", "--help"], capture_output=True).returncode == 0
    assert f"--{flag}" in help_of(BIN / "hull", []).stdout


@pytest.mark.parametrize("group", LEFT_OUT)
def test_what_is_left_out_says_why(group):
    answer = subprocess.run([BIN / "hull", group, "ls"], capture_output=True, text=True)
    assert answer.returncode == 1 and answer.stdout == ""
    assert answer.stderr.startswith(f"hull: '{group} ls': ") and answer.stderr.endswith(".\n")


def generate(directory, form):
    for program in ([BIN / "hull", "__document", "--form", form, directory], [BIN / "hull", "manifest", "__document", form, directory],
                    [BIN / "hull", "registry", "__document", form, directory]):
        subprocess.run(program, check=True)
    return {path.name: path.read_text() for path in directory.iterdir()}


def test_the_reference_is_current(tmp_path):
    """`make reference` writes it."""
    wanted = generate(tmp_path, "markdown")
    have = {path.name: path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert have == wanted


def test_man_pages(tmp_path):
    pages = generate(tmp_path, "man")
    assert {"hull.1", "hull-container-run.1", "hull-ps.1", "hull-context.1", "hull-manifest-create.1"} <= pages.keys()
    assert "\\-\\-publish" in pages["hull-container-run.1"] and "hull run" in pages["hull-container-run.1"]
    assert pages["hull-ps.1"] == ".so man1/hull-container-ls.1\n"
    for name in (name for name in pages if not pages[name].startswith(".so ")):
        checked = subprocess.run(["groff", "-man", "-Tutf8", "-ww", tmp_path / name], capture_output=True, text=True)
        assert checked.returncode == 0 and not checked.stderr, f"{name}: {checked.stderr}"


def rows_of_the_table():
    for line in (ROOT / "docs" / "features" / "cli.md").read_text().splitlines():
        if line.startswith("| ") and "`test_" in line:
            yield line


def test_every_command_has_a_row_whose_tests_are_there():
    """docs/features/cli.md: the commands of docker, and the tests that stand for them."""
    text = (ROOT / "docs" / "features" / "cli.md").read_text()
    named = {name.strip() for line in text.splitlines() if line.startswith("| ") for name in re.split("[,;]", line.split("|")[1])}
    groups = {words[:1] for words in TABLES if len(words) > 1}
    assert {" ".join(words) for words in TABLES if words and words not in groups} <= named
    count = 0
    for line in rows_of_the_table():
        for name in re.findall(r"`((?:clients/|vm/|unit/cli/)?\w+\.(?:py|cpp)(?:::\w+)?)`", line):
            file, _, function = name.partition("::")
            path = ROOT / "tests" / (file if "/" in file else f"engine/{file}")
            assert path.exists(), name
            assert not function or f"def {function}(" in path.read_text(), name
            count += 1
    assert count > 80
