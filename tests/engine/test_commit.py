# SPDX-License-Identifier: Apache-2.0
"""What a container has changed (diff), and what becomes of it: an image (commit) or a tar (export)."""
import io
import json
import tarfile
import time

from conftest import wait_until


def made(cli, name, script, *options, image="busybox"):
    cli("run", "--name", name, *options, image, "sh", "-c", script)
    return name


def test_diff_of_an_untouched_container_is_empty(cli):
    name = made(cli, f"untouched-{cli.name}", "true")
    assert cli("diff", name).stdout == ""


def test_diff(cli):
    name = made(cli, f"changed-{cli.name}", "echo x >>/etc/passwd; rm /etc/group; mkdir -p /new/dir; touch /new/dir/f; "
                "ln -s /etc/shadow /home/link; rm /bin/false; chmod 700 /root; rm -r /var; mkdir /var; touch /var/again")
    assert cli("diff", name).stdout.splitlines() == [
        "C /bin", "D /bin/false", "C /etc", "D /etc/group", "C /etc/passwd", "C /home", "A /home/link", "A /new", "A /new/dir",
        "A /new/dir/f", "C /root", "C /var", "A /var/again"]


def test_diff_looks_at_no_file_of_the_host(cli):
    """A link of the container to a place that the host has changes nothing about what is under its name."""
    base = made(cli, f"linked-{cli.name}", "ln -s /usr /place && mkdir /old && echo 1 >/old/a && echo 2 >/old/b")
    cli("commit", base, f"linked-image-{cli.name}")
    name = made(cli, f"replaced-{cli.name}", "rm /place; mkdir -p /place/share; rm -r /old; mkdir /old; echo 3 >/old/b",
                image=f"linked-image-{cli.name}")
    assert cli("diff", name).stdout.splitlines() == ["C /old", "D /old/a", "C /old/b", "C /place", "A /place/share"]


def test_a_change_of_a_commit_knows_the_containers_environment(cli):
    made(cli, f"knows-{cli.name}", "true", "-e", "A=one")
    cli("commit", "-c", "ENV B=$A-two", "-c", "LABEL three=$B", f"knows-{cli.name}", f"knowing-{cli.name}")
    config = json.loads(cli("inspect", "--format", "{{json .Config}}", f"knowing-{cli.name}").stdout)
    assert "B=one-two" in config["Env"] and config["Labels"] == {"three": "one-two"}


def test_commit_makes_a_layer_on_its_parent(cli):
    name = made(cli, f"origin-{cli.name}", "rm /bin/false; echo new >/new; rm -r /var; mkdir /var; mkdir /deep; ln /new /deep/hard",
                "-v", "/data", "-e", "A=1", "-l", "who=me")
    image = f"committed-{cli.name}:v1"
    identifier = cli("commit", "-a", "An Author", "-m", "a message", "-c", "ENV B=2", "-c", 'CMD ["cat", "/new"]', "-c", "EXPOSE 80",
                     "-c", "LABEL x=y", "-c", "WORKDIR /deep", "-c", "USER 1001", "-c", "STOPSIGNAL SIGINT", "-c", "VOLUME /more",
                     "-c", "ONBUILD RUN true", "-c", "HEALTHCHECK CMD true", name, image).stdout.strip()
    assert identifier.startswith("sha256:")
    made_of = json.loads(cli("inspect", image).stdout)[0]
    parent = json.loads(cli("inspect", "busybox").stdout)[0]
    assert made_of["Id"] == identifier and made_of["RepoTags"] == [image]
    assert made_of["RootFS"]["Layers"][:-1] == parent["RootFS"]["Layers"] and len(made_of["RootFS"]["Layers"]) == 2
    assert made_of["Parent"] == parent["Id"] and parent["Parent"] == ""
    assert made_of["Author"] == "An Author" and made_of["Comment"] == "a message"
    config = made_of["Config"]
    assert config["Cmd"] == ["cat", "/new"] and "A=1" in config["Env"] and "B=2" in config["Env"]
    assert config["Labels"] == {"who": "me", "x": "y"} and config["WorkingDir"] == "/deep" and config["User"] == "1001"
    assert config["StopSignal"] == "SIGINT" and set(config["Volumes"]) == {"/data", "/more"}
    assert config["OnBuild"] == ["RUN true"] and config["ExposedPorts"] == {"80/tcp": {}}
    assert config["Healthcheck"]["Test"] == ["CMD-SHELL", "true"]
    assert cli("run", "--rm", image).stdout == "new\n"
    seen = cli("run", "--rm", image, "sh", "-c", "ls /bin/false 2>/dev/null; ls -A /var; stat -c %h /new; pwd; id -u").stdout
    assert seen.split() == ["2", "/deep", "1001"]
    history = json.loads("[" + ",".join(cli("history", "--format", "json", image).stdout.splitlines()) + "]")
    assert history[0]["Comment"] == "a message" and len(history) == 2
    # A committed container shows nothing of the engine's own mount points.
    assert cli("diff", made(cli, f"child-{cli.name}", "true", image=image)).stdout in ("", "C /more\n", "A /more\n", "A /data\nA /more\n")
    cli("rm", "-v", name, f"child-{cli.name}")
    cli("rmi", image)


