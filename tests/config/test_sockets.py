from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from config.settings import Settings
from config.sockets import MAX_SOCKET_BYTES, socket_url


def path_of(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


@pytest.mark.parametrize("name", ["crossdock", "with space", "100%25", "a#b", "a?b", "größe"])
def test_the_socket_lies_in_the_state_folder(name):
    folder = Path("/var/lib") / name
    assert path_of(socket_url(folder)) == folder / "valkey.sock"


DEEP = Path("/", *["deep-folder"] * 20)


def test_a_folder_that_is_too_deep_gets_a_short_one_of_its_own():
    path = path_of(socket_url(DEEP))
    assert len(os.fsencode(path)) <= MAX_SOCKET_BYTES
    assert path == path_of(socket_url(DEEP))
    assert path.parent != path_of(socket_url(DEEP / "other")).parent
    assert str(os.getuid()) in path.parent.name


def test_the_operating_system_takes_a_path_of_the_longest_kind(short_path):
    folder = short_path / ("x" * (MAX_SOCKET_BYTES - len(str(short_path)) - len("/") - len("/valkey.sock")))
    folder.mkdir()
    path = path_of(socket_url(folder))
    assert path.parent == folder
    assert len(os.fsencode(path)) == MAX_SOCKET_BYTES
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def test_the_settings_of_a_deep_state_folder_are_not_refused():
    settings = Settings.from_env({"CROSSDOCK_STATE": str(DEEP)})
    assert settings.redis_url.reveal() == socket_url(DEEP)
