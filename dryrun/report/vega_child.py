"""Runs in a process of its own: Vega-Lite charts as JSON come in, their pictures go out as JSON.

The one argument is the form: ``svg``, or ``png``, which leaves as base64.
"""

import base64
import json
import sys
from typing import Any

import vl_convert

SHARP = 2
"""Pixels of a PNG for each pixel of the chart."""
VEGA: dict[str, Any] = {"vl_version": "6.4", "allowed_base_urls": []}
"""Nothing is fetched for a chart."""


def drawn(chart: dict[str, Any], form: str = "svg") -> str:
    """The chart as SVG, or as PNG in base64."""
    if form == "png":
        return base64.b64encode(vl_convert.vegalite_to_png(chart, scale=SHARP, **VEGA)).decode()
    svg: str = vl_convert.vegalite_to_svg(chart, **VEGA)
    return svg


if __name__ == "__main__":
    pictures = {name: drawn(chart, sys.argv[1]) for name, chart in json.load(sys.stdin).items()}
    json.dump(pictures, sys.stdout)
