# SPDX-License-Identifier: Apache-2.0
"""What people get when they ask, mistype, or press the key for completion."""
import json
import os
import shutil
import subprocess

import pytest

from conftest import BIN, docker_cli


def run(program, *arguments, **variables):
    environment = {**os.environ, "DOCKER_CONFIG": "/nonexistent", "DOCKER_HOST": "unix:///nowhere.sock", **variables}
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)


def hull(*arguments, **variables):
    return run(BIN / "hull", *arguments, **variables)


def sections(text):
    """The headings of a help text, in their order, with the first words of what is below them."""
    found, below = {}, None
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            below = found.setdefault(line, [])
        elif line.startswith("Usage:"):
            found["Usage:"] = [line.split(None, 2)[2] if len(line.split(None, 2)) > 2 else ""]
        elif below is not None and line.startswith("  ") and line.split():
            below.append(line.strip())
    return found


@pytest.mark.parametrize("words", [["ps"], ["container", "ls"], ["run"], ["rmi"], ["network", "create"], ["volume", "rm"], ["exec"], ["context", "use"], ["image", "tag"]])
def test_help_is_laid_out_as_dockers(words):
    docker, ours = (sections(run(program, *words, "--help").stdout) for program in (docker_cli(), BIN / "hull"))
    assert list(ours) == list(docker)
    assert ours["Usage:"] == docker["Usage:"]
    if "Aliases:" in docker:
        assert ours["Aliases:"][0].replace("hull ", "docker ") == docker["Aliases:"][0]


def test_help_of_the_program_and_of_groups():
    ours, docker = sections(hull("--help").stdout), sections(run(docker_cli(), "--help").stdout)
    assert list(ours) == [heading for heading in docker if heading != "Swarm Commands:"]
    assert [line.split()[0] for line in ours["Common Commands:"]] == [line.split()[0] for line in docker["Common Commands:"]]
    assert hull("help").stdout == hull("--help").stdout and hull("--help").stdout.strip() == hull().stderr.strip()
    bare = hull("container")
    assert bare.returncode == 0 and bare.stdout == "" and bare.stderr.startswith("Usage:  hull container COMMAND")
    assert hull("container", "--help").stdout.strip() == bare.stderr.strip()
    assert hull("help", "container", "ls").stdout == hull("container", "ls", "--help").stdout
    assert "dial-stdio" not in hull("system", "--help").stdout + hull().stderr and hull("system", "dial-stdio", "--help").returncode == 0


@pytest.mark.parametrize("typed,code,expected", [
    (["pss"], 1, ["hull: unknown command: hull pss", "Did you mean this?", "\thull ps", "Run 'hull --help' for more information"]),
    (["container", "lss"], 1, ["hull: unknown command: hull container lss", "Usage:  hull container", "\thull container ls"]),
    (["contxt"], 1, ["\thull context"]),
    (["run", "--memroy", "5m", "x"], 125, ["unknown flag: --memroy", "Did you mean this?\n\t--memory", "Usage:  hull run [OPTIONS] IMAGE"]),
    (["ps", "--filtr", "x"], 125, ["unknown flag: --filtr", "\t--filter"]),
    (["--hots", "x", "ps"], 125, ["unknown flag: --hots", "\t--host"]),
    (["ps", "-Z"], 125, ["unknown shorthand flag: 'Z' in -Z"]),
    (["ps", "x"], 1, ["hull: 'hull ps' accepts no arguments"]),
    (["inspect"], 1, ["hull: 'hull inspect' requires at least 1 argument"]),
    (["completion", "tcsh"], 1, ["bash, zsh and fish have one"]),
    (["debug"], 1, ["requires at least 1 argument"]),
    (["volume", "create", "--availability", "pause"], 1, ["hull runs on one machine"]),
    (["volume", "ls", "--cluster"], 1, ["hull runs on one machine"]),
])
def test_mistyped(typed, code, expected):
    answer = hull(*typed)
    assert answer.returncode == code and answer.stdout == ""
    for words in expected:
        assert words in answer.stderr


def test_debug_shows_the_requests(engine):
    for arguments in (["-D"], ["--log-level", "debug"]):
        shown = engine.hull(*arguments, "ps", "-q")
        assert f"DEBUG: GET /v1.51/containers/json to unix://{engine.socket}\nDEBUG: answered with 200\n" == shown.stderr
    assert engine.hull("-l", "warn", "ps", "-q").stderr == ""
    wrong = [engine.run(cli, "-l", "loud", "ps", check=False) for cli in ("docker", "hull")]
    assert wrong[0].returncode == wrong[1].returncode == 1 and wrong[0].stderr.lower() == wrong[1].stderr.lower()


