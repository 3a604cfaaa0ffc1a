"""The witness: what stands in the ledger is what happened, also after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from connectors.sandbox.ledger import Entry, Ledger, document_digest, read_ledger


def test_entries_are_numbered_timed_and_read_back_by_another_reader(tmp_path):
    path = tmp_path / "deep" / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append(Entry("sale.create", "shop:1", "17", "73.06", {"lines": ["ä 😀"]}))
        ledger.append_many([Entry("sale.confirm", "shop:1", "17"), Entry("sale.create", "shop:2", "18")])

        found = list(read_ledger(path))
    assert [(entry.seq, entry.kind, entry.key) for entry in found] == [
        (1, "sale.create", "shop:1"),
        (2, "sale.confirm", "shop:1"),
        (3, "sale.create", "shop:2"),
    ]
    assert found[0].document == {"lines": ["ä 😀"]}
    assert found[0].at.endswith("+00:00")


def test_an_unfinished_last_line_is_left_out_and_cut_before_the_next_entry(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append(Entry("a", "", "1"))
    with path.open("ab") as file:
        file.write(b'{"kind":"b","key":')

    assert [entry.kind for entry in read_ledger(path)] == ["a"]
    with Ledger(path) as ledger:
        ledger.append(Entry("c", "", "2"))
    assert [(entry.seq, entry.kind) for entry in read_ledger(path)] == [(1, "a"), (2, "c")]


def test_many_threads_write_whole_lines(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    threads = [
        threading.Thread(target=lambda: [ledger.append(Entry("a", "k", "1", document="x" * 500)) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(entry.seq for entry in ledger.entries()) == list(range(1, 401))
    ledger.close()


def test_what_was_appended_survives_a_kill(tmp_path):
    path = tmp_path / "ledger.jsonl"
    program = (
        "import sys, time; from pathlib import Path; from connectors.sandbox.ledger import Entry, Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for number in range(100): ledger.append(Entry('a', str(number), '1'))\n"
        "print('ready', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        os.kill(process.pid, signal.SIGKILL)

    assert [entry.key for entry in read_ledger(path)] == [str(number) for number in range(100)]


def test_without_a_path_entries_stay_in_memory():
    ledger = Ledger()
    ledger.append(Entry("a", "", "1"))

    assert not ledger.durable
    assert [entry.seq for entry in ledger.entries()] == [1]
    assert ledger.entries(since=1) == []


@pytest.mark.parametrize(
    ("one", "other", "equal"), [({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ([1, 2], [2, 1], False)]
)
def test_equal_documents_have_equal_digests(one, other, equal):
    assert (document_digest(one) == document_digest(other)) is equal
