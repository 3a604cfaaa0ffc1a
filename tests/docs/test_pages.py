"""The reader of the pages: what it takes for a command, for its output, and for a match."""

from __future__ import annotations

import pytest

from tests.docs.pages import Block, Step, blocks, looks_so

PAGE = """\
# A page

<!-- not run: it takes a day -->
```console
$ make world
```

```console
$ echo one \\
    two
one two
$ true
```

<!-- file: a.yaml -->
```yaml
a: 1
```
"""


def test_a_block_knows_its_place_and_what_stands_above_it():
    world, echo, file = blocks("a.md", PAGE)
    assert (world.where, world.is_run, world.reason) == ("a.md:4", False, "it takes a day")
    assert (echo.is_run, echo.mark) == (True, "")
    assert (file.file, file.language, file.text) == ("a.yaml", "yaml", "a: 1")


def test_commands_go_on_behind_a_backslash_and_what_follows_is_what_is_shown():
    assert blocks("a.md", PAGE)[1].steps() == [Step("echo one two", ("one two",)), Step("true", ())]


def test_output_before_the_first_command_is_a_mistake():
    with pytest.raises(ValueError, match=r"a\.md:1 shows output"):
        Block("a.md", 1, "console", "", "one\n$ true").steps()


@pytest.mark.parametrize(
    ("shown", "output"),
    [
        (["one", "two"], "one\ntwo\n"),
        (["o..."], "one"),
        (["...ne...wo"], "one two"),
        (["one", "..."], "one"),
        (["one", "...", "four"], "one\ntwo\nthree\nfour"),
        (["| a | b |"], "|   a |      b |"),
        (["(x) [y] a.b*"], "(x) [y] a.b*"),
        ([], "anything"),
    ],
)
def test_what_looks_as_it_is_shown(shown, output):
    assert looks_so(shown, output)


@pytest.mark.parametrize(
    ("shown", "output"),
    [
        (["one"], "one\ntwo"),
        (["one", "two"], "one"),
        (["a.c"], "abc"),
        (["one...two"], "one\ntwo"),
        (["one", "...", "four"], "one\ntwo\nfour and more"),
        (["a b"], "ab"),
        (["one"], ""),
    ],
)
def test_what_looks_different(shown, output):
    assert not looks_so(shown, output)


def test_more_may_come_while_a_program_runs():
    assert looks_so(["...", "ready"], "one\nready\nthree\n", whole=False)
    assert not looks_so(["ready"], "not yet\nready\n", whole=False)
