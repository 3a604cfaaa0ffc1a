from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.model import Secret
from sync.work.bell import Bell
from sync.work.children import Child
from sync.work.supervise import Supervisor
from tests.shared import PATIENCE_S, REPOSITORY, wait_until

ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of a parent's death")


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def python(code: str, **fields) -> dict:
    """A child that runs this code."""
    return {"name": "child", "argv": [sys.executable, "-u", "-c", code], **fields}


FOR_EVER = "import time\nwhile True: time.sleep(60)"


class Run:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, children: list[dict], *flags: str) -> None:
        self.folder = folder
        self.output = folder / f"output-{time.monotonic_ns()}"
        script = Path(__file__).with_name("supervisor_process.py")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, script, folder, json.dumps(children), *flags],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                # As a shell does it with what it starts in a terminal.
                process_group=0,
            )

    def text(self) -> str:
        return self.output.read_text()

    def lines(self) -> list[dict]:
        # The last one may be half written.
        return [json.loads(line) for line in self.text().splitlines(keepends=True) if line.endswith("\n")]

    def events(self, event: str, child: str | None = None) -> list[dict]:
        return [line for line in self.lines() if line["event"] == event and child in {None, line.get("child")}]

    def wait_for(self, event: str, child: str | None = None, count: int = 1) -> list[dict]:
        wait_until(lambda: len(self.events(event, child)) >= count, explain=self.text)
        return self.events(event, child)

    def wait_ready(self) -> None:
        wait_until((self.folder / "ready").exists, explain=self.text)

    def pid(self, child: str) -> int:
        return self.wait_for("started", child)[-1]["pid"]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def start(short_path):
    started = []

    def start(*children: dict, flags: tuple[str, ...] = ()) -> Run:
        started.append(Run(short_path, list(children), *flags))
        return started[-1]

    yield start
    for run in started:
        run.close()


@pytest.mark.parametrize("code", ["raise SystemExit(0)", "raise SystemExit(3)", "import os; os.kill(os.getpid(), 9)"])
def test_what_ends_is_started_again_whatever_its_exit_status(start, code):
    run = start(python(f"import time; time.sleep(0.1)\n{code}"))
    run.wait_for("started", count=3)
    assert run.stop() == 0


def test_a_killed_child_is_replaced_and_the_others_are_left_alone(start):
    run = start(python(FOR_EVER, name="one"), python(FOR_EVER, name="two"))
    first, other = run.pid("one"), run.pid("two")
    os.kill(first, signal.SIGKILL)
    run.wait_for("started", "one", count=2)
    assert run.events("ended", "one")[0]["status"] == "SIGKILL"
    assert len(run.events("started", "two")) == 1
    assert alive(other)


def test_what_ends_again_and_again_is_started_ever_later(start):
    began = time.monotonic()
    run = start(python("pass"))
    run.wait_for("started", count=4)
    # A quarter of a second, half of one and one.
    assert time.monotonic() - began > 1.75


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_all(start, signum):
    run = start(python(FOR_EVER, name="one"), python(FOR_EVER, name="two"))
    pids = [run.pid("one"), run.pid("two")]
    run.wait_ready()
    run.process.send_signal(signum)
    assert run.process.wait(PATIENCE_S) == 0
    assert not any(alive(pid) for pid in pids)


def test_a_child_may_finish_what_it_does(start, short_path):
    code = f"""
import pathlib, signal, sys, time
def stop(*_):
    time.sleep(1)
    pathlib.Path({str(short_path / "finished")!r}).touch()
    sys.exit()
signal.signal(signal.SIGTERM, stop)
print("ready")
while True: time.sleep(60)
"""
    run = start(python(code))
    run.wait_for("ready")
    assert run.stop() == 0
    assert (short_path / "finished").exists()


DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf')\nwhile True: time.sleep(60)"


def test_a_child_that_does_not_stop_is_killed_in_time(start):
    run = start(python(DEAF, stop_s=1))
    run.wait_for("deaf")
    pid = run.pid("child")
    began = time.monotonic()
    assert run.stop() == 1
    assert 0.9 < time.monotonic() - began < PATIENCE_S / 2
    assert not alive(pid)


def test_a_second_signal_kills_at_once(start):
    run = start(python(DEAF, stop_s=60))
    run.wait_for("deaf")
    run.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(PATIENCE_S) == 1


def test_a_child_gets_one_signal_only(start):
    """A worker takes a second one for: at once. So Ctrl-C, which goes to a terminal's whole group, is not theirs."""
    code = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("terminated"))
