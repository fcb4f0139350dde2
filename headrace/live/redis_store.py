"""Histories in a Redis that several machines share: a string of records for each, changed by scripts.

A script is one round trip, and nothing comes between its steps. Its keys are in one Redis: a cluster will not do.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from headrace.errors import WindowsUnavailable
from headrace.live.layout import TIME
from headrace.live.store import filled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.live.store import History, Row

SECONDS = 1.0
"""How long an answer is waited for."""
AT_ONCE = 500
"""Commands that are sent together while a history is loaded."""
CLAIMED, CHECKED = b" claimed", b" checked"
IN_A_SCRIPT = 100
"""Rows that are added at once: others wait for a script."""

# Records are compared byte by byte: Lua's own order of texts is the locale's.
COMPARE = """
local function before(a, b)
  for i = 1, #a do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return false
end
local function order_at(key, place, width, size)
  return redis.call('GETRANGE', key, place * width, place * width + size - 1)
end
local function find(key, order, count, width)
  local low, high = 0, count
  while low < high do
    local middle = math.floor((low + high) / 2)
    if before(order_at(key, middle, width, #order), order) then low = middle + 1 else high = middle end
  end
  return low
end
local function insert(key, record, size)
  local width = #record
  local order = string.sub(record, 1, size)
  local count = redis.call('STRLEN', key) / width
  if count == 0 or before(order_at(key, count - 1, width, size), order) then
    redis.call('APPEND', key, record)
    return
  end
  local at = find(key, order, count, width)
  if at < count and order_at(key, at, width, size) == order then
    redis.call('SETRANGE', key, at * width, record)
    return
  end
  local all = redis.call('GET', key)
  redis.call('SET', key, string.sub(all, 1, at * width) .. record .. string.sub(all, at * width + 1))
end
"""
# A quarter of a history that is past the horizon is dropped at once: what is left is copied, and not for every row.
RECORD = """
local function record_in(key, record, size, seconds, horizon)
  insert(key, record, size)
  redis.call('EXPIRE', key, seconds)
  local width = #record
  local count = redis.call('STRLEN', key) / width
  local quarter = math.floor(count / 4)
  if quarter > 0 and before(order_at(key, quarter, width, #horizon), horizon) then
    local from = find(key, horizon, count, width)
    redis.call('SET', key, redis.call('GETRANGE', key, from * width, -1), 'KEEPTTL')
  end
end
"""
# A Redis that came back empty says so to the first who asks: nobody need have noticed that it was away.
FILLED = """
if KEYS[1] ~= '' and redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('NOTFILLED it has no history: it came back empty, or is being filled')
end
"""
# KEYS: the mark of what it is filled with, or an empty one; the row, then histories. ARGV: facts, seconds to keep,
# bytes of an order, horizon, then records.
ADD = """
local new = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2])
local size, found = tonumber(ARGV[3]), {}
for i = 3, #KEYS do
  if new then record_in(KEYS[i], ARGV[i + 2], size, ARGV[2], ARGV[4]) end
  found[i - 2] = redis.call('GET', KEYS[i]) or ''
end
return found
"""
# KEYS: the mark, as above; rows, each followed by its histories. ARGV: seconds to keep, bytes of an order, the earliest
# horizon, then for each row the number of its histories, its facts, and a record for each.
ADD_MANY = """
local size, at, given = tonumber(ARGV[2]), 2, 4
while at <= #KEYS do
  local places = tonumber(ARGV[given])
  if redis.call('SET', KEYS[at], ARGV[given + 1], 'NX', 'EX', ARGV[1]) then
    for i = 1, places do record_in(KEYS[at + i], ARGV[given + 1 + i], size, ARGV[1], ARGV[3]) end
  end
  at, given = at + 1 + places, given + 2 + places
end
"""
# KEYS: the mark, as above; a row.
FACTS = """
return redis.call('GET', KEYS[2])
"""
# KEYS: histories. ARGV: bytes of an order, then records.
REPLACE = """
for i = 1, #KEYS do
  local record, size = ARGV[i + 1], tonumber(ARGV[1])
  local width = #record
  local count = redis.call('STRLEN', KEYS[i]) / width
  local order = string.sub(record, 1, size)
  local at = find(KEYS[i], order, count, width)
  if at < count and order_at(KEYS[i], at, width, size) == order then
    redis.call('SETRANGE', KEYS[i], at * width, record)
  end
end
"""
# KEYS: a claim, the mark that it is to. ARGV: the claim's token.
MARK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[2], '') end
"""
# KEYS: a claim. ARGV: its token, milliseconds.
RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""
# KEYS: a claim. ARGV: its token.
GIVE_UP = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
# KEYS: a history. ARGV: the history as it was read, seconds to keep, the history as it is to be.
SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2])
return 1
"""


class RedisStore:
    """Histories, rows and marks as keys of a Redis.

    Args:
        url: Where it is.
        space: What all keys begin with.
        widths: The width of the records of each entity column, in words of 8 bytes.
        order: The bytes of an order.
        seconds: How long a history is kept that no row is added to.
        filled_with: The mark without which no row is added; None where none is needed.
    """

    is_remote = True

    def __init__(  # noqa: PLR0913  where, how wide, how long
        self, url: str, space: bytes, widths: bytes, order: int, *, seconds: int, filled_with: bytes | None
    ) -> None:
        # A connection that was lost is made anew once; a server that is away is said at once.
        self._redis: Any = redis.Redis.from_url(
            url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=Retry(NoBackoff(), 1)
        )
        self._place = _without_password(url)
        self._histories, self._rows, self._marks = (
            b"headrace:" + space.hex().encode() + kind for kind in (b":history:", b":row:", b":mark:")
        )
        self._widths, self._order, self._seconds = widths, order, seconds
        self._filled = b"" if filled_with is None else self._marks + filled_with
        self._add = self._redis.register_script(FILLED + COMPARE + RECORD + ADD)
        self._add_many = self._redis.register_script(FILLED + COMPARE + RECORD + ADD_MANY)
        self._facts = self._redis.register_script(FILLED + FACTS)
        self._replace = self._redis.register_script(COMPARE + REPLACE)
        self._mark = self._redis.register_script(MARK)
        self._renew = self._redis.register_script(RENEW)
        self._give_up = self._redis.register_script(GIVE_UP)
        self._token = secrets.token_bytes(16)
        self._swap = self._redis.register_script(SWAP)

    def add(self, rows: Sequence[Row]) -> list[list[bytes]]:
        """Record rows unless they are known, in one transaction, and return the histories of each one's places."""
        with self._said(), self._redis.pipeline() as sent:
            for row in rows:
                keys = [self._filled, self._rows + row.key, *(self._histories + place.name for place in row.places)]
                records = [place.record for place in row.places]
                self._add(keys, [row.facts, self._seconds, self._order, row.horizon, *records], client=sent)
            found: list[list[bytes]] = sent.execute()
        return found

    def add_many(self, rows: Sequence[Row]) -> dict[bytes, bytes]:
        """Record rows unless they are known, and return the histories of their places."""
        names = list({place.name: None for row in rows for place in row.places})
        # The first rows see what is past the horizon of the last ones, and histories are read when all are recorded.
        horizon = min((row.horizon for row in rows), default=b"")
        with self._said(), self._redis.pipeline(transaction=False) as sent:
            for start in range(0, len(rows), IN_A_SCRIPT):
                self._send_many(rows[start : start + IN_A_SCRIPT], horizon, sent)
            if names:
                sent.mget([self._histories + name for name in names])
            found = sent.execute()[-1] if rows else []
        return {name: history or b"" for name, history in zip(names, found or [], strict=True)}

    def _send_many(self, rows: Sequence[Row], horizon: bytes, sent: Any) -> None:
        keys = [self._filled]
        told: list[Any] = [self._seconds, self._order, horizon]
        for row in rows:
            keys += [self._rows + row.key, *(self._histories + place.name for place in row.places)]
            told += [len(row.places), row.facts, *(place.record for place in row.places)]
        self._add_many(keys, told, client=sent)

    def replace(self, row: Row) -> None:
        """Put the records of a known row in the place of those that it has."""
        keys = [self._histories + place.name for place in row.places]
        with self._said():
            self._replace(keys, [self._order, *(place.record for place in row.places)])

    def facts(self, key: bytes) -> bytes | None:
        """Return what is kept of a row."""
        with self._said():
            found: bytes | None = self._facts([self._filled, self._rows + key])
        return found

    def load(self, histories: Iterable[History], rows: Iterable[Row]) -> None:
        """Merge many records, then many rows."""
        with self._said():
            for some in _some(histories):
                self._merge(some)
            for some_rows in _some(rows):
                with self._redis.pipeline(transaction=False) as sent:
                    for row in some_rows:
                        sent.set(self._rows + row.key, row.facts, nx=True, ex=self._seconds)
                    sent.execute()

    def history(self, name: bytes) -> bytes:
        """Return a whole history."""
        with self._said():
            found: bytes = self._redis.get(self._histories + name) or b""
        return found

    def forget(self, name: bytes) -> int:
        """Drop a history and what is kept of its rows."""
        with self._said():
            records: bytes = self._redis.getdel(self._histories + name) or b""
            width = self._widths[name[0]] * 8
            keys = [self._rows + records[at + TIME.size : at + self._order] for at in range(0, len(records), width)]
            for some in _some(keys):
                self._redis.unlink(*some)
        return len(keys)

    def marked(self, mark: bytes) -> bool:
        """Return whether a mark was set."""
        with self._said():
            return bool(self._redis.exists(self._marks + mark))

    def mark(self, mark: bytes) -> None:
        """Set a mark, if this caller's claim to it still stands: a Redis that came back empty has none."""
        with self._said():
            self._mark([self._marks + mark + CLAIMED, self._marks + mark], [self._token])

    def claim(self, mark: bytes, seconds: float) -> bool:
        """Return whether this caller alone may work on something for so long."""
        with self._said():
            return bool(self._redis.set(self._marks + mark + CLAIMED, self._token, nx=True, px=int(seconds * 1000)))

    def renew(self, mark: bytes, seconds: float) -> None:
        """Go on to work on something alone for so long from now, if the claim still stands."""
        with self._said():
            self._renew([self._marks + mark + CLAIMED], [self._token, int(seconds * 1000)])

    def give_up(self, mark: bytes) -> None:
        """Let others work on something that was not done."""
        with self._said():
            self._give_up([self._marks + mark + CLAIMED], [self._token])

    def check(self) -> None:
        """Do nothing but reach it, and see that it takes what is written: a full one answers as well."""
        with self._said():
            self._redis.set(self._marks + CHECKED, b"", ex=self._seconds)

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()

    def _merge(self, histories: list[History]) -> None:
        """Merge records into histories; what was changed by others meanwhile is merged again."""
        while histories:
            keys = [self._histories + history.name for history in histories]
            found = [before or b"" for before in self._redis.mget(keys)]
            with self._redis.pipeline(transaction=False) as sent:
                for key, history, before in zip(keys, histories, found, strict=True):
                    records = filled(before, history, self._widths[history.name[0]] * 8, self._order)
                    self._swap([key], [before, self._seconds, records], client=sent)
                swapped = sent.execute()
            histories = [each for each, done in zip(histories, swapped, strict=True) if not done]

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (redis.RedisError, OSError) as error:
            raise WindowsUnavailable(f"{self._place}: the windows cannot be used now ({error})") from error


def _some(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield items, so many together as are sent at once."""
    some: list[Any] = []
    for item in items:
        some.append(item)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
