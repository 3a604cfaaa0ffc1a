"""A supervisor with the children that argv[2] declares as JSON; started by test_supervise.py.

argv: a state folder, and a list of fields of `Child`. `valkey: true` in place of fields is the embedded server, with a
worker_process.py on it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from config.logging import LineWriter, configure_logging
from config.settings import Settings
from sync.work.children import Child
from sync.work.run import held, valkey
from sync.work.supervise import Supervisor

folder, declared = Path(sys.argv[1]), json.loads(sys.argv[2])
settings = Settings.from_env({"CROSSDOCK_STATE": str(folder), "CROSSDOCK_LOG_FORMAT": "json"})
configure_logging(settings, "run")
children = []
for fields in declared:
    if "valkey" in fields:
        script = Path(__file__).with_name("worker_process.py")
        worker = [sys.executable, str(script), settings.redis_url.reveal(), str(folder / "steps")]
        children += [valkey(settings, {}), Child(name="worker", argv=worker, stage=1, stop_s=20)]
        continue
    if "ready_file" in fields:
        path = Path(fields.pop("ready_file"))
        fields["ready"] = path.exists
    if "repair_file" in fields:
        fields["repair"] = Path(fields.pop("repair_file")).touch
    children.append(Child(**fields))
with held(folder, patience_s=0.5 if "impatient" in sys.argv else 10) as lock:
    supervisor = Supervisor(children, LineWriter(sys.stdout, settings).write, pass_fds=[lock])
    sys.exit(supervisor.run(on_ready=(folder / "ready").touch))
