# SPDX-License-Identifier: Apache-2.0
"""config.json and contexts: the same files for `hull` and for the unmodified docker CLI."""
import json
import os
import socket
import subprocess
import tarfile
import threading

import pytest


@pytest.fixture
def configured(engine, tmp_path):
    """Runs a command line with a configuration of its own: configured("hull", {"psFormat": …}, "ps")."""
    def run(cli, config, *arguments, check=True, input="", **variables):
        directory = tmp_path / "config"
        directory.mkdir(exist_ok=True)
        if config is not None:
            (directory / "config.json").write_text(json.dumps(config))
        environment = {**engine.environment(), "DOCKER_CONFIG": str(directory), **variables}
        environment = {name: value for name, value in environment.items() if value is not None}
        result = subprocess.run(engine.command(cli, *arguments), env=environment, capture_output=True, text=True, input=input, cwd=tmp_path)
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result
    run.directory, run.engine = tmp_path / "config", engine
    return run


def both(configured, config, *arguments, **options):
    docker, hull = (configured(cli, config, *arguments, **options) for cli in ("docker", "hull"))
    assert hull.stdout == docker.stdout and hull.returncode == docker.returncode
    return hull


@pytest.mark.parametrize("setting,command", [("psFormat", ["ps", "-a"]), ("imagesFormat", ["images"]), ("networksFormat", ["network", "ls"]), ("volumesFormat", ["volume", "ls"])])
def test_formats_of_listings(configured, setting, command):
    configured.engine.docker("create", "--name", "one", "busybox", "true")
    configured.engine.docker("volume", "create", "store")
    field = "{{.Repository}}" if setting == "imagesFormat" else "{{.Names}}" if setting == "psFormat" else "{{.Name}}"
    config = {setting: f"table {field}\tX{field}"}
    assert "X" in both(configured, config, *command).stdout
    assert "X" not in both(configured, config, *command, "-q").stdout  # -q counts more
    assert "X" not in both(configured, config, *command, "--format", field).stdout  # and so does --format
    configured.engine.docker("volume", "rm", "store")


def test_format_of_stats(configured):
    configured.engine.docker("run", "-d", "--name", "busy", "busybox", "sleep", "60")
    assert both(configured, {"statsFormat": "{{.Name}}!"}, "stats", "--no-stream").stdout == "busy!\n"


def test_headers_go_with_every_request(configured, tmp_path):
    """A socket that takes a request down instead of an engine."""
    path, heads = str(tmp_path / "spy.sock"), []
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(4)

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            heads.append(connection.recv(65536).decode())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    configured("hull", {"HttpHeaders": {"X-Who": "me", "User-Agent": "nobody"}}, "ps", DOCKER_HOST=f"unix://{path}")
    assert all("X-Who: me\r\n" in head and "nobody" not in head for head in heads) and heads
    heads.clear()
    configured("hull", {"HttpHeaders": {"X-Who": "me"}}, "ps", DOCKER_HOST=f"unix://{path}", DOCKER_CUSTOM_HEADERS='X-Other=a,"X-Comma=b,c"')
    assert all("X-Other: a\r\n" in head and "X-Comma: b,c\r\n" in head and "X-Who" not in head for head in heads) and heads
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    wrong = configured("hull", {}, "ps", check=False, DOCKER_CUSTOM_HEADERS="nonsense")
    assert wrong.returncode == 1 and "is not of the form name=value" in wrong.stderr


