"""Empty thoughts: as many `<noop>` as another model has thoughts (Pfau et al. 2024)."""

import torch.nn.functional as F
from way import Way

from math_llm.tokenizer import NOOP, VOCAB


class Empty(Way):
    settings = dict(hide=(0.0, 0.0))
    tuning = ({}, dict(rate=2e-3), dict(rate=2e-3, hide=(0.5, 0.0)))

    def thought(self, logits, i):
        noop = logits.new_full((len(logits),), NOOP, dtype=int)
        return F.one_hot(noop, len(VOCAB)).float()


Chosen = Empty
