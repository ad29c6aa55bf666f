"""The problems of the study: moves of a ball, and sums that carry far. All have one interface."""

import numpy as np

from math_llm.chains import render
from math_llm.learning import Batch
from math_llm.permutations import Puzzles
from math_llm.problems import ProblemConfig, Problems, add, draw

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Moves:
    "Where is the ball after `most` moves? One puzzle in sixteen is for testing"

    facts_are, chance = 'the position after each move', 0.2
    whole_prompt = False  # a shorter problem asks for the first moves of a row

    def __init__(self, most):
        self.most = self.test_at = most
        self.max_length = 32

    def n_thoughts(self, m):
        return m

    def draw(self, n, rng, m, test=False):
        parts, missing = [], n
        while missing > 0:
            p = Puzzles(rng.integers(0, 5, 2 * n), rng.integers(0, 10, (2 * n, self.most)))
            number = (np.c_[p.start, p.moves] * 10 ** np.arange(self.most + 1)).sum(1)
            apart = (number.astype(np.uint64) + np.uint64(1)) * MULTIPLIER >> np.uint64(60) == 0
            parts.append(p[apart == test])
            missing -= len(parts[-1])
        return Puzzles(*(np.concatenate(a)[:n] for a in zip(*((p.start, p.moves) for p in parts))))

    def batch(self, puzzles, m, counted=False):
        return puzzles.batch(m, 'none', counted)

    def facts(self, puzzles):
        return puzzles.positions(self.most)


class Sums:
    "Two numbers of eight digits; three training problems in ten carry far, and all test problems"

    facts_are, chance = 'the carry into each column', 0.0
    whole_prompt = True
    most = test_at = 1  # there is no shorter problem
    max_length = 48

    def n_thoughts(self, m):
        return 9

    def draw(self, n, rng, m, test=False):
        bias = 1.0 if test else 0.3
        config, parts, missing = self.config(bias), [], n
        while missing > 0:
            p = draw(config, 2 * n + 8, rng)
            parts.append(p[(p.splits(0) == 2) == test])
            missing -= len(parts[-1])
        return Problems.concat(parts)[:n]

    def config(self, bias=0.3):
        return ProblemConfig(8, 2, 8, 'none', zero_pad=True, carry_bias=bias)

    def batch(self, problems, m, counted=False):
        return Batch.of(render(problems, self.config()))

    def facts(self, problems):
        return add(problems.digits)[1][:, 1:]
