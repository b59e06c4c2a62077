"""Numbers as a row writes them: +49, $5, 1,250.00, 1'250.00, 3.20e-5, 12.5%."""

from __future__ import annotations

import re

_MODEL = re.compile(
    r"(?P<plus>\+?)(?P<money>[$€£]?)(?:\d{1,3}(?P<mark>[,'’])\d{3}(?:(?P=mark)\d{3})*|\d*)"
    r"(?:\.(?P<decimals>\d+))?(?P<power>[eE][-+]?\d+)?(?P<percent>%?)\Z"
)


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
