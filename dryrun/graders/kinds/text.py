"""Graders that compare two filled templates: string_check and text_similarity.

string_check: is the one text the other, or within it?

text_similarity: how alike are two texts, from 0 to 1?

Which library stands behind a metric of the service is published for none of them. fuzzy_match
reproduces the score printed in Azure's documentation; the others follow azure-ai-evaluation,
Microsoft's open implementation of the same names. Text in scripts without ``a-z0-9`` has no words for rouge.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from dryrun.core.errors import GraderError, Problem
from dryrun.core.paths import cache_dir
from dryrun.core.records import Grade, Item, Sample
from dryrun.graders.format.specs import Metric, Operation
from dryrun.graders.format.template import Template, VariableError
from dryrun.graders.protocol import NO_SAMPLE, TOGETHER, Grader, Pair, Take, graded, unfilled
from dryrun.graders.sandbox.sample_fields import filler

Comparison = Callable[[str, str], float]
"""Input and reference, filled -> reward."""


LONG = 0.002
"""Seconds. A comparison that took longer is followed by one on another thread: the event loop, and with it
every call to the model, would have to wait for it."""


class ComparingGrader(Grader):
    """Fills ``input`` and ``reference`` and compares them.

    Parameters
    ----------
    given, reference : Template
        The grader's two templates.
    compare : callable
        ``(input, reference) -> reward``; must not fail on any text.
    """

    def __init__(self, given: Template, reference: Template, compare: Comparison) -> None:
        self._given, self._reference = filler(given), filler(reference)
        self._compare = compare
        self._thread = asyncio.Lock()
        self._long, self._aside = False, 0

    @property
    def at_once(self) -> int:
        """Many: no grade waits for anything."""
        return TOGETHER

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """Grade several samples, as `grade` does."""
        for place, (sample, item) in enumerate(pairs):
            if self._long:
                grade = await self._grade_aside(sample, item)
            else:
                grade = self._grade(sample, item)
                if grade.seconds > LONG:
                    self._long = True
            take(place, grade)

    async def _grade_aside(self, sample: Sample, item: Item) -> Grade:
        """On another thread, one at a time: more would only take turns, and nltk's corpora bear but one."""
        self._aside += 1
        try:
            async with self._thread:
                grade = await asyncio.to_thread(self._grade, sample, item)
        finally:
            self._aside -= 1
        self._long = bool(self._aside) or grade.seconds > LONG
        return grade

    def _grade(self, sample: Sample, item: Item) -> Grade:
        if not sample.gradable:
            return NO_SAMPLE
        start = perf_counter()
        try:
            given, reference = self._given(sample, item), self._reference(sample, item)
        except VariableError as error:
            return unfilled(error)
        return graded(self._compare(given, reference), perf_counter() - start)


CHECKS: Mapping[Operation, Callable[[str, str], bool]] = {
    Operation.EQ: lambda given, reference: given == reference,
    Operation.NE: lambda given, reference: given != reference,
    Operation.LIKE: lambda given, reference: reference in given,
    # casefold() would also equate ß and ss; the service's folding is unpublished, lower() is the plain one
    Operation.ILIKE: lambda given, reference: reference.lower() in given.lower(),
}


def string_check(operation: Operation, given: str, reference: str) -> float:
    """1.0 when the check holds, else 0.0. The needle of ``like`` and ``ilike`` is `reference`."""
    return float(CHECKS[operation](given, reference))


Similarity = Callable[[str, str], float]
"""Input and reference -> 0 to 1."""


def similarity(metric: Metric) -> Similarity:
    """The function behind a metric. The library it needs is loaded here.

    Raises
    ------
    GraderError
        ``meteor`` without WordNet.
    """
    match metric:
        case Metric.FUZZY_MATCH:
            return _fuzzy_match()
        case Metric.BLEU:
            return _bleu()
        case Metric.GLEU:
            return _gleu()
        case Metric.METEOR:
            return _meteor()
        case _:
            return _rouge(metric.value.replace("_l", "L").replace("_", ""))


def _fuzzy_match() -> Similarity:
    """Indel similarity of the characters: ``1 - distance / (len(a) + len(b))``; two empty texts are alike."""
    from rapidfuzz import fuzz

    return lambda given, reference: fuzz.ratio(given, reference) / 100


def _rouge(kind: str) -> Similarity:
    """F1 of shared n-grams, or of the longest common subsequence; no stemming (Lin 2004)."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind], use_stemmer=False)
    return lambda given, reference: float(scorer.score(reference, given)[kind].fmeasure)


def _bleu() -> Similarity:
    """Sentence BLEU up to 4-grams, smoothed by method 4 of Chen and Cherry (2014)."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    from dryrun.graders.tokens import words

    smooth = SmoothingFunction().method4
    return lambda given, reference: float(
        sentence_bleu([words(reference)], words(given), smoothing_function=smooth)
    )


def _gleu() -> Similarity:
    """Sentence GLEU: the smaller of precision and recall of all 1- to 4-grams (Wu et al. 2016)."""
    from nltk.translate.gleu_score import sentence_gleu

    from dryrun.graders.tokens import words

    return lambda given, reference: float(sentence_gleu([words(reference)], words(given)))


def _meteor() -> Similarity:
    """METEOR with stems and WordNet synonyms, alpha 0.9, beta 3, gamma 0.5 (Banerjee and Lavie 2005)."""
    from nltk.corpus import wordnet
    from nltk.translate.meteor_score import single_meteor_score

    from dryrun.graders.tokens import words

    try:
        wordnet.ensure_loaded()
    except LookupError:
        _fetch_wordnet()
    try:
        wordnet.ensure_loaded()
    except LookupError:
        fix = "Run python -m nltk.downloader wordnet once, or use another metric."
        what = "meteor needs WordNet, which is not installed here and could not be fetched."
        raise GraderError(
            "This grader cannot run here:", [Problem("$.evaluation_metric", what, fix)]
        ) from None
    return lambda given, reference: float(single_meteor_score(words(reference), words(given)))


def _fetch_wordnet() -> None:
    """WordNet (11 MB) from nltk's own index into the user's cache directory, once."""
    import nltk

    folder = str(cache_dir() / "nltk_data")
    if folder not in nltk.data.path:
        nltk.data.path.append(folder)
    try:
        nltk.data.find("corpora/wordnet.zip", [folder])
    except LookupError:
        with contextlib.suppress(Exception):  # no network, no space: the caller says what is missing
            nltk.download("wordnet", download_dir=folder, quiet=True, print_error_to=io.StringIO())
