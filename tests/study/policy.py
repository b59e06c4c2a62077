"""A character-level transformer of 0.2 M parameters in JAX: likelihood, sampling with a cache, Adam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from tests.study.tasks import ANSWER, PROMPT

Array = Any
Params = dict[str, Any]

PAD, SEP, END = 0, 1, 2
CHARACTERS = " .<>/*abcdefghijklmnopqrstuvwxyz0123456789"
CODES = {character: code for code, character in enumerate(CHARACTERS, 3)}
VOCABULARY = len(CHARACTERS) + 3
LAYERS, WIDTH, HEADS = 2, 96, 4
LENGTH = PROMPT + ANSWER


def encoded(prompts: Sequence[str]) -> NDArray[np.int32]:
    """Prompts as codes, at the right end of PROMPT places."""
    codes = np.full((len(prompts), PROMPT), PAD, np.int32)
    for row, prompt in enumerate(prompts):
        codes[row, PROMPT - len(prompt) :] = [CODES[character] for character in prompt]
    return codes


def encoded_answers(answers: Sequence[str]) -> NDArray[np.int32]:
    """Responses as codes with their end, padded to ANSWER places."""
    codes = np.full((len(answers), ANSWER), PAD, np.int32)
    for row, answer in enumerate(answers):
        codes[row, : len(answer) + 1] = [*(CODES[character] for character in answer), END]
    return codes


def decoded(codes: NDArray[np.int32]) -> list[str]:
    """Responses as text up to their end; what is no character of an answer shows as `?`."""
    return [
        "".join(CHARACTERS[code - 3] if code > END else "?" for code in row[: int(length)])
        for row, length in zip(codes, lengths(codes), strict=True)
    ]


def lengths(codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Characters before the end of each response; ANSWER where there is no end."""
    ended = codes == END
    found: NDArray[np.int64] = np.where(ended.any(axis=1), ended.argmax(axis=1), codes.shape[1])
    return found


def initial(seed: int) -> Params:
    """Untrained parameters."""
    keys = iter(jax.random.split(jax.random.key(seed), 4 + 4 * LAYERS))

    def normal(*shape: int) -> Array:
        return 0.05 * jax.random.normal(next(keys), shape)

    def layer() -> Params:
        return {
            "qkv": normal(WIDTH, 3 * WIDTH),
            "out": normal(WIDTH, WIDTH),
            "up": normal(WIDTH, 4 * WIDTH),
            "down": normal(4 * WIDTH, WIDTH),
            "norm": jnp.ones((2, WIDTH)),
        }

    return {
        "tokens": normal(VOCABULARY, WIDTH),
        "places": normal(LENGTH, WIDTH),
        "head": normal(WIDTH, VOCABULARY),
        "layers": [layer() for _ in range(LAYERS)],
    }


def _norm(x: Array, scale: Array) -> Array:
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6) * scale


