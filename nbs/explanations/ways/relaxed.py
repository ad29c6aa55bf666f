"""Relaxed: a thought is a Gumbel-Softmax sample, a mixture of tokens."""

import torch
from way import Way

from math_llm.gumbel import gumbel_softmax


class Relaxed(Way):
    settings = dict(noise=(0.25, 1.0), temperature=(1.0, 0.3), hard=False, harden=1.0)
    tuning = ({}, dict(rate=2e-3), dict(rate=2e-3, noise=(0.25, 0.25)))

    def set_progress(self, progress):
        super().set_progress(progress)
        self.is_hard = self.hard or progress >= self.harden

    def thought(self, logits, i):
        if not self.training:
            return self.greedy(logits)
        noise = torch.zeros_like(logits)
        if self.noise:  # a draw of 0 gives infinity, and 0 times that is not a number
            noise -= self.noise * torch.rand(logits.shape).log().neg().log()
        return gumbel_softmax(logits, self.temperature, self.is_hard, noise, self.allowed)


Chosen = Relaxed
