"""A vector-quantised bottleneck: a thought is the token whose embedding is nearest to a vector
that the model writes (van den Oord et al. 2017). The gradient of the embedding passes to that
vector unchanged; a commitment loss draws the two together."""

import torch
import torch.nn.functional as F
from torch import nn
from way import Way

from math_llm.model import KVCache
from math_llm.tokenizer import THINK, VOCAB


class Quantised(Way):
    settings = dict(commitment=0.25)
    tuning = ({}, dict(rate=2e-3), dict(rate=2e-3, commitment=1.0))

    def __init__(self, model, **changed):
        super().__init__(model, **changed)
        self.write = nn.Linear(model.config.d_model, model.config.d_model, bias=False)
        nn.init.orthogonal_(self.write.weight)

    def nearest(self, x):  # (b, d)
        "The nearest token (b,) and its vector, with the gradient of `x`; how far apart they are"
        codes = self.model.embed.weight
        far = torch.cdist(x.detach(), codes.detach()).masked_fill(~self.allowed, torch.inf)
        token = far.argmin(-1)
        code = codes[token]
        apart = F.mse_loss(code, x.detach()) + self.commitment * F.mse_loss(x, code.detach())
        return token, code.detach() + (x - x.detach()), apart

    def think(self, batch, m):
        "Tokens (b, m), the vector of the last, the cache without it, and the loss of the codes"
        seen, tokens, apart, vector = {}, [], 0.0, None
        p, cache = batch.longest[0], KVCache(self.model, len(batch), differentiable=True)
        x = F.pad(batch.tokens[:, :p], (0, 1), value=THINK)
        for i in range(m):

            def hook(name, value):
                if name == 'final_norm':
                    seen['h'] = value[:, -1]
                return vector[:, None] if name == 'embed' and vector is not None else value

            place = torch.arange(p + 1)[None] if i == 0 else torch.tensor([[p + i]])
            end = torch.full((len(x), 1), x.shape[1] - 1)
            self.model(x, cache, place.expand(len(x), -1), hook, at=end)
            token, vector, more = self.nearest(self.write(seen['h']))
            tokens.append(token)
            x, apart = token[:, None], apart + more
        return torch.stack(tokens, 1), vector, cache, apart / m

    def losses(self, batch, m):
        tokens, vector, cache, apart = self.think(batch, m)

        def hook(name, value):
            return torch.cat([vector[:, None], value[:, 1:]], 1) if name == 'embed' else value

        last = F.one_hot(tokens[:, -1], len(VOCAB)).float()
        loss, right = self.answer(batch, last, cache, m, hook)
        return loss.mean() + apart, right

    @torch.no_grad()
    def thoughts(self, batch, m):
        return self.think(batch, m)[0]


Chosen = Quantised
