"""What this visitor may do with a run: the one place where it is decided.

Code that opens a run asks here, and gets only what is allowed; buttons follow, they do not protect.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dryrun.app.shared.access.account import holders
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.store.access import LinkKind, belongs_to, owner_of
from dryrun.store.runs import Run


class Right(StrEnum):
    """Something that can be done with a run; the value completes "cannot"."""

    FIGURES = "see the figures"
    SAMPLES = "see prompts, responses and the grader"
    EXPORT = "download"
    COPY = "copy the configuration"
    LABEL = "label responses"
    PAGES = "open the run's own pages"
    """By its id: watch it, compare it, score its responses with another grader."""
    CONTROL = "cancel, resume or change the run"
    """Also: check its grader, choose its ceiling, label into its verdict."""
    EDIT = "name, put away or delete the run"
    SHARE = "share the run"


class ViewerRole(StrEnum):
    """As what a visitor comes to a run."""

    OWNER = "owner"
    """Who started it; on one's own machine everybody."""
    HOLDER = "holder"
    """Who has the run's id, and did not start it."""
    OPEN = "open"
    """Who has the id of a run that was made before Dry Run kept who starts one."""
    RECORDED = "recorded"
    """Anybody, of a recorded example."""
    SAMPLES = "samples link"
    FIGURES = "figures link"


_READ = {Right.FIGURES, Right.SAMPLES, Right.EXPORT, Right.COPY}
RIGHTS: dict[ViewerRole, frozenset[Right]] = {
    ViewerRole.OWNER: frozenset(Right),
    ViewerRole.HOLDER: frozenset({*_READ, Right.LABEL, Right.PAGES}),
    ViewerRole.OPEN: frozenset({*_READ, Right.LABEL, Right.PAGES, Right.CONTROL}),
    ViewerRole.RECORDED: frozenset({*_READ, Right.LABEL, Right.PAGES}),
    ViewerRole.SAMPLES: frozenset(_READ),
    ViewerRole.FIGURES: frozenset({Right.FIGURES}),
}
BY_LINK = {LinkKind.FIGURES: ViewerRole.FIGURES, LinkKind.SAMPLES: ViewerRole.SAMPLES}
WHY_NOT = {
    ViewerRole.HOLDER: "Only the person who started this run can {right}.",
    ViewerRole.OPEN: "Nobody can {right} here: this run was made before Dry Run kept who starts one.",
    ViewerRole.RECORDED: "Nobody can {right}: it is a recorded example.",
    ViewerRole.SAMPLES: "This link is read-only: it does not let you {right}.",
    ViewerRole.FIGURES: "This link shows figures only: it does not let you {right}.",
}


@dataclass(frozen=True, slots=True)
class Access:
    """What a visitor may do with one run."""

    role: ViewerRole = ViewerRole.OWNER

    def may(self, right: Right) -> bool:
        """Whether it is allowed."""
        return right in RIGHTS[self.role]

    def need(self, right: Right) -> None:
        """Pass where it is allowed.

        Raises
        ------
        DryRunError
            It is not.
        """
        if not self.may(right):
            raise DryRunError(WHY_NOT[self.role].format(right=right.value))

    @property
    def by_link(self) -> bool:
        """Whether the visitor came by a read-only link, and is not to learn the run's id."""
        return self.role in (ViewerRole.SAMPLES, ViewerRole.FIGURES)


def access_to(run: Run) -> Access:
    """What anyone who knows the run's id may do."""
    if not hosted():
        return Access(ViewerRole.OWNER)
    if owner_of(run) is None:
        return Access(ViewerRole.OPEN)
    return Access(ViewerRole.OWNER if belongs_to(run, holders()) else ViewerRole.HOLDER)
