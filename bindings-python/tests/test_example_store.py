"""The example of a store over the application's own database passes the store check."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "stores"))

from sqlalchemy_store import SqlAlchemyStore

from sipgate_oauth2 import check_store


def test_the_sqlalchemy_store_passes_the_check(tmp_path: Path) -> None:
    assert check_store(SqlAlchemyStore(f"sqlite:///{tmp_path / 'app.db'}")) == []
