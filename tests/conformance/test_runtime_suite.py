# SPDX-License-Identifier: Apache-2.0
"""The validation suite of the OCI runtime-tools, every program of it against hull-runtime on this machine."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import BUILD
from runtime_bundles import RUNTIME, cgroup_mounts
from runtime_suite import PROGRAMS, unexpected

HERE = pathlib.Path(__file__).parent
SUITE = BUILD / "runtime-tools"
# Answers that only come in time on a machine with nothing else to do: those programs may try again.
IMPATIENT = {"killsig", "kill", "poststop", "poststart"}


def has_hierarchy(controller):
    unified = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
    if unified.exists():
        return controller in unified.read_text().split()
    return any(controller in pathlib.Path(point).name.split(",") for point in cgroup_mounts())


def cannot_be(program):
    """Why this machine cannot answer, or nothing."""
    wanted = program.replace("relative_", "").removeprefix("linux_cgroups_")
    controllers = {"hugetlb": "hugetlb", "network": "net_cls"}
    if wanted in controllers and not has_hierarchy(controllers[wanted]):
        return f"no control groups of {controllers[wanted]}"
    if program == "process_capabilities":
        bounding = int(re.search(r"CapBnd:\t(\w+)", pathlib.Path("/proc/self/status").read_text())[1], 16)
        if ~bounding & (1 << 24):
            return "we have no CAP_SYS_RESOURCE to give"
    return None


@pytest.fixture(scope="module")
def suite():
    if not shutil.which("go"):
        pytest.skip("no Go toolchain to build the suite with")
    done = subprocess.run([HERE / "install-runtime-tools.sh", SUITE], capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0:
        pytest.skip("the suite cannot be had here: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    return SUITE


@pytest.fixture(scope="module")
def results(suite, tmp_path_factory):
    """(exit code, output) by program. Those about limits share the name of a control group: one after the other."""
    directory = tmp_path_factory.mktemp("suite")
    wrapper = directory / "runtime"
    wrapper.write_text(f'#!/bin/sh\nexec {RUNTIME} --root {directory}/state "$@"\n')
    wrapper.chmod(0o755)

    def run(program):
        try:
            done = subprocess.run([suite / "bin" / program], cwd=suite, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=120, check=False,
                                  env={**os.environ, "RUNTIME": str(wrapper), "TMPDIR": str(directory)})
        except subprocess.TimeoutExpired as late:
            return 255, f"not done after {late.timeout} s"
        return done.returncode, done.stdout + done.stderr

    def run_all(programs):
        return {program: run(program) for program in programs}

    def run_patiently(program):
        for _ in range(3):
            answer = run(program)
            if not unexpected(program, *answer):
                break
        return {program: answer}

    limits = [program for program in PROGRAMS if "cgroups" in program or program.startswith("delete_")]
    patient = [program for program in PROGRAMS if program in IMPATIENT]
    others = [program for program in PROGRAMS if program not in limits and program not in patient]
    found = {}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(run_all, limits), *(pool.submit(run_all, [one]) for one in others)]
        for job in jobs:
            found.update(job.result())
    for program in patient:
        found.update(run_patiently(program))
    left = list((directory / "state").iterdir()) if (directory / "state").is_dir() else []
    for path in left:
        subprocess.run([wrapper, "delete", "--force", path.name], check=False)
    return found


def test_every_program_is_here(suite):
    """A new version of the suite may have more."""
    assert sorted(path.name for path in (suite / "bin").iterdir()) == sorted(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_suite(program, results):
    if reason := cannot_be(program):
        pytest.skip(reason)
    code, output = results[program]
    assert not unexpected(program, code, output), output[-6000:]
