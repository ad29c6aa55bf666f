"""State tracking as the literature poses it: the product of a row of group elements.

    problem  :=  element element … "=" answer "<end>"

An element of Z2 or Z5 is one digit, its number; the product is the sum modulo 2 or 5. An element of
S5 is three digits, 000 to 119: its place in the lexicographic list of the permutations of 0 to 4.
All elements of a group are equally wide, so no separator is needed. The product of a row is what
is reached when the elements act one after the other: first the first, then the second. A step is
the product so far, written like an element; the last step is the answer.
"""

from itertools import permutations

import numpy as np
import torch

from math_llm.learning import Batch
from math_llm.tokenizer import END, EQUALS

S5 = np.array(list(permutations(range(5))))  # (120, 5)
SIZES = dict(Z2=2, Z5=5, S5=120)
NUMBER = {tuple(p): i for i, p in enumerate(S5.tolist())}
TABLE = dict(
    Z2=np.add.outer(range(2), range(2)) % 2,
    Z5=np.add.outer(range(5), range(5)) % 5,
    S5=np.array([[NUMBER[tuple(b[a])] for b in S5] for a in S5]),
)  # [first, second] -> the product


def width(group):
    "Digits of an element"
    return 3 if group == 'S5' else 1


def products(group, rows):  # (b, n) elements
    "The product of the first, of the first two, … (b, n)"
    found = [rows[:, 0]]
    for element in rows.T[1:]:
        found.append(TABLE[group][found[-1], element])
    return np.stack(found, 1)


def digits(group, rows):  # (b, n) elements
    "Elements as digits (b, n * width)"
    tens = 10 ** np.arange(width(group))[::-1]
    return (rows[..., None] // tens % 10).reshape(len(rows), -1)


def elements(group, written):  # (b, n * width) digits
    "Digits back to elements (b, n); -1 where they are none"
    tens = 10 ** np.arange(width(group))[::-1]
    found = (written.reshape(len(written), -1, width(group)) * tens).sum(-1)
    return np.where(found < SIZES[group], found, -1)


class Tracking:
    "Rows of `length` elements, training ones from a set of `n_train`"

    facts_are = 'the digits of each product'
    whole_prompt = True  # a shorter problem has a shorter prompt

    def __init__(self, group, length, n_train):
        self.group, self.most, self.test_at = group, length, 2 * length
        self.max_length, self.chance = 128, 1 / SIZES[group]
        rng = np.random.default_rng([2026, SIZES[group], length])
        self.known = rng.integers(0, SIZES[group], (n_train, length))

    def n_thoughts(self, m):
        return width(self.group) * m

    def draw(self, n, rng, m, test=False):
        "Rows (n, m). A training row begins one of the set; a test row is any, perhaps one of these"
        if not test:
            return self.known[rng.integers(0, len(self.known), n), :m]
        return rng.integers(0, SIZES[self.group], (n, m))

    def batch(self, rows, m, counted=False):
        "Rows as tokens; their length says how many steps there are, so they are never counted"
        so_far = digits(self.group, products(self.group, rows))
        n, ends = len(rows), so_far[:, -width(self.group) :]
        parts = digits(self.group, rows), np.full((n, 1), EQUALS), ends, np.full((n, 1), END)
        tokens, p = torch.from_numpy(np.concatenate(parts, 1)), rows.shape[1] * width(self.group)
        batch = Batch(tokens, torch.full((n,), p + 1), torch.full((n,), tokens.shape[1]))
        batch.chain = torch.from_numpy(so_far)
        return batch

    def facts(self, rows):
        "What a step may know (b, f), small numbers"
        return digits(self.group, products(self.group, rows))
