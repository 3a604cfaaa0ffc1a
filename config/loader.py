"""From the YAML files of the configuration folder to a validated, frozen `Config`, or everything that is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from marshmallow import ValidationError
from marshmallow.exceptions import SCHEMA

from config.checks import cross_check, is_file
from config.fields import Complaint, shown_value
from config.model import (
    DEFAULT_OWNERS,
    DEFAULT_RULES,
    DEFAULT_STATUS,
    LEAVE,
    AfterImport,
    AlertChannel,
    Channel,
    Config,
    Connection,
    CrmPolicy,
    Policies,
    ProfileFile,
    Routing,
    Schedules,
    StatusAction,
    StockPolicy,
    Watch,
)
from config.problems import ConfigError, Place, Problem, did_you_mean, one_of
from config.references import resolve
from config.schemas import SECTIONS
from config.state_words import WordsOf
from config.yamlfile import Document, Steps, Tree, path_text, read_text, read_yaml

_SUFFIXES: Final = frozenset({".yaml", ".yml"})
#: Of these mappings a channel's own entries are laid over the extended ones; everything else is replaced whole.
_OVERLAID: Final = ("value_limits", "target")

#: What is wrong with the mapping profile of a channel, or with its having none, for a source of this system: in the
#: profile's file, or at the channel that names it.
ProfileCheck = Callable[[ProfileFile | None, str], Iterable[Problem | Complaint]]


def load_config(
    folder: Path,
    environ: Mapping[str, str],
    *,
    systems: Collection[str] | None = None,
    drafts_payments: Callable[[str], bool] = lambda _: True,
    books_fees: Callable[[str], bool] = lambda _: True,
    makes_refunds: Callable[[str], bool] = lambda _: True,
    has_address: Callable[[str], bool] = lambda _: True,
    keeps_accounts: Callable[[str], bool] = lambda _: True,
    makes_accounts: Callable[[str], bool] = lambda _: True,
    tells_accounts: Callable[[str], bool] = lambda _: True,
    state_words: WordsOf | None = None,
    check_profile: ProfileCheck = lambda *_: (),
) -> Config:
    """Read all `*.yaml` and `*.yml` of `folder` (not of folders in it) as one configuration.

    `environ` answers `${env:NAME}`; `systems` are the connectors that exist, where the caller knows them, and
    `drafts_payments` says of a system whether it can leave a payment as a draft, `books_fees` whether it takes what
    gateways kept, `makes_refunds` whether refunds can be made in it, `has_address` whether it is spoken to at all,
    `keeps_accounts` whether customers' accounts are shown what they bought, `makes_accounts` whether it takes new ones,
    `tells_accounts` whether they take entries of a history;
    `state_words` answers what the orders of a system can be said to be, under these options of its connection;
    `check_profile` knows the language of mapping profiles.
    Raises ConfigError with all problems at once.
    """
    sources = _Sources()
    for path in _files(folder):
        document = read_yaml(path, str(path))
        resolve(document, folder, environ)
        sources.add(document)
    loaded = {name: sources.load(name) for name in SECTIONS}
    if sources.complete:
        for steps, complaint in cross_check(
            sources.tree,
            folder,
            systems,
            drafts_payments=drafts_payments,
            books_fees=books_fees,
            makes_refunds=makes_refunds,
            has_address=has_address,
            keeps_accounts=keeps_accounts,
            makes_accounts=makes_accounts,
            tells_accounts=tells_accounts,
            state_words=state_words,
        ):
            sources.complain(steps, complaint)
    profiles = _profiles(sources, folder, check_profile)
    if sources.problems:
        raise ConfigError(sources.problems)
    return _config(folder, loaded, profiles, sources, state_words)


def _files(folder: Path) -> list[Path]:
    try:
        names = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.name[0] != ".")
        # A named pipe would block for ever; what a symbolic link points at counts (mounted secrets are such links).
        files = [path for path in names if path.is_file()]
    except OSError as error:
        found = f"no folder that can be read ({error.strerror})"
        raise ConfigError([_no_files(folder, found)]) from None
    if not files:
        raise ConfigError([_no_files(folder, "a folder without *.yaml files")])
    return files


def _no_files(folder: Path, found: str) -> Problem:
    step = "copy config/example/crossdock.yaml into it and adapt it, or set CROSSDOCK_CONFIG to your folder"
    return Problem(Place(str(folder)), "", found, "the configuration folder", step)


def _profiles(sources: _Sources, folder: Path, check: ProfileCheck) -> dict[str, ProfileFile]:
    """Channel -> its mapping profile, read now: processes that start later must not see another one unasked."""
    read: dict[str, ProfileFile] = {}
    for name, channel in sources.tree["channels"].items():
        if not isinstance(channel, dict):
            continue
        word, source = channel.get("profile"), channel.get("source")
        if isinstance(word, str) and word:
            found = _profile(sources, folder, ("channels", name, "profile"), word)
            if found is None:
                continue
            read[name] = found
        connection = sources.tree["connections"].get(source) if isinstance(source, str) else None
        system = connection.get("system") if isinstance(connection, dict) else None
        for problem in check(read.get(name), system) if isinstance(system, str) else ():
            if isinstance(problem, Problem):
                sources.problems.append(problem)
            else:
                sources.complain(("channels", name, "profile"), problem)
    return read


def _profile(sources: _Sources, folder: Path, steps: Steps, word: str) -> ProfileFile | None:
    if not is_file(folder, word):
        sources.complain(steps, Complaint(shown_value(word), f"the file of a mapping profile, looked for in {folder}"))
        return None
    document = Document(str(folder / word))
    text = read_text(folder / word, document)
    sources.problems += document.problems
    return None if text is None else ProfileFile(document.file, text)


class _Sources:
    """All files as one tree, with the place of every value."""

    def __init__(self) -> None:
        self.tree: dict[str, dict[str, Tree]] = {name: {} for name in SECTIONS}
        self.problems: list[Problem] = []
        #: False when a file or a part of it could not be read: it may hold the very name that a check would miss.
        self.complete = True
        #: Paths of values that could not even be read: what else they are not is of no interest.
        self._refused: set[str] = set()
        self._keys: dict[Steps, Place] = {}
        self._values: dict[Steps, Place] = {}

    def add(self, document: Document) -> None:
        """Take in one file; what it repeats of an earlier one is refused."""
        self.problems += document.problems
        self._refused.update(problem.path for problem in document.problems)
        if document.tree is None:
            self.complete = self.complete and not document.problems
            return
        if not isinstance(document.tree, dict):
            self.complete = False
            self.problems.append(Problem(Place(document.file, 1, 1), "", "no mapping", one_of(SECTIONS) + " as keys"))
            return
        repeated = set(self._sections(document, document.tree))
        for own, new in ((self._keys, document.keys), (self._values, document.values)):
            own.update((steps, place) for steps, place in new.items() if steps[:2] not in repeated)

    def _sections(self, document: Document, tree: dict[str, Tree]) -> Iterator[Steps]:
        """Merge the sections; yields what stood in an earlier file already and is left out."""
        for section, entries in tree.items():
            place = document.keys[(section,)]
            if section not in SECTIONS:
                self.complete = False
                hint = did_you_mean(section, SECTIONS)
                self.problems.append(Problem(place, path_text((section,)), "an unknown key", one_of(SECTIONS), hint))
            elif isinstance(entries, dict):
                for name, entry in entries.items():
                    steps = (section, name)
                    if name in self.tree[section]:
                        found = f"the same name again (first in {self._keys[steps]})"
                        self.problems.append(Problem(document.keys[steps], path_text(steps), found, "each name once"))
                        yield steps
                    else:
                        self.tree[section][name] = entry
            elif entries is not None:
                self.complete = False
                place = document.values[(section,)]
                self.problems.append(
                    Problem(place, path_text((section,)), "no mapping", "names, each with a mapping below it")
                )

    def load(self, section: str) -> dict[str, Any]:
        """What the section's schema makes of it; complaints become problems, and what is refused is left out."""
        try:
            return dict(SECTIONS[section].deserialize(self.tree[section]))
        except ValidationError as error:
            for steps, complaint in _flat(error.messages, (section,)):
                self.complain(steps, complaint)
            return {}

    def complain(self, steps: Steps, complaint: Complaint) -> None:
        """Note a complaint with the place of what it is about."""
        if path_text(steps) in self._refused:
            return
        place = self._place(steps, at_key=complaint.at_key)
        self.problems.append(Problem(place, path_text(steps), complaint.found, complaint.expected, complaint.next_step))

    def _place(self, steps: Steps, *, at_key: bool) -> Place:
        """Of the value; of its key where it has none or that is what is wrong; else of the section around it."""
        first, second = (self._keys, self._values) if at_key else (self._values, self._keys)
        for end in range(len(steps), 0, -1):
            if place := first.get(steps[:end]) or second.get(steps[:end]):
                return place
            # Something is missing in what stands around it, and that is known by its key.
            first, second = self._keys, self._values
        return Place("configuration")

    def places(self, extended: Mapping[Steps, Steps]) -> dict[str, str]:
        """Path -> `file:line`; what a channel takes from a shared entry stands where that entry says it."""
        places = {**self._values, **self._keys}
        by_entry: defaultdict[Steps, list[tuple[Steps, Place]]] = defaultdict(list)
        for steps, place in places.items():
            by_entry[steps[:2]].append((steps[2:], place))
        for steps, entry in extended.items():
            for below, place in by_entry[entry]:
                if below:
                    places.setdefault((*steps, *below), place)
        return {path_text(steps): place.file_line for steps, place in places.items() if steps}


