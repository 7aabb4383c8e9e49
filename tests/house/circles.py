#!/usr/bin/env python3
"""Fails if files or folders of one crate or package use each other in a circle.

This is not cargo-modules, because that needs its own build (minutes in CI), attributes re-exports
to the file that writes them instead of the one that defines the name, and supports neither Python
nor JavaScript.

What counts as a use: in Rust, a `use` line and a path in the code (`crate::…`, `super::…`, a
module's name), read from the tokens, but not in tests; in Python, an import, including one only for
types; in JavaScript, a `require` or an `import`.

A name that `mod.rs`, `lib.rs`, or `__init__.py` re-exports is a use of the file that defines it, so
that a re-export hides no circle; the re-export itself is not a use. Such a file with its own code
is a file like any other.

The entries of each folder are compared: a folder uses what the files in it use. If no folder has a
circle, the files of the whole tree have none either.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Allowed circles, each with its reason. One that no longer exists is an error.
ALLOWED: Mapping[frozenset[str], str] = {}


@dataclass(frozen=True)
class Use:
    """The file `by` uses the file `of`; `line` is in `by`."""

    by: Path
    of: Path
    line: int


def uses_of_repository() -> Iterator[list[Use]]:
    crates = [path.parent for path in ROOT.glob("*/Cargo.toml") if path.parent.name != "fuzz"]
    for crate in sorted([*crates, *(path.parent for path in ROOT.glob("core/*/Cargo.toml"))]):
        if (crate / "src").is_dir():
            yield list(rust_uses(crate / "src"))
    yield list(rust_uses(ROOT / "tests" / "protocol" / "src"))
    yield list(python_uses(ROOT / "bindings-python" / "python" / "sipgate_oauth2"))
    yield list(javascript_uses(ROOT / "bindings-node"))


# Rust

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)|(?P<comment>/\*)|(?P<text>b?c?r(?P<hashes>\#*)".*?"(?P=hashes)|b?c?"(?:\\.|[^"\\])*"|b?'(?:\\[^\n]+?|[^'\\\n])')
    |(?P<word>(?:r\#)?[A-Za-z_]\w*)|(?P<path>::)|(?P<other>'\w+|.)""",
    re.X | re.S,
)

Token = tuple[str, int]
ModulePath = tuple[str, ...]


def tokens(source: str) -> list[Token]:
    """Words and punctuation with their lines, without comments, strings, and test code."""
    found: list[Token] = []
    position, line = 0, 1
    while position < len(source):
        match = TOKEN.match(source, position)
        assert match is not None
        end = _end_of_comment(source, position) if match["comment"] else match.end()
        if match["word"] or match["path"] or match["other"]:
            found.append((match[0].removeprefix("r#"), line))
        elif match["text"]:
            found.append(('""', line))
        line += source.count("\n", position, end)
        position = end
    return list(_without_tests(found))


def _end_of_comment(source: str, start: int) -> int:
    depth = 0
    for match in re.finditer(r"/\*|\*/", source[start:]):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return start + match.end()
    return len(source)


def _without_tests(all_tokens: list[Token]) -> Iterator[Token]:
    words = [word for word, _ in all_tokens]
    position = 0
    while position < len(words):
        if words[position : position + 2] == ["#", "["]:
            end = _after_brackets(words, position + 1)
            attribute = words[position + 2 : end - 1]
            if attribute == ["test"] or attribute[:4] == ["cfg", "(", "test", ")"]:
                position = _after_item(words, end)
                continue
        yield all_tokens[position]
        position += 1


def _after_brackets(words: list[str], start: int) -> int:
    depth = 0
    for position in range(start, len(words)):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(words[position], 0)
        if depth == 0:
            return position + 1
    return len(words)


