"""Keys of answers as the bytes that the database compares."""

from __future__ import annotations

from hashlib import sha256

KEY_BYTES = 128


def answer_key(key: str) -> bytes:
    """Return the stored form of a request's key; what does not fit, as clients may send, is kept as its digest."""
    plain = key.encode("utf-8", "surrogatepass")
    return plain if len(plain) <= KEY_BYTES else b"sha256:" + sha256(plain).hexdigest().encode()
