"""Runs in a process of its own: Vega-Lite charts as JSON on standard input, their SVG on standard output."""

import json
import sys

import vl_convert

if __name__ == "__main__":
    charts = json.load(sys.stdin)
    drawn = {
        name: vl_convert.vegalite_to_svg(chart, vl_version="6.4", allowed_base_urls=[])
        for name, chart in charts.items()
    }
    json.dump(drawn, sys.stdout)
