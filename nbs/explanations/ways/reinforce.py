"""REINFORCE: thoughts are drawn, the reward is the likelihood of the answer, with no gradient
through the thoughts. A linear baseline, learned from the logits of each thought, foretells the
reward (Williams 1992)."""

import torch
import torch.nn.functional as F
from torch import nn
from way import Way

from math_llm.tokenizer import VOCAB


class Reinforce(Way):
    settings = dict(entropy=(0.05, 0.0), weight=1.0)
    tuning = ({}, dict(rate=2e-3), dict(rate=2e-3, entropy=(0.2, 0.0)))

    def __init__(self, model, **changed):
        super().__init__(model, **changed)
        self.baseline = nn.Linear(len(VOCAB), 1)

    def thought(self, logits, i):
        if not self.training:
            return self.greedy(logits)
        chances = logits.detach().masked_fill(~self.allowed, -torch.inf).softmax(-1)
        return F.one_hot(torch.multinomial(chances, 1)[:, 0], len(VOCAB)).float()

    def losses(self, batch, m):
        samples, logits, cache = self.think(batch, m)
        loss, right = self.answer(batch, samples[:, -1], cache, m)
        logp = logits.masked_fill(~self.allowed, -1e4).log_softmax(-1)  # (b, m, 16)
        reward = -loss.detach()[:, None]  # (b, 1)
        foretold = self.baseline(logits.detach())[..., 0]  # (b, m)
        better = (reward - foretold).detach()
        policy = -(better * (logp * samples).sum(-1)).sum(1).mean()
        entropy = -(logp.exp() * logp).sum(-1).sum(1).mean()
        learn = F.mse_loss(foretold, reward.expand_as(foretold))
        return loss.mean() + self.weight * policy - self.entropy * entropy + learn, right


Chosen = Reinforce
