"""Price, time and sizes of the training that a run was made for."""

from dryrun.report.forecast.of_run import Outlook, outlook_of
from dryrun.report.forecast.words import outlook_figures, outlook_sections

__all__ = ["Outlook", "outlook_figures", "outlook_of", "outlook_sections"]
