"""Numbers as rows and people write them: +49, $5, 1,250.00, 1'250.00, 3.20e-5, 12.5%, sixty-two."""

from __future__ import annotations

import re

_MODEL = re.compile(
    r"(?P<plus>\+?)(?P<money>[$€£]?)(?:\d{1,3}(?P<mark>[,'’])\d{3}(?:(?P=mark)\d{3})*|\d*)"
    r"(?:\.(?P<decimals>\d+))?(?P<power>[eE][-+]?\d+)?(?P<percent>%?)\Z"
)
_SMALL, _TENS = (
    re.findall(r"\w+", words)
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen",
        "twenty thirty forty fifty sixty seventy eighty ninety",
    )
)
_VALUES = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}
_SCALES = {"thousand": 1_000, "million": 1_000_000}
_WORD = "|".join(sorted([*_VALUES, "hundred", *_SCALES], key=len, reverse=True))
_RUN = re.compile(rf"\b(?:{_WORD})(?:(?:\s+and)?[\s-]+(?:{_WORD}))*\b", re.I)


def written_like(number: str, model: str) -> str:
    """A number in the notation of another one, so that a pattern which finds one finds both.

    Parameters
    ----------
    number : str
        As Python writes it.
    model : str
        Its signs before and behind, its mark between thousands, its power of ten and its noughts behind the
        decimal point are taken over.
    """
    like = _MODEL.match(model.lstrip("-−"))
    if like is None:
        return number
    sign, figure = ("-", number[1:]) if number.startswith("-") else (like["plus"], number)
    places = len(like["decimals"] or "")
    if like["power"]:
        mantissa, _, power = f"{float(figure):.{places}e}".partition("e")
        plus = "+" if like["power"][1] == "+" and int(power) >= 0 else ""
        figure = f"{mantissa}{like['power'][0]}{plus}{int(power)}"
    elif "e" not in figure:
        whole, _, decimals = figure.partition(".")
        if like["mark"]:
            whole = f"{int(whole or 0):,}".replace(",", like["mark"])
        decimals = decimals.ljust(places, "0")
        figure = f"{whole}.{decimals}" if decimals else whole
    return f"{sign}{like['money']}{figure}{like['percent']}"


def plain_figure(value: float) -> str:
    """A number without a power of ten, where it is not too long."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.10g}"


def in_digits(text: str) -> str:
    """The text with whole numbers in digits where they stand in English words: one hundred and five thousand.

    A lone "one" stays, since it may be no number, and so do words in a row that are no single number.
    """
    return _RUN.sub(lambda run: run[0] if run[0].casefold() == "one" else _value(run[0]), text)


def _value(run: str) -> str:
    whole = part = 0
    for word in re.findall(_WORD, run.casefold()):
        if word in _SCALES:
            whole, part = whole + max(part, 1) * _SCALES[word], 0
        elif word == "hundred":
            part = max(part, 1) * 100
        else:
            value, last = _VALUES[word], part % 100
            if last and not (last >= 20 and last % 10 == 0 and 0 < value < 10):
                return run  # "two four" are two numbers, "sixty-two" is one
            part += value
    return str(whole + part)
