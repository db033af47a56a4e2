# SPDX-License-Identifier: Apache-2.0
"""The package for Debian: on a system that has nothing else of ours, under its own systemd."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import machine

PACKAGES = "systemd,systemd-sysv,kmod,passwd,procps,libcurl4,libisal2,libseccomp2,libsqlite3-0,libssl3"


def clean_debian():
    """A directory with a Debian 12 that is enough to install hull on; made once."""
    root = machine.BUILD / "vm" / "debian"
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        fresh = root.with_name(f"debian.{os.getpid()}")
        try:
            subprocess.run(["nice", "mmdebstrap", "--mode=root", "--variant=minbase", f"--include={PACKAGES}", "--aptopt=APT::Sandbox::User \"root\"",
                            "--dpkgopt=path-exclude=/usr/share/doc/*", "bookworm", fresh], check=True, capture_output=True, timeout=900)
            fresh.rename(root)
        except (OSError, subprocess.SubprocessError) as reason:
            shutil.rmtree(fresh, ignore_errors=True)
            pytest.skip(f"there is no clean Debian to be had: {reason}")
    return root


def packages(directory):
    """What `make deb` makes, and the same as the next version."""
    subprocess.run(["cpack", "-B", directory / "built"], cwd=machine.BUILD, check=True, capture_output=True)
    built = next((directory / "built").glob("*.deb"))
    built.rename(directory / "old.deb")
    subprocess.run(["dpkg-deb", "-R", directory / "old.deb", directory / "tree"], check=True)
    control = directory / "tree/DEBIAN/control"
    control.write_text("".join("Version: 9.9.9\n" if line.startswith("Version:") else line
                               for line in control.read_text().splitlines(keepends=True)))
    subprocess.run(["dpkg-deb", "-Znone", "-b", directory / "tree", directory / "new.deb"], check=True, capture_output=True)
    shutil.rmtree(directory / "tree")
    shutil.rmtree(directory / "built")


def test_the_package_is_installed_upgraded_and_removed(busybox):
    root = clean_debian()
    # The machine sees its own root alone: what it needs lies in there.
    shared = pathlib.Path(tempfile.mkdtemp(dir=root / "var/tmp"))
    packages(shared)
    shutil.copyfile(busybox, shared / "busybox.tar")
    shutil.copy(pathlib.Path(__file__).with_name("package.sh"), shared)
    inside = f"/var/tmp/{shared.name}"
    try:
        status, output = machine.run(f"sh {inside}/package.sh {inside}", timeout=600, systemd=True, root=root)
    except machine.Unavailable as reason:
        pytest.skip(str(reason))
    finally:
        shutil.rmtree(shared)
    lines = output.splitlines()
    for expected in ("installed: socket active enabled, service active enabled", "socket 660 root:hull",
                     "upgraded to 9.9.9 under the same container", "the engine is another one", "page after upgrade: page",
                     "killed engine came back to the same container", "stopped: inactive", "activated by its socket: active",
                     "told about containers: 1", "removed: socket inactive, service inactive, processes 0",
                     "what it kept is still there", "after another install: running, page"):
        assert expected in lines, output
    assert status == 0 and "rm -rf /var/lib/hull" in output, output
    version = (machine.BUILD / "CMakeCache.txt").read_text().split("CMAKE_PROJECT_VERSION:STATIC=")[1].split()[0]
    assert f"member sees {version}" in lines, output
    stranger = next(line for line in lines if line.startswith("stranger: "))
    assert "permission denied" in stranger and "usermod -aG hull" in stranger, output
    assert "left behind" not in output and "in vain" not in output, output
