"""text_similarity: how alike are two texts, from 0 to 1?

Which library stands behind a metric of the service is not published. fuzzy_match reproduces the score
printed in Azure's documentation; the others follow azure-ai-evaluation, Microsoft's open implementation
of the same names. Text in scripts without ``a-z0-9`` has no words for rouge.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dryrun.core.errors import GraderError, Problem
from dryrun.core.paths import cache_dir
from dryrun.core.records import Prompt
from dryrun.graders.format.findings import Finding, Severity
from dryrun.graders.kinds.text import ComparingSpec
from dryrun.graders.protocol import CANNOT_RUN, BuildOptions, Grader
from dryrun.graders.specs import spoken


class Metric(StrEnum):
    """How text_similarity measures; each gives 0 to 1."""

    FUZZY_MATCH = "fuzzy_match"
    BLEU = "bleu"
    GLEU = "gleu"
    METEOR = "meteor"
    COSINE = "cosine"
    """Cosine of embeddings, from an endpoint. Evals only: reinforcement fine-tuning refuses it."""
    ROUGE_1 = "rouge_1"
    ROUGE_2 = "rouge_2"
    ROUGE_3 = "rouge_3"
    ROUGE_4 = "rouge_4"
    ROUGE_5 = "rouge_5"
    ROUGE_L = "rouge_l"


ALIKE: Mapping[Metric, str] = {
    Metric.FUZZY_MATCH: "in its characters (fuzzy_match)",
    Metric.BLEU: "in its runs of one to four words, counted from the response (bleu)",
    Metric.GLEU: "in its runs of one to four words, counted from both sides (gleu)",
    Metric.COSINE: "in meaning, by the angle between their embeddings (cosine)",
    Metric.METEOR: "in its words, their stems and synonyms (meteor)",
    Metric.ROUGE_L: "in its longest common sequence of words (rouge_l)",
}


class TextSimilaritySpec(ComparingSpec):
    """Measures how alike two texts are; pays 0 to 1."""

    also_called: ClassVar[tuple[str, ...]] = ("similarity", "fuzzy", "fuzzy_match")
    telling: ClassVar[tuple[str, ...]] = ("evaluation_metric",)
    meant: ClassVar[Mapping[str, str]] = {
        **ComparingSpec.meant,
        "fuzzy": "fuzzy_match",
        "rouge": "rouge_l",
        "levenshtein": "fuzzy_match",
        "metric": "evaluation_metric",
    }

    type: Literal["text_similarity"]
    evaluation_metric: Annotated[Metric, Field(strict=False, description=f"One of {', '.join(Metric)}.")]
    pass_threshold: float | None = None

    @property
    def asks_models(self) -> bool:
        return self.evaluation_metric is Metric.COSINE

    def describe(self) -> str:
        by = ALIKE.get(self.evaluation_metric, f"in its word sequences ({self.evaluation_metric})")
        return f"Pays 0 to 1 for how alike {spoken(self.input)} and {spoken(self.reference)} are, {by}."

    def check(self, where: str, rows: Sequence[Prompt], response_format: bool) -> Iterator[Finding]:
        yield from super().check(where, rows, response_format)
        read = [part.namespace for template in self.templates.values() for part in template.references]
        if read == ["sample"] and len(rows) > 1:
            what = "every response is compared with the same text, whatever its row asks."
            yield Finding(
                Severity.WARNING, f"{where}.reference", what, "Name a field: {{item.reference_answer}}."
            )
        if self.evaluation_metric is Metric.COSINE:
            what = "cosine compares embeddings: the service has it for evals, not for fine-tuning."
            fix = "Before training use fuzzy_match, a rouge metric or a judge."
            yield Finding(Severity.WARNING, f"{where}.evaluation_metric", what, fix)

    def build(self, options: BuildOptions) -> Grader:
        if self.evaluation_metric is not Metric.COSINE:
            return self.comparing(similarity(self.evaluation_metric))
        from dryrun.graders.kinds.cosine import CosineGrader  # numpy and the HTTP client: for this alone

        templates = self.templates
        return CosineGrader(templates["input"], templates["reference"], options.judge_access())


Similarity = Callable[[str, str], float]
"""Input and reference -> 0 to 1."""


def similarity(metric: Metric) -> Similarity:
    """The function behind a metric. The library it needs is loaded here.

    Raises
    ------
    GraderError
        ``meteor`` without WordNet.
    """
    if metric is Metric.FUZZY_MATCH:
        return _fuzzy_match()
    if metric.startswith("rouge"):
        return _rouge(rouge_name(metric))
    from dryrun.graders.tokens import words

    score = {Metric.BLEU: _bleu, Metric.GLEU: _gleu, Metric.METEOR: _meteor}[metric]()
    return lambda answer, reference: float(score(words(reference), words(answer)))


def rouge_name(metric: Metric) -> str:
    """What rouge-score calls it: ``rouge1``, ``rougeL``."""
    return metric.replace("_l", "L").replace("_", "")


def _fuzzy_match() -> Similarity:
    """Indel similarity of the characters: ``1 - distance / (len(a) + len(b))``; two empty texts are alike."""
    from rapidfuzz import fuzz

    return lambda answer, reference: fuzz.ratio(answer, reference) / 100


def _rouge(kind: str) -> Similarity:
    """F1 of shared n-grams, or of the longest common subsequence; no stemming (Lin 2004)."""
    if kind == "rougeL":
        return _longest_common()
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind], use_stemmer=False)
    return lambda answer, reference: float(scorer.score(reference, answer)[kind].fmeasure)


def _longest_common() -> Similarity:
    """rougeL as rouge-score has it, whose own table takes the product of both lengths in memory."""
    from rapidfuzz.distance import LCSseq
    from rouge_score.tokenizers import DefaultTokenizer

    words = DefaultTokenizer(use_stemmer=False).tokenize

    def score(answer: str, reference: str) -> float:
        first, second = words(answer), words(reference)
        # twice the product of precision and recall by their sum
        return 2 * LCSseq.similarity(first, second) / (len(first) + len(second)) if first and second else 0.0

    return score


OfWords = Callable[[list[str], list[str]], float]
"""The words of reference and input -> 0 to 1."""


def _bleu() -> OfWords:
    """Sentence BLEU up to 4-grams, smoothed by method 4 of Chen and Cherry (2014)."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smooth = SmoothingFunction().method4
    return lambda reference, answer: sentence_bleu([reference], answer, smoothing_function=smooth)


def _gleu() -> OfWords:
    """Sentence GLEU: the smaller of precision and recall of all 1- to 4-grams (Wu et al. 2016)."""
    from nltk.translate.gleu_score import sentence_gleu

    return lambda reference, answer: sentence_gleu([reference], answer)


def _meteor() -> OfWords:
    """METEOR with stems and WordNet synonyms, alpha 0.9, beta 3, gamma 0.5 (Banerjee and Lavie 2005)."""
    from nltk.translate.meteor_score import single_meteor_score

    if not _has_wordnet():
        _fetch_wordnet()
    if not _has_wordnet():
        fix = "Run python -m nltk.downloader wordnet once, or use another metric."
        what = "meteor needs WordNet, which is not installed here and could not be fetched."
        raise GraderError(CANNOT_RUN, [Problem("$.evaluation_metric", what, fix)])
    score: OfWords = single_meteor_score
    return score


def _has_wordnet() -> bool:
    from nltk.corpus import wordnet

    with contextlib.suppress(LookupError):
        wordnet.ensure_loaded()
        return True
    return False


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
