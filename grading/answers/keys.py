"""Keys: a right answer that nothing can compute is known again without being written down anywhere.

The key to an exercise is what the right answer comes to under a slow hash. What is wrong with a known wrong answer is
sealed by that answer: whoever gives it can read the sentence, and nobody else.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from grading.answers.judging import Judged
from grading.verify.plain import Plain
from grading.verify.respondent import Told
from grading.verify.verdict import Verdict

KEYS_FILE = "keys.json"
WHOLE = ""  # the part that is the answer as a whole
NO_KEY = f"{KEYS_FILE} has no key to it"
_ROUNDS = 20_000
_TAG_BYTES = 8

Parts = Mapping[str, Plain]


class KeysError(ValueError):
    """There are no keys where they should be; the message says what is wrong with them, in a few words."""


@dataclass(frozen=True)
class Key:
    """What opens for the right answer to one exercise, and what is said to who gives a known wrong one.

    salt : of the hashes; made from the exercise, so that it tells as well whose key this is
    opens : for each part of an answer what its right value comes to
    sealed : sentences, each with a mark by which the answer that it belongs to knows it
    """

    salt: str
    opens: Mapping[str, str]
    sealed: tuple[str, ...] = ()

    @classmethod
    def of(cls, salt: str, right: Parts, because: Iterable[tuple[Plain, str]] = ()) -> Key:
        """The key to an exercise whose right answer has these parts; `because` are known wrong ones, and why."""
        opens = {part: _opener(_secret(salt, part, value)) for part, value in right.items()}
        return cls(salt, opens, tuple(sorted(_seal(_secret(salt, WHOLE, value), why) for value, why in because)))

    def fits(self, value: Plain, part: str = WHOLE) -> bool:
        """Whether this is the right value of a part of the answer."""
        return hmac.compare_digest(self.opens.get(part, ""), _opener(_secret(self.salt, part, value)))

    def why(self, value: Plain) -> str:
        """What is wrong with this answer, if that is known; empty if not."""
        secret = _secret(self.salt, WHOLE, value)
        tag = _tag(secret)
        return next((_unsealed(secret, sealed) for sealed in self.sealed if sealed.startswith(tag)), "")


class Keyed(Judged):
    """An exercise whose right answer is what the master's own solution says.

    key : the key, or why there is none
    """

    key: Key | str

    @property
    def needs_key(self) -> bool:
        """Whether it cannot be judged without a key."""
        return True

    @property
    def is_personal(self) -> bool:
        """Never: there is one key for everybody."""
        return False

    @property
    def salt(self) -> str:
        """A text that belongs to this exercise and to no other, nor to another version of it."""
        return hashlib.sha256(_written([self.id, self.about()])).hexdigest()[:32]

    @abstractmethod
    def about(self) -> Plain:
        """What the key depends on: another key is needed where this has changed."""

    @abstractmethod
    def parts(self, said: Plain) -> Parts:
        """What of an answer is compared with the key, in one form however it was written.

        Raises
        ------
        ValueError : it cannot be an answer; the message says so to the student
        """

    def misfit(self, source: str, right: Parts) -> str:
        """What in the code of the master's own answer does not fit the declaration; empty if all does."""
        return ""

    def read(self, told: Told) -> Parts | str:
        """The parts of an answer, or what is wrong with it."""
        if told.error is not None:
            return f"it is {told.error.message}" if told.error.kind == "type" else told.error.message
        try:
            return self.parts(told.data)
        except ValueError as error:
            return str(error)

    def no_key(self, seed: int) -> Verdict:
        """The verdict where there is no key."""
        advice = f"Put a fresh {KEYS_FILE} beside the notebook, from `gradsheet start ... --to ANOTHER-FOLDER`."
        return self.verdict("inconclusive", seed, problem=f"This cannot be checked here: {self.key}. {advice}")

    def with_key(self, key: Key | str) -> Self:
        """The exercise with its key, or with the reason why there is none."""
        if isinstance(key, Key) and key.salt != self.salt:
            key = f"{KEYS_FILE} belongs to another version of this sheet"
        keyed = copy.copy(self)
        object.__setattr__(keyed, "key", key)
        return keyed


def read_keys(folder: Path, sheet: str, variant: int) -> dict[str, Key]:
    """The keys that lie beside a notebook, by exercise.

    Raises
    ------
    KeysError : the file is missing, cannot be read, or belongs to another sheet or variant
    """
    path = folder / KEYS_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        owner = (data["sheet"], data["variant"])
        keys = {exercise: _key(key) for exercise, key in data["keys"].items()}
    except FileNotFoundError:
        raise KeysError(f"{KEYS_FILE} is missing") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise KeysError(f"{KEYS_FILE} is damaged") from None
    if owner != (sheet, variant):
        raise KeysError(f"{KEYS_FILE} belongs to another sheet, or to another variant of it")
    return keys


def write_keys(folder: Path, sheet: str, variant: int, keys: Mapping[str, Key]) -> None:
    """Write the keys of a sheet; where there are none, no file is left."""
    path = folder / KEYS_FILE
    if not keys:
        path.unlink(missing_ok=True)
        return
    data = {
        "sheet": sheet,
        "variant": variant,
        "keys": {name: {"salt": key.salt, "opens": key.opens, "sealed": key.sealed} for name, key in keys.items()},
    }
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _key(data: Any) -> Key:
    """One key, from JSON; raises ValueError for what cannot be one."""
    salt, opens, sealed = data["salt"], dict(data["opens"]), tuple(data["sealed"])
    if not all(isinstance(text, str) for text in (salt, *opens.values(), *sealed)):
        raise ValueError("a key is made of texts")
    for text in (*opens.values(), *sealed):
        bytes.fromhex(text)
    return Key(salt, opens, sealed)


@lru_cache(maxsize=1024)  # a class gives the same answers again and again
def _slow_hash(salt: str, written: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", written, salt.encode(), _ROUNDS)


def _secret(salt: str, part: str, value: Plain) -> bytes:
    """What only somebody knows who has this value of this part, and time."""
    return _slow_hash(salt, _written([part, value]))


def _written(value: Plain) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _opener(secret: bytes) -> str:
    return hashlib.sha256(b"opens" + secret).hexdigest()


def _tag(secret: bytes) -> str:
    return hashlib.sha256(b"tag" + secret).digest()[:_TAG_BYTES].hex()


def _seal(secret: bytes, text: str) -> str:
    return _tag(secret) + _covered(secret, text.encode()).hex()


def _unsealed(secret: bytes, sealed: str) -> str:
    return _covered(secret, bytes.fromhex(sealed)[_TAG_BYTES:]).decode("utf-8", "replace")


def _covered(secret: bytes, text: bytes) -> bytes:
    """A text covered by a stream of bytes that follow from the secret; covering it twice uncovers it."""
    stream = hashlib.shake_256(b"text" + secret).digest(len(text))
    return bytes(ours ^ theirs for ours, theirs in zip(text, stream, strict=True))