def _after_item(words: list[str], start: int) -> int:
    """The position after the item's `;`, `,`, or closing brace."""
    position = start
    while position < len(words):
        if words[position] in (";", ",", "}"):
            return position + (words[position] != "}")
        end = (
            _after_brackets(words, position) if words[position] in ("(", "[", "{") else position + 1
        )
        if words[position] == "{":
            return end
        position = end
    return position


class Crate:
    """A crate's modules, the names that each imports, and the paths in its code."""

    def __init__(self, source: Path) -> None:
        self.files: dict[ModulePath, Path] = {}
        self.imports: dict[ModulePath, dict[str, ModulePath]] = defaultdict(dict)
        self.globs: dict[ModulePath, list[ModulePath]] = defaultdict(list)
        # Whether a path is only re-exported.
        self.paths: dict[ModulePath, list[tuple[ModulePath, int, bool]]] = defaultdict(list)
        for path in sorted(source.rglob("*.rs")):
            names = path.relative_to(source).with_suffix("").parts
            if names[-1] in ("mod", "lib", "main"):
                names = names[:-1]
            self.files[names] = path
        for module, path in list(self.files.items()):
            self._read(module, tokens(path.read_text(encoding="utf-8")))

    def _read(self, module: ModulePath, read: list[Token]) -> None:
        words = [word for word, _ in read]
        position, item = 0, 0
        # The number of open braces, and those at which inline modules begin.
        depth, inline = 0, list[int]()
        while position < len(words):
            word, line = read[position]
            if word == "{":
                depth += 1
                if words[max(position - 2, 0)] == "mod":
                    inline.append(depth)
            elif word == "}":
                if inline[-1:] == [depth]:
                    inline.pop()
                depth -= 1
            if word == "use" and (position == item or words[item] == "pub"):
                end = words.index(";", position)
                passes_on = words[item] == "pub" and self._is_folders(module)
                for path, name in self._tree(words[position + 1 : end]):
                    self._import(module, _from_file(path, len(inline)), name, line, passes_on)
                position = item = end + 1
                continue
            begins = position == 0 or words[position - 1] not in ("::", ".")
            if begins and word.isidentifier() and words[position + 1 : position + 2] == ["::"]:
                names = [word]
                while words[position + 1] == "::" and words[position + 2].isidentifier():
                    names.append(words[position + 2])
                    position += 2
                self.paths[module].append((_from_file(tuple(names), len(inline)), line, False))
            position += 1
            if word in (";", "{", "}") or (word == "]" and position > 1):
                item = position

    def _is_folders(self, module: ModulePath) -> bool:
        return self.files[module].stem in ("mod", "lib") or any(
            other[: len(module)] == module and other != module for other in self.files
        )

    def _tree(self, words: list[str], before: ModulePath = ()) -> Iterator[tuple[ModulePath, str]]:
        """The paths of a `use`, each with its local name."""
        path = list(before)
        position = 0
        while position < len(words):
            word = words[position]
            if word == "{":
                start, depth = position + 1, 0
                for end in range(position + 1, len(words)):
                    depth += {"{": 1, "}": -1}.get(words[end], 0)
                    if (words[end] == "," and depth == 0) or depth < 0:
                        if end > start:
                            yield from self._tree(words[start:end], tuple(path))
                        start = end + 1
                return
            if word == "as":
                yield self._named(path, words[position + 1])
                return
            if word != "::":
                path.append(word)
            position += 1
        yield self._named(path, path[-1])

    @staticmethod
    def _named(path: list[str], name: str) -> tuple[ModulePath, str]:
        if path[-1] == "self":
            path = path[:-1]
            name = path[-1] if name == "self" else name
        return tuple(path), name

    def _import(
        self, module: ModulePath, path: ModulePath, name: str, line: int, passes_on: bool
    ) -> None:
        absolute = self._absolute(module, path)
        if absolute is None:
            return
        if name == "*":
            self.globs[module].append(absolute[:-1])
        else:
            self.imports[module][name] = absolute
        self.paths[module].append((path, line, passes_on))

    def _absolute(self, module: ModulePath, path: ModulePath) -> ModulePath | None:
        """The path from the crate's root; `None` if it is in another crate or the file itself."""
        first, rest = path[0], path[1:]
        if first == "crate":
            return rest
        if first == "self":
            return module + rest
        if first == "super":
            return (
                self._absolute(module[:-1], rest) if rest[:1] == ("super",) else module[:-1] + rest
            )
        if (*module, first) in self.files:
            return module + path
        if first in self.imports[module]:
            return self.imports[module][first] + rest
        return None

    def file_of(self, path: ModulePath, seen: frozenset[ModulePath] = frozenset()) -> Path | None:
        """The file that defines the path; `None` for a module, because only its items count."""
        if path in self.files or path in seen:
            return None
        for length in range(len(path) - 1, -1, -1):
            module, name = path[:length], path[length]
            if module not in self.files:
                continue
            imported = self.imports[module].get(name)
            if imported is not None:
                return self.file_of(imported + path[length + 1 :], seen | {path})
            for glob in self.globs[module]:
                if name == "*" or (*glob, name) in self.files:
                    continue
                found = self.file_of((*glob, *path[length:]), seen | {path})
                if found is not None and self._defines(found, name):
                    return found
            return self.files[module]
        return None

    @staticmethod
    def _defines(file: Path, name: str) -> bool:
        return re.search(rf"\b{re.escape(name)}\b", file.read_text(encoding="utf-8")) is not None