def complete(engine, *words):
    answer = engine.hull("__complete", *words).stdout.splitlines()
    return [line.split("\t")[0] for line in answer[:-1]], int(answer[-1][1:])


@pytest.fixture
def fleet(engine):
    engine.docker("run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "100")
    engine.docker("create", "--name", "idle", "busybox", "true")
    engine.docker("network", "create", "backend")
    engine.docker("volume", "create", "store")
    yield engine
    engine.remove_containers()
    engine.docker("network", "rm", "backend")
    engine.docker("volume", "rm", "store")


@pytest.mark.parametrize("words,expected,directive", [
    (["st"], ["start", "stats", "stop"], 4), (["container", "un"], ["unpause"], 4), (["context", ""], ["create", "export", "import", "inspect", "ls", "rm", "show", "update", "use"], 4),
    (["stop", ""], ["web"], 4), (["start", ""], ["idle"], 4), (["rm", "w"], ["web"], 4), (["logs", "web", ""], ["idle"], 4), (["exec", "web", "x"], [], 0),
    (["run", "busy"], ["busybox", "busybox:latest"], 4), (["run", "--network", "b"], ["backend", "bridge"], 4), (["run", "--network=ba"], ["--network=backend"], 4),
    (["volume", "rm", ""], ["store"], 4), (["network", "connect", "backend", "i"], ["idle"], 4), (["run", "--restart", "u"], ["unless-stopped"], 4),
    (["ps", "--fil"], ["--filter"], 4), (["ps", "--filter", "s"], ["since=", "status="], 6), (["ps", "-f", "st"], ["status="], 6), (["--context", "d"], ["default"], 4),
    (["cp", "w"], ["web:"], 2), (["run", "--cap-add", "SYS_P"], ["SYS_PACCT", "SYS_PTRACE"], 4), (["rename", "web", ""], [], 4), (["build", "-f", "x"], [], 0),
    (["--host", "unix:///nowhere", "stop", ""], [], 4), (["nonsense", ""], [], 0), (["run", "busybox", "-"], [], 0), (["inspect", "--type", "v"], ["volume"], 4),
])
def test_completion(fleet, words, expected, directive):
    assert complete(fleet, *words) == (expected, directive)


def test_completion_asks_the_engine_once(fleet):
    traced = subprocess.run(["strace", "-f", "-e", "trace=connect,sendto,write", BIN / "hull", "__complete", "stop", ""], capture_output=True, text=True, env=fleet.environment())
    if "PTRACE" in traced.stderr:
        pytest.skip("strace may not trace here")
    assert traced.stderr.count("connect(") == 1 and traced.stderr.count("sendto(") == 1


def test_completion_starts_no_engine(tmp_path):
    answer = hull("__complete", "stop", "", DOCKER_HOST="", HULL_HOST="", DOCKER_CONTEXT="")
    assert answer.stdout.endswith(":4\n") and answer.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell, tmp_path):
    script = hull("completion", shell).stdout
    assert "__complete" in script and script.endswith("\n")
    path = tmp_path / shell
    path.write_text(script)
    parsed = subprocess.run([shell, "-n", path], capture_output=True, text=True) if subprocess.run(["which", shell], capture_output=True).returncode == 0 else None
    assert parsed is None or (parsed.returncode, parsed.stderr) == (0, "")


def test_bash_completes_live_names(fleet, tmp_path):
    script = tmp_path / "hull.bash"
    script.write_text(hull("completion", "bash").stdout)
    text = f'''PATH={BIN}:$PATH; source {script}
        try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); __hull_complete 2>/dev/null; echo "${{COMPREPLY[*]}}"; }}
        try hull stop w; try hull run --restart un; try hull image rm busybox:la'''
    answer = subprocess.run(["bash", "-c", text], capture_output=True, text=True, env=fleet.environment())
    assert answer.stdout.splitlines()[:2] == ["web", "unless-stopped"], answer.stderr
    assert answer.stdout.splitlines()[2] in ("latest", "busybox:latest")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_live_names(fleet, tmp_path):
    (tmp_path / "hull.fish").write_text(hull("completion", "fish").stdout)
    text = f"set -x PATH {BIN} $PATH; source {tmp_path}/hull.fish; complete -C 'hull stop w'; complete -C 'hull context sh'"
    answer = subprocess.run(["fish", "--no-config", "-c", text], capture_output=True, text=True, env=fleet.environment())
    assert [line.split("\t")[0] for line in answer.stdout.splitlines()] == ["web", "show"], answer.stderr


