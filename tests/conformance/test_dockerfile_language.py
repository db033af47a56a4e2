# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles, words, ignore files, git references and modes, read by us and by BuildKit's own packages.

BuildKit's side is built once with Go from the module proxy; where that is not possible these tests skip. What differs on
purpose is in `same_parse`, `same_lint` and docs/dockerfile.md.
"""
import json
import os
import pathlib
import random
import re
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HULL_BUILD", SOURCE / "build"))
CORPUS = SOURCE / "tests/corpus/dockerfile"


@pytest.fixture(scope="session")
def reference():
    script = SOURCE / "scripts/build-dockerfile-reference"
    try:
        built = subprocess.run([script, BUILD / "dockerfile-reference"], capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"BuildKit's packages cannot be built here: {error}")
    if built.returncode != 0:
        pytest.skip(f"BuildKit's packages cannot be built here: {built.stderr.strip()[-300:]}")
    return built.stdout.strip()


def ask(program, questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    answered = subprocess.run([program], input=lines.encode(), capture_output=True, timeout=300)
    assert answered.returncode == 0, answered.stderr.decode(errors="replace")[-1000:]
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    assert len(answers) == len(questions)
    return answers


def compare(reference, questions, same):
    ours = ask(BUILD / "tests/dockerfile_answers", questions)
    theirs = ask(reference, questions)
    different = [(question, mine, other) for question, mine, other in zip(questions, ours, theirs)
                 if not same(question, mine, other)]
    assert not different, "\n".join(f"{question!r}\n  we:       {mine!r}\n  BuildKit: {other!r}"
                                    for question, mine, other in different[:5])


def failed(answer):
    return answer.startswith("error")


def same_parse(question, ours, theirs):
    if failed(ours) and failed(theirs):
        # Which of several errors comes first differs: BuildKit goes through the file twice.
        return True
    if failed(ours):
        return "onbuild" in question[1].lower()  # triggers that could never run are refused where they are written
    return ours == theirs


def same_error(question, ours, theirs):
    """For files with exactly one error: the line and the sentence."""

    def plain(answer):
        answer = re.sub(r"(no build stage in current context).*\"", r'\1"', answer)  # ours says more
        return re.sub(r" \(did you mean [^)]*\?\)", "", answer)  # and suggests in more places

    ours, theirs = plain(ours), plain(theirs)
    # BuildKit counts the lines of directives from 0, and gives no line for a file without stages.
    if "parser directive" in ours or "escape token" in ours or "no stages" in ours:
        ours, theirs = ours.split(":", 1)[1], theirs.split(":", 1)[1]
    return ours == theirs


def same_words(_, ours, theirs):
    return failed(ours) == failed(theirs) if failed(theirs) else ours == theirs


def same_lint(_, ours, theirs):
    if theirs.endswith("error\n"):  # BuildKit stops earlier in some files; ours warns about more of them
        return ours.endswith("error\n")
    hint = re.compile(r" \(did you mean [^)]*\)")  # of several names at the same distance any may be suggested
    return hint.sub("", ours) == hint.sub("", theirs)


def corpus(kind):
    return [path.read_bytes().decode() for path in sorted((CORPUS / kind).glob("*.dockerfile"))]


def test_the_corpus_parses_as_buildkit_parses_it(reference):
    compare(reference, [["parse", text] for text in corpus("valid")], lambda _, ours, theirs: ours == theirs)


def test_refusals_are_buildkits(reference):
    compare(reference, [["parse", text] for text in corpus("invalid")], same_error)


TOKENS = """FROM RUN COPY ADD ENV ARG LABEL CMD ENTRYPOINT SHELL EXPOSE VOLUME USER WORKDIR ONBUILD HEALTHCHECK STOPSIGNAL
MAINTAINER run Copy -- --from=a --mount=type=cache,target=/x --mount=type=secret,id=a,env --mount="type=bind,ro" --link
--chown=1:2 --chmod=u+x --exclude=*.c --parents --network=host --security=insecure --device=a.b/c=d,required --interval=5s
--retries=3 --timeout=1h2m --checksum=sha256:1 --keep-git-dir --unpack=false --platform=linux/arm64 [] ["a" ["a",1] # #syntax=x
NONE AS as name <<EOF <<-EOF <<"EOF" EOF 3<<X X é 80 80/tcp 90-92/udp a b / . * , "] \\ \\\\ " ' = a=1 $x ${x} ${x:-y} \\" scratch
debian:12""".split() + [" ", "\t", "\n", "\n", "\\\n", " \\\n", "\\ \n", "`\n", '"a b"', "'c d'", 'b="x y"', '["a", "b"]',
                        "# escape=`", "\tEOF", "\r\n", "CMD x"]


def damaged(chance, texts):
    text = list(chance.choice(texts))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text) + 1)
        if chance.random() < 0.4:
            del text[at:at + chance.randint(1, 5)]
        else:
            text[at:at] = chance.choice(TOKENS)
    return "".join(text)


def composed(chance):
    text = "FROM scratch\n"
    for _ in range(chance.randint(1, 2)):
        text += chance.choice(TOKENS[:20]) + " "
        text += "".join(chance.choice(TOKENS) + chance.choice(["", " ", " "]) for _ in range(chance.randint(0, 8))) + "\n"
    return text


def test_random_files_parse_as_buildkit_parses_them(reference):
    chance = random.Random(1)
    texts = corpus("valid")
    questions = [["parse", composed(chance) if chance.random() < 0.6 else damaged(chance, texts)] for _ in range(6000)]
    compare(reference, [question for question in questions if question[1]], same_parse)


def test_variables_are_expanded_as_buildkit_does(reference):
    chance = random.Random(2)
    plain = ["$", "{", "}", "a", "b", "abc", "x", "_", "1", "*", "?", "#", "%", "/", ":-", "-", "+", "\\", "\\\\", "`", '"', "'",
             " ", "  ", "<<", "<", '\\"', "\\$", "$a", "${b}", "é", "$?", "$1", ".", "o", "[", "]"]
    modifiers = ["${", "##", "%%", "//", ":+", ":?", "${abc:-", "${a#", "${b%", "${a/", "${a##*/}", "${b%%.*}", "${a//o/0}",
                 "\\*", "\\?"]
    questions = []
    for _ in range(20000):
        mode = chance.choice(["word", "word", "raw", "words"])
        # BuildKit loses what stands before a modifier where it splits words (EXPOSE).
        tokens = plain if mode == "words" else plain + modifiers
        text = "".join(chance.choice(tokens) for _ in range(chance.randint(1, 10)))
        questions.append(["expand", text, chance.choice("\\\\`"), mode, "a=foo/bar.tar.gz", "b=a.b.c", "x=", "abc=two words",
                          "_=u*o?", "o=é\\ü"])
    compare(reference, questions, same_words)


def test_ignore_rules_match_as_docker_matches_them(reference):
    chance = random.Random(3)
    elements = ["a", "b", "c", "ab", "a.c", "*.c", "*", "?", "**", "**/", "[ab]", "[^a]", "a*", "*b", ".", "..", "\\*", "\\?",
                "x y", "a?c", "*.[ch]", "**.c", "***", "a**b"]
    names = ["a", "b", "c", "ab", "a.c", "x.h", "b.c", "x y", "abc", "a*", "*"]
    questions = []
    for _ in range(6000):
        lines = [chance.choice(["", "", "", "!", "/", "!/", "./", "# ", " "]) +
                 "/".join(chance.choice(elements) for _ in range(chance.randint(1, 3))) +
                 chance.choice(["", "", "", "/", "/**", "\r", " "]) for _ in range(chance.randint(1, 5))]
        tree = set()
        for _ in range(15):
            path = [chance.choice(names) for _ in range(chance.randint(1, 4))]
            tree.update("/".join(path[:length + 1]) for length in range(len(path)))
        questions.append(["ignore", "\n".join(lines)] + sorted(tree, key=lambda path: path.split("/")))
    compare(reference, questions, same_words)


def test_git_references_are_understood_as_buildkit_does(reference):
    chance = random.Random(4)
    queries = ["ref=x", "ref=", "tag=v1", "branch=b", "subdir=x", "commit=abc", "checksum=abc", "submodules", "submodules=false",
               "keep-git-dir=true", "mtime=commit", "mtime=x", "fetch-by-commit", "x=1"]
    questions = []
    for _ in range(6000):
        text = chance.choice(["https://", "http://", "git://", "ssh://git@", "git@", "github.com/", "ssh://", "user@", "./", ""])
        text += chance.choice(["github.com", "h:22", "h"]) + chance.choice(["/", "/", ":"])
        text += chance.choice(["o/r.git", "o/r", "r.git", ".git", "a b.git", "r.git/", "a%20b.git"])
        if chance.random() < 0.4:
            text += "?" + "&".join(chance.choice(queries) for _ in range(chance.randint(1, 3)))
        text += chance.choice(["", "", "#main", "#:sub", "#v1:a/../b", "#a:b:c", "#", "#%20"])
        questions.append(["git", text])
    compare(reference, questions, lambda _, ours, theirs: ours == theirs)


def test_modes_change_bits_as_buildkit_changes_them(reference):
    chance = random.Random(5)

    def clause():
        who = "".join(chance.choice("augo") for _ in range(chance.randint(0, 2)))
        return who + "".join(chance.choice("+-=") + "".join(chance.choice("rwxXstugo") for _ in range(chance.randint(0, 3)))
                             for _ in range(chance.randint(1, 2)))

    special = ["755", "0644", "8", "7777", "+", "u", "u+q", "a=rwx,", "17777", "0", "01000"]
    questions = [["mode", chance.choice(special) if chance.random() < 0.1 else
                  ",".join(clause() for _ in range(chance.randint(1, 3))),
                  chance.choice(["file", "directory"]), "%04o" % chance.randrange(0o10000)] for _ in range(10000)]
    compare(reference, questions, lambda _, ours, theirs: ours == theirs)


class LintFiles:
    """Files that mostly build and that give reasons for most of the checks."""

    VALUES = ["$A", "${B}", "$UNSET", "${PAHT}", "$PATH", "${A:-x}", "$TARGETARCH", "$HTTP_PROXY", "x", "/abs", "y"]

    def __init__(self, seed):
        self.chance = random.Random(seed)

    def value(self):
        return self.chance.choice(self.VALUES)

    def word(self, word):
        return self.chance.choice([word] * 6 + [word.lower(), word.title()])

    def instruction(self, stages):
        return self.chance.choice([
            self.word("RUN") + " echo hi", f"{self.word('ENV')} A={self.value()} B={self.value()}", f"ENV LEG {self.value()}",
            f"ARG A={self.value()} MY_TOKEN", "ARG B", f"WORKDIR {self.value()}", f"CMD echo {self.value()}", 'CMD ["a"]',
            "ENTRYPOINT x", "EXPOSE " + self.chance.choice(["80", "80/TCP", "127.0.0.1:80:80", "5000-5002", "80:80/udp"]),
            f"COPY {self.value()} {self.value()} /d/", "COPY --from=" + self.chance.choice(stages + ["0", "busybox"]) + " /a /b",
            f"LABEL a {self.value()}", f"LABEL x={self.value()}", f"HEALTHCHECK CMD {self.value()}",
            'SHELL ["/bin/bash","-c"]', "MAINTAINER me",
            "ONBUILD " + self.chance.choice(["RUN x", "ENV Z=$A", "CMD foo", "WORKDIR rel", "COPY $ZZ /"]),
            f"RUN --mount=type=cache,target=/c{self.value()} a \\\n\n b", "USER $U", "STOPSIGNAL ${S:-TERM}",
            'COPY <<E /x\n$Q "$A"\nE', "ENV API_KEY=1 public_key=2"])

    def stage(self, stages):
        base = self.chance.choice(["busybox", "scratch", "alpine:$V", "$BASE", "${IMG}"] + stages + stages)
        platform = self.chance.choice([""] * 5 + ["--platform=$TARGETPLATFORM ", "--platform=linux/arm64 ",
                                                  "--platform=${TARGETPLATFROM:-linux/arm64} "])
        name = self.chance.choice(["", "base", "Build", "final", "arm64-x", "context"])
        text = self.chance.choice(["", "", "", "# check=skip=StageNameCasing\n", "# base stuff\n"])
        text += f"{self.word('FROM')} {platform}{base}"
        if name:
            text += f" {self.chance.choice(['AS', 'as', 'As'])} {name}"
            stages.append(name.lower())
        text += "\n"
        for _ in range(self.chance.randint(0, 6)):
            if self.chance.random() < 0.08:
                text += "# check=skip=" + self.chance.choice(["all", "SecretsUsedInArgOrEnv", "UndefinedVar;error=true"]) + "\n"
            text += self.instruction(stages) + "\n"
        return text

    def question(self):
        text = self.chance.choice([""] * 8 + ["# check=skip=all\n", "# check=error=true\n", "# check=experimental=all\n"])
        for argument in self.chance.sample(["V=1", "BASE=debian", "IMG", "A", "B=2", "NOPA=3"], self.chance.randint(0, 4)):
            text += f"{self.word('ARG')} {argument}\n"
        stages = []
        for _ in range(self.chance.randint(1, 3)):
            text += self.stage(stages)
        return ["lint", text] + self.chance.sample(["A=argA", "BASE=ubuntu", "IMG=img", "TARGETARCH=x"],
                                                   self.chance.choice([0, 0, 1, 2]))


def test_build_checks_warn_as_buildkit_warns(reference):
    files = LintFiles(6)
    compare(reference, [files.question() for _ in range(3000)], same_lint)


def test_targets_and_outlines_are_shown_as_buildkit_shows_them(reference):
    files = LintFiles(7)
    texts = [[text] for text in corpus("valid")] + [files.question()[1:] for _ in range(1000)]

    def same(question, ours, theirs):
        # BuildKit's list of targets panics on some comments, and its outline ends with errors of the whole build. Arguments
        # of one line come in any order there. Triggers of stages are not in our outlines.
        return theirs in ("panic", "error") or "onbuild" in question[1].lower() or sorted(ours) == sorted(theirs)

    compare(reference, [["targets", text[0]] for text in texts], same)
    compare(reference, [["outline"] + text for text in texts], same)
