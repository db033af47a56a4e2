# SPDX-License-Identifier: Apache-2.0
"""Orders for the fault points of hulld and hull-shim (src/base/fault.h): a directory of files named after places."""
import os
import pathlib
import tempfile

import pytest


class FaultPoints:
    def __init__(self, parent=None):
        # Processes of other users pass by, too.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hull-faults-", dir=parent))
        self.directory.chmod(0o777)
        self.passed_file = self.directory / "passed"

    def order(self, place, what):
        path = self.directory / place
        path.write_text(what)
        path.chmod(0o666)

    def hit(self, place):
        """Whether somebody has taken the order for `place`."""
        return not (self.directory / place).exists()

    def withdraw(self):
        for path in self.directory.iterdir():
            path.unlink()

    def record(self):
        self.passed_file.write_text("")
        self.passed_file.chmod(0o666)

    def passed(self):
        """Every place that was passed since record(), in order, each once."""
        places = list(dict.fromkeys(self.passed_file.read_text().splitlines()))
        self.passed_file.unlink()
        return places

    def close(self):
        self.withdraw()
        os.rmdir(self.directory)


@pytest.fixture(scope="module")
def faults():
    points = FaultPoints()
    yield points
    points.close()
