"""The crate, as rustdoc reads it.

rustdoc's JSON is the compiler's own account of what is public: re-exports are resolved, `cfg` and macros are expanded, and what is
hidden from the documentation is left out. It is an unstable option: `RUSTC_BOOTSTRAP` lets the stable rustdoc give it, and since
the toolchain is whatever a machine has, the JSON's own version is not checked; a form that is not understood ends in a KeyError,
and a name that is lost in a difference from the table.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from driver.programs import ROOT

CRATE = "sipgate-oauth2"

# Its items are re-exported by the crate above.
INNER_CRATES = ["sipgate-oauth2-protocol"]

Item = Mapping[str, Any]


def items() -> set[str]:
    crates = [_Crate(name) for name in _documented([CRATE, *INNER_CRATES])]
    return set(_Reader(crates).module(crates[0], crates[0].root, ""))


def _documented(packages: list[str]) -> list[Path]:
    """Where the JSON of each is. rustdoc alone is told to be unstable, so that nothing else is built anew for it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "doc"
    rustdoc = Path(__file__).with_name("rustdoc.sh")
    command = ["cargo", "doc", "--quiet", "--no-deps", "--all-features"]
    environment = {
        **os.environ,
        "RUSTDOC": str(rustdoc),
        "RUSTDOCFLAGS": "-Z unstable-options --output-format json --document-hidden-items",
    }
    for package in packages:
        command += ["--package", package]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return [target / f"{package.replace('-', '_')}.json" for package in packages]


class _Crate:
    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        self.index: Mapping[str, Item] = document["index"]
        self.paths: Mapping[str, Item] = document["paths"]
        self.root: Item = self.index[str(document["root"])]
        self.by_path = {
            tuple(summary["path"]): self.index[number]
            for number, summary in self.paths.items()
            if summary["crate_id"] == 0 and number in self.index
        }


class _Reader:
    def __init__(self, crates: list[_Crate]) -> None:
        self._crates = crates

    def module(self, crate: _Crate, module: Item, prefix: str) -> Iterator[str]:
        for number in module["inner"]["module"]["items"]:
            item = crate.index.get(str(number))
            if item is None or item["visibility"] != "public" or _is_hidden(item):
                continue
            use = item["inner"].get("use")
            if use is None:
                yield from self._item(crate, item, prefix + item["name"])
                continue
            owner, target = self._resolved(crate, use["id"])
            if use["is_glob"]:
                yield from self.module(owner, target, prefix)
            elif not _is_hidden(target):
                yield from self._item(owner, target, prefix + use["name"])

    def _resolved(self, crate: _Crate, number: int) -> tuple[_Crate, Item]:
        item = crate.index.get(str(number))
        if item is not None:
            use = item["inner"].get("use")
            return (crate, item) if use is None else self._resolved(crate, use["id"])
        path = tuple(crate.paths[str(number)]["path"])
        for other in self._crates:
            if path in other.by_path:
                return other, other.by_path[path]
        raise LookupError(f"re-exported, and in no documentation: {'::'.join(path)}")

    def _item(self, crate: _Crate, item: Item, name: str) -> Iterator[str]:
        ((kind, inner),) = item["inner"].items()
        if kind == "module":
            yield name
            yield from self.module(crate, item, name + "::")
            return
        yield name
        if kind == "enum":
            for variant in self._each(crate, inner["variants"]):
                yield f"{name}::{variant['name']}"
                fields = variant["inner"]["variant"]["kind"]
                if isinstance(fields, dict) and "struct" in fields:
                    for field in self._each(crate, fields["struct"]["fields"]):
                        yield f"{name}::{variant['name']}.{field['name']}"
        if kind == "struct" and isinstance(inner["kind"], dict) and "plain" in inner["kind"]:
            for field in self._each(crate, inner["kind"]["plain"]["fields"]):
                if field["visibility"] == "public":
                    yield f"{name}.{field['name']}"
        if kind == "trait":
            yield from (f"{name}::{member['name']}" for member in self._each(crate, inner["items"]))
        for implementation in self._each(crate, inner.get("impls", []) if kind != "trait" else []):
            implemented = implementation["inner"]["impl"]
            if implemented["trait"] is None:
                for member in self._each(crate, implemented["items"]):
                    if member["visibility"] == "public":
                        yield f"{name}::{member['name']}"

    @staticmethod
    def _each(crate: _Crate, numbers: list[int]) -> Iterator[Item]:
        """Those that a reader of the documentation sees."""
        for number in numbers:
            item = crate.index.get(str(number))
            if item is not None and not _is_hidden(item):
                yield item


def _is_hidden(item: Item) -> bool:
    return any("doc(hidden)" in str(attribute) for attribute in item["attrs"])
