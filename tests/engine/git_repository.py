# SPDX-License-Identifier: Apache-2.0
"""Git repositories that builds take their files from."""
import os
import subprocess

from conftest import write_files


def git(directory, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
                   "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    return subprocess.run(["git", "-c", "init.defaultBranch=main", *map(str, arguments)], cwd=directory, env=environment, check=True,
                          capture_output=True, text=True).stdout.strip()


class Repository:
    """A bare one in the directory `server.repositories`, which the server gives to whoever asks for `server.git_url` and
    its name; and a working directory to fill it from."""

    def __init__(self, server, name):
        self.bare, self.work = server.repositories / f"{name}.git", server.repositories.parent / f"work-{name}"
        self.url = f"{server.git_url}{name}.git"
        subprocess.run(["git", "init", "-q", "--bare", self.bare], check=True)
        git(self.bare, "symbolic-ref", "HEAD", "refs/heads/main")
        self.work.mkdir()
        git(self.work, "init", "-q", ".")
        git(self.work, "remote", "add", "origin", self.bare)

    def commit(self, files, *more):
        write_files(self.work, files)
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "-m", "change")
        git(self.work, "push", "-q", "origin", "HEAD:refs/heads/main")
        for words in more:
            git(self.work, *words)
        return git(self.work, "rev-parse", "HEAD")
