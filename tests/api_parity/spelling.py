"""How one thing is spelt in each language: `TokenSet.expires_at` here and in Python is `TokenSet::expires_at` in Rust,
`TokenSet.expiresAt` in Node, `sipgate_token_set_expires_at` in C. Rules of the languages, without exceptions for single names:
those are in table.json."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

C_PREFIX = "sipgate_oauth2_"
CODE_PREFIX = "sipgate_"


# What a language has beside a thing for the thing itself, and which therefore counts as a part of it: how a type is made and freed, how
# it shows as text; in Rust, the forms of an operation that take options or do not wait.
FORMS = {
    "rust": re.compile(r"\.(new|as_str|reveal)$|(?<=\.)start_|_with$"),
    "node": re.compile(r"\.to_j_s_o_n$"),
    "c": re.compile(r"\.(new|free)$"),
}


class Speller:
    """`aliases`: what types are called elsewhere, by language. `keywords`: what Python gives by keyword is a type elsewhere."""

    def __init__(
        self,
        aliases: Mapping[str, Mapping[str, str]],
        keywords: Mapping[str, Mapping[str, list[str]]],
    ) -> None:
        self._aliases = aliases
        self._keywords = keywords

    def common(self, language: str, item: str, items: Iterable[str]) -> str:
        """The name that the item has in all languages; `items` are all of its language."""
        if language == "c":
            name = self._from_c(item, items)
        elif language in ("python", "aio") and "(" in item:
            name = self._from_keyword(item)
        else:
            parts = [_snake(part) for part in re.findall(r"\w+", item)]
            type_name = re.findall(r"\w+", item)[0]
            parts[0] = self._aliases.get(language, {}).get(type_name, _outermost(type_name))
            name = ".".join(parts)
        forms = FORMS.get(language)
        return forms.sub("", name) if forms else name

    def _from_c(self, item: str, items: Iterable[str]) -> str:
        name, _, member = item.removesuffix("()").partition(".")
        # The longest one whose name begins the function's.
        owners = [one for one in items if one.isidentifier() and (name + "_").startswith(one + "_")]
        owner = max(owners, key=len, default=name)
        type_name = self._aliases.get("c", {}).get(owner) or _camel(owner.removeprefix(C_PREFIX))
        if member:
            return f"{type_name}.{member.lower().removeprefix(CODE_PREFIX)}"
        # Without a setter's verb, and without a unit or form that is the value's type elsewhere.
        rest = re.sub(r"^(set|add)_|_(ms|json)$", "", name[len(owner) + 1 :])
        return f"{type_name}.{rest}" if rest else type_name

    def _from_keyword(self, item: str) -> str:
        function, _, keyword = item.rstrip(")").partition("(")
        for type_name, rule in self._keywords.items():
            if function in rule["of"] and keyword in rule.get("names", [keyword]):
                return f"{type_name}.{keyword}"
        return item

    def functions(self, common: str) -> list[str]:
        """Python's functions that must all have this keyword."""
        type_name, _, keyword = common.partition(".")
        rule = self._keywords.get(type_name, {"of": []})
        return rule["of"] if keyword in rule.get("names", [keyword]) else []


def _outermost(name: str) -> str:
    """Types as they are; functions and constants in one way."""
    return name if name[0].isupper() and not name.isupper() else _snake(name)


def _snake(word: str) -> str:
    """`LoginRequired`, `loginRequired`, `SIPGATE_LOGIN_REQUIRED` → `login_required`."""
    if word.isupper():
        return word.lower().removeprefix(CODE_PREFIX)
    return re.sub(r"(?<!^)(?<!_)([A-Z])", r"_\1", word).lower()


def _camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))
