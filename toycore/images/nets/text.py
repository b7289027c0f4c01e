"""Captions for pictures: a tiny tokenizer, an encoder of text, and the attention by which a picture reads it.

A caption is a label: its number in a list of captions. So samplers and guidance need no change for text; a
negative prompt is the number of another caption.
"""

import torch
from torch import Tensor, nn

from toycore.checks import label_rows
from toycore.types import Label


def vocabulary(captions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of the captions in alphabetic order; number 0 stands for "no word"."""
    return ("", *sorted({word for caption in captions for word in caption.split()}))


def tokenize(captions: tuple[str, ...]) -> Tensor:
    """Return the captions as numbers of words `[n, longest]`, filled up with 0."""
    number = {word: i for i, word in enumerate(vocabulary(captions))}
    rows = [torch.tensor([number[word] for word in caption.split()]) for caption in captions]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


class TextEncoder(nn.Module):
    """The words of a caption as vectors that depend on their neighbours: embedding, place, one transformer layer.

    Row -1, "no label", is a caption without words.
    """

    tokens: Tensor

    def __init__(self, captions: tuple[str, ...], width: int = 64, heads: int = 4) -> None:
        super().__init__()
        tokens = tokenize(captions)
        self.captions, self.heads = len(captions), heads
        self.register_buffer("tokens", torch.cat([tokens, torch.zeros_like(tokens[:1])]), persistent=False)
        self.word = nn.Embedding(len(vocabulary(captions)), width)
        self.place = nn.Embedding(tokens.shape[1], width)
        self.norm1, self.qkv, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
        )

    def forward(self, label: Label, b: int) -> Tensor:
        """Return the encoded words `[b, words, width]` of the captions with these numbers."""
        rows = label_rows(label, b, self.captions).to(self.tokens.device)
        h = self.word(self.tokens[rows]) + self.place.weight
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.qkv(self.norm1(h)).chunk(3, 2))
        h = h + self.out(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return h + self.mix(h)


class CrossAttention(nn.Module):
    """h + attention(places, tokens): every place of the picture reads the caption (Rombach et al. 2022)."""

    def __init__(self, width: int, text: int, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.norm = heads, nn.GroupNorm(8, width)
        self.query, self.key_value = nn.Conv2d(width, width, 1), nn.Linear(text, 2 * width)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, h: Tensor, text: Tensor) -> Tensor:
        """Return h `[b, c, h, w]` plus what each place has read in the text `[b, n, width]`."""
        q, k, v = self.parts(h, text)
        read = nn.functional.scaled_dot_product_attention(q, k, v)
        return h + self.out(read.transpose(-1, -2).reshape(h.shape))

    def parts(self, h: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries `[b, heads, places, c]`, keys and values `[b, heads, n, c]`."""
        b, c = h.shape[:2]
        q = self.query(self.norm(h)).reshape(b, self.heads, c // self.heads, -1).transpose(-1, -2)
        k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.key_value(text).chunk(2, 2))
        return q, k, v