def test_commit_pauses(cli):
    name = f"ticking-{cli.name}"
    cli("run", "-d", "--init", "--name", name, "busybox", "sleep", "1000")
    cli("commit", name)
    cli("commit", "--pause=false" if cli.name == "docker" else "--no-pause", name)
    cli.engine.docker("kill", name)
    events = cli("events", "--since", str(int(time.time()) - 60), "--until", str(int(time.time()) + 1), "--filter", f"container={name}", "--format", "{{.Action}}").stdout.split()
    assert [e for e in events if e in ("pause", "unpause", "commit")] == ["pause", "unpause", "commit", "commit"]


def test_commit_refuses(cli):
    name = made(cli, f"refused-{cli.name}", "true")
    refused = cli("commit", "-c", "RUN true", name, check=False)
    assert refused.returncode == 1 and "RUN is not a valid change command" in refused.stderr
    assert "No such container" in cli("commit", "no-such-container", check=False).stderr
    assert cli("commit", name, "Not/Valid:::", check=False).returncode == 1


def test_export_and_import_keep_everything(cli, tmp_path):
    script = ("mkdir /e && cd /e && echo 1 >a && ln a b && ln -s a c && mkfifo p && chown 12:34 a && chmod 4711 a && mknod null c 1 3 && "
              "touch -d '2001-02-03 04:05:06' a; echo volume >/v/in-volume")
    name = made(cli, f"exported-{cli.name}", script, "-v", "/v")
    cli("export", "-o", tmp_path / "root.tar", name)
    with tarfile.open(tmp_path / "root.tar") as tar:
        members = {m.name.removeprefix("./"): m for m in tar}
    assert "v" in members and "v/in-volume" not in members and not any(n.startswith("proc/") for n in members)
    a = members["e/a"]
    assert (a.uid, a.gid, a.mode, a.mtime) == (12, 34, 0o4711, 981173106)
    assert members["e/b"].islnk() and members["e/c"].linkname == "a" and members["e/p"].isfifo() and members["e/null"].ischr()
    cli("import", tmp_path / "root.tar", f"again-{cli.name}")
    seen = cli("run", "--rm", f"again-{cli.name}", "/bin/sh", "-c", "stat -c '%u %g %a %h' /e/a; cat /e/c; ls /v").stdout
    assert seen == "12 34 4711 2\n1\n"
    cli("rmi", f"again-{cli.name}")
    cli("rm", "-v", name)


def test_export_of_a_running_container(cli):
    name = f"exporting-{cli.name}"
    cli("run", "-d", "--init", "--name", name, "--tmpfs", "/mem", "busybox", "sh", "-c", "echo 1 >/mem/x; echo 2 >/y; sleep 1000")
    wait_until(lambda: cli("exec", name, "cat", "/y", check=False).stdout == "2\n")
    body = cli("export", name, text=False).stdout
    names = {m.name.removeprefix("./") for m in tarfile.open(fileobj=io.BytesIO(body))}
    assert {"y", "mem", "bin/busybox"} <= names and "mem/x" not in names
