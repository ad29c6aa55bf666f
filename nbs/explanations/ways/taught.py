"""A taught chain, a control where the literature teaches one: the steps are shown and scored."""

import torch
import torch.nn.functional as F
from way import Way

from math_llm.tokenizer import END_THINK, THINK


class Taught(Way):
    settings = dict(hide=(0.0, 0.0))

    def losses(self, batch, m):
        p, chain = batch.longest[0], batch.chain  # the right thoughts (b, m)
        before, after = batch.tokens[:, :p], batch.tokens[:, p:]
        think, end = (torch.full_like(before[:, :1], t) for t in (THINK, END_THINK))
        text = torch.cat([before, think, chain, end, after], 1)
        target = text[:, p + 1 :]
        at = torch.arange(p, p + target.shape[1]).expand(len(batch), -1)
        logits = self.model(text[:, :-1], at=at)
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction='none')
        return loss.view_as(target).sum(1).mean(), (logits.argmax(-1) == target).all(1)

    def thought(self, logits, i):
        return self.greedy(logits)


Chosen = Taught