@pytest.mark.parametrize("cli", ["docker", "hull"])
def test_proxies_go_into_containers_and_builds(configured, cli, tmp_path):
    config = {"proxies": {"default": {"httpProxy": "http://proxy:1", "noProxy": "localhost", "allProxy": "socks5://all:2"}}}
    shown = configured(cli, config, "run", "--rm", "-e", "http_proxy=mine", "busybox", "env").stdout.splitlines()
    assert {"HTTP_PROXY=http://proxy:1", "http_proxy=mine", "NO_PROXY=localhost", "no_proxy=localhost", "ALL_PROXY=socks5://all:2"} <= set(shown)
    assert not any(line.startswith("HTTPS_PROXY") for line in shown)
    host = f"unix://{configured.engine.socket}"
    own = {"proxies": {"default": {"httpProxy": "http://proxy:1"}, host: {"httpsProxy": "http://own:3"}}}
    shown = configured(cli, own, "run", "--rm", "busybox", "env").stdout
    assert "HTTPS_PROXY=http://own:3" in shown and "HTTP_PROXY=http://proxy" not in shown
    if cli == "hull":  # the docker CLI needs its plug-in buildx
        (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo got $HTTP_PROXY $NO_PROXY\n")
        built = configured(cli, config, "build", "--no-cache", "--progress", "plain", ".")
        assert "got http://proxy:1 localhost" in built.stdout + built.stderr


def test_prune_filters(configured):
    engine = configured.engine
    for name, label in (("keep", "keep=1"), ("drop", "other=1")):
        engine.docker("create", "--name", name, "--label", label, "busybox", "true")
    configured("hull", {"pruneFilters": ["label!=keep"]}, "container", "prune", "-f")
    assert engine.docker("ps", "-a", "--format", "{{.Names}}").stdout == "keep\n"
    # what the command line says of the same label counts more
    configured("hull", {"pruneFilters": ["label!=keep"]}, "container", "prune", "-f", "--filter", "label=keep")
    assert engine.docker("ps", "-aq").stdout == ""


def test_aliases(configured):
    shown = configured("hull", {"aliases": {"every": "ps -a --format {{.Names}}", "ps": "version", "loop": "loop"}}, "every")
    assert shown.stdout == ""
    configured.engine.docker("create", "--name", "one", "busybox", "true")
    assert configured("hull", None, "every").stdout == "one\n"
    assert "CONTAINER ID" in configured("hull", None, "ps").stdout  # a command of hull's stays what it is
    assert "unknown command" in configured("hull", None, "loop", check=False).stderr


def test_the_folder_is_named_by_a_flag_or_the_environment(configured, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"psFormat": "{{.Image}}"}')
    configured.engine.docker("create", "--name", "one", "busybox", "true")
    for cli in ("docker", "hull"):
        assert configured(cli, {}, "--config", str(other), "ps", "-a").stdout == "busybox\n"
        assert configured(cli, {}, "ps", "-a", DOCKER_CONFIG=str(other)).stdout == "busybox\n"
    (other / "config.json").write_text("{")
    broken = configured("hull", {}, "ps", "-a", DOCKER_CONFIG=str(other))
    assert broken.stderr.startswith("WARNING: Error loading config file: ") and "one" in broken.stdout


def test_logins_of_the_environment_count_more(configured):
    auth = {"auths": {"a.example": {"auth": "dXNlcjpwYXNz"}}}
    broken = configured("hull", {}, "pull", "a.example/x", check=False, DOCKER_AUTH_CONFIG="{")
    assert "DOCKER_AUTH_CONFIG, which is left out" in broken.stderr
    fine = configured("hull", {}, "pull", "127.0.0.1:1/x", check=False, DOCKER_AUTH_CONFIG=json.dumps(auth))
    assert "DOCKER_AUTH_CONFIG" not in fine.stderr


def test_what_the_environment_says_of_platforms_and_progress(configured, tmp_path):
    """--platform counts more than $DOCKER_DEFAULT_PLATFORM, --progress more than $BUILDKIT_PROGRESS."""
    for cli in ("docker", "hull"):
        other = configured(cli, {}, "create", "--pull", "never", "busybox", "true", check=False, DOCKER_DEFAULT_PLATFORM="linux/arm64")
        assert other.returncode != 0 and "linux/arm64" in other.stderr
        assert configured(cli, {}, "create", "--platform", "linux/amd64", "busybox", "true", DOCKER_DEFAULT_PLATFORM="linux/arm64").returncode == 0
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo loud and clear\n")
    assert configured("hull", {}, "build", "--no-cache", ".", BUILDKIT_PROGRESS="quiet").stderr == ""
    assert "loud and clear" in configured("hull", {}, "build", "--no-cache", "--progress", "plain", ".", BUILDKIT_PROGRESS="quiet").stderr


def test_legacy_commands_can_be_hidden(configured):
    """The help shows each command once then; all spellings work."""
    shown = configured("hull", {}, "--help", DOCKER_HIDE_LEGACY_COMMANDS="1").stdout
    assert "\n  attach " not in shown and "\n  run " in shown and "\n  container " in shown and "\n  inspect " in shown
    assert "\n  attach " in configured("hull", {}, "--help").stdout
    assert configured("hull", {}, "rmi", "--help", DOCKER_HIDE_LEGACY_COMMANDS="1").returncode == 0


def contexts_of(configured, cli, *arguments, **options):
    """Without $DOCKER_HOST, which would stand above every context."""
    return configured(cli, None, *arguments, DOCKER_HOST=None, HULL_HOST=None, **options)


def test_contexts_are_shared_by_both_command_lines(configured, tmp_path):
    host = f"host=unix://{configured.engine.socket}"
    for maker, reader in (("docker", "hull"), ("hull", "docker")):
        name = f"made-by-{maker}"
        made = contexts_of(configured, maker, "context", "create", name, "--description", "a test", "--docker", host)
        assert made.stdout == f"{name}\n" and made.stderr == f'Successfully created context "{name}"\n'
        assert json.loads(contexts_of(configured, reader, "context", "inspect", name).stdout) == json.loads(contexts_of(configured, maker, "context", "inspect", name).stdout)
        assert contexts_of(configured, reader, "--context", name, "version", "--format", "{{.Server.Version}}").stdout.strip()
        assert contexts_of(configured, reader, "images", "-q", DOCKER_CONTEXT=name).stdout.strip()
    for form in ([], ["-q"], ["--format", "json"], ["--format", "{{.Name}} {{.Current}} {{.Description}} {{.DockerEndpoint}}|{{.Error}}"]):
        docker, hull = (contexts_of(configured, cli, "context", "ls", *form).stdout for cli in ("docker", "hull"))
        assert hull.replace("unix:///run/hull/hull.sock", "unix:///var/run/docker.sock").split() == docker.split()
    for maker, reader in (("docker", "hull"), ("hull", "docker")):
        used = contexts_of(configured, maker, "context", "use", f"made-by-{maker}")
        assert used.stdout == f"made-by-{maker}\n" and used.stderr == f'Current context is now "made-by-{maker}"\n'
        assert contexts_of(configured, reader, "context", "show").stdout == f"made-by-{maker}\n"
        assert contexts_of(configured, reader, "version", "--format", "{{.Client.Context}}").stdout == f"made-by-{maker}\n"
        assert contexts_of(configured, reader, "info", "--format", "{{.ClientInfo.Context}}").stdout == f"made-by-{maker}\n"
    for maker, reader in (("docker", "hull"), ("hull", "docker")):
        contexts_of(configured, maker, "context", "export", f"made-by-{maker}", f"{maker}.tar")
        copied = contexts_of(configured, reader, "context", "import", f"copied-by-{reader}", f"{maker}.tar")
        assert copied.stdout == f"copied-by-{reader}\n"
        assert json.loads(contexts_of(configured, maker, "context", "inspect", f"copied-by-{reader}", "--format", "{{json .Metadata.Metadata}}").stdout)["Description"] == "a test"
        with tarfile.open(tmp_path / f"{maker}.tar") as tar:
            assert {"meta.json", "tls"} <= set(tar.getnames())
    contexts_of(configured, "hull", "context", "update", "made-by-docker", "--description", "changed")
    assert contexts_of(configured, "docker", "context", "inspect", "--format", "{{json .Metadata.Metadata}}", "made-by-docker").stdout == '{"Description":"changed"}\n'
    contexts_of(configured, "hull", "context", "create", "derived", "--from", "made-by-docker")
    contexts_of(configured, "hull", "context", "use", "default")
    assert contexts_of(configured, "docker", "context", "show").stdout == "default\n"
    removed = contexts_of(configured, "hull", "context", "rm", "derived", "made-by-docker")
    assert removed.stdout == "derived\nmade-by-docker\n"
    assert "made-by-docker" not in contexts_of(configured, "docker", "context", "ls", "-q").stdout


def test_certificates_of_contexts(configured, tmp_path):
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").write_text(f"{name}\n")
    contexts_of(configured, "hull", "context", "create", "far", "--docker",
                f"host=tcp://far.example:2376,ca={tmp_path}/ca.pem,cert={tmp_path}/cert.pem,key={tmp_path}/key.pem,skip-tls-verify=true")
    shown = json.loads(contexts_of(configured, "docker", "context", "inspect", "far").stdout)[0]
    assert shown["Endpoints"]["docker"] == {"Host": "tcp://far.example:2376", "SkipTLSVerify": True}
    assert sorted(shown["TLSMaterial"]["docker"]) == ["ca.pem", "cert.pem", "key.pem"]
    directory = shown["Storage"]["TLSPath"] + "/docker"
    assert (open(f"{directory}/key.pem").read(), os.stat(f"{directory}/key.pem").st_mode & 0o777) == ("key\n", 0o600)
    contexts_of(configured, "hull", "context", "export", "far", "far.tar")
    contexts_of(configured, "docker", "context", "import", "near", "far.tar")
    assert sorted(json.loads(contexts_of(configured, "hull", "context", "inspect", "near").stdout)[0]["TLSMaterial"]["docker"]) == ["ca.pem", "cert.pem", "key.pem"]


@pytest.mark.parametrize("arguments,words", [
    (["context", "create", "default"], '"default" is a reserved context name'),
    (["context", "create", "a b"], 'context name "a b" is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"'),
    (["context", "create", "x1", "--docker", "host=ftp://a"], "unable to parse docker host `ftp://a`"),
    (["context", "create", "x1", "--docker", "colour=red"], "unable to create docker endpoint config: unrecognized config key: colour"),
    (["context", "create", "x1", "--docker", "host=tcp://a,skip-tls-verify=perhaps"], 'skip-tls-verify: parsing "perhaps": invalid syntax'),
    (["context", "create", "x1", "--from", "a", "--docker", "host=tcp://b"], "cannot use --docker flag when --from is set"),
    (["context", "use", "missing"], 'context "missing": context not found: open '),
    (["context", "inspect", "missing"], 'context "missing": context not found: open '),
    (["context", "rm", "default"], 'context "default" cannot be removed'),
    (["context", "rm", "missing"], 'context "missing" does not exist'),
    (["context", "import", "x1", "nothing.tar"], "open nothing.tar: no such file or directory"),
    (["--context", "missing", "ps"], 'unable to resolve docker endpoint: context "missing": context not found: open '),
    (["context", "export", "missing"], 'context "missing": context not found'),
])
def test_what_goes_wrong_with_contexts(configured, arguments, words):
    for cli in ("docker", "hull"):
        if cli == "docker" and "host=ftp://a" in arguments:
            continue  # it finds out when the context is used
        refused = contexts_of(configured, cli, *arguments, check=False)
        assert refused.returncode == 1 and words in refused.stderr, refused.stderr
    assert contexts_of(configured, "hull", "-H", "tcp://a", "-c", "b", "ps", check=False).returncode == 125


def test_what_stands_above_a_context(configured):
    contexts_of(configured, "hull", "context", "create", "nowhere", "--docker", "host=unix:///nowhere.sock")
    contexts_of(configured, "hull", "context", "use", "nowhere")
    for cli in ("docker", "hull"):
        assert configured(cli, None, "context", "show").stdout == "default\n"  # $DOCKER_HOST is set
        assert configured(cli, None, "images", "-q").returncode == 0
        assert "unix:///nowhere.sock" in configured(cli, None, "--context", "nowhere", "images", check=False).stderr
        assert contexts_of(configured, cli, "-H", f"unix://{configured.engine.socket}", "images", "-q").returncode == 0
        warned = configured(cli, None, "context", "use", "nowhere")
        assert "DOCKER_HOST environment variable overrides the active context" in warned.stderr