def _from_file(path: ModulePath, inline: int) -> ModulePath:
    """The path as seen from the file: in an inline module, the first `super` is the file."""
    supers = 0
    while supers < inline and path[supers : supers + 1] == ("super",):
        supers += 1
    rest = path[supers:]
    return ("self", *rest) if supers and rest[:1] != ("super",) else rest


def rust_uses(source: Path) -> Iterator[Use]:
    crate = Crate(source)
    for module, paths in crate.paths.items():
        for path, line, passes_on in paths:
            absolute = crate._absolute(module, path)
            of = None if absolute is None or passes_on else crate.file_of(absolute)
            if of is not None and of != crate.files[module]:
                yield Use(crate.files[module], of, line)


# Python


def python_uses(package: Path) -> Iterator[Use]:
    files = {
        ".".join(path.relative_to(package).with_suffix("").parts): path
        for pattern in ("*.pyi", "*.py")
        for path in package.rglob(pattern)
    }
    passed_on: dict[str, str] = {}
    for name, module in _imports(files["__init__"], package.name):
        passed_on[name] = module
    for own_name, path in files.items():
        for name, module, line in _imports_with_lines(path, package.name):
            target = module or (name if name in files else passed_on.get(name, "__init__"))
            if own_name != "__init__" and target in files and files[target] != path:
                yield Use(path, files[target], line)
    if _has_code(files["__init__"]):
        for name, module, line in _imports_with_lines(files["__init__"], package.name):
            target = module or name
            if target in files:
                yield Use(files["__init__"], files[target], line)


def _imports(path: Path, package: str) -> Iterator[tuple[str, str]]:
    for name, module, _ in _imports_with_lines(path, package):
        yield name, module or name


def _imports_with_lines(path: Path, package: str) -> Iterator[tuple[str, str, int]]:
    """Names and the package's modules that define them; "" is the package itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level == 0 and module.partition(".")[0] != package:
                continue
            inner = module if node.level else module.removeprefix(package).removeprefix(".")
            yield from ((alias.name, inner, node.lineno) for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == package:
                    yield (
                        "",
                        alias.name.removeprefix(package).removeprefix(".") or "__init__",
                        node.lineno,
                    )


def _has_code(path: Path) -> bool:
    """Whether it has functions or classes that another file could use."""
    return any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
    )


# JavaScript

JAVASCRIPT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|(?:\brequire\(\s*|\bfrom\s+|\bimport\s*\(?\s*)(?P<quote>['"])(?P<path>\.[^'"]*)(?P=quote)""",
    re.S,
)


