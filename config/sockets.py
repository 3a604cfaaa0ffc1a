"""Where the embedded queue listens: a unix socket, whose path the operating system lets be only so long."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

#: `sun_path` holds 104 bytes with its closing NUL on macOS, 108 on Linux.
MAX_SOCKET_BYTES: Final = 103


def socket_url(state_folder: Path) -> str:
    """`unix://` URL of the socket in this folder, or, where that is too deep, in a short one that belongs to it.

    Every process of an installation must come to the same answer, so nothing but the folder and the user decides.
    """
    path = quote(str(state_folder / "valkey.sock"))
    if len(path) > MAX_SOCKET_BYTES:
        folder = hashlib.blake2b(os.fsencode(state_folder), digest_size=8).hexdigest()
        # Not TMPDIR, which differs between a login and a service. Who starts the server sees to it that it is ours.
        path = f"/tmp/crossdock-{os.getuid()}-{folder}/valkey.sock"  # noqa: S108
    return f"unix://{path}"
