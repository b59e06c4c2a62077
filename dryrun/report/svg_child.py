"""Runs in a process of its own: Vega-Lite charts as JSON on standard input, their SVG on standard output."""

import json
import sys
from typing import Any

import vl_convert


def drawn(chart: dict[str, Any]) -> str:
    """The chart as SVG; nothing is fetched for it."""
    svg: str = vl_convert.vegalite_to_svg(chart, vl_version="6.4", allowed_base_urls=[])
    return svg


if __name__ == "__main__":
    json.dump({name: drawn(chart) for name, chart in json.load(sys.stdin).items()}, sys.stdout)
