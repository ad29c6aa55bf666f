"""A taught chain, a control where the literature teaches one: the steps are shown and scored."""

import torch
import torch.nn.functional as F
from math_llm.decoding import generate
from math_llm.tokenizer import END_THINK, THINK, decode_batch
from way import Way


class Taught(Way):
    settings = dict(hide=(0.0, 0.0))
    tuning = (dict(rate=2e-3), dict(rate=5e-4))

    def losses(self, batch, m):
        p, chain = batch.longest[0], batch.chain  # the right thoughts (b, m)
        before, after = batch.tokens[:, :p], batch.tokens[:, p:]
        think, end = (torch.full_like(before[:, :1], t) for t in (THINK, END_THINK))
        text = torch.cat([before, think, chain, end, after], 1)
        target = text[:, p + 1 :]
        logits = self.model(text[:, :-1])[:, p:]
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction='none')
        return loss.view_as(target).sum(1).mean(), (logits.argmax(-1) == target).all(1)

    @torch.no_grad()
    def thoughts(self, batch, m):
        prompts = decode_batch(batch.tokens, batch.prompt_lengths)
        text = generate(self.model, [f'{p}<think>' for p in prompts], m).tokens
        return F.pad(text, (0, m - text.shape[1]))


Chosen = Taught
