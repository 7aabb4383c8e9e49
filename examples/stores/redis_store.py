"""A custom store: logins in Redis or Valkey through redis-py.

    client = Client.sipgate(…, store=Store(RedisStore("rediss://app@cache:6379")))

A refresh token that the server forgets ends the login. So the server needs `appendonly yes`,
`appendfsync always` and `maxmemory-policy noeviction`.
"""

from __future__ import annotations

import redis

# One step in the server. A swap that is sent again after its reply was lost is no conflict.
SWAP = """
local there = redis.call('HGET', KEYS[1], 'version') or ''
if there == ARGV[2] then return 1 end
if there ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'data', ARGV[3], 'expires_at', ARGV[4])
if ARGV[4] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('EXPIREAT', KEYS[1], ARGV[4]) end
return 1
"""
NEEDED = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class RedisStore:
    def __init__(self, url: str, prefix: str = "logins:") -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        self._prefix = prefix
        settings = self._redis.config_get(*NEEDED)
        wrong = [name for name, needed in NEEDED.items() if settings.get(name) != needed]
        if wrong:
            raise RuntimeError("the server may lose logins; set " + ", ".join(wrong))

    def load(self, key: str) -> tuple[str, bytes, int | None] | None:
        columns = ["version", "data", "expires_at"]
        version, data, expires_at = self._redis.hmget(self._prefix + key, columns)
        expires = int(expires_at) if expires_at else None
        return None if version is None else (version.decode(), data, expires)

    def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        row = (expected or "", version, data, "" if expires_at is None else expires_at)
        return self._redis.eval(SWAP, 1, self._prefix + key, *row) == 1
