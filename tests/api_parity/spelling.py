"""How one thing is spelled in each language.

`TokenSet.expires_at` here and in Python is `TokenSet::expires_at` in Rust, `TokenSet.expiresAt` in
Node, and `sipgate_oauth2_token_set_expires_at` in C. These are the rules of the languages. Single
names that differ are in exceptions.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

C_PREFIX = "sipgate_oauth2_"
CODE_PREFIX = "sipgate_"

# Endings of what belongs to a thing: how a type is made, freed or shown as text. In Rust, also the
# forms of an operation that take options or do not wait.
FORMS = {
    "rust": re.compile(r"\.(new|as_str|reveal)$|(?<=\.)start_|_with$"),
    "node": re.compile(r"\.to_j_s_o_n$"),
    "c": re.compile(r"\.(new|free)$"),
}


class Speller:
    """`aliases`: the common names of types, by language. `keywords`: the types whose members are
    keyword arguments in Python.
    """

    def __init__(
        self,
        aliases: Mapping[str, Mapping[str, str]],
        keywords: Mapping[str, Mapping[str, list[str]]],
    ) -> None:
        self._aliases = aliases
        self._keywords = keywords

    def common(self, language: str, item: str, items: Iterable[str]) -> str:
        """The name that the item has in all languages. `items` are all items of its language."""
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
        # The type with the longest name that the function's name begins with.
        owners = [one for one in items if one.isidentifier() and (name + "_").startswith(one + "_")]
        owner = max(owners, key=len, default=name)
        type_name = self._aliases.get("c", {}).get(owner) or _camel(owner.removeprefix(C_PREFIX))
        if member:
            return f"{type_name}.{member.lower().removeprefix(CODE_PREFIX)}"
        # Without the verb of a setter, and without a unit or form: elsewhere the type has that.
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
        return rule["of"] if keyword and keyword in rule.get("names", [keyword]) else []


def _outermost(name: str) -> str:
    """Types stay as they are. Functions and constants get one form."""
    return name if name[0].isupper() and not name.isupper() else _snake(name)


def _snake(word: str) -> str:
    """`LoginRequired`, `loginRequired`, `SIPGATE_LOGIN_REQUIRED` → `login_required`."""
    if word.isupper():
        return word.lower().removeprefix(CODE_PREFIX)
    return re.sub(r"(?<!^)(?<!_)([A-Z])", r"_\1", word).lower()


def _camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))