def _flat(messages: Any, steps: Steps) -> Iterator[tuple[Steps, Complaint]]:
    if isinstance(messages, dict):
        for key, below in messages.items():
            yield from _flat(below, steps if key == SCHEMA else (*steps, key))
    else:
        for complaint in messages:
            yield steps, complaint


def _config(
    folder: Path,
    loaded: Mapping[str, dict[str, Any]],
    profiles: Mapping[str, ProfileFile],
    sources: _Sources,
    state_words: WordsOf | None,
) -> Config:
    connections = {name: _connection(name, values, folder) for name, values in loaded["connections"].items()}
    channels = {}
    extended: dict[Steps, Steps] = {}
    for name, values in loaded["channels"].items():
        values.pop("profile", None)
        own = {section: values.pop(section, {}) for section in ("policies", "schedules")}
        shared = {}
        for section, part in own.items():
            if base := part.pop("extends", ""):
                shared[section] = loaded[section][base]
                extended[("channels", name, section)] = (section, base)
        channels[name] = Channel(
            name=name,
            profile=profiles.get(name),
            policies=_policies(shared.get("policies", {}), own["policies"]),
            after_import=_after_import(
                values.pop("after_import", {}), _state_back(state_words, connections[values["source"]])
            ),
            stock=StockPolicy(**values.pop("stock", {})),
            routing=Routing(**values.pop("routing", {})),
            crm=CrmPolicy(**values.pop("crm", {})),
            watch=Watch(**values.pop("watch", {})),
            schedules=Schedules(**{**shared.get("schedules", {}), **own["schedules"]}),
            **values,
        )
    alerts = {name: AlertChannel(name=name, **values) for name, values in loaded["alerts"].items()}
    places = sources.places(extended)
    return Config(folder=folder, connections=connections, channels=channels, alerts=alerts, places=places)


