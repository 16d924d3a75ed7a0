"""Code registered under a job key: its versions, what they took along, where they came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .stored import stored


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The Python that a version came from. Paths as given (never resolved): a virtual
    environment's ``bin/python`` is a link whose target is another environment."""

    prefix: str
    executable: str
    minor: str                     # "3.11"

    @property
    def pool(self) -> tuple[str, str, str]:
        """Jobs with equal pools may run in the same zygote."""
        return self.prefix, self.executable, self.minor

    @classmethod
    @stored("the interpreter of a handler")
    def from_json(cls, text: str) -> Interpreter:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Variable:
    """A captured variable: bytes in the stream plus its buffers; why it was taken; a fingerprint
    that is equal for equal content in any process, or None where there is no stable one."""

    name: str
    type: str
    size: int
    why: str
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a handler version takes along, beside its source. JSON in the database, signed.

    ``variables`` stand in the order of ``stream``, one pickle each under a shared memo; ``buffers``
    are the digests of its out-of-band buffers, in order. ``ambient`` is the digest of a pickle of
    settings (pandas options, rcParams, random states …). ``modules`` maps the name of a local
    module to ``{"file", "source", "package"}``; ``others`` the rest of the namespace to type names,
    for hints. ``warnings`` are sentences for the card. ``size`` is bytes, all blobs; ``large`` the
    sizes of those that are files. ``encrypted``: the blobs are, and so is this in the database.
    """

    variables: tuple[Variable, ...] = ()
    stream: str | None = None
    buffers: tuple[str, ...] = ()
    imports: dict[str, str] = field(default_factory=dict)
    submodules: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    cwd: str = ""
    path: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()
    ambient: str | None = None
    shell: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    size: int = 0
    large: dict[str, int] = field(default_factory=dict)
    python: str = ""
    cloudpickle: str = ""
    encrypted: bool = False

    def to_json(self) -> str:
        raw = {name: getattr(self, name) for name in self.__dataclass_fields__}   # asdict copies all of it
        raw["variables"] = [{name: getattr(variable, name) for name in variable.__dataclass_fields__}
                            for variable in self.variables]
        return json.dumps(raw, ensure_ascii=True, separators=(",", ":"), sort_keys=True)

    @classmethod
    @stored("the manifest of a handler")
    def from_json(cls, text: str) -> Manifest:
        raw = json.loads(text)
        known = {name: raw[name] for name in cls.__dataclass_fields__ if name in raw}
        known["variables"] = tuple(Variable(**v) for v in known.get("variables", ()))
        for name in ("buffers", "submodules", "path", "withheld", "packages", "warnings", "notes"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)

    @property
    def blobs(self) -> tuple[str, ...]:
        """Every digest that this manifest refers to."""
        single = [d for d in (self.stream, self.ambient) if d is not None]
        return tuple(dict.fromkeys([*single, *self.buffers]))


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a version came from: shown, and a column of the frames; no part of the version."""

    packages: dict[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    git_dirty: bool | None = None
    notebook: str | None = None
    cell_id: str | None = None
    tether_lab: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class HandlerVersion:
    """One immutable version. ``parameters`` maps declared parameters to JSON types or None;
    ``version`` is a hash of source, parameter names, fingerprints and interpreter."""

    id: int
    uuid: str
    key: str
    version: str
    kind: str                      # cell | function | class | shell | notebook
    source: str
    parameters: str                # JSON object: name -> {"required": bool, "type": str|None}
    manifest: Manifest
    interpreter: Interpreter
    provenance: Provenance
    created_at: int
    key_id: str = ""
    mac: bytes = b""


@dataclass(frozen=True, slots=True)
class Handler:
    """The mutable head of a key: newest version, default values of parameters, default options."""

    key: str
    head: int                      # HandlerVersion.id
    version: str
    kind: str
    defaults: str                  # JSON object
    options: str                   # JSON object, as JobOptions.to_json()
    updated_at: int
    versions: int = 1
