"""The pages for people, read as what they show: fenced blocks, what stands above them, commands and their output.

A comment directly above a block says how a test deals with it:

* `<!-- not run: REASON -->`: nobody can run this here
* `<!-- file: PATH -->`: the reader saves this under PATH
* `<!-- in a terminal of its own -->`: it keeps running until the page ends
* `<!-- repeat until it looks so -->`: the reader repeats a command that only looks

A page that begins with `<!-- goes on from OTHER.md -->` is read in the terminal in which OTHER.md has ended.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from tests.shared import REPOSITORY

FENCE = re.compile(r"```(\w*)")
MARK = re.compile(r"<!-- (.*) -->")
GOES_ON = re.compile(r"^<!-- goes on from (\S+) -->$", re.MULTILINE)
#: What a reader would type into a terminal.
TYPED = {"console", "sh", "bash", "shell"}


@dataclasses.dataclass(frozen=True)
class Step:
    """One command, and what the page shows below it."""

    command: str
    shown: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def where(self):
        return f"{self.page}:{self.line}"

    @property
    def reason(self):
        """Why it is not run; empty when it is."""
        return self._after("not run: ")

    @property
    def file(self):
        """Under which name the reader saves it."""
        return self._after("file: ")

    @property
    def keeps_running(self):
        return self.mark == "in a terminal of its own"

    @property
    def repeats(self):
        return self.mark == "repeat until it looks so"

    @property
    def is_run(self):
        return self.language == "console" and not self.reason

    def _after(self, beginning):
        return self.mark.removeprefix(beginning) if self.mark.startswith(beginning) else ""

    def steps(self):
        """Commands begin with `$ ` and go on behind a backslash; everything else is what is shown."""
        found = []
        lines = iter(self.text.splitlines())
        for line in lines:
            if line.startswith("$ "):
                command = line[2:]
                while command.endswith("\\"):
                    command = f"{command[:-1]}{next(lines).strip()}"
                found.append(Step(command, ()))
            elif not found:
                raise ValueError(f"{self.where} shows output before its first command")
            else:
                found[-1] = Step(found[-1].command, (*found[-1].shown, line))
        return found


def pages():
    """Every page for people, by its path in the repository."""
    folder = REPOSITORY / "docs"
    files = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted(folder.rglob("*.md"))]
    return {str(file.relative_to(REPOSITORY)): file.read_text("utf-8") for file in files}


def blocks(page, text):
    """The fenced blocks of a page, in order."""
    found = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        begin = FENCE.fullmatch(lines[number])
        if begin:
            end = lines.index("```", number + 1)
            mark = MARK.fullmatch(lines[number - 1]) if number else None
            body = "\n".join(lines[number + 1 : end])
            found.append(Block(page, number + 1, begin[1], mark[1] if mark else "", body))
            number = end
        number += 1
    return found


def prose(text):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def chains():
    """Pages that are read one after the other in one terminal; each begins with one that starts anew."""
    texts = pages()
    follows = {
        page: str((Path(page).parent / found[1]).as_posix())
        for page, text in texts.items()
        if (found := GOES_ON.search(text))
    }
    runs = {page for page, text in texts.items() if any(block.is_run for block in blocks(page, text))}
    begun = {page: [page] for page in texts if page in runs and page not in follows}
    for page, before in follows.items():
        assert before in begun, f"{page} goes on from {before}, which runs nothing"
        begun[before].append(page)
    return begun


def pattern(shown):
    """What an output must look like: `...` stands for anything in a line, on a line of its own for any lines."""
    parts = []
    for line in shown:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(r".*?".join(re.escape(squeezed(part)) for part in line.rstrip().split("...")) + r"\n")
    return re.compile("".join(parts))


def squeezed(text):
    """Runs of blanks as one: columns are as wide as their content, which differs from run to run."""
    return re.sub(r"[ \t]+", " ", text)


def looks_so(shown, output, *, whole=True):
    """Whether an output is what the page shows; `whole` is false while more may come."""
    if not shown:
        return True
    text = "".join(f"{squeezed(line).rstrip()}\n" for line in output.rstrip().splitlines())
    wanted = pattern([squeezed(line) for line in shown])
    return bool(wanted.fullmatch(text) if whole else wanted.match(text))