def test_no_color():
    """No escape sequence where nobody sees it, and none in a terminal with $NO_COLOR."""
    assert "\x1b" not in hull("system", "check").stdout
    for variables, expected in (({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        typed = subprocess.run(["script", "-qec", f"{BIN}/hull system check", "/dev/null"], capture_output=True, text=True, env={**os.environ, "TERM": "xterm", **variables})
        assert ("\x1b[3" in typed.stdout) == expected


def test_check():
    shown = hull("system", "check")
    assert "ok        kernel" in shown.stdout and shown.returncode in (0, 1)
    rows = {row["Subject"]: row for row in map(json.loads, hull("system", "check", "--format", "json").stdout.splitlines())}
    assert rows["kernel"]["Detail"] == os.uname().release and rows["kernel"]["State"] == "ok"
    assert rows["systemd"]["State"] == ("ok" if os.path.isdir("/run/systemd/system") else "without")
    assert rows["IPv6"]["State"] == ("ok" if os.path.exists("/proc/net/if_inet6") else "without")
    assert rows["programs"]["State"] == "ok"
    assert all(row["Advice"] for row in rows.values() if row["State"] == "missing")
    assert (shown.returncode == 1) == any(row["State"] == "missing" for row in rows.values())
    assert rows["engine"]["State"] == "without"


def test_check_knows_the_engine(engine):
    rows = [json.loads(line) for line in engine.run("hull", "system", "check", "--format", "json", check=False).stdout.splitlines()]
    assert any(row["Subject"] == "engine" and f"unix://{engine.socket}" in row["Detail"] for row in rows)


DOCTOR = r"""
set -e
mount --make-rprivate /
mkdir -p /run/docker/netns /run/containers/x
mount -t tmpfs none /run/docker
mkdir -p /run/docker/netns/0123456789ab
mount -t tmpfs none /run/docker/netns/0123456789ab
ip link add br-0123456789ab type bridge
ip link add veth0a type veth peer name veth0b
ip link set veth0a master br-0123456789ab
"""


@pytest.mark.parametrize("answer,gone", [("n", False), ("y", True)])
def test_doctor(answer, gone, tmp_path):
    """In namespaces of its own for mounts, interfaces and processes, where no other engine is seen to run."""
    question = f"{BIN}/hull system doctor"
    # Only what is Docker's in these namespaces is agreed to: the rest of the machine is not ours.
    script = DOCTOR + f"""
{question} >{tmp_path}/before || echo before: $?
grep -c 'has left' {tmp_path}/before >/dev/null
python3 - <<'EOF'
import pty, os, re, sys
lines = open("{tmp_path}/before").read()
items = re.findall(r"^  - (.*)$", lines, re.M)
wanted = [i for i in items if "0123456789ab" in i or "veth0a" in i]
answers = "".join(("{answer}" if item in wanted else "n") + "\\n" for item in items)
open("{tmp_path}/answers", "w").write(answers)
EOF
{question} --fix <{tmp_path}/answers >{tmp_path}/after || echo after: $?
ls /sys/class/net
cat /proc/self/mounts
ip link add br-0123456789ab type bridge 2>/dev/null || true
cp /bin/sleep {tmp_path}/hulld
{tmp_path}/hulld 100 &
sleep 0.2
{question} >{tmp_path}/beside || true
"""
    done = subprocess.run(["unshare", "-m", "-n", "-p", "-f", "--mount-proc", "sh", "-c", "mount -t sysfs none /sys 2>/dev/null; " + script], capture_output=True, text=True)
    before, after = (tmp_path / "before").read_text(), (tmp_path / "after").read_text()
    assert done.returncode == 0, done.stderr
    assert "the bridge br-0123456789ab" in before and "the interface veth0a" in before and "the mount /run/docker/netns/0123456789ab" in before
    assert "ip link delete br-0123456789ab" in before and "'hull system doctor --fix' takes them away" in before
    assert ("br-0123456789ab" in done.stdout) == (not gone)
    assert ("/run/docker/netns/0123456789ab" in done.stdout) == (not gone)
    assert "br-0123456789ab" not in (tmp_path / "beside").read_text()  # a running engine of hull has bridges with such names
    assert "Take it away? [y/N]" in after and ("3 taken away" in after) == gone
