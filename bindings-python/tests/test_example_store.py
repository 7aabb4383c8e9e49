"""The example of a store over the application's own database passes the store check."""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import create_engine

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "python"))

from custom_store import SqlAlchemyStore, metadata

from sipgate_oauth2 import check_store


def test_the_sqlalchemy_store_passes_the_check(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'app.db'}", connect_args={"timeout": 30})
    metadata.create_all(engine)
    assert check_store(SqlAlchemyStore(engine)) == []