signal.signal(signal.SIGINT, lambda *_: print("interrupted"))
print("up")
end = time.monotonic() + 2
while time.monotonic() < end: time.sleep(0.05)
"""
    run = start(python(code, stop_s=30))
    run.wait_for("up")
    os.killpg(run.process.pid, signal.SIGINT)
    assert run.process.wait(PATIENCE_S) == 0
    assert len(run.events("terminated")) == 1
    assert not run.events("interrupted")


def test_stages_start_when_the_one_before_is_ready_and_stop_the_other_way_round(start, short_path):
    run = start(
        python(FOR_EVER, name="later", stage=1),
        python(FOR_EVER, name="first", stage=0, ready_file=str(short_path / "go")),
    )
    run.wait_for("started", "first")
    time.sleep(0.5)
    assert not run.events("started", "later")
    assert not (short_path / "ready").exists()
    (short_path / "go").touch()
    run.wait_for("started", "later")
    run.wait_ready()
    assert run.stop() == 0
    assert [line["child"] for line in run.events("stopped")] == ["later", "first"]


def test_a_stop_while_starting_is_a_stop(start, short_path):
    run = start(python(FOR_EVER, ready_file=str(short_path / "never")), python(FOR_EVER, name="later", stage=1))
    run.wait_for("started", "child")
    assert run.stop() == 0
    assert not run.events("started", "later")


def test_a_wrong_configuration_ends_all_with_its_status(start):
    run = start(python(FOR_EVER, name="other"), python(f"raise SystemExit({os.EX_CONFIG})"))
    assert run.process.wait(PATIENCE_S) == os.EX_CONFIG
    assert not alive(run.pid("other"))


def test_the_end_of_a_child_that_is_not_restarted_ends_all_with_its_status(start):
    run = start(python(FOR_EVER, name="other"), python("raise SystemExit(7)", restart=False))
    assert run.process.wait(PATIENCE_S) == 7


def test_a_child_that_ends_quickly_three_times_is_repaired(start, short_path):
    flag = short_path / "repaired"
    code = f"import pathlib, time\nif not pathlib.Path({str(flag)!r}).exists(): raise SystemExit(1)\ntime.sleep(60)"
    run = start(python(code, repair_file=str(flag)))
    run.wait_for("started", count=4)
    time.sleep(0.5)
    assert len(run.events("started")) == 4
    assert len(run.events("repairing")) == 1


def test_a_program_that_is_not_there_stops_nobody_else(start):
    run = start({"name": "missing", "argv": ["/no/such/program"]}, python(FOR_EVER, name="other"))
    run.wait_for("not_started", "missing", count=2)
    assert alive(run.pid("other"))
    assert run.stop() == 0


def test_what_children_print_is_json_with_their_name(start):
    code = """
