"""The built-in stores and their settings."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from conftest import CLIENT_SECRET, Realm

from sipgate_oauth2 import Store, StoreError

OLD = "0b" * 32
NEW = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "größe und mehr" / "logins.db"


def test_a_login_outlives_its_client_and_its_store(strict: Realm, path: Path) -> None:
    token = strict.source(strict.client(Store.sqlite(path))).access_token()
    again = strict.client(Store.sqlite(str(path))).token_source("anna")
    assert again.access_token() == token
    assert strict.counters()["token_requests"] == 1


@pytest.mark.skipif(os.name != "posix", reason="has no such rights")
def test_a_file_that_others_can_read_is_refused_and_not_changed(path: Path) -> None:
    Store.sqlite(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(StoreError) as caught:
        Store.sqlite(path)
    assert caught.value.code == "SIPGATE_STORE_PERMISSIONS"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_of_another_kind_is_refused_and_not_changed(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text("not a database")
    path.chmod(0o600)
    with pytest.raises(StoreError) as caught:
        Store.sqlite(path)
    assert caught.value.code == "SIPGATE_STORE_CORRUPT"
    assert path.read_text() == "not a database"


def test_an_encrypted_store_shows_no_token(strict: Realm, path: Path) -> None:
    source = strict.source(strict.client(Store.sqlite(path, encryption_keys=[NEW])))
    token = source.access_token().encode()
    stored = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    assert len(stored) > 1000
    assert token not in stored
    assert b"refresh_token" not in stored


def test_keys_are_rotated_by_adding_a_new_one_in_front(strict: Realm, path: Path) -> None:
    first = strict.source(strict.client(Store.sqlite(path, encryption_keys=[OLD]))).access_token()
    both = strict.client(Store.sqlite(path, encryption_keys=[NEW, OLD])).token_source("anna")
    assert both.access_token() == first
    renewed = both.refresh()
    new = strict.client(Store.sqlite(path, encryption_keys=[NEW])).token_source("anna")
    assert new.access_token() == renewed


def test_a_wrong_key_is_an_error_and_nothing_is_lost(strict: Realm, path: Path) -> None:
    right = Store.sqlite(path, encryption_keys=[OLD], recheck=0)
    token = strict.source(strict.client(right)).access_token()
    wrong = strict.client(Store.sqlite(path, encryption_keys=[NEW])).token_source("anna")
    with pytest.raises(StoreError) as caught:
        wrong.access_token()
    assert caught.value.code == "SIPGATE_STORE_CORRUPT"
    assert "encryption_keys" in str(caught.value)
    for secret in (OLD, NEW.hex(), CLIENT_SECRET):
        assert secret not in str(caught.value)
    assert strict.client(right).token_source("anna").access_token() == token


def test_a_login_of_another_process_is_seen_within_the_recheck(strict: Realm, path: Path) -> None:
    """Another store over the same file is as independent as another process."""
    looking = strict.client(Store.sqlite(path, recheck=0)).token_source("anna")
    first = strict.source(strict.client(Store.sqlite(path))).access_token()
    assert looking.access_token() == first
    second = strict.source(strict.client(Store.sqlite(path))).access_token()
    assert looking.access_token() == second