def _block(layer: Params, x: Array, cache: Array, place: int | Array, mask: Array) -> tuple[Array, Array]:
    """One layer over `x` (batch, n, WIDTH), whose first place is `place`; the cache holds keys and values."""
    batch, count, _ = x.shape
    qkv = (_norm(x, layer["norm"][0]) @ layer["qkv"]).reshape(batch, count, 3, HEADS, WIDTH // HEADS)
    query, fresh = qkv[:, :, 0], jnp.moveaxis(qkv[:, :, 1:], 2, 0)
    cache = jax.lax.dynamic_update_slice(cache, fresh, (0, 0, place, 0, 0))
    scores = jnp.einsum("bnhd,bmhd->bhnm", query, cache[0]) / (WIDTH // HEADS) ** 0.5
    chances = jax.nn.softmax(jnp.where(mask, scores, -1e9), axis=-1)
    seen = jnp.einsum("bhnm,bmhd->bnhd", chances, cache[1]).reshape(batch, count, WIDTH)
    x = x + seen @ layer["out"]
    return x + jax.nn.gelu(_norm(x, layer["norm"][1]) @ layer["up"]) @ layer["down"], cache


def _pass(
    params: Params, tokens: Array, caches: Array, place: int | Array, padding: Array
) -> tuple[Array, Array]:
    """Logits of `tokens` (batch, n) that stand from `place` on, and the caches with them."""
    count = tokens.shape[1]
    places = place + jnp.arange(count)
    size = caches[0].shape[2]
    causal = jnp.arange(size)[None, :] <= places[:, None]
    mask = causal[None, None] & ~padding[:, None, None, :size]
    x = params["tokens"][tokens] + params["places"][places]
    kept = []
    for layer, cache in zip(params["layers"], caches, strict=True):
        x, cache = _block(layer, x, cache, place, mask)
        kept.append(cache)
    return _norm(x, 1.0) @ params["head"], kept


def _empty(batch: int, size: int) -> list[Array]:
    return [jnp.zeros((2, batch, size, HEADS, WIDTH // HEADS)) for _ in range(LAYERS)]


def _padding(prompts: Array) -> Array:
    return jnp.pad(prompts == PAD, ((0, 0), (0, LENGTH - PROMPT)))


def log_likelihood(params: Params, prompts: Array, answers: Array, group: int = 1) -> Array:
    """log p of each code of the answers, `group` to each prompt; shape (prompts * group, ANSWER)."""
    padding = _padding(prompts)
    _, caches = _pass(params, prompts, _empty(len(prompts), LENGTH), 0, padding)
    caches = [jnp.repeat(cache, group, axis=1) for cache in caches]
    tokens = jnp.concatenate([jnp.full((len(answers), 1), SEP), answers[:, :-1]], axis=1)
    logits, _ = _pass(params, tokens, caches, PROMPT, jnp.repeat(padding, group, axis=0))
    return jnp.take_along_axis(jax.nn.log_softmax(logits), answers[:, :, None], axis=2)[:, :, 0]


def counted(answers: Array) -> Array:
    """1 for each code up to the end of its answer, 0 after it; shape (batch, ANSWER)."""
    ended = jnp.cumsum(answers == END, axis=1) - (answers == END)
    return (ended == 0).astype(jnp.float32)


def _sample(params: Params, prompts: Array, key: Array, group: int) -> tuple[Array, Array]:
    """`group` responses to each prompt: codes and log p, both (prompts * group, ANSWER)."""
    padding = _padding(prompts)
    _, caches = _pass(params, prompts, _empty(len(prompts), LENGTH), 0, padding)
    caches = [jnp.repeat(cache, group, axis=1) for cache in caches]
    padding = jnp.repeat(padding, group, axis=0)

    def step(state: Any, at: Any) -> Any:
        caches, token = state
        place, key = at
        logits, caches = _pass(params, token[:, None], caches, place, padding)
        chances = jax.nn.log_softmax(logits[:, 0])
        drawn = jax.random.categorical(key, chances).astype(jnp.int32)
        return (caches, drawn), (drawn, jnp.take_along_axis(chances, drawn[:, None], 1)[:, 0])

    start = jnp.full(len(prompts) * group, SEP, jnp.int32)
    at = (PROMPT + jnp.arange(ANSWER), jax.random.split(key, ANSWER))
    _, (codes, chances) = jax.lax.scan(step, (caches, start), at)
    return codes.T, chances.T


sample_codes = partial(jax.jit, static_argnames="group")(_sample)


@dataclass
class Adam:
    """Adam with gradients clipped to a norm of 1."""

    rate: float
    first: Any = None
    second: Any = None
    count: int = 0

    def step(self, params: Params, gradient: Params, scale: float = 1.0) -> Params:
        """The parameters after one step; `scale` multiplies the rate."""
        if self.first is None:
            self.first = self.second = jax.tree.map(jnp.zeros_like, params)
        self.count += 1
        params, self.first, self.second = _adam(
            params, gradient, self.first, self.second, float(self.count), self.rate * scale
        )
        return params


def _adam_step(params: Any, gradient: Any, first: Any, second: Any, count: Any, rate: Any) -> Any:
    size = jnp.sqrt(sum(jnp.sum(leaf * leaf) for leaf in jax.tree.leaves(gradient)))
    gradient = jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, 1.0 / (size + 1e-9)), gradient)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.98 * v + 0.02 * g * g, second, gradient)
    moved = jax.tree.map(
        lambda p, m, v: p - rate * (m / (1 - 0.9**count)) / (jnp.sqrt(v / (1 - 0.98**count)) + 1e-8),
        params,
        first,
        second,
    )
    return moved, first, second


_adam = jax.jit(_adam_step)


def saved(params: Params) -> dict[str, NDArray[np.float32]]:
    """Parameters by name, as NumPy keeps them."""
    return {
        jax.tree_util.keystr(path): np.asarray(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }


def loaded(kept: dict[str, NDArray[np.float32]]) -> Params:
    """The parameters that `saved` wrote."""
    shape = initial(0)
    leaves = [
        jnp.asarray(kept[jax.tree_util.keystr(path)])
        for path, _ in jax.tree_util.tree_leaves_with_path(shape)
    ]
    params: Params = jax.tree.unflatten(jax.tree.structure(shape), leaves)
    return params
