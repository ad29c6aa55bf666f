"""What all ways share: a prompt, m thoughts, an answer. A way says what a thought is."""

import torch
import torch.nn.functional as F
from torch import nn

from math_llm.gumbel import ramp, rollout
from math_llm.tokenizer import END_THINK, THINK, VOCAB

HOLD = 0.5  # share of a run up to which settings stay; then they change in a straight line


class Way(nn.Module):
    """How thoughts come about, and what is minimised.

    A way sets `settings` (what a run may change), `tuning` (what the tuning runs change, as many
    for each way), `counted` (does the prompt tell how many steps are asked for?), and either
    `thought`, where thoughts are tokens or mixtures of them, or `losses` and `thoughts`.
    """

    counted = False
    settings = {}
    tuning = ({},)

    def __init__(self, model, **changed):
        super().__init__()
        self.model, self.allowed = model, model.meta.thought_mask()
        self.now = dict(hide=(0.5, 0.0), rate=1e-3) | type(self).settings | changed
        self.set_progress(0.0)

    def set_progress(self, progress):  # share of the run that is done
        "Settings given as a pair go from the first value to the second"
        for name, value in self.now.items():
            if isinstance(value, (tuple, list)):
                value = ramp(*value, progress, HOLD)
            setattr(self, name, value)

    def thought(self, logits, i):  # (b, 16), which thought
        "The input (b, 16) that follows: weights of the tokens"
        raise NotImplementedError

    def think(self, batch, m):
        "Thoughts (b, m, 16), their logits, and the cache, which has seen all but the last"
        prompts = F.pad(batch.tokens, (0, 1))[:, : batch.longest[0] + 1]
        prompts = prompts.scatter(1, batch.prompt_lengths[:, None], THINK)
        return rollout(self.model, prompts, batch.prompt_lengths + 1, m, self.thought)

    def answer(self, batch, last, cache, m, hook=None):  # last thought (b, 16)
        "The loss of each answer (b,), and whether all its tokens are right (b,)"
        p, n = batch.longest[:2]
        target = batch.tokens[:, p:]  # (b, n)
        given = F.pad(target[:, :-1], (1, 0), value=END_THINK)
        x = torch.cat([last[:, None], F.one_hot(given, len(VOCAB))], 1)  # (b, 1+n, 16)
        i = torch.arange(n + 1).expand(len(x), -1)
        hidden = torch.rand(len(x), p) < self.hide  # these the answer cannot see
        seen = ~F.pad(hidden, (0, 1 + m + n))[:, None].expand(-1, n + 1, -1)
        visible = seen if self.hide and self.training else None
        logits = self.model(x, cache, p + m + i, hook, at=i[:, 1:], visible=visible)
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction='none')
        return loss.view_as(target).sum(1), (logits.argmax(-1) == target).all(1)

    def losses(self, batch, m):
        "What is minimised, and which answers are right (b,)"
        samples, _, cache = self.think(batch, m)
        loss, right = self.answer(batch, samples[:, -1], cache, m)
        return loss.mean(), right

    @torch.no_grad()
    def thoughts(self, batch, m):
        "Tokens (b, m), in evaluation mode: the likeliest"
        return self.think(batch, m)[0].argmax(-1)

    def greedy(self, logits):
        "The likeliest thought, as weights (b, 16)"
        best = logits.masked_fill(~self.allowed, -torch.inf).argmax(-1)
        return F.one_hot(best, len(VOCAB)).float()