import sys
print('{"event": "drained", "orders": 3}')
print("plain words")
print("{no json}")
print("half a line", end="")
sys.stdout.flush()
sys.stdout.buffer.write(b"\\n\\xff\\x1b[31m red\\n")
print("on stderr", file=sys.stderr)
print("x" * 200_000)
print("last without an end", end="")
"""
    run = start(python(code, restart=False))
    run.process.wait(PATIENCE_S)
    lines = [line for line in run.lines() if line["process"] == "child"]
    assert {"event": "drained", "orders": 3, "process": "child"} in lines
    texts = [line["event"] for line in lines]
    for text in ("plain words", "{no json}", "half a line", "\\xff\x1b[31m red", "on stderr", "last without an end"):
        assert text in texts
    assert sum(text.count("x") for text in texts if set(text) == {"x"}) == 200_000
    assert "\x1b" not in run.text()


def test_a_child_that_never_stops_printing_does_not_keep_us_from_the_others(start):
    run = start(python("while True: print('y' * 1000)", name="noisy"), python("pass", name="other"))
    run.wait_for("started", "other", count=2)
    assert run.stop() == 0


@pytest.mark.fault("A25")
def test_a_child_that_closes_its_output_costs_no_time(start):
    run = start(python("import os, time\nos.close(1); os.close(2)\ntime.sleep(60)"))
    run.wait_for("started")
    time.sleep(1)
    before = _cpu_s(run.process.pid)
    time.sleep(1)
    assert _cpu_s(run.process.pid) - before < 0.3
    assert run.stop() == 0


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@ON_LINUX
def test_nothing_is_left_when_the_supervisor_is_killed(start):
    run = start(python(FOR_EVER, name="one"), python(FOR_EVER, name="two"))
    pids = [run.pid("one"), run.pid("two")]
    run.process.kill()
    wait_until(lambda: not any(alive(pid) for pid in pids))


def test_two_runs_on_one_state_folder_are_refused(start, short_path):
    first = start(python(FOR_EVER))
    first.wait_for("started")
    second = start(python(FOR_EVER), flags=("impatient",))
    assert second.process.wait(PATIENCE_S) != 0
    assert f"in use by process {first.process.pid}" in second.text()
    assert alive(first.pid("child"))


@ON_LINUX
def test_a_run_waits_for_what_a_killed_one_left_behind(start, short_path):
    let_go = short_path / "let-go"
    while_kept = f"import pathlib\nwhile not pathlib.Path({str(let_go)!r}).exists(): time.sleep(0.05)"
    first = start(python(DEAF.replace("while True: time.sleep(60)", while_kept)))
    first.wait_for("deaf")
    left = first.pid("child")
    first.process.kill()
    first.process.wait()
    second = start(python(FOR_EVER))
    time.sleep(0.5)
    assert alive(left)
    assert "started" not in second.text()
    let_go.touch()
    second.wait_for("started")
    assert not alive(left)
    assert second.stop() == 0


@pytest.mark.fault("A25")
def test_a_full_disk_under_the_log_does_not_stop_the_work(short_path):
    script = Path(__file__).with_name("supervisor_process.py")
    went_on = short_path / "went-on"
    code = f"import pathlib, time\nprint('x' * 100000)\npathlib.Path({str(went_on)!r}).touch()\ntime.sleep(60)"
    with Path("/dev/full").open("wb") as full:
        process = subprocess.Popen(
            [sys.executable, script, short_path, json.dumps([python(code)])],
            stdout=full,
            stderr=subprocess.DEVNULL,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
    try:
        wait_until((short_path / "ready").exists)
        wait_until(went_on.exists)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


# With the real server and a real worker.


@pytest.fixture
def whole(start, short_path):
    run = start({"valkey": True})
    run.wait_for("worker_started")
    bell = Bell(Secret(f"unix://{short_path}/valkey.sock"))
    yield run, bell, lambda: (short_path / "steps").read_text() if (short_path / "steps").exists() else ""
    bell.close()


def test_a_ring_reaches_the_worker_again_after_the_server_was_killed(whole):
    run, bell, steps = whole
    bell.ring("before", "order")
    wait_until(lambda: "end before" in steps(), explain=run.text)
    os.kill(run.pid("valkey"), signal.SIGKILL)
    run.wait_for("started", "valkey", count=2)
    wait_until(lambda: bell.ring("after", "order"))
    wait_until(lambda: "end after" in steps(), explain=run.text)


@pytest.mark.fault("A9")
def test_a_stop_lets_the_running_drain_end_before_the_server_goes(whole):
    run, bell, steps = whole
    bell.ring("slow-2", "order")
    wait_until(lambda: "begin slow-2" in steps(), explain=run.text)
    assert run.stop() == 0
    assert "end slow-2" in steps()
    assert [line["child"] for line in run.events("stopped")] == ["worker", "valkey"]
    assert "Traceback" not in run.text()


@ON_LINUX
def test_a_killed_supervisor_leaves_no_server_no_worker_and_no_drain(whole):
    run, bell, steps = whole
    bell.ring("slow-3", "order")
    wait_until(lambda: "begin slow-3" in steps(), explain=run.text)
    pids = [run.pid("valkey"), run.pid("worker"), int(steps().split()[3])]
    run.process.kill()
    wait_until(lambda: not any(alive(pid) for pid in pids))
    assert "end slow-3" in steps()


@pytest.mark.fault("A9")
def test_rings_survive_a_restart_of_everything(whole, start):
    run, bell, steps = whole
    bell.ring("slow-2", "order")
    wait_until(lambda: "begin slow-2" in steps(), explain=run.text)
    assert bell.ring("kept", "order")
    assert run.stop() == 0
    assert "kept" not in steps()
    again = start({"valkey": True})
    wait_until(lambda: "end kept" in steps(), explain=again.text)


@pytest.mark.fault("A12")
def test_a_server_whose_file_is_broken_starts_empty_after_three_tries(start, short_path):
    folder = short_path / "valkey" / "appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.manifest").write_text("this is no manifest\n")
    run = start({"valkey": True})
    run.wait_for("repairing", "valkey")
    run.wait_for("worker_started")
    assert list(short_path.glob("valkey.broken-*"))


def test_children_need_names_of_their_own():
    twin = Child(name="a", argv=["true"])
    with pytest.raises(ValueError, match="same name"):
        Supervisor([twin, twin], lambda name, line: None)
