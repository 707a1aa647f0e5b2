"""The tree against RFC 6962: reference vectors, an independent naive tree, and the independent verifier."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.domain.merkle import (
    Edge,
    Node,
    Span,
    complete_subtrees,
    consistency_spans,
    fold,
    inclusion_spans,
    leaf_hash,
    node_hash,
)
from verify.ledger import verify_consistency, verify_inclusion

# Inputs, roots and proofs of the Certificate Transparency reference implementation.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A, B = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
)
CD, EFGH = (
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
E_, GH = (
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
)
EF = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = {(0, 8): [B, CD, EFGH], (5, 8): [E_, GH, ROOTS[4]], (2, 3): [ROOTS[2]], (1, 5): [A, CD, E_], (0, 1): []}
CONSISTENCY = {(1, 1): [], (1, 8): [B, CD, EFGH], (6, 8): [EF, GH, ROOTS[4]], (2, 5): [CD, E_]}


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, written from the text."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = max(2**n for n in range(len(leaves)) if 2**n < len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


class Tree:
    """Our tree, with its nodes in a dict instead of a table."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.edge, self.nodes = Edge(0, []), dict[Node, bytes]()
        for leaf in leaves:
            self.nodes.update(self.edge.append(leaf_hash(leaf)))

    def proof(self, spans: list[Span]) -> list[bytes]:
        return [fold([self.nodes[node] for node in complete_subtrees(span)]) for span in spans]


LEAVES = [bytes.fromhex(text) for text in INPUTS]
BIG = [bytes([n]) * 3 for n in range(64)]
BIG_ROOTS = [naive_root(BIG[:n]) for n in range(65)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    assert naive_root(LEAVES[:size]).hex() == ROOTS[size]
    assert Tree(LEAVES[:size]).edge.root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_the_reference_implementation(index: int, size: int) -> None:
    proof = Tree(LEAVES).proof(inclusion_spans(index, size))
    assert [value.hex() for value in proof] == INCLUSION[index, size]
    assert verify_inclusion(leaf_hash(LEAVES[index]), index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference_implementation(old: int, new: int) -> None:
    proof = Tree(LEAVES).proof(consistency_spans(old, new))
    assert [value.hex() for value in proof] == CONSISTENCY[old, new]
    assert verify_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), proof)


def test_every_proof_of_every_tree_up_to_64_leaves_verifies() -> None:
    tree = Tree(BIG)
    for size in range(1, 65):
        assert fold([tree.nodes[n] for n in complete_subtrees(Span(0, size))]) == BIG_ROOTS[size]
        for index in range(size):
            proof = tree.proof(inclusion_spans(index, size))
            assert verify_inclusion(leaf_hash(BIG[index]), index, size, proof, BIG_ROOTS[size])
            proof = tree.proof(consistency_spans(index + 1, size))
            assert verify_consistency(index + 1, size, BIG_ROOTS[index + 1], BIG_ROOTS[size], proof)


@st.composite
def damaged(draw: st.DrawFn, proof: list[bytes]) -> list[bytes]:
    """``proof`` with one thing wrong."""
    kinds = ["longer"] + (["flipped", "shorter", "cut"] if proof else [])
    kinds += ["swapped"] if len(set(proof)) > 1 else []
    kind, at = draw(st.sampled_from(kinds)), draw(st.integers(0, max(len(proof) - 1, 0)))
    if kind == "longer":
        return [*proof[:at], draw(st.binary(min_size=32, max_size=32)), *proof[at:]]
    if kind == "flipped":
        bit = draw(st.integers(0, 255))
        return [*proof[:at], (int.from_bytes(proof[at]) ^ 1 << bit).to_bytes(32), *proof[at + 1 :]]
    if kind == "cut":
        return [*proof[:at], proof[at][:-1], *proof[at + 1 :]]
    return proof[::-1] if kind == "swapped" else proof[:at] + proof[at + 1 :]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damaged_inclusion_proof_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 64))
    index = data.draw(st.integers(0, size - 1))
    proof, leaf = Tree(BIG[:size]).proof(inclusion_spans(index, size)), leaf_hash(BIG[index])
    assert not verify_inclusion(leaf, index, size, data.draw(damaged(proof)), BIG_ROOTS[size])
    other = data.draw(st.integers(0, 64).filter(lambda n: n != index))
    assert not verify_inclusion(leaf, other, size, proof, BIG_ROOTS[size])
    assert not verify_inclusion(leaf_hash(b"another"), index, size, proof, BIG_ROOTS[size])
    assert not verify_inclusion(leaf, index, size, proof, leaf_hash(b"another"))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damaged_consistency_proof_verifies(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 64))
    old = data.draw(st.integers(1, new))
    proof = Tree(BIG[:new]).proof(consistency_spans(old, new))
    assert not verify_consistency(old, new, BIG_ROOTS[old], BIG_ROOTS[new], data.draw(damaged(proof)))
    assert not verify_consistency(old, new, leaf_hash(b"another"), BIG_ROOTS[new], proof)
    assert not verify_consistency(old, new, BIG_ROOTS[old], leaf_hash(b"another"), proof)
    other = data.draw(st.integers(0, 65).filter(lambda n: n != old))
    assert not verify_consistency(other, new, BIG_ROOTS[old], BIG_ROOTS[new], proof)


def test_interior_and_leaf_hashes_cannot_be_confused() -> None:
    assert leaf_hash(b"a" * 32 + b"b" * 32) != node_hash(b"a" * 32, b"b" * 32)
