"""The printable files of documents, for handing out: under a name and of a type that nobody's browser or disk minds."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Final

from sync.store.documents import load_documents
from sync.store.engine import Store
from sync.store.files import KeptFile, load_file, load_file_of, newest_files
from sync.store.orders import StoredOrder

#: What is handed out as what it says it is; anything else (HTML, scripts) goes as bytes without a meaning.
_TYPES: Final[Mapping[str, str]] = {
    "application/pdf": ".pdf",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/zip": ".zip",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "text/csv": ".csv",
    "text/plain": ".txt",
}
_BYTES: Final = "application/octet-stream"
#: Letters and digits of any script; no separators of paths, no quotes, no signs that turn the direction of a text.
_UNSAFE: Final = re.compile(r"[^\w.-]+")
_MAX_NAME: Final = 80


@dataclasses.dataclass(frozen=True, slots=True)
class HandedOut:
    """One file as it may leave us."""

    name: str
    content_type: str
    body: bytes


def hand_out(kept: KeptFile, body: bytes) -> HandedOut:
    """The name ends in what the type is, whatever the other system called it."""
    content_type = kept.content_type.partition(";")[0].strip().lower()
    extension = _TYPES.get(content_type)
    stem = _UNSAFE.sub("-", kept.name.rpartition("/")[2].rpartition("\\")[2]).strip("-. ")[:_MAX_NAME] or "file"
    name = stem if extension and stem.lower().endswith(extension) else f"{stem}{extension or '.bin'}"
    return HandedOut(name, content_type if extension else _BYTES, body)


def file_by_token(store: Store, token: str) -> HandedOut | None:
    """For whoever has a signed link; None for a token that is not ours."""
    found = store.read(lambda c: load_file(c, token))
    return None if found is None else hand_out(*found)


def file_of_order(store: Store, order: StoredOrder, token: str) -> HandedOut | None:
    """One file of this order; None where it has no such file."""
    found = store.read(lambda c: load_file_of(c, token, order.id))
    return None if found is None else hand_out(*found)


def files_of_order(store: Store, order: StoredOrder) -> list[HandedOut]:
    """The newest file of each of its documents."""
    documents = store.read(lambda c: load_documents(c, [order.id])).get(order.id, [])
    kept = store.read(lambda c: newest_files(c, [document.id for document in documents]))
    found = (file_of_order(store, order, file.token) for file in kept.values())
    return [file for file in found if file is not None]
