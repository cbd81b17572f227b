"""RFC 6962 Merkle tree hash over lines, one leaf at a time, in memory that grows with the logarithm."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


class Tree:
    """§2.1: leaves and nodes are hashed under different first bytes, so that neither can be taken for the other."""

    def __init__(self) -> None:
        self._whole: list[tuple[int, bytes]] = []  # complete subtrees, the largest first
        self.size = 0

    def add(self, leaf: bytes) -> None:
        size, node = 1, sha256(b"\x00" + leaf).digest()
        while self._whole and self._whole[-1][0] == size:
            _, left = self._whole.pop()
            size, node = size * 2, _join(left, node)
        self._whole.append((size, node))
        self.size += 1

    @property
    def root(self) -> bytes:
        if not self._whole:
            return sha256().digest()
        *rest, (_, node) = self._whole
        for _, left in reversed(rest):
            node = _join(left, node)
        return node


def _join(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over all of them."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root
