# SPDX-License-Identifier: Apache-2.0
"""Volumes on file servers: nfs and cifs, whose clients are modules of Debian's kernel, as is a server for nfs; Samba is the
other one."""
import importlib.util
import pathlib
import shutil

import pytest

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)


def test_nfs_and_cifs(busybox):
    if not shutil.which("rpc.nfsd", path="/usr/sbin:/sbin"):
        pytest.skip("the package nfs-kernel-server is not installed")
    if not shutil.which("smbd", path="/usr/sbin:/sbin"):
        pytest.skip("the package samba is not installed")
    output = machine.run_script("shares.sh", busybox)
    lines = output.splitlines()
    for expected in ("nfs: before its use 0", "nfs: over the wire", "nfs: in use 1 1", "nfs: after a crash", "nfs: after its use 0",
                     "nfs: touch: /data/file: Read-only file system", "nfs: removed, /srv/nfs/file",
                     "cifs: over the wire", "cifs: in use 1 1", "cifs: after its use 0",
                     "cifs: touch: /data/file: Read-only file system", "cifs: removed"):
        assert expected in lines, f"missing: {expected}\n{output}"
    for start, end in (("nfs missing: ", "there is no :/nothing here"), ("nfs nowhere: ", "Temporary failure in name resolution"),
                       ("nfs down: ", "the server does not answer: connection refused"),
                       ("cifs: ", "the server does not answer: connection refused"),
                       ("cifs missing: ", "there is no //127.0.0.1/nothing here"), ("cifs locked: ", "Permission denied")):
        assert any(line.startswith(start) and line.endswith(end) for line in lines), f"missing: {start}… {end}\n{output}"
    assert "secret" not in output, "a password is nothing to be printed"
