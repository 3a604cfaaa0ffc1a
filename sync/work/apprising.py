"""One message by apprise, in a process of its own: `python -m sync.work.apprising`, with JSON on its stdin.

The library loads some hundred services, each with time-outs, threads and warnings of its own. Here none of them can
hang, slow or spoil a process of ours, and the address with its passwords stands in no list of processes.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import warnings

#: Of what the library says, this much is told.
_SAID = 500


def main() -> int:
    """Send {url, title, body}; prints {sent, said}. The exit status is 0 where the library came to its end."""
    given = json.load(sys.stdin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise  # noqa: PLC0415 - it warns when it is imported

        heard = io.StringIO()
        handler = logging.StreamHandler(heard)
        logger = logging.getLogger("apprise")
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
        # Nothing is kept on disk, and no plug-ins of the user's home are run.
        asset = apprise.AppriseAsset(plugin_paths=[], storage_mode=apprise.PersistentStoreMode.MEMORY)
        service = apprise.Apprise(asset=asset)
        sent = bool(service.add(given["url"])) and bool(service.notify(title=given["title"], body=given["body"]))
    json.dump({"sent": sent, "said": " ".join(heard.getvalue().split())[:_SAID]}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