def _connection(name: str, values: dict[str, Any], folder: Path) -> Connection:
    ca_file = values.pop("ca_file", None)
    return Connection(name=name, ca_file=folder / ca_file if ca_file else None, **values)


def _policies(shared: Mapping[str, Any], own: Mapping[str, Any]) -> Policies:
    values = {**shared, **own}
    for key in _OVERLAID:
        if key in values:
            values[key] = {**shared.get(key, {}), **own.get(key, {})}
    values["rules"] = {**DEFAULT_RULES, **shared.get("rules", {}), **own.get("rules", {})}
    values["status"] = _overlaid(_overlaid(DEFAULT_STATUS, shared.get("status", {})), own.get("status", {}))
    return Policies(**values)


def _state_back(state_words: WordsOf | None, source: Connection) -> Mapping[str, str]:
    return {} if state_words is None else state_words(source.system, source.options).default


def _after_import(values: dict[str, Any], default: Mapping[str, str]) -> AfterImport:
    owners = {**DEFAULT_OWNERS, **values.pop("owners", {})}
    back = {**default, **values.pop("state_back", {})}
    kept = {state: word for state, word in back.items() if word != LEAVE}
    return AfterImport(owners=owners, state_back=kept, **values)


def _overlaid(base: Mapping[str, StatusAction], upper: Mapping[str, StatusAction]) -> dict[str, StatusAction]:
    """Status keys of `upper` over those of `base`.

    Whoever says `processing` or `*/unpaid` means all of it: a narrower key of `base`, such as `processing/unpaid`,
    would otherwise still win. Money that went back is the exception, because goods would be shipped for nothing:
    that takes a key which names it, `processing/refunded` or `*/refunded`.
    """
    kept = {}
    for key, action in base.items():
        state, slash, payment = key.partition("/")
        by_state = state in upper and payment != "refunded"
        covered = slash and state != "*" and (by_state or f"*/{payment}" in upper)
        if not covered:
            kept[key] = action
    return {**kept, **upper}
