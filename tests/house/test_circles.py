"""Tests `circles.py` with planted circles, and with code that only looks like one."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from house.circles import circles, described, javascript_uses, python_uses, rust_uses


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def knots_of_rust(folder: Path, files: dict[str, str]) -> list[set[str]]:
    return [set(one.knot) for one in circles(rust_uses(written(folder, files)))]


def test_two_files_that_use_each_other_are_a_circle_and_the_lines_are_shown(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "a.rs": "use crate::b::B;\npub struct A;\n",
            "b.rs": "\nuse super::a::A;\npub struct B;\n",
        },
    )
    (circle,) = circles(rust_uses(tmp_path))
    assert circle.knot == {"a.rs", "b.rs"}
    assert described(circle, tmp_path).splitlines()[1:] == [
        "  a.rs:1: use crate::b::B;",
        "    uses b.rs",
        "  b.rs:2: use super::a::A;",
        "    uses a.rs",
    ]


def test_a_path_in_the_code_is_a_use(tmp_path: Path) -> None:
    files = {
        "a.rs": "use crate::{b, c::C};\nfn f() { b::g(); }\n",
        "b.rs": "pub fn g(x: crate::a::A) {}\n",
        "c.rs": "pub struct C;",
    }
    assert knots_of_rust(tmp_path, files) == [{"a.rs", "b.rs"}]


def test_a_longer_circle_is_found_through_a_list_in_braces_and_a_renaming(tmp_path: Path) -> None:
    files = {
        "a.rs": "use crate::{d::{self, D}, b::B as Other};",
        "b.rs": "use crate::c::*;\npub struct B;",
        "c.rs": "use crate::{d::D, a::A};\npub struct C;",
        "d.rs": "pub struct D;",
    }
    assert knots_of_rust(tmp_path, files) == [{"a.rs", "b.rs", "c.rs"}]


def test_no_circle_hides_behind_a_re_export(tmp_path: Path) -> None:
    files = {
        "lib.rs": "mod inner;\npub use inner::A;",
        "inner/mod.rs": "mod a;\nmod b;\npub use self::a::A;\npub(crate) use self::b::B;\n",
        "inner/a.rs": "use super::B;\npub struct A;",
        "inner/b.rs": "use crate::A;\npub struct B;",
    }
    assert knots_of_rust(tmp_path, files) == [{"a.rs", "b.rs"}]


def test_a_re_export_is_not_a_use(tmp_path: Path) -> None:
    files = {
        "lib.rs": "mod inner;\npub use inner::A;",
        "inner/mod.rs": "mod a;\nmod b;\npub use self::a::A;\npub use self::b::B;\n",
        "inner/a.rs": "use super::B;\npub struct A;",
        "inner/b.rs": "pub struct B;",
    }
    assert knots_of_rust(tmp_path, files) == []


def test_super_in_an_inline_module_is_the_file(tmp_path: Path) -> None:
    files = {
        "lib.rs": "mod inner;",
        "inner/mod.rs": "mod a;\npub struct Inner(a::A);",
        "inner/a.rs": "pub struct A;\nmod b {\n    use super::A;\n    fn f() { super::g(); }\n}",
    }
    assert knots_of_rust(tmp_path, files) == []
    files["inner/a.rs"] = "pub struct A;\nmod b {\n    use super::super::Inner;\n}"
    assert knots_of_rust(tmp_path, files) == [{"a.rs", "mod.rs"}]


def test_a_folders_own_file_with_code_is_a_file_like_any_other(tmp_path: Path) -> None:
    files = {
        "lib.rs": "mod inner;",
        "inner/mod.rs": "mod a;\npub struct Inner(a::A);",
        "inner/a.rs": "use super::Inner;\npub struct A;",
    }
    assert knots_of_rust(tmp_path, files) == [{"a.rs", "mod.rs"}]


def test_two_folders_can_be_a_circle_although_their_files_are_not(tmp_path: Path) -> None:
    files = {
        "one/mod.rs": "mod low;\nmod high;",
        "one/low.rs": "pub struct Low;",
        "one/high.rs": "use crate::two::middle::Middle;",
        "two/mod.rs": "mod middle;",
        "two/middle.rs": "use crate::one::low::Low;\npub struct Middle;",
    }
    assert knots_of_rust(tmp_path, files) == [{"one", "two"}]


def test_a_file_next_to_its_folder_counts_as_part_of_the_folder(tmp_path: Path) -> None:
    files = {
        "one.rs": "mod low;\npub struct One;",
        "one/low.rs": "use crate::two::Two;",
        "two.rs": "use crate::one::One;\npub struct Two;",
    }
    assert knots_of_rust(tmp_path, files) == [{"one", "two.rs"}]


def test_tests_comments_and_strings_use_nothing(tmp_path: Path) -> None:
    files = {
        "a.rs": "use crate::b::B;\npub struct A;",
        "b.rs": """
            // use crate::a::A;
            /* crate::a::A /* nested */ crate::a::A */
            const TEXT: &str = r#"crate::a::A"#;
            const CHARACTER: char = '"';
            #[cfg(test)]
            mod tests { use crate::a::A; fn f() { crate::a::A } }
            #[cfg(test)]
            use crate::a::A;
            pub struct B<'a>(&'a str);
        """,
    }
    assert knots_of_rust(tmp_path, files) == []


def test_a_circle_in_python_is_found_in_a_function_and_through_the_package(tmp_path: Path) -> None:
    files = {
        "__init__.py": "from .b import B\nfrom .c import C\n",
        "a.py": "from . import B\nclass A: ...\n",
        "b.py": "def f():\n    from .a import A\nclass B: ...\n",
        "c.py": "from .a import A\nclass C: ...\n",
    }
    (circle,) = circles(python_uses(written(tmp_path, files)))
    assert circle.knot == {"a.py", "b.py"}


def test_a_circle_in_javascript_is_found(tmp_path: Path) -> None:
    files = {
        "index.cjs": "module.exports = require('./lib/a.cjs')",
        "lib/a.cjs": "// require('./c.cjs')\nconst b = require('./b.cjs')",
        "lib/b.cjs": "function f() { return require('./a.cjs') }",
        "lib/c.cjs": "require('./a.cjs')",
    }
    (circle,) = circles(javascript_uses(written(tmp_path, files)))
    assert circle.knot == {"a.cjs", "b.cjs"}