def javascript_uses(package: Path) -> Iterator[Use]:
    for path in [*package.glob("index.*js"), *(package / "lib").rglob("*.*js")]:
        source = path.read_text(encoding="utf-8")
        for match in JAVASCRIPT.finditer(source):
            of = (path.parent / match["path"]).resolve() if match["path"] else None
            if of is not None and of.is_file() and of != path:
                yield Use(path, of, source.count("\n", 0, match.start()) + 1)


# Circles


@dataclass(frozen=True)
class Circle:
    """The shortest circle in a knot; `knot` names all entries of `folder` that are in it."""

    uses: tuple[Use, ...]
    knot: frozenset[str]
    folder: Path


def circles(uses: Iterable[Use]) -> Iterator[Circle]:
    by_folder: dict[Path, dict[tuple[str, str], Use]] = defaultdict(dict)
    for use in uses:
        folder = _common(use.by, use.of)
        by_folder[folder].setdefault((_part(use.by, folder), _part(use.of, folder)), use)
    for folder, pairs in sorted(by_folder.items()):
        graph: dict[str, set[str]] = defaultdict(set)
        for by, of in pairs:
            if by != of:
                graph[by].add(of)
        known: set[str] = set()
        for start in sorted(graph):
            round_trip = None if start in known else _round_trip(graph, start)
            if round_trip is not None:
                knot = _knot(graph, start)
                known |= knot
                ways = (_round_trip(graph, one) for one in sorted(knot))
                shortest = min((way for way in ways if way is not None), key=len)
                used = tuple(pairs[pair] for pair in pairwise(shortest))
                yield Circle(used, frozenset(knot), folder)


def _common(one: Path, other: Path) -> Path:
    folders = zip(one.parents[::-1], other.parents[::-1], strict=False)
    return [first for first, second in folders if first == second][-1]


def _part(file: Path, folder: Path) -> str:
    """The entry of `folder` that the file belongs to.

    If there is a folder `a`, `a.rs` next to it belongs to it, as `a/mod.rs` does.
    """
    name = file.relative_to(folder).parts[0]
    stem = Path(name).stem
    return stem if (folder / stem).is_dir() else name


def _round_trip(graph: Mapping[str, set[str]], start: str) -> list[str] | None:
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for following in sorted(graph.get(here, ())):
            if following == start:
                path = [start, here]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if following not in came_from:
                came_from[following] = here
                waiting.append(following)
    return None


def _knot(graph: Mapping[str, set[str]], start: str) -> set[str]:
    def reached(edges: Mapping[str, set[str]]) -> set[str]:
        found, waiting = {start}, [start]
        while waiting:
            new = edges.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    back: dict[str, set[str]] = defaultdict(set)
    for by, ofs in graph.items():
        for of in ofs:
            back[of].add(by)
    return reached(graph) & reached(back)


def described(circle: Circle, root: Path = ROOT) -> str:
    knot = ", ".join(sorted(circle.knot))
    lines = [f"in {circle.folder.relative_to(root)}, of {len(circle.knot)}: {knot}"]
    for use in circle.uses:
        text = use.by.read_text(encoding="utf-8").splitlines()[use.line - 1].strip()
        lines.append(f"  {use.by.relative_to(root)}:{use.line}: {text}")
        lines.append(f"    uses {use.of.relative_to(root)}")
    return "\n".join(lines)


def main() -> int:
    failed, allowed = 0, set()
    for uses in uses_of_repository():
        for circle in circles(uses):
            files = frozenset(str(use.by.relative_to(ROOT)) for use in circle.uses)
            if files in ALLOWED:
                allowed.add(files)
                continue
            failed += 1
            print(f"a circle {described(circle)}")
    for files in ALLOWED.keys() - allowed:
        failed += 1
        print(f"allowed, but no longer a circle: {', '.join(sorted(files))}")
    print(f"{failed} circles")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
