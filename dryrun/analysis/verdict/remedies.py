"""Which findings block a run, and what to do about each."""

from __future__ import annotations

from dryrun.analysis.verdict.words import DatasetQuality, GraderQuality

BROKEN = {
    GraderQuality.TOO_STRICT,
    GraderQuality.TOO_LENIENT,
    GraderQuality.CANNOT_DIFFERENTIATE,
    GraderQuality.HACKABLE,
    GraderQuality.DISAGREES,
}


RE_SCORE = "Then re-score the stored responses (Adjust Grader): no call is made."
FAILING = 0.5
"""Above this share of grades that carry an error, the error is what to mend, whatever the scores say."""
MEND_ERROR = f"Mend the grader's error first: most grades carry one, and each of them counts as 0. {RE_SCORE}"
NEXT: dict[DatasetQuality | GraderQuality, str] = {
    GraderQuality.TOO_STRICT: f"Loosen the grader until your reference answers earn the maximum. {RE_SCORE}",
    GraderQuality.TOO_LENIENT: f"Make the grader refuse wrong and empty answers. {RE_SCORE}",
    GraderQuality.CANNOT_DIFFERENTIATE: f"Make the grader tell right answers from junk. {RE_SCORE}",
    GraderQuality.HACKABLE: f"Close that hole in the grader. {RE_SCORE}",
    GraderQuality.NOISY: "Average several grades, or make the rubric concrete and the judge's temperature 0.",
    GraderQuality.DISAGREES: f"Read where people and grader differ, and mend the grader. {RE_SCORE}",
    DatasetQuality.TOO_HARD: "Use easier prompts, or teach the basics by SFT first.",
    DatasetQuality.TOO_EASY: "Use harder prompts: there is nothing left to learn.",
    DatasetQuality.HOMOGENEOUS: "Add prompts of other difficulty.",
    DatasetQuality.POLARISED: "Drop prompts that are always right or always wrong.",
    DatasetQuality.BAD_REFERENCES: "Mend the reference answers that fail, or drop their rows.",
    DatasetQuality.REFUSALS: "Reword the prompts, or use another base model.",
}
"""What to do about each finding."""
