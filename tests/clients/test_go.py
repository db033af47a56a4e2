# SPDX-License-Identifier: Apache-2.0
"""Docker's client library for Go: go/main.go says what it does."""
from client_programs import client_engine, installed, program_image, run  # noqa: F401


def test_the_go_client_does_its_ordinary_work(client_engine):  # noqa: F811
    assert run(client_engine, [installed("go") / "go-client.bin"]).startswith("all is well with 1.51")
